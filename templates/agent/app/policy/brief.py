"""What the prompt asks of the policy: its marks read back into words, and what the tools answered so far."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_ai.messages import ModelMessage, ModelRequest, RetryPromptPart, ToolReturnPart, UserPromptPart

UNTRUSTED = re.compile(r"</?untrusted[^>]*>")


@dataclass(frozen=True)
class Brief:
    """One prompt: who is asked (`role`) and the text between each pair of marks, empty where there is none."""

    role: str
    goal: str
    task: str
    notes: tuple[str, ...]
    memories: tuple[str, ...]
    failure: str

    @property
    def known(self) -> str:
        """The notes of earlier steps as one text."""
        return "\n".join(self.notes)


@dataclass(frozen=True)
class Result:
    """What one call gave; `refused` where a person said no."""

    ok: bool
    text: str
    refused: bool = False


def read_brief(messages: Sequence[ModelMessage], instructions: str) -> Brief:
    """The first user prompt's marks and the role in the instructions."""
    parts = [p for m in messages if isinstance(m, ModelRequest) for p in m.parts if isinstance(p, UserPromptPart)]
    prompt = str(parts[0].content) if parts else ""
    return Brief(
        role=_first("role", instructions),
        goal=_first("goal", prompt),
        task=_first("task", prompt),
        notes=_all("note", prompt),
        memories=_all("memory", prompt),
        failure=_first("failure", prompt),
    )


def read_results(messages: Sequence[ModelMessage]) -> list[Result]:
    """The tools' answers in the order in which they came."""
    parts = [part for message in messages if isinstance(message, ModelRequest) for part in message.parts]
    return [_result(part) for part in parts if isinstance(part, ToolReturnPart | RetryPromptPart)]


def _result(part: ToolReturnPart | RetryPromptPart) -> Result:
    if isinstance(part, RetryPromptPart):
        return Result(False, part.model_response())
    text = part.content if isinstance(part.content, str) else part.model_response_str()
    outside = UNTRUSTED.search(text)
    plain = html.unescape(UNTRUSTED.sub("", text)).strip() if outside else text.strip()
    return Result(part.outcome == "success", plain, part.outcome == "denied")


def _first(mark: str, text: str) -> str:
    return next(iter(_all(mark, text)), "")


def _all(mark: str, text: str) -> tuple[str, ...]:
    found = re.findall(rf"<{mark}(?:\s[^>]*)?>(.*?)</{mark}>", text, re.DOTALL)
    return tuple(html.unescape(part).strip() for part in found)
