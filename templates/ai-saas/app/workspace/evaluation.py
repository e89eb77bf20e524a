"""What the suites of all flavours share: the samples in an empty library."""

from app.bootstrap import Platform
from app.ingestion.library import Library, Source
from app.ingestion.parsing import PARSERS
from app.ingestion.sources import documents_in
from app.workspace.flavour import Flavour


async def ingest_samples(platform: Platform, flavour: Flavour) -> int:
    """Add the flavour's sample documents, read by its readers, to the library; return how many passages they have."""
    PARSERS.update(flavour.readers)
    sources = [Source(name, file.read_bytes()) for name, file in documents_in([flavour.samples])]
    records = await Library(platform).add_batch(sources)
    return sum(record.chunks for record in records)
