"""A conversation that is made to fit keeps its task, its newest part and every call's result."""

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart, UserPromptPart

from app.llm.usage import prompt_tokens
from app.memory.window import fit

TASK = "the task " * 20


def conversation(turns: int, characters: int = 2000) -> list[ModelMessage]:
    messages: list[ModelMessage] = [ModelRequest.user_text_prompt(TASK)]
    for turn in range(turns):
        messages.append(ModelResponse([ToolCallPart("look", {"turn": turn}, f"call-{turn}")]))
        text = f"<untrusted>{'x' * characters}</untrusted>"
        messages.append(ModelRequest([ToolReturnPart("look", text, f"call-{turn}")]))
    return messages


def calls_and_results(messages: list[ModelMessage]) -> tuple[list[str], list[str]]:
    parts = [part for message in messages for part in message.parts]
    calls = [part.tool_call_id for part in parts if isinstance(part, ToolCallPart)]
    return calls, [part.tool_call_id for part in parts if isinstance(part, ToolReturnPart)]


def test_what_fits_stays_as_it_is() -> None:
    messages = conversation(3)
    assert fit(messages, 10_000) == messages


def test_old_results_lose_their_tails_before_anything_goes() -> None:
    messages = conversation(6)
    fitted = fit(messages, 1700)
    assert len(fitted) == len(messages)
    assert prompt_tokens(fitted) <= 1700
    assert fitted[0] == messages[0]
    assert fitted[-2:] == messages[-2:]
    first = fitted[2].parts[0]
    assert isinstance(first, ToolReturnPart)
    assert str(first.content).endswith("more characters were read]</untrusted>"), "the mark around it is closed"


def test_the_oldest_exchanges_go_when_shorter_results_are_not_enough() -> None:
    messages = conversation(40)
    fitted = fit(messages, 1500)
    assert prompt_tokens(fitted) <= 1500
    assert isinstance(fitted[0].parts[0], UserPromptPart)
    calls, results = calls_and_results(fitted)
    assert calls == results, "no call without its result, no result without its call"
    assert calls[-1] == "call-39"


def test_the_task_and_the_last_exchange_stay_even_where_they_are_too_long() -> None:
    messages = conversation(3, characters=50_000)
    assert fit(messages, 100) == [messages[0], *messages[-2:]]


def test_the_messages_that_were_given_are_not_changed() -> None:
    messages = conversation(6)
    fit(messages, 600)
    assert messages == conversation(6) or prompt_tokens(messages) == prompt_tokens(conversation(6))
