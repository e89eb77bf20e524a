"""What model calls consume: tokens, and their list price."""

import json
from collections.abc import Sequence
from functools import lru_cache

from pydantic import BaseModel
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.tools import ToolDefinition

from app.llm.offline import estimated_tokens


class Usage(BaseModel):
    """Tokens, and US dollars at list price. Offline tokens are estimates, `priced_as` the model of an as-if price."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    priced_as: str | None = None

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            priced_as=self.priced_as or other.priced_as,
        )


def offline_usage(
    messages: Sequence[ModelMessage],
    response: ModelResponse,
    priced_as: str = "none",
    tools: Sequence[ToolDefinition] = (),
) -> Usage:
    """Estimated tokens of an offline call. It costs nothing; `priced_as` says what the named model would have cost."""
    tokens = Usage(input_tokens=prompt_tokens(messages, tools), output_tokens=prompt_tokens([response]))
    if priced_as == "none":
        return tokens
    provider, _, model = priced_as.partition(":")
    cost = list_price(provider, model, tokens.input_tokens, tokens.output_tokens)
    return tokens.model_copy(update={"cost_usd": cost, "priced_as": priced_as})


def prompt_tokens(messages: Sequence[ModelMessage], tools: Sequence[ToolDefinition] = ()) -> int:
    """Estimated tokens of messages: texts, instructions, calls and results of tools; and the definitions of `tools`."""
    parts = [getattr(part, "content", None) or getattr(part, "args", None) or "" for m in messages for part in m.parts]
    instructions = [getattr(message, "instructions", None) or "" for message in messages[-1:]]
    defined = [f"{tool.name} {tool.description} {json.dumps(tool.parameters_json_schema)}" for tool in tools]
    return estimated_tokens(sum(len(str(text)) for text in (*parts, *instructions, *defined)))


def price(response: ModelResponse) -> Usage:
    """Tokens of a response and their list price in US dollars; 0 for models without a known price."""
    try:
        cost = float(response.cost().total_price)
    except (LookupError, ValueError, AssertionError):
        cost = 0.0
    return Usage(input_tokens=response.usage.input_tokens, output_tokens=response.usage.output_tokens, cost_usd=cost)


@lru_cache
def list_price(provider: str, model: str, input_tokens: int, output_tokens: int) -> float:
    """US dollars at list price, before a call; 0 for models without a known price."""
    from genai_prices import Usage as Tokens  # here, because it reads a price list of some megabytes
    from genai_prices import calc_price

    tokens = Tokens(input_tokens=input_tokens, output_tokens=output_tokens)
    try:
        return float(calc_price(tokens, model, provider_id=provider).total_price)
    except LookupError:
        return 0.0
