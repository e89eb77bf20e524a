"""Who wrote a document, when and where: read from its front matter, written as BibTeX and as a line of text."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

SPECIAL = re.compile(r"[\\{}$&#^_%~]")
ESCAPES = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}"}
WORD = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True)
class Reference:
    """What is known of a document; what its front matter does not say is empty, the title is then its name."""

    document: str
    title: str
    authors: tuple[str, ...] = ()
    year: str = ""
    venue: str = ""

    @property
    def key(self) -> str:
        """A citation key such as `okafor2024shade`."""
        surname = self.authors[0].split()[-1] if self.authors else "anonymous"
        first = next((word for word in WORD.findall(plain(self.title)) if len(word) > 3), "untitled")
        return "".join(WORD.findall(plain(surname))).lower() + self.year + first.lower()

    @property
    def line(self) -> str:
        """Authors, year, title and venue in one line."""
        who = " and ".join(self.authors) or "Anonymous"
        return f"{who} ({self.year or 'no year'}). {self.title}." + (f" {self.venue}." if self.venue else "")

    def bibtex(self, key: str) -> str:
        """An entry; characters that TeX would obey are escaped."""
        fields = {"title": f"{{{tex(self.title)}}}", "author": tex(" and ".join(self.authors)), "year": tex(self.year)}
        fields |= {"journal": tex(self.venue), "note": tex(self.document)}
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
        return "\n".join([f"@{'article' if self.venue else 'misc'}{{{key},", *lines, "}"])


def reference(document: str, tags: Mapping[str, str]) -> Reference:
    """The reference of a document whose passages carry these tags; authors are divided by `;`."""
    authors = tuple(name.strip() for name in tags.get("authors", "").split(";") if name.strip())
    return Reference(document, tags.get("title", document), authors, tags.get("year", ""), tags.get("venue", ""))


def bibliography(references: list[Reference]) -> str:
    """BibTeX of all, with keys that differ: the second `okafor2024shade` is `okafor2024shadea`."""
    used: set[str] = set()
    entries = []
    for each in references:
        key = next(key for key in _keys(each.key) if key not in used)
        used.add(key)
        entries.append(each.bibtex(key))
    return "\n\n".join(entries) + "\n" if entries else ""


def plain(text: str) -> str:
    """Letters without their accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def tex(text: str) -> str:
    """Text that TeX prints as it is."""
    return SPECIAL.sub(lambda match: ESCAPES.get(match[0], f"\\{match[0]}"), text)


def _keys(key: str) -> list[str]:
    """The key, and what it becomes where it is taken; more than any library needs."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [key, *(f"{key}{a}" for a in letters), *(f"{key}{a}{b}" for a in letters for b in letters)]
