"""People who use the service over HTTP, each with a browser of their own, and the mailboxes that they read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from app.accounts.settings import MailSettings
from app.accounts.tables import attempts
from app.api.application import create_app
from app.bootstrap import open_platform
from app.settings import Settings, StoreSettings

PASSWORD = "four quiet words here"  # noqa: S105 - of people who do not exist
LINK = re.compile(r"token=(\S+)")


class Person:
    """Somebody with a browser: it keeps the cookie, and its pages know the session's CSRF token."""

    def __init__(self, town: "Town", email: str) -> None:
        self.email = email
        self.town = town
        self.http = TestClient(town.app)
        self.csrf = ""
        self.id = ""

    def signs_up(self, password: str = PASSWORD) -> "Person":
        """Make an account and confirm the address."""
        name = self.email.partition("@")[0]
        body = {"email": self.email, "password": password, "name": name}
        assert self.http.post("/v1/signup", json=body).status_code == 202
        assert self.http.post("/v1/verify", json={"token": self.town.link_to(self.email)}).status_code == 204
        return self

    def logs_in(self, password: str = PASSWORD) -> "Person":
        """Start a session."""
        response = self.http.post("/v1/login", json={"email": self.email, "password": password})
        assert response.status_code == 200, response.text
        self.csrf, self.id = response.json()["csrf_token"], response.json()["id"]
        return self

    def does(self, method: str, path: str, json: object = None) -> Response:
        """Call as one of the service's own pages does."""
        return self.http.request(method, path, json=json, headers={"X-CSRF-Token": self.csrf})

    def gets(self, path: str) -> Any:
        """The JSON at `path`."""
        response = self.does("GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    def founds(self, name: str = "Acme") -> str:
        """Make an organisation; return its id."""
        response = self.does("POST", "/v1/organisations", {"name": name})
        assert response.status_code == 201, response.text
        identifier: str = response.json()["id"]
        return identifier

    def invites(self, organisation: str, email: str, role: str = "member") -> Response:
        """Send an invitation."""
        return self.does("POST", f"/v1/organisations/{organisation}/invitations", {"email": email, "role": role})

    def accepts(self) -> Response:
        """Open the link of the newest invitation."""
        return self.does("POST", "/v1/invitations/accept", {"token": self.town.link_to(self.email)})

    def makes_key(self, organisation: str, *scopes: str) -> str:
        """A new key's secret."""
        response = self.does("POST", f"/v1/organisations/{organisation}/keys", {"name": "ci", "scopes": list(scopes)})
        assert response.status_code == 201, response.text
        secret: str = response.json()["secret"]
        return secret


class Town:
    """A service, and everybody's mailbox."""

    def __init__(self, app: FastAPI, outbox: Path) -> None:
        self.app = app
        self._outbox = outbox
        self._tests = 0

    def for_another_test(self) -> "Town":
        """The same service: addresses are new from here on, and nobody waits for what others tried."""
        self._tests += 1
        with self.app.state.tenants.engine.begin() as connection:
            connection.execute(attempts.delete())
        return self

    def person(self, name: str) -> Person:
        """Somebody who is logged in."""
        return self.stranger(name).signs_up().logs_in()

    def stranger(self, name: str) -> Person:
        """Somebody without an account."""
        return Person(self, f"{name}{self._tests or ''}@example.com")

    def joined(self, owner: Person, organisation: str, role: str) -> Person:
        """A new member with this role."""
        member = self.person(f"{role}-of-{organisation}")
        assert owner.invites(organisation, member.email, role).status_code == 201
        assert member.accepts().status_code == 200
        return member

    def mails_to(self, email: str) -> list[EmailMessage]:
        """What arrived, oldest first."""
        files = sorted(self._outbox.glob("*.eml"))
        mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        return [mail for mail in mails if isinstance(mail, EmailMessage) and mail["To"] == email]

    def link_to(self, email: str) -> str:
        """The secret of the link in the newest e-mail."""
        found = LINK.search(self.mails_to(email)[-1].get_content())
        assert found
        return found.group(1)


def local_settings(folder: Path) -> Settings:
    """The defaults, with a database in `folder`."""
    return Settings(store=StoreSettings(url=f"sqlite:///{folder}/app.db"))


@contextmanager
def open_town(settings: Settings, folder: Path) -> Iterator[Town]:
    """A service on the settings' databases whose e-mails stay in `folder`."""
    outbox = folder / "outbox"
    settings.mail = MailSettings.model_validate({"outbox": outbox})
    with open_platform(settings) as platform:
        yield Town(create_app(platform), outbox)
