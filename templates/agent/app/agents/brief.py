"""What an agent is told at the start: the goal, its task and what is known, each between marks and escaped."""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.prompts.versions import Prompt


@dataclass(frozen=True)
class Brief:
    """The words of one user prompt. `notes` are results of earlier steps by number, `tools` lines for a planner."""

    goal: str
    task: str = ""
    notes: Mapping[int, str] = field(default_factory=dict)
    memories: tuple[str, ...] = ()
    failure: str = ""
    tools: tuple[str, ...] = ()

    def render(self, prompt: Prompt) -> str:
        """The user text of `prompt`; nothing in the words can close a mark."""
        return prompt.render(
            goal=_escaped(self.goal),
            task=_escaped(self.task),
            notes=[{"step": number, "text": _escaped(note)} for number, note in self.notes.items()],
            memories=[_escaped(memory) for memory in self.memories],
            failure=_escaped(self.failure),
            tools=[_escaped(tool) for tool in self.tools],
        )


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)
