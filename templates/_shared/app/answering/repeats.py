"""Questions that were answered before: found again while documents, prompt and model are the same."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from anyio import to_thread

from app.answering.assistant import Answer
from app.answering.writing import Prepared
from app.bootstrap import Platform
from app.llm.cache import AnswerCache, cache_scope
from app.llm.usage import Usage
from app.observability.telemetry import trace_id

TENANT = "library"  # this service has one library; a service with several names each here


@dataclass(frozen=True)
class Lookup:
    """A question that was looked up: where its answer belongs, and the earlier answer if there is one."""

    scope: str
    question: str
    prepared: Prepared
    answer: Answer | None


class Repeats:
    """Keeps finished answers and gives them again."""

    def __init__(self, platform: Platform) -> None:
        self._cache = AnswerCache(platform.catalog.engine, platform.settings.cache)
        self._settings = platform.settings.cache
        self._catalog = platform.catalog
        self._embedder = platform.embedder
        self._lookups = platform.telemetry.cache_lookups

    async def look_up(self, question: str, filters: Mapping[str, str], prepared: Prepared) -> Lookup | None:
        """What is known of this question as things are now; None when nothing is to be kept.

        An earlier answer is marked as such; it cost nothing now. The lookup holds the question's vector if it took one.
        """
        if not self._settings.enabled:
            return None
        started = time.perf_counter()
        scope, kept = await to_thread.run_sync(self._find, question, filters, prepared)
        outcome = "exact"
        if kept is None and self._settings.semantic_threshold:
            (vector,) = await self._embedder.embed([question], "query")
            kept, outcome = await to_thread.run_sync(self._cache.find_similar, scope, question, vector), "similar"
            prepared = replace(prepared, vector=vector)
        self._lookups.add(1, {"outcome": outcome if kept else "miss"})
        return Lookup(scope, question, prepared, _again(kept, started) if kept else None)

    async def keep(self, lookup: Lookup, answer: Answer) -> None:
        """Remember an answer of the model that the scope names: not a fallback's, and not one that was copied."""
        if answer.degraded or answer.model != lookup.prepared.model.model_name:
            return
        vector, text = lookup.prepared.vector, answer.model_dump_json()
        await to_thread.run_sync(self._cache.keep, lookup.scope, lookup.question, vector, text)

    def _find(self, question: str, filters: Mapping[str, str], prepared: Prepared) -> tuple[str, str | None]:
        """The scope and the answer to this very question; everything that waits for the database, in one thread."""
        index, prompt, model = self._catalog.version(), prepared.prompt.label, prepared.model.model_name
        scope = cache_scope(tenant=TENANT, prompt=prompt, index=index, model=model, filters=filters)
        return scope, self._cache.find(scope, question)


def _again(kept: str, started: float) -> Answer:
    latency = round((time.perf_counter() - started) * 1000, 1)
    now = {"cached": True, "usage": Usage(), "latency_ms": latency, "trace_id": trace_id()}
    return Answer.model_validate_json(kept).model_copy(update=now)
