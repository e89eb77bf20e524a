"""The page of each tool of the product: the flavour writes what is in it, the frame is the workspace's."""

from fastapi import APIRouter, Depends
from starlette.responses import HTMLResponse, Response

from app.errors import AppError, NotFound
from app.organisations.access import require_role
from app.site.failures import PageRoute
from app.site.frame import FieldsDep, Page, Visit, VisitDep
from app.tenancy.scope import Role
from app.workspace.flavour import Tool, chosen
from app.workspace.rooms import WorkspaceDep

TOOL_BYTES = 1_000_000  # a form with long texts, such as a ticket or a clause

router = APIRouter(
    prefix="/o/{organisation}/tools",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[Depends(require_role(Role.VIEWER))],
    max_body_size=TOOL_BYTES,
)


@router.get("/{name}")
async def show(name: str, visit: VisitDep, workspace: WorkspaceDep) -> Response:
    """The tool at its first visit."""
    tool = named(name)
    return visit.show(page_of(tool, visit, await tool.show(workspace, {}), {}))


@router.post("/{name}", dependencies=[Depends(require_role(Role.MEMBER))])
async def use(name: str, visit: VisitDep, workspace: WorkspaceDep, sent: FieldsDep) -> Response:
    """The tool with what its form sent; what went wrong stands above it."""
    tool = named(name)
    form = {field: value for field, value in sent.items() if field != "csrf_token"}
    try:
        return visit.show(page_of(tool, visit, await tool.show(workspace, form), form))
    except AppError as error:
        return visit.show(page_of(tool, visit, await tool.show(workspace, {}), form), str(error), error.status)


def named(name: str) -> Tool:
    """The product's tool with this name.

    Raises:
        NotFound: it has none.
    """
    for tool in chosen().tools:
        if tool.name == name:
            return tool
    raise NotFound(f"There is no tool {name!r}.", "The navigation lists them.")


def page_of(tool: Tool, visit: Visit, content: object, form: dict[str, str]) -> Page:
    """The tool's page."""
    shown = {"tool": tool, "content": content, "form": form, "organisation": visit.access.scope.organisation}
    return Page("site/tool.html", tool.title, shown)
