"""`write_report`: sections of Markdown with tables and charts, as one Markdown file and one page."""

import base64
import html
from collections.abc import Sequence

from anyio import to_thread
from markdown_it import MarkdownIt
from pydantic import BaseModel, Field

from app.tools.charts import shown
from app.tools.folder import read, save
from app.tools.foreign import visible
from app.tools.ports import Outcome, Permission, Tool, ToolContext
from app.tools.tables import load, numeric

MAX_TABLE_ROWS = 50
# No HTML, pictures or links from the model's words: what it read may want them to lure or to tell.
MARKDOWN = MarkdownIt("js-default").disable(["image", "link", "autolink", "html_inline", "html_block", "linkify"])
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{{font:16px/1.55 system-ui,sans-serif;color:#1f2937;background:#fff}}
body{{max-width:46rem;margin:2rem auto;padding:0 1rem}}
h1{{font-size:1.7rem;line-height:1.2}}h2{{font-size:1.2rem;margin-top:2rem}}img{{max-width:100%;height:auto}}
table{{border-collapse:collapse;font-size:.9rem;margin:1rem 0}}
th,td{{padding:.3rem .7rem;border-bottom:1px solid #e5e7eb;text-align:left;vertical-align:top}}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


class Section(BaseModel, extra="forbid"):
    """One part of a report."""

    heading: str = Field(min_length=1, max_length=200)
    text: str = Field(description="Markdown without HTML, links and pictures", max_length=50_000)
    table_file: str = Field("", description="CSV file of this run to show as a table")
    chart_file: str = Field("", description="SVG file of this run to show")


class Report(BaseModel, extra="forbid"):
    """A whole report."""

    title: str = Field(min_length=1, max_length=200)
    sections: list[Section] = Field(min_length=1, max_length=30)


def report_writer() -> Tool:
    """The tool."""
    return Tool(
        "write_report",
        "Write the report of this run as report.md and report.html, with saved tables and charts in it.",
        Permission.WRITE,
        Report,
        _work,
    )


async def _work(report: Report, context: ToolContext) -> Outcome:
    return await to_thread.run_sync(_write, report, context, abandon_on_cancel=True)


def _write(report: Report, context: ToolContext) -> Outcome:
    title = _line(report.title)
    parts, body = [f"# {title}"], []
    for section in report.sections:
        heading, words = _line(section.heading), visible(section.text).strip()
        if section.table_file:
            words = f"{words}\n\n{_table(context, section.table_file)}".strip()
        parts += [f"## {heading}", words]
        body += [f"<h2>{html.escape(heading)}</h2>", MARKDOWN.render(words)]
        if section.chart_file:
            picture = base64.b64encode(read(context, section.chart_file, ".svg").encode()).decode()
            parts.append(f"![{heading}]({section.chart_file})")
            body.append(f'<p><img alt="{html.escape(heading)}" src="data:image/svg+xml;base64,{picture}"></p>')
    page = PAGE.format(title=html.escape(title), body="\n".join(body))
    files = save(context, {"report.md": "\n\n".join(parts) + "\n", "report.html": page})
    return Outcome(f"Report {title!r} saved as report.md and report.html, {len(report.sections)} sections.", files)


def _table(context: ToolContext, name: str) -> str:
    """A CSV file as a Markdown table; columns of numbers stand to the right."""
    table = load(context, name)
    numbers = [numeric(table.column(column)) for column in table.columns]
    rows = [[_value(cell, number) for cell, number in zip(row, numbers, strict=True)] for row in table.rows]
    lines = [_row(table.columns), _row(["---:" if number else "---" for number in numbers])]
    lines += [_row(row) for row in rows[:MAX_TABLE_ROWS]]
    if len(rows) > MAX_TABLE_ROWS:
        lines.append(f"\n{len(rows) - MAX_TABLE_ROWS} more rows are in {name}.")
    return "\n".join(lines)


def _value(cell: str, number: bool) -> str:
    return shown(float(cell)) if number and len(cell) > 4 else cell  # a short one may be a year


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_line(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _line(text: str) -> str:
    return " ".join(visible(text).split())
