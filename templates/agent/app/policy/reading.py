"""What the policy takes out of texts: files, rows, addresses, dates, and the sentences that answer a question."""

import csv
import html
import re
from calendar import monthrange
from collections.abc import Iterable

from app.llm.offline import extract
from app.policy.goals import ADDRESS

DAY = re.compile(r"\b20\d\d-(?:0[1-9]|1[0-2])-\d\d\b")
LARGE = re.compile(r"\d{4,}(?:\.\d+)?")
MARK = re.compile(r"\s*\[\d+\]$")


def file_named(text: str, suffix: str) -> str:
    """The first file name with this suffix; empty where there is none."""
    found = re.search(rf"[\w./-]+\.{suffix}\b", text)
    return found[0] if found else ""


def rows_in(text: str) -> list[list[str]]:
    """The rows of a table that a tool shows below one line of words and the columns' names."""
    return [row for row in csv.reader(text.splitlines()[2:]) if row]


def shown(cell: str) -> str:
    """A number from 1,000 on as a reader wants it, rounded to a whole one; anything else as it is."""
    return f"{float(cell):,.0f}" if LARGE.fullmatch(cell) else cell


def address_for(who: str, texts: Iterable[str]) -> str:
    """The address in a line `WHO: ADDRESS`, else the first one in a line that speaks of `who`; empty for none."""
    lines = [line for text in texts for line in text.splitlines() if who.lower() in line.lower()]
    entries = [line for line in lines if re.search(rf"(?:^|[-*] ){re.escape(who)}: +[\w.+-]+@", line, re.IGNORECASE)]
    return next((found[0].rstrip(".") for line in [*entries, *lines] if (found := ADDRESS.search(line))), "")


def days_of(text: str, month: str, months: int) -> tuple[str, str]:
    """First and last day of `month`, else of the newest `months` whole months; two empty texts for all of the time."""
    if month:
        return f"{month}-01", f"{month}-{monthrange(*map(int, month.split('-')))[1]}"
    return whole_months(text, months) if months else ("", "")


def whole_months(text: str, months: int) -> tuple[str, str]:
    """First and last day of the newest `months` whole months up to the newest day that `text` names."""
    year, month, day = map(int, max(DAY.findall(text), default="2000-01-31").split("-"))
    last = year * 12 + month - (day < monthrange(year, month)[1])
    first = last - months
    year, month = (last - 1) // 12, (last - 1) % 12 + 1
    return f"{first // 12}-{first % 12 + 1:02}-01", f"{year}-{month:02}-{monthrange(year, month)[1]}"


def answer_in(question: str, text: str) -> str:
    """The sentences of `text` that fit the question best, copied; empty where none does."""
    said = extract(f'<passage id="1">{html.escape(text)}</passage><question>{html.escape(question)}</question>')
    return " ".join(MARK.sub("", sentence) for sentence in said)
