"""Customer support as a product."""

from collections.abc import Mapping

from anyio import to_thread

from app.support.routes import NewTicket, receive, router
from app.support.tickets import Tickets, table
from app.tenancy.scope import Role
from app.workspace.flavour import Flavour, Offer, Tool
from app.workspace.forms import read_form_as
from app.workspace.rooms import Workspace

MOST_SHOWN = 50


async def show_inbox(workspace: Workspace, form: Mapping[str, str]) -> Mapping[str, object]:
    """The inbox; a ticket that was sent is kept first, a reply to one is noted down."""
    tickets = await to_thread.run_sync(workspace.room, Tickets)
    shown = None
    if form.get("ticket"):
        reply = form.get("reply", "").strip()[:10_000]
        change = (lambda: tickets.answer(form["ticket"], reply)) if reply else (lambda: tickets.find(form["ticket"]))
        shown = await to_thread.run_sync(change)
    elif form.get("subject") or form.get("body"):
        new = read_form_as(NewTicket, form)
        shown = await receive(workspace, new.customer, new.subject, new.body)
    listed = await to_thread.run_sync(tickets.newest, None, MOST_SHOWN)
    return {"shown": shown, "tickets": listed}


FLAVOUR = Flavour(
    name="support",
    title="Customer support",
    tagline="Every ticket answered from your own help centre, and a person where it takes one.",
    offers=(
        Offer("A reply for every ticket", "Written from your help centre, each sentence with its source."),
        Offer("Confidence you can see", "High, medium or low, by how much of the question your articles cover."),
        Offer("Hand-over by rules you write", "Danger, lawyers, stolen accounts, upset customers: to a person."),
        Offer("Ask it yourself", "The same articles answer your team's own questions."),
    ),
    questions=(
        "Within how many days can a garden be sent back?",
        "What do we replace when the pump fails in the second year?",
        "How can a customer pause the seed subscription?",
    ),
    prompt="support-answer",
    router=router,
    tools=(
        Tool(
            "inbox",
            "Inbox",
            "Tickets and suggested replies.",
            "support/inbox.html",
            show_inbox,
            role=Role.MEMBER,
            links=("ticket",),
        ),
    ),
    tables=(table,),
)
