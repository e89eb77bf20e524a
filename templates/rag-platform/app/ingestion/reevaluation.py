"""After an index update the golden questions are asked again: once, when the documents have come to rest."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import structlog
from anyio import to_thread

from app.evals.due import IndexEvaluations
from app.evals.gate import Verdict
from app.llm.factory import is_offline
from app.settings import Settings
from app.stores.catalog import Catalog, DocumentStatus

JOB = "evaluation"  # its key in the queue; documents have hexadecimal ones
REST_SECONDS = 10.0  # between two looks; what both see has come to rest
COMMAND = (sys.executable, "-m", "app.cli", "eval", "due", "--run")
VERDICTS = {verdict.exit_code: verdict.value for verdict in Verdict}
UNSETTLED = (DocumentStatus.QUEUED, DocumentStatus.PROCESSING)

log = structlog.get_logger()


class Reevaluation:
    """Looks at the catalog now and then, and puts one job for each state that it rests in and that was not evaluated.

    Several processes may put one for the same state: the queue does them one after the other, and the command finds
    nothing due the second time.
    """

    def __init__(self, catalog: Catalog, put: Callable[[str], None]) -> None:
        self._catalog = catalog
        self._evaluations = IndexEvaluations(catalog)
        self._put = put
        self._seen = self._asked = ""

    async def watch(self) -> None:
        """Look until cancelled, whatever a look meets."""
        while True:
            await asyncio.sleep(REST_SECONDS)
            try:
                await to_thread.run_sync(self.look)
            except Exception:  # the database may be away for a while; the next look tries again
                log.warning("cannot see whether an evaluation is due", exc_info=True)

    def look(self) -> None:
        """Put a job where the documents changed, none waits, and the last look saw the same."""
        version = self._due()
        if version and version == self._seen and version != self._asked:
            self._put(JOB)
            self._asked = version
        self._seen = version

    def _due(self) -> str:
        """The state of the documents that waits for an evaluation; empty while there is none, or a document waits."""
        unsettled = any(self._catalog.documents(status=status, limit=1) for status in UNSETTLED)
        return "" if unsettled or not self._evaluations.due() else self._catalog.version()


def is_wanted(settings: Settings) -> bool:
    """Whether `APP_QUALITY__REEVALUATE` allows it with this model; a provider's costs money."""
    when = settings.quality.reevaluate
    return when == "always" or (when == "offline" and is_offline(settings.llm))


@asynccontextmanager
async def watching(settings: Settings, reevaluation: Reevaluation) -> AsyncIterator[None]:
    """Have it look for as long as the block runs, where that is wanted."""
    if not is_wanted(settings):
        yield
        return
    watcher = asyncio.create_task(reevaluation.watch())
    try:
        yield
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher


async def evaluate() -> None:
    """Ask the golden questions in a process of their own, so that no reader waits for them, and log what came of it."""
    done = await anyio.run_process(COMMAND, check=False)
    told = done.stderr.decode(errors="replace").strip()
    verdict = VERDICTS.get(done.returncode, "not evaluated")
    tell = log.warning if verdict == Verdict.BLOCK.value else log.info
    tell("golden questions on the served index", verdict=verdict, told=told)
