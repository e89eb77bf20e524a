"""Stripe's wire format on 127.0.0.1: the five calls that we make, and events as Stripe signs them.

What it promises is from Stripe's API reference: form bodies with nested names, one answer for one idempotency key, one
count for one identifier of a meter event, errors as JSON with a type and a message.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl

from app.billing.stripe_events import StripeEvent

Form = dict[str, str]
SIGNER = "whsec_of_the_stub"
DUPLICATE = "An event already exists with identifier {}."


@dataclass
class StripeStub:
    """What it was asked, as (path, form), and how it behaves: `failures` are statuses for the next calls."""

    asked: list[tuple[str, Form]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    metered: dict[str, Form] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    remembers_keys: bool = True
    url: str = ""
    _answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)
    _lock: Lock = field(default_factory=Lock)

    @property
    def billed(self) -> int:
        """The sum of all meter events."""
        return sum(int(form["payload[value]"]) for form in self.metered.values())

    def answer(self, path: str, form: Form, key: str) -> tuple[int, dict[str, Any]]:
        """Status and body of one call."""
        with self._lock:
            self.asked.append((path, form))
            if self.failures:
                return self.failures.pop(0), problem("api_error", "An error of ours.")
            if self.remembers_keys and key in self._answers:
                return 200, self._answers[key]
            if path == "/v1/billing/meter_events" and form["identifier"] in self.metered:
                return 400, problem("invalid_request_error", DUPLICATE.format(form["identifier"]))
            made = self._make(path, form)
            if made is None:
                return 404, problem("invalid_request_error", f"Unrecognized request URL (POST: {path}).")
            self._answers[key] = made
            return 200, made

    def delete(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body of the deletion of a customer."""
        with self._lock:
            self.asked.append((path, {}))
            if path in self.deleted:
                return 404, problem("invalid_request_error", f"No such customer: {path}.")
            self.deleted.add(path)
            return 200, {"id": path.rpartition("/")[2], "object": "customer", "deleted": True}

    def _make(self, path: str, form: Form) -> dict[str, Any] | None:
        number = next(self._numbers)
        if path == "/v1/customers":
            return {"id": f"cus_{number}", "object": "customer", "metadata": {}}
        if path == "/v1/checkout/sessions":
            url = f"https://checkout.stripe.com/c/pay/{number}"
            return {"id": f"cs_{number}", "object": "checkout.session", "url": url}
        if path == "/v1/billing_portal/sessions":
            url = f"https://billing.stripe.com/p/session/{number}"
            return {"id": f"bps_{number}", "object": "billing_portal.session", "url": url}
        if path == "/v1/billing/meter_events":
            self.metered[form["identifier"]] = form
            return {"object": "billing.meter_event", "identifier": form["identifier"], "livemode": False}
        return None


def problem(kind: str, message: str) -> dict[str, Any]:
    """An error as Stripe sends it."""
    return {"error": {"type": kind, "message": message}}


@contextmanager
def stripe_stub() -> Iterator[StripeStub]:
    """The stub, listening."""
    stub = StripeStub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            assert self.headers["Authorization"] == "Bearer sk_test_stub"
            self.tell(*stub.answer(self.path, form, self.headers["Idempotency-Key"]))

        def do_DELETE(self) -> None:
            self.tell(*stub.delete(self.path))

        def tell(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Request-Id", "req_stub")
            self.send_header("Stripe-Should-Retry", "false")  # so that tests of failures need not wait
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield stub
        server.shutdown()


def wire(identifier: str, news: str, created: int, customer: str, price: str, status: str = "active") -> dict[str, Any]:
    """An event of a subscription, with more fields than anybody reads, as Stripe sends them."""
    item = {"id": "si_1", "object": "subscription_item", "quantity": 1, "price": {"id": price, "object": "price"}}
    subject = {
        "id": "sub_1",
        "object": "subscription",
        "customer": customer,
        "status": status,
        "items": {"object": "list", "data": [item], "has_more": False},
        "metadata": {},
    }
    return {
        "id": identifier,
        "object": "event",
        "api_version": "2026-09-30.endive",
        "type": f"customer.subscription.{news}",
        "created": created,
        "livemode": False,
        "data": {"object": subject, "previous_attributes": None},
    }


def subscription(
    identifier: str, news: str, created: int, customer: str, price: str, status: str = "active"
) -> StripeEvent:
    """The same after its signature was checked."""
    return StripeEvent.model_validate(wire(identifier, news, created, customer, price, status))


def signed(event: Mapping[str, Any], signer: str = SIGNER, at: float | None = None) -> tuple[bytes, str]:
    """Body and `Stripe-Signature` header of a webhook."""
    body = json.dumps(event).encode()
    moment = int(time.time() if at is None else at)
    digest = hmac.new(signer.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return body, f"t={moment},v1={digest}"
