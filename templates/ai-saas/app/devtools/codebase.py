"""The repositories of one organisation: searched by meaning, and explained from the files that its library holds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.answering.citations import best_quote
from app.bootstrap import Platform
from app.devtools.architecture import Architecture, explain
from app.devtools.code import CAMEL
from app.devtools.imports import build_graph, read_module
from app.errors import NotFound
from app.stores.catalog import DocumentStatus
from app.stores.ports import EVERYWHERE, Chunk

PYTHON = ".py"


@dataclass(frozen=True, slots=True)
class FoundCode:
    """A piece of code or documentation that a search found, and its line that is nearest to what was asked."""

    passage: Chunk
    quote: str
    score: float

    @property
    def name(self) -> str:
        """What the piece defines, such as `method Ledger.add`; empty where it has no name."""
        return defined_at(self.passage.locator)


async def search_code(platform: Platform, question: str, kind: str = "") -> list[FoundCode]:
    """The pieces that speak about `question`, best first; of one `kind` of file, such as `py` or `md`, if one is given.

    None where the evidence is too thin.
    """
    asked = with_words(question)
    evidence = await platform.retriever.search(asked, {"format": kind} if kind else EVERYWHERE)
    if evidence.coverage < platform.settings.retrieval.min_evidence:
        return []
    return [FoundCode(h.chunk, best_quote(asked, h.chunk.text), round(h.score, 6)) for h in evidence.hits]


def defined_at(locator: str) -> str:
    """The name in a locator such as `function parseTide (parse Tide), lines 3-9`."""
    return locator.rpartition(", ")[0].partition(" (")[0]


def with_words(question: str) -> str:
    """The question, and the words that its identifiers are made of: `parseTide` is found by `parse` and `Tide`."""
    apart = [CAMEL.sub(" ", word) for word in question.split() if CAMEL.search(word)]
    return " ".join([question, *apart])


def repositories(platform: Platform) -> dict[str, int]:
    """The repositories that hold Python, by name, and how many Python files are ready."""
    return dict(sorted(Counter(name.partition("/")[0] for name in _python_files(platform)).items()))


def architecture_of(platform: Platform, repository: str) -> Architecture:
    """The repository explained.

    Raises:
        NotFound: there is no Python file in a repository of this name.
    """
    names = [name for name in _python_files(platform) if name.startswith(f"{repository}/")]
    if not names:
        raise NotFound(f"There is no Python code in {repository!r}.", "Send the repository, and wait until it is read.")
    return explain(build_graph([read_module(name, platform.index.passages(name)) for name in names]))


def _python_files(platform: Platform) -> Sequence[str]:
    ready = platform.catalog.documents(status=DocumentStatus.READY)
    return [record.name for record in ready if record.name.endswith(PYTHON) and "/" in record.name]
