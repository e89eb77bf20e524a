"""Asks a question and hangs in the middle of the answer, until it is killed: `python -m tests.e2e.half_an_answer URL`.

Prints each checked piece of the answer. The model is scripted, so it works whichever provider's client is installed.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import anyio
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel

from app.answering.chat import Question, open_answering
from app.answering.writing import Delta
from app.bootstrap import Platform, open_platform
from app.llm.gateway import Gateway
from app.llm.routing import Tier
from app.settings import BudgetSettings, LLMSettings, Settings, StoreSettings

SENTENCE = "Up to five unused days move into the next year. [1]\n"
QUESTION = Question(
    question="How many unused days move into the next year?", stream=True, conversation_id="conversation-1"
)
CALLER = "anna"
LIMIT = 10_000  # tokens a day


@contextmanager
def open_scripted(url: str, *, hangs: bool) -> Iterator[Platform]:
    """A service with a budget and a model that says one sentence and then ends, or begins another one and hangs."""

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        yield SENTENCE
        if hangs:
            yield "That "
            await anyio.sleep_forever()

    settings = Settings(store=StoreSettings(url=url), budget=BudgetSettings.model_validate({"tokens_per_day": LIMIT}))
    live = settings.model_copy(update={"llm": LLMSettings.model_validate({"primary": "test:scripted"})})
    model = FunctionModel(stream_function=stream, model_name="scripted")
    with open_platform(settings) as platform:
        yield replace(platform, settings=live, gateway=Gateway({Tier.LARGE: model}, {}, 0.35))


async def ask(platform: Platform) -> None:
    """Ask, and print each piece as it comes."""
    async for part in open_answering(platform).parts(QUESTION, CALLER):
        if isinstance(part, Delta):
            print(part.text, flush=True)


if __name__ == "__main__":
    with open_scripted(sys.argv[1], hangs=True) as opened:
        anyio.run(ask, opened)
