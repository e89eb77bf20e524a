"""When a run stops although nobody asked it to: too many model calls, too much money, or the same call in circles."""

from collections import Counter

from pydantic_ai.messages import ToolCallPart

from app.agents.endings import Failed, Stopped
from app.llm.usage import Usage
from app.product_settings import AgentSettings

SAME_CALLS = 3
UNKNOWN_TOOLS = 3  # in a row
EMPTY_ANSWERS = 3  # in a row


class Limits:
    """The limits of one run. Work that is read back counts as it did before; each resuming grants all of it again."""

    def __init__(self, settings: AgentSettings, resumed: int) -> None:
        self.times = 1 + resumed
        self._settings = settings
        self._calls = 0
        self._usd = 0.0

    @property
    def replans(self) -> int:
        """How often the run may plan again."""
        return self._settings.replans + self.times - 1

    @property
    def seconds(self) -> float:
        """How long the run may be worked on."""
        return self._settings.deadline_seconds * self.times

    def before_call(self) -> None:
        """Let one more model call pass.

        Raises:
            Stopped: the run has used up its calls or its money.
        """
        most, usd = self._settings.max_steps * self.times, self._settings.max_usd * self.times
        if self._calls >= most:
            raise Stopped(f"It used up its {most} model calls (APP_AGENT__MAX_STEPS).")
        if usd and self._usd >= usd:
            raise Stopped(f"It used up its {usd:g} US dollars (APP_AGENT__MAX_USD).")
        self._calls += 1

    def spend(self, usage: Usage) -> None:
        """Count what a call consumed."""
        self._usd += usage.cost_usd


class Habits:
    """What one agent does over and over again within one step."""

    def __init__(self, times: int) -> None:
        self._times = times
        self._seen: Counter[str] = Counter()
        self._unknown = 0
        self._empty = 0

    def call(self, call: ToolCallPart, *, known: bool) -> None:
        """Notice a call of a tool.

        Raises:
            Stopped: the same call again and again, or one unknown tool after the other.
        """
        self._empty = 0
        self._unknown = 0 if known else self._unknown + 1
        same = f"{call.tool_name}({call.args_as_json_str()})"
        self._seen[same] += 1
        if self._seen[same] >= SAME_CALLS * self._times:
            raise Stopped(f"It called {call.tool_name[:100]} with the same arguments {self._seen[same]} times.")
        if self._unknown >= UNKNOWN_TOOLS * self._times:
            raise Stopped(f"It called {self._unknown} tools in a row that do not exist, last {call.tool_name[:100]!r}.")

    def empty(self) -> None:
        """Notice an answer without words and without a call.

        Raises:
            Failed: there were several in a row.
        """
        self._empty += 1
        if self._empty >= EMPTY_ANSWERS * self._times:
            raise Failed(f"The model answered {self._empty} times without words or a tool.")
