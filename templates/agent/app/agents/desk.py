"""What the agents of one run share: the goal, the journal, the tools, the limits, and the way to the model."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from app.agents.limits import Limits
from app.agents.own_tools import definition
from app.agents.team import Agent, member
from app.bootstrap import Platform
from app.llm.factory import is_offline
from app.llm.gateway import told_as_unavailable
from app.llm.usage import Usage, offline_usage
from app.runs.entries import Entry
from app.runs.journal import Journal
from app.runs.records import Step
from app.tools.toolbox import Toolbox

FEATURE = "agent"
Shorten = Callable[[Sequence[ModelMessage], int], list[ModelMessage]]
Describe = Callable[[ModelResponse, Step], Step | None]


@dataclass(frozen=True)
class Desk:
    """One run's work. `shorten` condenses a conversation to so many tokens; `memories` were recalled for the goal."""

    platform: Platform
    toolbox: Toolbox
    journal: Journal
    limits: Limits
    shorten: Shorten
    memories: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """Whose run it is."""
        return self.journal.run.owner

    def agent(self, name: str) -> Agent:
        """One of the team."""
        return member(name, self.owner, self.platform.prompts, self.toolbox)

    def model_for(self, task: str) -> Model:
        """The model for a task: the small one for an easy task, where there is a small one."""
        return self.platform.gateway.choose(task)[0]

    async def ask(
        self, key: str, agent: Agent, model: Model, messages: Sequence[ModelMessage], describe: Describe
    ) -> Entry:
        """The model's response, asked for once under the name `key`; `describe` says what readers see of it.

        Raises:
            Stopped: a limit was reached.
            ModelUnavailable: no model answered in time.
            TooManyTokens, BudgetExceeded: the call does not fit into what is left.
            Cancelled: the run is to end.
        """

        async def work() -> Entry:
            started, clock = datetime.now(UTC), time.perf_counter()
            response, usage = await self._request(agent, model, messages)
            seconds = time.perf_counter() - clock
            return Entry(describe(response, first_draft(agent, response, usage, started, seconds)), usage, response)

        self.limits.before_call()
        entry = await self.journal.once(key, work)
        self.limits.spend(entry.usage)
        return entry

    async def _request(
        self, agent: Agent, model: Model, messages: Sequence[ModelMessage]
    ) -> tuple[ModelResponse, Usage]:
        """One metered call. An offline one costs nothing, so it is measured but charged to no budget."""
        settings = self.platform.settings
        window = self.shorten(messages, settings.agent.window_tokens)
        tools = [*agent.tools.definitions(), *map(definition, agent.own)]
        telemetry = self.platform.telemetry

        async def request() -> ModelResponse:
            with told_as_unavailable():
                return await model_request(
                    model,
                    window,
                    model_settings=ModelSettings(max_tokens=settings.llm.max_output_tokens),
                    model_request_parameters=ModelRequestParameters(function_tools=tools),
                    instrument=telemetry.model_calls,
                )

        if is_offline(settings.llm):
            response = await request()
            usage = offline_usage(window, response, settings.llm.priced_as, tools)
            telemetry.spent(FEATURE, model.model_name, usage)
            return response, usage
        async with self.platform.meter.call(self.owner, FEATURE, model, window) as receipt:
            response = await request()
            receipt.take(response)
        return response, receipt.usage


def first_draft(agent: Agent, response: ModelResponse, usage: Usage, started: datetime, seconds: float) -> Step:
    """A step with all that is known of it before it is clear what kind it is."""
    return Step(
        number=0,
        agent=agent.name,
        kind="note",
        thought=response.text or "",
        tool="",
        arguments={},
        result="",
        ok=True,
        artefacts=(),
        started_at=started,
        seconds=seconds,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=usage.cost_usd,
    )
