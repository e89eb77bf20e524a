"""Questions that were answered before: found again while documents, prompt and model are the same."""

import time

from anyio import to_thread

from app.answering.assistant import PROMPT, Answer
from app.bootstrap import Platform
from app.llm.cache import AnswerCache, cache_scope
from app.llm.usage import Usage
from app.observability.telemetry import trace_id

TENANT = "library"  # this service has one library; a service with several names each here


class Repeats:
    """Keeps finished answers and gives them again."""

    def __init__(self, platform: Platform) -> None:
        self._cache = AnswerCache(platform.catalog.engine, platform.settings.cache)
        self._settings = platform.settings.cache
        self._catalog = platform.catalog
        self._gateway = platform.gateway
        self._prompts = platform.prompts
        self._embedder = platform.embedder
        self._lookups = platform.telemetry.cache_lookups

    async def scope(self, question: str, filters: dict[str, str], caller: str) -> str | None:
        """Where the answer to this question belongs as things are now; None when nothing is to be kept."""
        if not self._settings.enabled:
            return None
        model, _ = self._gateway.choose(question)
        prompt = self._prompts.choose(PROMPT, caller).label
        index = await to_thread.run_sync(self._catalog.version)
        return cache_scope(tenant=TENANT, prompt=prompt, index=index, model=model.model_name, filters=filters)

    async def find(self, scope: str, question: str) -> Answer | None:
        """The earlier answer, marked as such; it cost nothing now."""
        started = time.perf_counter()
        kept, outcome = await to_thread.run_sync(self._cache.find, scope, question), "exact"
        if kept is None and self._settings.semantic_threshold:
            (vector,) = await self._embedder.embed([question], "query")
            kept, outcome = await to_thread.run_sync(self._cache.find_similar, scope, question, vector), "similar"
        self._lookups.add(1, {"outcome": outcome if kept else "miss"})
        if kept is None:
            return None
        latency = round((time.perf_counter() - started) * 1000, 1)
        now = {"cached": True, "usage": Usage(), "latency_ms": latency, "trace_id": trace_id()}
        return Answer.model_validate_json(kept).model_copy(update=now)

    async def keep(self, scope: str, question: str, answer: Answer) -> None:
        """Remember an answer; not one that was copied because no model answered."""
        if answer.degraded:
            return
        vector = None
        if self._settings.semantic_threshold:
            (vector,) = await self._embedder.embed([question], "query")
        await to_thread.run_sync(self._cache.keep, scope, question, vector, answer.model_dump_json())
