"""`app spending`: what model calls cost, by day, key, feature and model."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from app.console import table_console
from app.llm.spending import Spending
from app.settings import load_settings
from app.stores.catalog import Catalog


def spending(days: Annotated[int, typer.Option(min=1, help="How many days back, today included.")] = 1) -> None:
    """Show what model calls cost at list price, and how much of today's budgets is gone. A day ends at 00:00 UTC."""
    settings = load_settings()
    with closing(Catalog(settings.store.url)) as catalog:
        book = Spending(catalog.engine, settings.budget)
        lines = book.lines(datetime.now(UTC).date() - timedelta(days=days - 1))
        shares = book.shares()
    table = Table("day", "key", "feature", "model", "calls", "input", "output", "USD")
    for line in lines:
        amounts = (f"{n:,}" for n in (line.calls, line.input_tokens, line.output_tokens))
        table.add_row(line.day.isoformat(), line.caller, line.feature, line.model, *amounts, f"{line.usd:.4f}")
    table_console().print(table)
    print(f"{sum(line.usd for line in lines):.4f} USD in all. Of today's budget: {shares['all']:.0%} is gone.")
