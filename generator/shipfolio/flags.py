"""The options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer


def remember_debug(ctx: typer.Context, value: bool) -> bool:
    """Keep --debug where the one place that catches finds it."""
    ctx.find_root().meta["debug"] = value
    return value


Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Debug = Annotated[bool, typer.Option("--debug", callback=remember_debug, help="Show tracebacks.")]
