"""The pages for developers: code search and architecture, each a form and its result."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from anyio import to_thread

from app.devtools.codebase import architecture_of, repositories, search_code
from app.devtools.reports import architecture_report, search_report
from app.devtools.routes import receive
from app.workspace.flavour import Tool

if TYPE_CHECKING:
    from app.workspace.rooms import Workspace

LONGEST_QUESTION = 2000
KINDS = {"": "all files", "py": "Python", "md": "documentation"}


async def show_search(workspace: "Workspace", form: Mapping[str, str]) -> Mapping[str, object]:
    """Code about the form's `question`, in files of its `kind`; `found` is None before anything was asked."""
    question, kind = form.get("question", "").strip()[:LONGEST_QUESTION], form.get("kind", "")
    if not question:
        return {"found": None, "kinds": KINDS}
    found = await search_code(workspace.platform, question, kind if kind in KINDS else "")
    return {"found": search_report(found).found, "kinds": KINDS}


async def show_architecture(workspace: "Workspace", form: Mapping[str, str]) -> Mapping[str, object]:
    """The form's `repository` explained; `report` is None until one is chosen."""
    platform, chosen = workspace.platform, form.get("repository", "")

    def content() -> Mapping[str, object]:
        report = architecture_report(chosen, architecture_of(platform, chosen)) if chosen else None
        return {"repositories": repositories(platform), "report": report}

    return await to_thread.run_sync(content)


TOOLS = (
    Tool(
        "code-search",
        "Search the code",
        "Say what the code should do; functions and pages that do it come back with file and lines.",
        "devtools/search.html",
        show_search,
    ),
    Tool(
        "architecture",
        "Explain the architecture",
        "Layers, centre, circles and starting points of a repository, each with the import that proves it.",
        "devtools/architecture.html",
        show_architecture,
        receive=receive,
    ),
)
