"""Contracts cut into clauses: what a reader searches, cites and compares is a clause, never half a page."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from app.errors import InvalidInput
from app.ingestion.sections import Section
from app.stores.ports import Chunk

MOST_CLAUSES = 400
FEWEST_NUMBERED = 3  # with fewer numbered headings a text is a letter with a list, not a contract
TITLE = r"(?P<title>[A-Z][\w ,&'\u2019/()-]{1,70})(?:\.(?:\s+(?P<rest>\S.*))?)?"
NUMBERED = re.compile(r"(?P<number>\d{1,3})(?:\s*[.):\u2013\u2014-]\s*|\s+)" + TITLE)
NAMED = re.compile(
    r"(?i:article|section|clause|§)\s*(?P<number>\d{1,3}|[IVXLC]{1,7})\s*[.):\u2013\u2014-]?\s*" + f"(?:{TITLE})?"
)
NUMBER_IN_TITLE = re.compile(r"(?:article|section|clause|§)?\s*(\d+(?:\.\d+)*|[IVXLC]{1,7}(?=[.):]))[.):]?\s+", re.I)
PLACE = re.compile(r" \((?:lines?|pages?) [\d-]+\)$")
COUNTED_PLACE = re.compile(r"(line|page)s? (\d+)(?:-(\d+))?")
ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause as the library holds it; `locator` is its heading path, or its heading and its lines or page."""

    document: str
    locator: str
    text: str

    @property
    def heading(self) -> str:
        """The clause's own heading, such as `4. Payment`."""
        return PLACE.sub("", self.locator.rpartition(" > ")[2])

    @property
    def number(self) -> str:
        """`4` of `4. Payment`; empty for a clause without a number."""
        found = NUMBER_IN_TITLE.match(self.heading)
        return found[1] if found else ""

    @property
    def title(self) -> str:
        """`Payment` of `4. Payment`."""
        return NUMBER_IN_TITLE.sub("", self.heading, count=1)


def clauses_of(passages: Sequence[Chunk]) -> list[Clause]:
    """The clauses of one document from its passages in reading order.

    Raises:
        InvalidInput: more than `MOST_CLAUSES`: that is no contract.
    """
    groups = groupby(passages, key=lambda passage: (passage.document, passage.locator))
    clauses = [Clause(*place, "\n".join(passage.text for passage in parts)) for place, parts in groups]
    if len(clauses) > MOST_CLAUSES:
        raise InvalidInput(
            f"{clauses[0].document!r} has {len(clauses)} clauses.", f"Split it: at most {MOST_CLAUSES} are compared."
        )
    return clauses


Reader = Callable[[str, bytes], list[Section]]


def reading_clauses(reader: Reader) -> Reader:
    """A reader whose sections are the clauses of what `reader` reads."""
    return lambda name, data: by_clause(reader(name, data))


def by_clause(sections: Sequence[Section]) -> list[Section]:
    """One section for each numbered clause; as they came where headings cut them already, or nothing is numbered.

    Numbers count up from 1, so a list inside a clause does not look like the next clause.
    """
    if any(" > " in section.locator for section in sections):
        return list(sections)
    clauses = list(_cut(sections))
    return [clause.section() for clause in clauses] if len(clauses) > FEWEST_NUMBERED else list(sections)


@dataclass
class _Open:
    """A clause that is being read."""

    heading: str
    places: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def section(self) -> Section:
        """The clause with where it stands: its lines or pages, as far as the reader counted them."""
        place = _span(self.places)
        return Section(f"{self.heading} ({place})" if place else self.heading, "\n".join(self.lines).strip())


def _cut(sections: Iterable[Section]) -> Iterator[_Open]:
    """The text before the first clause, then every clause."""
    clause, count = _Open("beginning"), 0
    for section in (section for section in sections if section.text.strip()):
        for line in section.text.split("\n"):
            heading = _heading(line.strip(), count + 1)
            if heading:
                yield clause
                title, line = heading
                count += 1
                clause = _Open(title)
            clause.places.append(section.locator)
            clause.lines.append(line)
    yield clause


def _heading(line: str, due: int) -> tuple[str, str] | None:
    """The heading in this line and the text after it, if it opens clause number `due`."""
    found = NUMBERED.fullmatch(line) or NAMED.fullmatch(line)
    if found is None or _value(found["number"]) != due:
        return None
    title = (found["title"] or "").strip()
    return f"{due}. {title}" if title else f"Clause {due}", found["rest"] or ""


def _value(number: str) -> int:
    """The value of a decimal or a Roman number."""
    if number.isdigit():
        return int(number)
    digits = [ROMAN[letter] for letter in number]
    return sum(-d if d < after else d for d, after in zip(digits, [*digits[1:], 0], strict=True))


def _span(places: Sequence[str]) -> str:
    """`lines 3-9` or `pages 2-3` for all places together; empty where they are not counted."""
    counted = [found for place in places if (found := COUNTED_PLACE.fullmatch(place))]
    if not counted:
        return ""
    first, last = counted[0][2], counted[-1][3] or counted[-1][2]
    return f"{counted[0][1]} {first}" if first == last else f"{counted[0][1]}s {first}-{last}"
