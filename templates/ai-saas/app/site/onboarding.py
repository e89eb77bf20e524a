"""The first steps of an organisation: what is done, what is next, and the numbers that one sees first."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.billing.plans import Kind
from app.site.frame import Visit
from app.workspace.history import conversations_of
from app.workspace.rooms import Workspace

RECENT = 5  # conversations on the first page


@dataclass(frozen=True)
class Step:
    """One step of the checklist; without `address` this reader cannot do it."""

    title: str
    text: str
    done: bool
    address: str
    label: str


def overview_content(visit: Visit, workspace: Workspace) -> dict[str, object]:
    """What the first page of an organisation shows."""
    talks = conversations_of(workspace.rooms, workspace.asker)
    documents = visit.standings[Kind.DOCUMENTS].used
    steps = checklist(visit, documents, bool(talks))
    return {
        "steps": steps,
        "left": sum(not step.done for step in steps),
        "documents": documents,
        "conversations": talks[:RECENT],
        "tiles": tiles(visit),
    }


def checklist(visit: Visit, documents: int, asked: bool) -> Sequence[Step]:
    """The steps from an empty organisation to one that works with checked answers."""
    root, may = visit.root, visit.may
    people = visit.standings[Kind.MEMBERS].used
    return (
        Step("Create the organisation", "Only its members see what is in it.", True, "", ""),
        Step(
            "Add documents",
            "Answers rest on them alone.",
            documents > 0,
            f"{root}/documents" if may.write else "",
            "Add documents",
        ),
        Step("Ask a question", "Each sentence of the answer names its source.", asked, f"{root}/ask", "Ask"),
        Step(
            "Invite a colleague",
            "With the role that fits.",
            people > 1,
            f"{root}/members" if may.admin else "",
            "Invite",
        ),
    )


def tiles(visit: Visit) -> list[dict[str, str]]:
    """How the organisation stands with what its plan counts."""
    titles = {
        Kind.QUESTIONS: "Questions this month",
        Kind.DOCUMENTS: "Documents",
        Kind.STORAGE_BYTES: "Stored",
        Kind.MEMBERS: "Members",
    }
    return [{"title": title, **visit.used(kind)} for kind, title in titles.items()]
