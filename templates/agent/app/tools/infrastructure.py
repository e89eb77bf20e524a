"""`draft_infrastructure`: Terraform for a few resources, put together from reviewed pieces; nothing is applied."""

import re
from pathlib import Path
from typing import Literal

from anyio import to_thread
from pydantic import BaseModel, Field

from app.tools.folder import file_name, save
from app.tools.ports import Outcome, Permission, Tool, ToolContext

PIECES = Path(__file__).with_name("drafts")
HEAD = re.compile(r"^# --- (\w+)\n", re.MULTILINE)

Resource = Literal["bucket", "database", "queue", "topic", "secret", "registry"]


class Draft(BaseModel, extra="forbid"):
    """What to draft."""

    cloud: Literal["aws", "azure", "gcp"]
    resources: list[Resource] = Field(min_length=1, max_length=6)


def infrastructure_drafter() -> Tool:
    """The tool."""
    return Tool(
        "draft_infrastructure",
        "Draft Terraform for resources on one cloud: encrypted, private, with backups. A file to review, not applied.",
        Permission.WRITE,
        Draft,
        _work,
    )


async def _work(draft: Draft, context: ToolContext) -> Outcome:
    name = file_name(draft.cloud, context, ".tf")
    files = await to_thread.run_sync(save, context, {name: terraform(draft.cloud, draft.resources)})
    wanted = ", ".join(dict.fromkeys(draft.resources))
    return Outcome(f"Draft for {draft.cloud} saved as {name}: {wanted}. Nothing was applied; review it first.", files)


def terraform(cloud: str, resources: list[Resource]) -> str:
    """The head of the cloud's file and the piece of each resource, once each."""
    head, *parts = HEAD.split((PIECES / f"{cloud}.tf").read_text(encoding="utf-8"))
    pieces = dict(zip(parts[::2], parts[1::2], strict=True))
    return "\n\n".join([head.strip(), *(pieces[name].strip() for name in dict.fromkeys(resources))]) + "\n"
