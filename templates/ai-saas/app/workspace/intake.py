"""Documents on their way in: paid for from the plan, kept, and put before the workers; and out again."""

from collections.abc import Callable, Sequence

from app.billing.plans import Kind, QuotaReached
from app.billing.usage import Usage
from app.ingestion.library import Library, Source
from app.stores.catalog import DocumentRecord, document_id
from app.tenancy.scope import OrganisationScope
from app.tenancy.work import job_key

Put = Callable[[str], None]


class DocumentIntake:
    """Counts documents and their bytes, so that a plan is never exceeded, not even by two uploads at once.

    `put` takes the key of a job; it is None until workers run, and what was kept until then waits for them.
    """

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self.put: Put | None = None

    def accept(self, scope: OrganisationScope, library: Library, sources: Sequence[Source]) -> list[DocumentRecord]:
        """Pay for all, then keep all. What a killed process left undone, sending the same documents again does.

        Raises:
            QuotaReached: they do not fit; what was paid for some of them is given back.
        """
        before = {source.name: library.catalog.known(source.name) for source in sources}
        paid: list[Source] = []
        try:
            for source in sources:
                self._pay(scope, source, before[source.name])
                paid.append(source)
        except QuotaReached:
            for source in paid:
                self._repay(scope, source, before[source.name])
            raise
        for source in sources:
            earlier = before[source.name]
            if earlier and earlier.sha256 != source.sha256:  # given back before it is replaced, while it is known
                self._usage.give_back(scope, Kind.STORAGE_BYTES, _bytes_key(earlier.id, earlier.sha256))
            if library.intake.accept(source.name, source.data) and self.put:
                self.put(job_key(scope.organisation, document_id(source.name)))
        return [library.catalog.document(document_id(source.name)) for source in sources]

    def release(self, scope: OrganisationScope, record: DocumentRecord) -> None:
        """Give back what a document that is gone took of the plan."""
        self._usage.give_back(scope, Kind.STORAGE_BYTES, _bytes_key(record.id, record.sha256))
        self._usage.give_back(scope, Kind.DOCUMENTS, record.id)

    def _pay(self, scope: OrganisationScope, source: Source, earlier: DocumentRecord | None) -> None:
        identifier = document_id(source.name)
        self._usage.take(scope, Kind.DOCUMENTS, 1, identifier)
        try:
            self._usage.take(scope, Kind.STORAGE_BYTES, len(source.data), _bytes_key(identifier, source.sha256))
        except QuotaReached:
            if earlier is None:
                self._usage.give_back(scope, Kind.DOCUMENTS, identifier)
            raise

    def _repay(self, scope: OrganisationScope, source: Source, earlier: DocumentRecord | None) -> None:
        identifier = document_id(source.name)
        if earlier is None:
            self._usage.give_back(scope, Kind.DOCUMENTS, identifier)
        if earlier is None or earlier.sha256 != source.sha256:
            self._usage.give_back(scope, Kind.STORAGE_BYTES, _bytes_key(identifier, source.sha256))


def _bytes_key(identifier: str, sha256: str) -> str:
    """Under what a document's bytes are counted: other bytes of the same document are other ones."""
    return f"{identifier}/{sha256}"
