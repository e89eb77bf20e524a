"""Long-term memory: kept with its origin, found by meaning, edited and forgotten, never another owner's."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.bootstrap import Platform, open_platform
from app.errors import InvalidInput, NotFound
from app.memory.store import LONGEST, Kind, Memories
from app.memory.tools import memory_tools
from app.settings import EmbeddingSettings, Settings
from app.tools.ports import ToolContext


@pytest.fixture
def memories(platform: Platform) -> Memories:
    return Memories(platform)


def keep(memories: Memories, owner: str, *texts: str, kind: Kind = Kind.FACT, run: str = "") -> list[str]:
    return [asyncio.run(memories.remember(owner, text, kind, run)).id for text in texts]


def found(memories: Memories, owner: str, question: str, kind: Kind | None = None) -> list[str]:
    return [memory.text for memory in asyncio.run(memories.recall(owner, question, kind=kind))]


def test_the_memory_that_fits_best_comes_first_with_its_origin(memories: Memories) -> None:
    keep(memories, "ann", "The fiscal year begins in April.", "Reports go to the board.", run="run-1")
    keep(memories, "ann", "I prefer pie charts.", kind=Kind.PREFERENCE)
    best = asyncio.run(memories.recall("ann", "Which charts does the owner prefer?"))[0]
    assert (best.text, best.kind, best.run) == ("I prefer pie charts.", Kind.PREFERENCE, "")
    year = asyncio.run(memories.recall("ann", "When does the fiscal year begin?"))[0]
    assert (year.run, year.kind) == ("run-1", Kind.FACT)
    assert year.score is not None
    assert 0.2 <= year.score <= 1


def test_what_has_nothing_to_do_with_the_question_is_not_recalled(memories: Memories) -> None:
    keep(memories, "ann", "The fiscal year begins in April.")
    assert found(memories, "ann", "zebra quilt") == []
    assert found(memories, "ann", "") == []


def test_no_owner_ever_sees_changes_or_forgets_anothers_memory(memories: Memories) -> None:
    (secret,) = keep(memories, "ann", "The merger is planned for May.")
    keep(memories, "bob", "The merger is a rumour.")
    assert found(memories, "bob", "When is the merger planned?") == ["The merger is a rumour."]
    assert [memory.text for memory in memories.listed("bob")] == ["The merger is a rumour."]
    with pytest.raises(NotFound):
        asyncio.run(memories.edit("bob", secret, "The merger is off."))
    with pytest.raises(NotFound):
        memories.forget("bob", secret)
    assert found(memories, "ann", "merger") == ["The merger is planned for May."]


def test_an_edited_memory_is_found_by_its_new_words_alone(memories: Memories) -> None:
    (identifier,) = keep(memories, "ann", "The office is in Rome.")
    assert found(memories, "ann", "Rome") == ["The office is in Rome."]
    edited = asyncio.run(memories.edit("ann", identifier, "The bakery stands near Vienna.", Kind.PREFERENCE))
    assert (edited.id, edited.kind) == (identifier, Kind.PREFERENCE)
    assert edited.updated_at > edited.created_at
    assert found(memories, "ann", "Rome office") == []
    assert found(memories, "ann", "Vienna") == ["The bakery stands near Vienna."]


def test_a_forgotten_memory_is_gone_for_good(memories: Memories) -> None:
    first, _ = keep(memories, "ann", "The office is in Rome.", "The office is in Vienna.")
    assert len(found(memories, "ann", "office")) == 2
    memories.forget("ann", first)
    assert found(memories, "ann", "office") == ["The office is in Vienna."]
    with pytest.raises(NotFound):
        memories.forget("ann", first)


def test_another_process_sees_what_this_one_changes(memories: Memories, platform: Platform) -> None:
    elsewhere = Memories(platform)
    first, second = keep(memories, "ann", "The office is in Rome.", "The office has two doors.")
    assert len(found(elsewhere, "ann", "office")) == 2
    memories.forget("ann", second)
    asyncio.run(memories.edit("ann", first, "The office is in Vienna."))
    assert found(elsewhere, "ann", "office") == ["The office is in Vienna."]


def test_the_same_text_is_kept_once_even_at_once(memories: Memories) -> None:
    async def together() -> set[str]:
        kept = await asyncio.gather(*(memories.remember("ann", "Tea at four.", Kind.FACT, "r") for _ in range(5)))
        return {memory.id for memory in kept}

    assert len(asyncio.run(together())) == 1
    assert len(memories.listed("ann")) == 1
    (other,) = keep(memories, "ann", "Tea at five.")
    with pytest.raises(InvalidInput, match="says the same"):
        asyncio.run(memories.edit("ann", other, "Tea at four."))


@pytest.mark.parametrize("text", ["", " \n\t ", "\0", "x" * (LONGEST + 1)], ids=["none", "spaces", "NUL", "too long"])
def test_no_memory_is_empty_or_huge(memories: Memories, text: str) -> None:
    with pytest.raises(InvalidInput):
        keep(memories, "ann", text)
    assert memories.listed("ann") == []


def test_a_secret_is_not_kept(memories: Memories) -> None:
    keep(memories, "ann", "The key is sk-abcdefghijklmnop123456.")
    assert [memory.text for memory in memories.listed("ann")] == ["The key is [secret]."]


def test_only_one_kind_is_found_where_one_is_asked_for(memories: Memories) -> None:
    keep(memories, "ann", "A chart of sales hangs in the hall.")
    keep(memories, "ann", "I like a chart with a grid.", kind=Kind.PREFERENCE)
    assert found(memories, "ann", "chart", Kind.PREFERENCE) == ["I like a chart with a grid."]
    assert [memory.kind for memory in memories.listed("ann", Kind.FACT)] == [Kind.FACT]


def test_memories_outlive_a_change_of_the_embedding_model(settings: Settings) -> None:
    with open_platform(settings) as platform:
        keep(Memories(platform), "ann", "The office is in Rome.")
    other = settings.model_copy(update={"embedding": EmbeddingSettings(model="offline", dimensions=256)})
    other.store.index_url = settings.store.url.replace("app.db", "other.db")
    with open_platform(other) as platform:
        assert found(Memories(platform), "ann", "Rome") == ["The office is in Rome."]


def test_the_tools_work_for_the_owner_of_the_run(memories: Memories, tmp_path: Path) -> None:
    tools = {tool.name: tool for tool in memory_tools(memories)}

    def call(name: str, owner: str, arguments: Mapping[str, str]) -> str:
        async def work() -> str:
            context = ToolContext(run="run-7", owner=owner, call="1", folder=tmp_path)
            return (await tools[name].work(tools[name].arguments.model_validate(arguments), context)).text

        return asyncio.run(work())

    for _ in range(2):  # the second time as after a crash
        call("remember", "ann", {"text": "Management reads PDF only.", "kind": "preference"})
    assert [(memory.run, memory.kind) for memory in memories.listed("ann")] == [("run-7", Kind.PREFERENCE)]
    question = {"question": "What does management read?"}
    assert "Management reads PDF only." in call("recall", "ann", question)
    assert call("recall", "bob", question) == "Nothing is known about this."


@pytest.fixture
def memory_id(client: TestClient) -> str:
    made = client.post("/v1/memories", json={"text": "I prefer pie charts.", "kind": "preference"})
    assert made.status_code == 201
    identifier: str = made.json()["id"]
    return identifier


def test_a_memory_is_listed_found_edited_and_forgotten_over_http(client: TestClient, memory_id: str) -> None:
    (listed,) = client.get("/v1/memories").json()["memories"]
    assert listed["id"] == memory_id
    assert (listed["kind"], listed["source"]["run"], listed["score"]) == ("preference", "", None)
    (hit,) = client.get("/v1/memories", params={"query": "which charts?"}).json()["memories"]
    assert hit["score"] > 0.2
    assert client.get("/v1/memories", params={"kind": "fact"}).json()["memories"] == []
    edited = client.patch(f"/v1/memories/{memory_id}", json={"text": "I prefer bar charts."})
    assert (edited.json()["text"], edited.json()["kind"]) == ("I prefer bar charts.", "preference")
    assert client.delete(f"/v1/memories/{memory_id}").status_code == 204
    assert client.delete(f"/v1/memories/{memory_id}").status_code == 404
    assert client.get("/v1/memories").json() == {"memories": []}


def test_another_key_does_not_see_the_memory(client: TestClient, platform: Platform, memory_id: str) -> None:
    other = {"Authorization": f"Bearer {platform.catalog.keys.create('other')}"}
    assert client.get("/v1/memories", headers=other).json() == {"memories": []}
    assert client.get("/v1/memories", params={"query": "charts"}, headers=other).json() == {"memories": []}
    assert client.patch(f"/v1/memories/{memory_id}", json={"text": "mine"}, headers=other).status_code == 404
    assert client.delete(f"/v1/memories/{memory_id}", headers=other).status_code == 404
    assert client.get("/v1/memories").json()["memories"][0]["text"] == "I prefer pie charts."


@pytest.mark.parametrize("body", [{"text": ""}, {"text": "x" * 1001}, {"text": "a\u0000b"}, {"text": "a", "kind": "b"}])
def test_a_bad_memory_is_refused_over_http(client: TestClient, body: dict[str, str]) -> None:
    assert client.post("/v1/memories", json=body).status_code == 422
    assert client.get("/v1/memories").json() == {"memories": []}
