"""What tests of tools share: a context, a call, and the sample database, made once."""

import asyncio
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from app.sales.generator import ensure_sample
from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolResult
from app.tools.toolbox import Toolbox

LIMIT = 8_000


class Anything(BaseModel, extra="allow"):
    """Any arguments."""


def context(folder: Path, call: str = "c1") -> ToolContext:
    """A call of the run whose files are in `folder`."""
    return ToolContext("run", "page", call, folder)


def use(tool: Tool, folder: Path, arguments: Mapping[str, Any] | str = "", call: str = "c1") -> ToolResult:
    """Call a tool as an agent does."""
    return asyncio.run(Toolbox([tool], LIMIT).call(tool.name, arguments, context(folder, call)))


def saying(text: str, *, trusted: bool = True) -> Tool:
    """A tool that always says the same."""

    async def work(arguments: Anything, context: ToolContext) -> Outcome:
        return Outcome(text)

    return Tool("say", "Says something.", Permission.READ, Anything, work, trusted=trusted)


@cache
def sample_database() -> Path:
    """The sample sales database in a folder of this test process."""
    path = Path(tempfile.mkdtemp()) / "sales.db"
    ensure_sample(path)
    return path
