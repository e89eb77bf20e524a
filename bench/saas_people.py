"""Fills a generated SaaS with people: `PROJECT/.venv/bin/python bench/saas_people.py ORGANISATIONS PEOPLE`.

Run in the project's folder, before the service starts. Each organisation has a paid plan and has read the sample
documents; its people are logged in. Prints them as JSON: organisation, its name, session cookie and CSRF token of each.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime

from app.accounts.passwords import hashed
from app.accounts.sessions import csrf_token
from app.accounts.tables import users
from app.api.application import create_app
from app.bootstrap import open_platform
from app.ingestion.library import Library, Source
from app.ingestion.sources import documents_in
from app.organisations.members import add_member
from app.settings import Settings
from app.tenancy.scope import OrganisationScope, Role, new_id
from app.workspace.flavour import chosen
from fastapi import FastAPI


def main(organisations: int, people: int) -> None:
    """Make them all; nobody signs up over HTTP, where sign-ups are counted and slow on purpose."""
    with open_platform(Settings()) as platform:
        app = create_app(platform)
        sources = [Source(name, path.read_bytes()) for name, path in documents_in([chosen().samples])]
        told = []
        for number in range(organisations):
            told += organisation(app, f"Organisation {number}", people)
            asyncio.run(fill(app, told[-1]["organisation"], sources))
    print(json.dumps(told))


def organisation(app: FastAPI, name: str, people: int) -> list[dict[str, str]]:
    """An organisation with an owner and other members, all of whom are logged in."""
    state, password = app.state, hashed("four quiet words here")
    rows = [
        {"id": new_id(), "email": f"{n}@{name.replace(' ', '-').lower()}.example.com", "name": f"Person {n}"}
        for n in range(people)
    ]
    with state.tenants.engine.begin() as connection:
        moment = {"created_at": datetime.now(UTC), "verified_at": datetime.now(UTC)}
        connection.execute(users.insert(), [{**row, **moment, "password": password} for row in rows])
        found = connection.execute(users.select().where(users.c.id.in_([row["id"] for row in rows]))).mappings().all()
    owner, *others = [state.accounts.user_of(row) for row in found]
    identifier: str = state.organisations.create(owner, name, "127.0.0.1").id
    state.billing.subscriptions.change(OrganisationScope(identifier, owner.id, Role.OWNER), "business")
    with state.tenants.engine.begin() as connection:
        for other in others:
            add_member(connection, identifier, other.id, Role.MEMBER)
    tokens = [state.sessions.start(one, "127.0.0.1", "bench") for one in (owner, *others)]
    return [{"organisation": identifier, "name": name, "cookie": token, "csrf": csrf_token(token)} for token in tokens]


async def fill(app: FastAPI, identifier: str, sources: list[Source]) -> None:
    """Give the organisation its documents, as an upload and a worker would."""
    library = app.state.tenants.room(identifier, Library)
    scope = OrganisationScope(identifier, "", Role.OWNER)
    for record in app.state.document_intake.accept(scope, library, sources):
        await library.process(record.id)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
