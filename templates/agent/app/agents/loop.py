"""The ReAct loop: think, call a tool, look at what came back, until the step is done or given up."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Literal

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart, UserPromptPart

from app.agents.brief import Brief
from app.agents.desk import Desk, first_draft
from app.agents.endings import GaveUp, NeedsApproval
from app.agents.limits import Habits
from app.agents.own_tools import Delegate, GiveUp, arguments_of, parsed
from app.agents.team import Agent
from app.llm.usage import Usage
from app.runs.entries import Entry
from app.runs.records import Approval, Decision, Step
from app.tools.ports import Permission, ToolContext, ToolFailed, ToolResult

NUDGE = "Call a tool, or write the result of this task as text."
REFUSED = "A person refused this call. Do not ask for it again: go on without it, or give up and say so."
APPROVAL_FROM = {"read": Permission.READ, "write": Permission.WRITE, "act": Permission.ACT}


@dataclass(frozen=True)
class Loop:
    """One agent at one step of the plan. Everything it does is in the journal under names that begin with `scope`."""

    desk: Desk
    agent: Agent
    scope: str
    plan_step: int

    async def run(self, brief: Brief) -> str:
        """The words with which the agent ends the step.

        Raises:
            GaveUp: the agent says that the step cannot be done.
            NeedsApproval: a call waits for a person.
            Stopped, Failed: a limit was reached.
        """
        model = self.desk.model_for(brief.task)
        habits = Habits(self.desk.limits.times)
        messages: list[ModelMessage] = [self._request(UserPromptPart(brief.render(self.agent.prompt)))]
        for turn in count(1):
            entry = await self.desk.ask(f"{self.scope}.{turn}", self.agent, model, messages, self._describe)
            response = entry.response or ModelResponse([])
            messages.append(response)
            if response.tool_calls:
                messages.append(self._request(*await self._answers(turn, response, entry.usage, habits, brief)))
            elif text := (response.text or "").strip():
                return text
            else:
                habits.empty()
                messages.append(self._request(UserPromptPart(NUDGE)))
        raise AssertionError("a count never ends")

    async def _answers(
        self, turn: int, response: ModelResponse, usage: Usage, habits: Habits, brief: Brief
    ) -> list[ToolReturnPart]:
        """What the calls of one response gave, one after the other."""
        answers = []
        for place, call in enumerate(response.tool_calls, start=1):
            habits.call(call, known=call.tool_name in (*self.agent.tools.names, *self.agent.own))
            if call.tool_name == "give_up":
                raise GaveUp(_reason(call))
            key = f"{self.scope}.{turn}.{place}"
            answers.append(await self._act(key, call, response, usage if place == 1 else Usage(), brief))
        return answers

    async def _act(
        self, key: str, call: ToolCallPart, response: ModelResponse, usage: Usage, brief: Brief
    ) -> ToolReturnPart:
        """One call, made once under the name `key`."""
        decision = self.desk.journal.decision(key)

        async def work() -> Entry:
            started, clock = datetime.now(UTC), time.perf_counter()
            result = await self._perform(key, call, decision, brief)
            step = first_draft(self.agent, response, usage, started, time.perf_counter() - clock)
            return Entry(self._call_step(step, call, result), result=result)

        entry = await self.desk.journal.once(key, work)
        result = entry.result or ToolResult(False, "", 0)
        outcome: Literal["success", "failed", "denied"] = "success" if result.ok else "failed"
        if decision and not decision.granted:
            outcome = "denied"
        return ToolReturnPart(call.tool_name, result.text, tool_call_id=call.tool_call_id, outcome=outcome)

    async def _perform(self, key: str, call: ToolCallPart, decision: Decision | None, brief: Brief) -> ToolResult:
        """The call itself, if it needs no approval or has one."""
        if call.tool_name == "delegate" and "delegate" in self.agent.own:
            return await self._delegate(key, call, brief)
        tools, name = self.agent.tools, call.tool_name
        if name in tools.names and tools.permission(name) >= self._approval_from():
            if decision is None:
                raise NeedsApproval(Approval(key, name, arguments_of(call), datetime.now(UTC)))
            if not decision.granted:
                return ToolResult(False, f"{REFUSED} {decision.comment}".strip(), 0)
        run = self.desk.journal.run
        context = ToolContext(run.id, run.owner, key, self.desk.journal.folder)
        return await tools.call(name, call.args or {}, context)

    async def _delegate(self, key: str, call: ToolCallPart, brief: Brief) -> ToolResult:
        """A specialist's loop inside this one; what it gives up is a failed call."""
        clock = time.perf_counter()
        try:
            order = parsed(Delegate, call)
            specialist = Loop(self.desk, self.desk.agent(order.specialist), key, self.plan_step)
            ok, text = True, await specialist.run(replace(brief, task=order.task))
        except (GaveUp, ToolFailed) as error:
            ok, text = False, str(error)
        return ToolResult(ok, text, time.perf_counter() - clock)

    def _approval_from(self) -> int:
        wanted = self.desk.platform.settings.agent.approval_from
        return APPROVAL_FROM.get(wanted, Permission.ACT + 1)

    def _request(self, *parts: UserPromptPart | ToolReturnPart) -> ModelRequest:
        return ModelRequest(parts=parts, instructions=self.agent.prompt.system)

    def _describe(self, response: ModelResponse, draft: Step) -> Step | None:
        """What readers see of a response: a note or that it gives up; calls are shown with their results."""
        draft = replace(draft, plan_step=self.plan_step)
        calls = response.tool_calls
        if calls and calls[0].tool_name == "give_up":
            return replace(draft, kind="tool", tool="give_up", result=_reason(calls[0]), ok=False)
        return None if calls or not draft.thought.strip() else replace(draft, thought="", result=draft.thought)

    def _call_step(self, draft: Step, call: ToolCallPart, result: ToolResult) -> Step:
        return replace(
            draft,
            kind="tool",
            tool=call.tool_name,
            arguments=arguments_of(call),
            result=result.text,
            ok=result.ok,
            artefacts=result.artefacts,
            plan_step=self.plan_step,
        )


def _reason(call: ToolCallPart) -> str:
    try:
        return parsed(GiveUp, call).reason
    except ToolFailed:
        return "It gave no reason."
