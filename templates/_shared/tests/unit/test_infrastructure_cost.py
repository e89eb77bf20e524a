"""What the price table counts stands in the infrastructure; the page says what the table says."""

import re
from pathlib import Path

import pytest

from delivery.cost import MARKS, PAGE, Part, between_marks, main, markdown, present

TABLE, DEPLOY = present()
PARTS: list[Part] = getattr(TABLE, DEPLOY).parts
FILES = [*Path("infra").glob("*/*.tf"), *Path("infra").glob("*/*.example"), *Path("deploy").rglob("*.yaml")]
TEXT = re.sub(r"[ \t]+", " ", "\n".join(file.read_text("utf-8") for file in FILES))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.what)
def test_a_part_that_costs_money_is_there(part: Part) -> None:
    assert f'resource "{part.resource}"' in TEXT or f"kind: {part.resource}\n" in TEXT
    assert [text for text in part.stands if text not in TEXT] == []


def test_the_tables_go_between_the_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "cost.md"
    page.write_text(f"# Cost\n\n{MARKS[0]}\n\nold\n\n{MARKS[1]}\n\nthe end\n")
    monkeypatch.setattr("delivery.cost.PAGE", page)
    main(["--write"])
    assert between_marks(page.read_text()) == markdown(TABLE, DEPLOY)
    assert page.read_text().endswith("\n\nthe end\n")


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text("utf-8") if PAGE.exists() else ""
    if MARKS[0] in page:
        assert between_marks(page) == markdown(TABLE, DEPLOY), "run `uv run python -m delivery.cost --write`"
