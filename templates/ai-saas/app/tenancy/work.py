"""Background work: a job belongs to an organisation and is done on its platform, or not at all once that is deleted."""

from anyio import to_thread
from fastapi import FastAPI

from app.errors import NotFound
from app.ingestion.intake import Intake
from app.ingestion.library import Library
from app.tenancy.tenants import Tenants


def job_key(organisation: str, identifier: str) -> str:
    """The key of the job that reads a document; two jobs of one key never run at once."""
    return f"{organisation}:{identifier}"


class DocumentWork:
    """Reads the documents that wait, of every organisation."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants

    async def do(self, key: str) -> None:
        """Read one document; called again after a failure.

        Raises:
            Exception: whatever went wrong while the organisation exists.
        """
        organisation, _, identifier = key.partition(":")
        try:
            platform = await to_thread.run_sync(self._tenants.open, organisation)
            await Library(platform).process(identifier)
        except NotFound:
            return
        except Exception:
            if await to_thread.run_sync(self._tenants.exists, organisation):
                raise

    def waiting(self) -> list[str]:
        """The keys of all documents that wait, organisation by organisation."""
        return [
            job_key(organisation, identifier)
            for organisation in self._tenants.all()
            for identifier in Intake(self._tenants.open(organisation).catalog.engine).waiting()
        ]


def delete_organisation(app: FastAPI, organisation: str) -> None:
    """Delete an organisation and whatever waits to be done for it; its payments end first.

    Raises:
        NotFound: there is no such organisation.
        PaymentsUnavailable: they cannot be ended now; then nothing is deleted.
    """
    if billing := getattr(app.state, "billing", None):
        billing.close(organisation)
    app.state.tenants.delete(organisation)
    if jobs := getattr(app.state, "jobs", None):
        jobs.drop(f"{organisation}:")
