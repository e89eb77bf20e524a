"""`app demo`: two organisations use the real service over HTTP, from sign-up to the invoice; nothing of it is kept."""

import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from app.accounts.settings import AccountSettings, MailSettings, OIDCSettings
from app.api.application import create_app
from app.api.server import listening
from app.billing.settings import BillingSettings
from app.bootstrap import open_platform
from app.console import talk
from app.errors import AppError
from app.ingestion.sources import documents_in
from app.observability.logs import configure_logs
from app.settings import EmbeddingSettings, LLMSettings, LogSettings, Settings, StoreSettings
from app.workspace.flavour import chosen

PASSWORD = "four quiet words here"  # noqa: S105 - of people who exist for some seconds
START_SECONDS = 60.0
REST_SECONDS = 0.05
LINK = re.compile(r"token=(\S+)")


class DemoFailed(AppError):
    """The service did not do what the demo shows."""

    title = "Demo failed"


class Visitor:
    """Somebody with a browser and a mailbox."""

    def __init__(self, address: str, outbox: Path, email: str) -> None:
        self._http = httpx2.Client(base_url=address, timeout=START_SECONDS)
        self._outbox = outbox
        self._email = email
        self.home = ""

    def asks_for(self, method: str, path: str, **content: Any) -> httpx2.Response:  # noqa: ANN401 - handed on
        """Call the service, whatever it answers."""
        return self._http.request(method, path, **content)

    def does(self, method: str, path: str, **content: Any) -> Any:  # noqa: ANN401 - the JSON of any call
        """Call the service; return the JSON of its answer.

        Raises:
            DemoFailed: it refused.
        """
        answer = self.asks_for(method, path, **content)
        if not answer.is_success:
            raise DemoFailed(f"{method} {path} answered {answer.status_code}: {answer.text}.", "Run `make test`.")
        return answer.json() if answer.content else None

    def joins(self, organisation: str) -> None:
        """Sign up, open the link in the e-mail, log in, make an organisation."""
        name = self._email.partition("@")[0]
        self.does("POST", "/v1/signup", json={"email": self._email, "password": PASSWORD, "name": name.title()})
        self.does("POST", "/v1/verify", json={"token": self._link()})
        me = self.does("POST", "/v1/login", json={"email": self._email, "password": PASSWORD})
        self._http.headers["X-CSRF-Token"] = me["csrf_token"]
        made = self.does("POST", "/v1/organisations", json={"name": organisation})
        self.home = f"/v1/organisations/{made['id']}"

    def uploads(self, files: list[tuple[str, Path]]) -> int:
        """Send documents and wait until they are read; return how many passages they have."""
        form = [("file", (name, path.read_bytes())) for name, path in files]
        self.does("POST", f"{self.home}/documents/batch", files=form)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            documents = self.does("GET", f"{self.home}/documents")
            if all(document["status"] in ("ready", "failed") for document in documents):
                return sum(document["chunks"] for document in documents)
            time.sleep(REST_SECONDS)
        raise DemoFailed("The documents were not read in time.", "Try again when the machine is less busy.")

    def asks(self, question: str) -> dict[str, Any]:
        """The answer to a question."""
        answer: dict[str, Any] = self.does("POST", f"{self.home}/ask", json={"question": question})
        return answer

    def _link(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for file in sorted(self._outbox.glob("*.eml"), reverse=True):
                mail = message_from_bytes(file.read_bytes(), policy=policy.default)
                found = LINK.search(mail.get_content()) if isinstance(mail, EmailMessage) else None
                if found and mail["To"] == self._email:
                    return found.group(1)
            time.sleep(REST_SECONDS)
        raise DemoFailed("The e-mail with the link did not arrive.", "Run `make test`.")


def demo() -> None:
    """Sign up, upload, ask, reach the quota, upgrade, read the invoice; a second organisation sees none of it."""
    flavour = chosen()
    print(f"{flavour.title}: {flavour.tagline}\n")
    with tempfile.TemporaryDirectory(prefix="demo-") as folder, serving(Path(folder)) as address:
        ada, bob = (Visitor(address, Path(folder, "outbox"), f"{name}@example.com") for name in ("ada", "bob"))
        for visitor, organisation in ((ada, "Northwind"), (bob, "Contoso")):
            visitor.joins(organisation)
            print(f"{organisation}: signed up, address confirmed by the e-mail in the outbox, logged in")
        documents = list(documents_in([flavour.samples]))
        print(f"Northwind: {len(documents)} documents uploaded, {ada.uploads(documents)} passages")
        answers = {question: ada.asks(question) for question in flavour.questions}
        for question, answer in answers.items():
            print(f"\nNorthwind asks: {question}\n{described(answer)}")
        question = next((text for text, answer in answers.items() if answer["citations"]), flavour.questions[0])
        print(f"\nContoso asks: {question}\n{described(bob.asks(question))}")
        print(f"Contoso opens Northwind's documents: {bob.asks_for('GET', f'{ada.home}/documents').status_code}")
        spend_all(ada, question, len(answers))
        ada.does("POST", f"{ada.home}/billing/plan", json={"plan": "team"})
        print(f"Northwind takes the plan Team and asks again: answered from {sources(ada.asks(question))}")
        month = f"{datetime.now(UTC):%Y-%m}"
        print(f"\n{invoice(ada.does('GET', f'{ada.home}/billing/invoices/{month}'))}")
    talk.print("\nNext: `make serve` opens the product, `make eval` scores its answers.")


def spend_all(visitor: Visitor, question: str, asked: int) -> None:
    """Ask until the plan ends, and say how that looks; `asked` questions were asked before."""
    while (answer := visitor.asks_for("POST", f"{visitor.home}/ask", json={"question": question})).is_success:
        asked += 1
    print(f"\nNorthwind asks on: after {asked} questions {answer.status_code}, {answer.json()['detail']}")


def described(answer: dict[str, Any]) -> str:
    """An answer for a terminal: the text, and each citation with its quote."""
    quotes = [f"  [{c['number']}] {c['document']}: “{c['quote']}”" for c in answer["citations"]]
    label = "  (offline: sentences copied from the documents, none generated)"
    return "\n".join([answer["answer"], *quotes, *([label] if answer["offline"] else [])])


def sources(answer: dict[str, Any]) -> str:
    """The documents that an answer cites."""
    return ", ".join(sorted({citation["document"] for citation in answer["citations"]})) or "no document"


def invoice(bill: dict[str, Any]) -> str:
    """An invoice for a terminal."""
    lines = [f"  {one['title']:<40} {one['quantity']:>8} {one['amount']:>10} USD" for one in bill["lines"]]
    return "\n".join([f"Invoice of Northwind, {bill['month']}", *lines, f"  {'total':<40} {bill['total']:>19} USD"])


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The service with the offline model and data in `folder`, on a free port of this machine; yields its address."""
    with listening("127.0.0.1", 0) as opened:
        address = f"http://127.0.0.1:{opened.getsockname()[1]}"
        settings = Settings(  # whatever the environment says: nothing is paid, nothing leaves the machine
            llm=LLMSettings.model_validate({}),
            embedding=EmbeddingSettings.model_validate({}),
            billing=BillingSettings.model_validate({}),
            oidc=OIDCSettings.model_validate({}),
            store=StoreSettings(url=f"sqlite:///{folder}/app.db"),
            accounts=AccountSettings.model_validate({"base_url": address}),
            mail=MailSettings.model_validate({"outbox": folder / "outbox"}),
            log=LogSettings.model_validate({"level": "ERROR"}),
        )
        configure_logs(settings.log)
        with open_platform(settings) as platform:
            server = uvicorn.Server(uvicorn.Config(create_app(platform), log_config=None))
            thread = threading.Thread(target=server.run, args=([opened],))
            thread.start()
            try:
                yield address
            finally:
                server.should_exit = True
                thread.join()
