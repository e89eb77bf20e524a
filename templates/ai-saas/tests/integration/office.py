"""Work in an organisation over HTTP: documents, questions, what was used of the plan."""

import asyncio

from httpx2 import Response

from app.billing.plans import Kind, Plan, Quota
from app.ingestion.library import Library
from app.tenancy.scope import OrganisationScope, Role
from app.tenancy.tenants import Tenants
from tests.integration.town import Person, Town

LEAVE = "# Leave\n\nUp to five unused days of leave move into the next year.\n"
QUESTION = "How many unused days of leave move into the next year?"


def at(organisation: str, path: str) -> str:
    """The address of a call on an organisation."""
    return f"/v1/organisations/{organisation}/{path}"


def uploads(person: Person, organisation: str, name: str = "leave.md", text: str = LEAVE) -> Response:
    """Send a document."""
    return person.does("POST", at(organisation, "documents"), {"name": name, "text": text})


def read_all(town: Town, organisation: str) -> None:
    """What a worker does."""
    tenants: Tenants = town.app.state.tenants
    library = tenants.room(organisation, Library)
    for identifier in library.intake.waiting():
        asyncio.run(library.process(identifier))


def asks(person: Person, organisation: str, question: str = QUESTION, **more: object) -> Response:
    """Ask a question."""
    return person.does("POST", at(organisation, "ask"), {"question": question, **more})


def used(town: Town, person: Person, organisation: str) -> dict[Kind, int]:
    """What the organisation has used of each kind."""
    standing = town.app.state.billing.usage.standing(OrganisationScope(organisation, person.id, Role.OWNER))
    return {kind: each.used for kind, each in standing.items()}


def limit(town: Town, **most: int) -> None:
    """A first plan with room for this much."""
    billing = town.app.state.billing
    quotas = {Kind(kind): Quota.model_validate({"included": number}) for kind, number in most.items()}
    first: Plan = billing.usage._plans.first.model_copy(update={"quotas": quotas})
    billing.usage._plans = billing.usage._plans.model_copy(update={"plans": (first, *billing.usage._plans.plans[1:])})
