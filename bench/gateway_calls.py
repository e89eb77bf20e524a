"""The calls that `bench/gateway.py` measures; it runs this file with a generated project on the path.

python bench/gateway_calls.py PROVIDER CALLS
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx2
from app.llm.alerts import BudgetAlerts
from app.llm.factory import build_gateway
from app.llm.gateway import Gateway
from app.llm.metering import Meter
from app.llm.spending import Spending
from app.observability.telemetry import build_telemetry
from app.settings import BudgetSettings, LLMSettings
from app.stores.database import open_database
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import ModelRequest
from pydantic_ai.models import Model, infer_model
from pydantic_ai.settings import ModelSettings

BOUND_MS, BOUND_SHARE = 3.0, 0.45
ROUNDS = 3
WARM_UP = 20
AFTER_DEATH = 20
MODEL, FALLBACK = "openai:gpt-5-mini", "ollama:served"
HELLO = [ModelRequest.user_text_prompt("When do the doors open?")]
BARE = ModelSettings(max_tokens=800)

Call = Callable[[], Awaitable[str]]


class Took(NamedTuple):
    """Milliseconds."""

    wall: float
    cpu: float


def main(url: str, calls: int) -> int:
    """Print what was measured; exit code 1 beyond a bound."""
    os.environ |= {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": f"{url}/openai/v1"}
    os.environ["OLLAMA_BASE_URL"] = f"{url}/compatible/v1"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rounds = [asyncio.run(compare(Path(folder), calls)) for _ in range(ROUNDS)]
        (bare, bare_cpu), (through, through_cpu) = min(rounds, key=lambda both: both[1].wall - both[0].wall)
        reached, answered, seconds = asyncio.run(outage(url, Path(folder)))
    added, bound = through - bare, max(BOUND_MS, BOUND_SHARE * bare)
    print(
        f"the gateway    adds {added:.2f} ms p50 to {bare:.2f} ms = {added / BOUND_MS:.2f} of {BOUND_MS:.0f} ms, "
        f"{added / bare:.2f} of the bare client, of which it may take {bound / bare:.2f} "
        f"({calls} calls each, the quietest of {ROUNDS} rounds)"
    )
    print(
        f"               of CPU {through_cpu - bare_cpu:.2f} ms to {bare_cpu:.2f} ms, which a busy machine blurs less"
    )
    print(
        f"a dead one     got {reached} of {AFTER_DEATH} calls = {reached / AFTER_DEATH:.2f} x without a breaker; "
        f"{answered} answered, the slowest after {max(seconds) * 1000:.0f} ms"
    )
    return int(added > bound or reached > LLMSettings.model_validate({}).breaker_failures or answered < AFTER_DEATH)


async def compare(folder: Path, calls: int) -> tuple[Took, Took]:
    """The median call, bare and through the gateway, made in turn."""
    gateway = build_gateway(LLMSettings.model_validate({"primary": MODEL, "fallback": FALLBACK, "small": FALLBACK}))
    async with entered(infer_model(MODEL), *gateway.models.values()) as (model, *_):
        bare, through = ask_bare(model), ask_through(gateway, folder)
        for _ in range(WARM_UP):
            assert await bare() == await through()
        pairs = [(await timed(bare), await timed(through)) for _ in range(calls)]
    bare_took, through_took = (middle(took) for took in zip(*pairs, strict=True))
    return bare_took, through_took


def middle(took: Sequence[Took]) -> Took:
    """The median of each kind of time."""
    walls, cpus = zip(*took, strict=True)
    return Took(statistics.median(walls), statistics.median(cpus))


def ask_bare(model: Model) -> Call:
    """The question to the provider's client and nothing else."""

    async def ask() -> str:
        async with model_request_stream(model, HELLO, model_settings=BARE) as response:
            async for _ in response:
                pass
            return response.get().text or ""

    return ask


def ask_through(gateway: Gateway, folder: Path) -> Call:
    """The question as the service asks it: every limit set, so that every account is kept."""
    limits = {"request_tokens": 10**6, "key_tokens_per_day": 10**9, "tokens_per_day": 10**9, "usd_per_day": 10**6}
    spending = Spending(open_database(f"sqlite:///{folder}/app.db"), BudgetSettings.model_validate(limits))
    meter = Meter(spending, BudgetAlerts(""), build_telemetry(), 800)

    async def ask() -> str:
        model, _ = gateway.choose("Compare and explain why the doors open, and when?")
        metered = meter.call("bench", "answer", model, HELLO)
        opening = model_request_stream(model, HELLO, model_settings=BARE)
        async with metered as receipt, opening as response:
            async for _ in response:
                pass
            answer = response.get()
            receipt.take(answer)
            return answer.text or ""

    return ask


async def outage(url: str, folder: Path) -> tuple[int, int, list[float]]:
    """Calls that reached the dead provider, answers that came all the same, and the seconds that each took."""
    gateway = build_gateway(LLMSettings.model_validate({"primary": MODEL, "fallback": FALLBACK}))
    async with entered(*gateway.models.values()):
        ask = ask_through(gateway, folder)
        await ask()
        before = control(url, {"openai": 503})["openai"]
        seconds, answered = [], 0
        for _ in range(AFTER_DEATH):
            started = time.perf_counter()
            answered += bool(await ask())
            seconds.append(time.perf_counter() - started)
    return control(url, {})["openai"] - before, answered, seconds


async def timed(call: Call) -> Took:
    """What one call takes; the CPU is this process's, all threads together."""
    started, cpu = time.perf_counter(), time.process_time()
    await call()
    return Took(1000 * (time.perf_counter() - started), 1000 * (time.process_time() - cpu))


@asynccontextmanager
async def entered(*models: Model) -> AsyncIterator[tuple[Model, ...]]:
    """The models with their connections open."""
    async with AsyncExitStack() as stack:
        yield tuple([await stack.enter_async_context(model) for model in models])


def control(url: str, behave: dict[str, int | str]) -> dict[str, int]:
    """Tell the providers how to behave; how many calls each has had."""
    counts: dict[str, int] = httpx2.post(f"{url}/control", content=json.dumps(behave)).json()
    return counts


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2])))
