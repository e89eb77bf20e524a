"""A customer of the SaaS over HTTP: somebody who has signed up and founded an organisation."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import httpx2

EMAIL = "mina@example.com"
PASSWORD = "four quiet words here"
SCOPES = ["ask", "documents", "feedback"]


@dataclass(frozen=True)
class Customer:
    """An organisation: the headers of its owner's session, and a key for programs."""

    organisation: str
    session: Mapping[str, str]
    key: str


def founded(origin: str, outbox: Path) -> Customer:
    """A new customer of the service at `origin`, which puts its e-mails into `outbox`."""
    with httpx2.Client(base_url=f"{origin}/v1", timeout=30) as client:

        def call(path: str, body: dict[str, object], **headers: str) -> dict[str, str]:
            response = client.post(path, json=body, headers=headers).raise_for_status()
            return response.json() if response.content else {}

        call("/signup", {"email": EMAIL, "password": PASSWORD, "name": "Mina"})
        call("/verify", {"token": sent_token(EMAIL, outbox)})
        proof = {"X-CSRF-Token": call("/login", {"email": EMAIL, "password": PASSWORD})["csrf_token"]}
        organisation = call("/organisations", {"name": "Northwind"}, **proof)["id"]
        key = call(f"/organisations/{organisation}/keys", {"name": "ci", "scopes": SCOPES}, **proof)["secret"]
        return Customer(organisation, {"Cookie": f"session={client.cookies['session']}", **proof}, key)


def sent_token(email: str, outbox: Path) -> str:
    """The secret in the e-mail to this address, which is sent after the answer."""
    for _ in range(100):
        for file in outbox.glob("*.eml"):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            found = re.search(r"token=(\S+)", mail.get_content())
            if mail["To"] == email and found:
                return found[1]
        time.sleep(0.1)
    raise AssertionError("no e-mail came")
