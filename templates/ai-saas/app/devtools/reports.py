"""What the developers' calls answer: JSON shapes."""

from collections.abc import Sequence

from pydantic import BaseModel

from app.devtools.architecture import Architecture
from app.devtools.codebase import FoundCode
from app.devtools.repository import Repository
from app.stores.catalog import DocumentRecord, DocumentStatus


class FileShape(BaseModel):
    """One file that is to be read."""

    id: str
    name: str
    status: DocumentStatus


class RepositoryReport(BaseModel):
    """The files that were taken, and how many were left out for which reason."""

    name: str
    files: list[FileShape]
    left_out: dict[str, int]


class FoundShape(BaseModel):
    """A piece of a file: `name` is what it defines, `quote` the line nearest to what was asked."""

    document: str
    locator: str
    name: str
    text: str
    quote: str
    score: float


class SearchReport(BaseModel):
    """Pieces of code and documentation, best first; none where nothing speaks about it."""

    found: list[FoundShape]


class ProofShape(BaseModel):
    """Where a statement can be read: `quote` stands word for word in `document` at `locator`."""

    document: str
    locator: str
    quote: str


class StatementShape(BaseModel):
    """One sentence about the code."""

    topic: str
    text: str
    citations: list[ProofShape]


class EdgeShape(BaseModel):
    """`importer` imports `imported`."""

    importer: str
    imported: str


class ArchitectureReport(BaseModel):
    """A repository explained from its imports; the first of `layers` imports no other module of the repository."""

    repository: str
    statements: list[StatementShape]
    layers: list[list[str]]
    imports: list[EdgeShape]


def repository_report(name: str, records: Sequence[DocumentRecord], repository: Repository) -> RepositoryReport:
    """What was taken of an archive."""
    files = [FileShape(id=record.id, name=record.name, status=record.status) for record in records]
    return RepositoryReport(name=name, files=files, left_out=repository.left_out)


def search_report(found: Sequence[FoundCode]) -> SearchReport:
    """What a search found."""
    return SearchReport(
        found=[
            FoundShape(
                document=each.passage.document,
                locator=each.passage.locator,
                name=each.name,
                text=each.passage.text,
                quote=each.quote,
                score=each.score,
            )
            for each in found
        ]
    )


def architecture_report(repository: str, architecture: Architecture) -> ArchitectureReport:
    """The explanation of a repository."""
    statements = [
        StatementShape(
            topic=statement.topic,
            text=statement.text,
            citations=[
                ProofShape(document=proof.document, locator=proof.locator, quote=proof.quote)
                for proof in statement.proofs
            ],
        )
        for statement in architecture.statements
    ]
    edges = [EdgeShape(importer=edge.importer, imported=edge.imported) for edge in architecture.graph.edges]
    return ArchitectureReport(
        repository=repository, statements=statements, layers=list(map(list, architecture.layers)), imports=edges
    )
