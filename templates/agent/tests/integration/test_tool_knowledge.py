"""The documents are found by what they say, follow their folder, and are never mixed with memories."""

import asyncio
from pathlib import Path

import pytest

from app.bootstrap import Platform
from app.knowledge.base import MAX_CHARACTERS, KnowledgeBase, passages
from app.memory.store import Kind, Memories
from app.tools.knowledge import KnowledgeSearch
from app.tools.registry import SAMPLES
from tests.unit.tool_calls import use

LONG = "\n\n".join(" ".join([f"Paragraph {n} says little."] * 10) for n in range(20))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "hr").mkdir(parents=True)
    (tmp_path / "docs" / "hr" / "leave.md").write_text(
        "# Leave\n\nStaff have 27 days of leave.\n\n## Sick\n\nCall Mara.\n"
    )
    (tmp_path / "docs" / "coffee.md").write_text("# Coffee\n\nThe machine stands in the hall.\n")
    return tmp_path / "docs"


def ask(platform: Platform, folder: Path, question: str) -> str:
    tool = KnowledgeSearch(KnowledgeBase(platform, folder), 0.65).tool()
    return use(tool, folder, {"question": question}).text


def test_an_answer_says_where_it_stands(platform: Platform, folder: Path) -> None:
    text = ask(platform, folder, "How many days of leave do staff have?")
    assert text.startswith("<untrusted>[hr/leave.md, Leave] Staff have 27 days of leave.")
    assert "[hr/leave.md, Leave &gt; Sick]" in ask(platform, folder, "Whom do sick staff call?")


def test_a_question_of_another_world_is_called_so(platform: Platform, folder: Path) -> None:
    assert "hardly speak of this" in ask(platform, folder, "Which planet has machine rings?")


def test_without_documents_there_is_no_answer(platform: Platform, tmp_path: Path) -> None:
    assert "The documents say nothing about this." in ask(platform, tmp_path, "How many days of leave do staff have?")


def test_changed_documents_are_taken_over_and_gone_ones_dropped(platform: Platform, folder: Path) -> None:
    ask(platform, folder, "leave")
    (folder / "hr" / "leave.md").write_text("# Leave\n\nStaff have 30 days of leave.\n")
    (folder / "coffee.md").unlink()
    text = ask(platform, folder, "How many days of leave do staff have?")
    assert "30 days" in text
    assert "27 days" not in text
    assert "hall" not in ask(platform, folder, "Where does the coffee machine stand?")


def test_an_unchanged_document_is_not_read_in_again(
    platform: Platform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(platform, folder, "leave")
    monkeypatch.setattr(type(platform.index), "upsert", lambda *_: pytest.fail("stored again"))
    assert "27 days" in ask(platform, folder, "How many days of leave do staff have?")


def test_without_the_folder_what_was_known_stays(platform: Platform, folder: Path) -> None:
    ask(platform, folder, "leave")
    assert "27 days" in ask(platform, folder / "gone", "How many days of leave do staff have?")


def test_memories_are_no_documents(platform: Platform, folder: Path) -> None:
    asyncio.run(Memories(platform).remember("ann", "Staff have 99 days of leave.", Kind.FACT))
    assert "99" not in ask(platform, folder, "How many days of leave do staff have?")


def test_a_long_section_is_cut_between_paragraphs() -> None:
    chunks = passages("a.md", f"Before.\n\n# One\n\n## Two\n\n{LONG}\n\n# Three\n\nEnd.\n")
    assert (chunks[0].locator, chunks[1].locator, chunks[-1].locator) == ("", "One > Two", "Three")
    assert all(len(chunk.text) <= MAX_CHARACTERS for chunk in chunks)
    assert "".join(c.text for c in chunks if c.locator == "One > Two").replace("\n", "") == LONG.replace("\n", "")
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))


@pytest.mark.parametrize("who", ["management", "finance", "customer care"])
def test_the_samples_know_the_mailboxes(platform: Platform, who: str) -> None:
    assert f"{who.split()[-1]}@brindlemark.example" in ask(platform, SAMPLES / "knowledge", f"e-mail address of {who}")
