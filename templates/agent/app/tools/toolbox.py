"""The tools that an agent is given, each called within its limits: arguments, time, attempts, size, failures."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import structlog
from pydantic import ValidationError
from pydantic_ai.tools import ToolDefinition

from app.errors import AppError, ConfigurationError, NotFound
from app.tools.foreign import for_model
from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed, ToolResult

MAX_ARGUMENTS = 200_000  # characters of JSON
FAILURES, PAUSE_SECONDS = 3, 30.0  # failures in a row after which a tool is left alone, and for how long
BACK_OFF_SECONDS = 0.2  # before the second attempt; doubled before each further one

log = structlog.get_logger()


@dataclass
class Breaker:
    """Leaves a tool alone that failed often in a row; after the pause one more failure closes it off again."""

    failed: int = 0
    until: float = 0.0

    def wait(self) -> float:
        """Seconds until the tool may be called again; 0 when it may be called now."""
        return max(0.0, self.until - time.monotonic())

    def learn(self, *, ill: bool) -> None:
        """Remember how a call ended."""
        self.failed = self.failed + 1 if ill else 0
        self.until = time.monotonic() + PAUSE_SECONDS if self.failed >= FAILURES else 0.0


class Toolbox:
    """Tools by name. A subset shares the breakers of the whole, so one agent learns from another's failures."""

    def __init__(self, tools: Iterable[Tool], limit: int, breakers: Mapping[str, Breaker] | None = None) -> None:
        """`limit` is the longest text of a result, in characters.

        Raises:
            ConfigurationError: two tools with one name, or a tool that acts outside and would be repeated.
        """
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise ConfigurationError(f"Two tools are called {tool.name!r}.", "Rename one of them.")
            if tool.permission is Permission.ACT and tool.attempts > 1:
                raise ConfigurationError(f"The tool {tool.name!r} acts and is repeated.", "Give it one attempt.")
            self._tools[tool.name] = tool
        self._limit = limit
        self._breakers = breakers or {name: Breaker() for name in self._tools}

    @property
    def names(self) -> tuple[str, ...]:
        """What there is, in the order in which it was given."""
        return tuple(self._tools)

    def subset(self, names: Iterable[str]) -> "Toolbox":
        """The tools of these names, those that exist."""
        return Toolbox([self._tools[n] for n in names if n in self._tools], self._limit, self._breakers)

    def definitions(self) -> list[ToolDefinition]:
        """The tools as a model is told of them."""
        return [_definition(tool) for tool in self._tools.values()]

    def permission(self, name: str) -> Permission:
        """What the tool called `name` may touch.

        Raises:
            NotFound: there is no such tool.
        """
        if name not in self._tools:
            raise NotFound(self._unknown(name))
        return self._tools[name].permission

    async def call(self, name: str, arguments: Mapping[str, Any] | str, context: ToolContext) -> ToolResult:
        """Call a tool. Whatever goes wrong is a result that says so; only cancellation is raised."""
        started = time.perf_counter()
        tool = self._tools.get(name)
        try:
            outcome = await self._attempt(tool, arguments, context) if tool else ToolFailed(self._unknown(name))
        except ToolFailed as error:
            outcome = error
        ok = isinstance(outcome, Outcome)
        text = for_model(outcome.text if ok else str(outcome), self._limit, trusted=tool is None or tool.trusted)
        return ToolResult(ok, text, time.perf_counter() - started, outcome.artefacts if ok else ())

    async def _attempt(self, tool: Tool, arguments: Mapping[str, Any] | str, context: ToolContext) -> Outcome:
        """The tool's outcome after at most `tool.attempts` attempts.

        Raises:
            ToolFailed: the arguments do not fit, the tool says no, or it is ill.
        """
        values = _validated(tool, arguments)
        breaker, reason = self._breakers[tool.name], ""
        for attempt in range(tool.attempts):
            if wait := breaker.wait():
                raise ToolFailed(f"{tool.name} failed {breaker.failed} times in a row and rests for {wait:.0f} s.")
            if attempt:
                await asyncio.sleep(BACK_OFF_SECONDS * 2 ** (attempt - 1))
            try:
                outcome = await _limited(tool, values, context)
            except ToolFailed:
                breaker.learn(ill=False)  # it answered, if only to say no
                raise
            except Exception as error:  # noqa: BLE001 - a defect of one tool must not end the run
                breaker.learn(ill=True)
                log.warning("tool failed", tool=tool.name, attempt=attempt + 1, error=repr(error))
                reason = str(error) if isinstance(error, OSError | AppError) else type(error).__name__
            else:
                breaker.learn(ill=False)
                return outcome
        raise ToolFailed(f"{tool.name} did not work: {reason}.")

    def _unknown(self, name: str) -> str:
        return f"There is no tool {name[:100]!r}. There are: {', '.join(self._tools)}."


@cache
def _definition(tool: Tool) -> ToolDefinition:
    schema = tool.arguments.model_json_schema()
    return ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=schema)


async def _limited(tool: Tool, values: Any, context: ToolContext) -> Outcome:  # noqa: ANN401 - the tool's own model
    """One attempt within the tool's time.

    Raises:
        OSError: the time is over.
    """
    limit = asyncio.timeout(tool.seconds)
    try:
        async with limit:
            return await tool.work(values, context)
    except TimeoutError:
        raise OSError(f"no answer within {tool.seconds:g} s" if limit.expired() else "it waited too long") from None


def _validated(tool: Tool, arguments: Mapping[str, Any] | str) -> Any:  # noqa: ANN401 - the tool's own model
    """The arguments as the tool's model.

    Raises:
        ToolFailed: they do not fit; the message names each.
    """
    try:
        if isinstance(arguments, str):
            if len(arguments) > MAX_ARGUMENTS:
                raise ToolFailed(f"The arguments of {tool.name} are longer than {MAX_ARGUMENTS} characters.")
            return tool.arguments.model_validate_json(arguments or "{}")
        return tool.arguments.model_validate(arguments)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()[:5])
        raise ToolFailed(f"The arguments do not fit {tool.name}. {'; '.join(problems)}.") from None
