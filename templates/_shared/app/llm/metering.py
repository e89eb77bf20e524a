"""Around one model call: what it may cost is set aside, what it did cost is written down, measured and warned of."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from anyio import CancelScope, to_thread
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model

from app.errors import BudgetExceeded, TooManyTokens
from app.llm.alerts import BudgetAlerts
from app.llm.gateway import answered_by
from app.llm.spending import Spending
from app.llm.usage import Usage, list_price, price, prompt_tokens
from app.observability.telemetry import Telemetry

PRICED_IN = 100  # tokens; an estimate needs no finer price, and so few of them are computed


@dataclass
class Receipt:
    """What a call consumed and which model answered it; as long as none has, the preferred one."""

    model: str
    usage: Usage = field(default_factory=Usage)

    def take(self, response: ModelResponse) -> None:
        """Note what came, in whole or in part; whoever makes the call hands it over once."""
        self.model = answered_by(response) or self.model
        self.usage = price(response)


class Meter:
    """Meters the calls to providers."""

    def __init__(self, spending: Spending, alerts: BudgetAlerts, telemetry: Telemetry, max_output_tokens: int) -> None:
        self._spending = spending
        self._alerts = alerts
        self._telemetry = telemetry
        self._max_output_tokens = max_output_tokens

    @asynccontextmanager
    async def call(
        self, caller: str, feature: str, model: Model, messages: Sequence[ModelMessage]
    ) -> AsyncGenerator[Receipt]:
        """A call for `caller`; it is settled also when it fails or the reader leaves, under the model that answered.

        Raises:
            TooManyTokens, BudgetExceeded: the call does not fit into what is left.
        """
        most = self._most(model, messages)
        try:
            reservation = await to_thread.run_sync(self._spending.reserve, caller, most)
        except (TooManyTokens, BudgetExceeded):
            self._alerts.tell(self._spending.gone(caller))
            raise
        receipt = Receipt(model.model_name)
        try:
            yield receipt
        finally:
            with CancelScope(shield=True):
                settle = self._spending.settle
                warnings = await to_thread.run_sync(settle, reservation, feature, receipt.model, receipt.usage)
            self._alerts.tell(warnings)
            self._telemetry.spent(feature, receipt.model, receipt.usage)

    def _most(self, model: Model, messages: Sequence[ModelMessage]) -> Usage:
        """What a call may consume at most, by estimate; its price is that of the next hundred tokens."""
        tokens, output = prompt_tokens(messages), self._max_output_tokens
        hundreds = -(-tokens // PRICED_IN) * PRICED_IN
        cost = list_price(model.system, model.model_name, hundreds, output)
        return Usage(input_tokens=tokens, output_tokens=output, cost_usd=cost)
