"""The page of each tool of the product: the flavour writes what is in it, the frame is the workspace's."""

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import HTMLResponse, Response

from app.errors import AppError, InvalidInput, NotFound
from app.operations.flags import TOOLS, require_feature
from app.organisations.access import require_role
from app.site.failures import PageRoute
from app.site.frame import FieldsDep, Page, Visit, VisitDep
from app.tenancy.scope import Role
from app.workspace.flavour import Tool, chosen
from app.workspace.rooms import WorkspaceDep

TOOL_BYTES = 1_000_000  # a form with long texts, such as a ticket or a clause
FILE_BYTES = 12_000_000  # as much as calls of the API may send by default

router = APIRouter(
    prefix="/o/{organisation}/tools",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[Depends(require_role(Role.VIEWER)), Depends(require_feature(TOOLS))],
    max_body_size=TOOL_BYTES,
)
files = APIRouter(
    prefix="/o/{organisation}/tools",
    route_class=PageRoute,
    include_in_schema=False,
    default_response_class=HTMLResponse,
    dependencies=[Depends(require_role(Role.MEMBER)), Depends(require_feature(TOOLS))],
    max_body_size=FILE_BYTES,
)


@router.get("/{name}")
async def show(name: str, request: Request, visit: VisitDep, workspace: WorkspaceDep) -> Response:
    """The tool at its first visit, or with what its address names."""
    tool = named(name)
    asked = {field: value for field, value in request.query_params.items() if field in tool.links}
    return visit.show(page_of(tool, visit, await tool.show(workspace, asked), asked))


@router.post("/{name}")
async def use(name: str, visit: VisitDep, workspace: WorkspaceDep, sent: FieldsDep) -> Response:
    """The tool with what its form sent; what went wrong stands above it."""
    tool = named(name)
    visit.access.demand(tool.role, None)
    form = {field: value for field, value in sent.items() if field != "csrf_token"}
    try:
        content = await tool.show(workspace, form)
        visit = await visit.again()
        return visit.show(page_of(tool, visit, content, form))
    except AppError as error:
        return visit.show(page_of(tool, visit, await tool.show(workspace, {}), form), str(error), error.status)


@files.post("/{name}/files")
async def receive(name: str, request: Request, visit: VisitDep, workspace: WorkspaceDep) -> Response:
    """Take a file for the tool; what went wrong stands above it."""
    tool = named(name)
    if (keep := tool.receive) is None:
        raise NotFound(f"The tool {name!r} takes no files.", "Add them as documents.")
    form = await request.form()
    title, file = form.get("name"), form.get("file")

    async def back(_: Visit) -> Page:
        return page_of(tool, visit, await tool.show(workspace, {}), {"name": str(title or "")})

    async def act() -> None:
        if not isinstance(title, str) or not isinstance(file, UploadFile) or not file.filename:
            raise InvalidInput("The form needs a name and a file.", "Choose a file and send it again.")
        await keep(workspace, title, await file.read())

    return await visit.attempt(act(), back, "/documents?done=received")


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
