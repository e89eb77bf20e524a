"""Follow-up questions made complete: "And in summer?" finds nothing until it says what is asked about."""

from collections.abc import Sequence

from pydantic import BaseModel
from pydantic_ai.direct import model_request
from pydantic_ai.messages import ModelMessage, ModelRequest, SystemPromptPart, UserPromptPart
from pydantic_ai.settings import ModelSettings

from app.answering.conversations import Turn
from app.answering.quoting import quoted
from app.bootstrap import Platform
from app.language import WORD, stems
from app.llm.factory import is_offline
from app.llm.gateway import told_as_unavailable
from app.llm.usage import Usage
from app.prompts.registry import Prompt

PROMPT = "rewrite"
RULE = "rule: words of the question before"
ENOUGH_WORDS = 4  # content words with which a question without a pronoun stands alone
MOST_CARRIED = 8
MOST_CHARACTERS = 2000
POINTERS = frozenset("it its that this those these they them their there then he him his she her same one ones".split())


class Rewrite(BaseModel):
    """The complete question that was searched for, and what completed it: a prompt's version, or a rule."""

    question: str
    by: str


class FollowUps:
    """Completes questions from the turns before them, by the model or, offline, by a rule."""

    def __init__(self, platform: Platform) -> None:
        settings = platform.settings
        self._model = platform.model
        self._settings = settings.llm
        self._meter = platform.meter
        self._telemetry = platform.telemetry
        self._enabled = settings.answering.rewrite
        self._prompts = platform.prompts
        self._offline = is_offline(settings.llm)

    async def complete(self, question: str, history: Sequence[Turn], caller: str) -> tuple[Rewrite | None, Usage]:
        """The complete question, or None where `question` is complete or nothing came before it."""
        if not history or not self._enabled:
            return None, Usage()
        if self._offline or self._prompts.release(PROMPT) is None:
            carried = carry_over(question, history[-1].searched)
            return (Rewrite(question=carried, by=RULE) if carried != question else None), Usage()
        prompt = self._prompts.choose(PROMPT, caller)
        written, usage = await self._ask_model(prompt, question, history, caller)
        changed = written and written != question
        return (Rewrite(question=written, by=prompt.label) if changed else None), usage

    async def _ask_model(
        self, prompt: Prompt, question: str, history: Sequence[Turn], caller: str
    ) -> tuple[str, Usage]:
        turns = [{"asked": quoted(turn.searched), "answered": quoted(turn.answer)} for turn in history]
        user = prompt.render(question=quoted(question), turns=turns)
        messages: list[ModelMessage] = [ModelRequest(parts=[SystemPromptPart(prompt.system), UserPromptPart(user)])]
        limits = ModelSettings(max_tokens=self._settings.max_output_tokens)
        async with self._meter.call(caller, PROMPT, self._model, messages) as receipt:
            with told_as_unavailable():
                response = await model_request(
                    self._model, messages, model_settings=limits, instrument=self._telemetry.model_calls
                )
            receipt.take(response)
        return " ".join((response.text or "").split())[:MOST_CHARACTERS], receipt.usage


def carry_over(question: str, before: str) -> str:
    """`question` with the content words of the question before it, where it has too few of its own or points back."""
    own = set(stems(question))
    points_back = any(word in POINTERS for word in WORD.findall(question.lower()))
    if len(own) >= ENOUGH_WORDS and not points_back:
        return question
    fresh = [word for word in WORD.findall(before) if (stem := stems(word)) and stem[0] not in own]
    carried = list(dict.fromkeys(fresh))[:MOST_CARRIED]
    return f"{question} ({' '.join(carried)})" if carried else question
