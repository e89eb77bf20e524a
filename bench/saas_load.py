"""Two hundred people at work in a generated SaaS, offline: `python bench/saas_load.py`.

Makes a project, twenty organisations of ten people each with the sample documents, and starts `app serve --workers 2`,
one process for each of two processors, which this one shares. Then an open loop: what each person does begins at times
that were drawn beforehand, whether or not what came before was answered, and its latency counts from then. A person
does something every five seconds at the mean (exponential: some twice in a second), and nobody reads a page or an
answer faster. One time in five it is a question, asked as the page asks it: a stream of events, in a conversation; all
questions differ. Else it is a page: landing, overview, documents, chat, history, or usage and plan.

Bounds: no error, p95 of pages at most 150 ms, p95 of whole answers at most 1.5 s. An error is any status but 200 (also
429 and 402: this traffic is within every limit), a page of another organisation, a stream without an answer, a lost
connection. Beside them stand `/healthz` at the same load, and the same calls by one person alone.

Not part of it: signing up and logging in, uploads, and the style sheets and scripts that a browser already has.

    python bench/saas_load.py [--seconds 20] [--project DIR] [--workers 2]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service import HEAD_END, LENGTH, Connection, Outcome, cpu_seconds, memory_mb, new_project, questions, serving

ORGANISATIONS, PEOPLE = 20, 10
THINK_SECONDS = 5.0
ASKS = 0.2  # of all that people do
PAGES = {"landing": "", "overview": "{}", "documents": "{}/documents", "chat": "{}/ask", "history": "{}/history"}
PAGES |= {"billing": "{}/billing"}
PAGE_BOUND_MS, PAGE_BOUND_X, ASK_BOUND_MS, CITED = 150.0, 10.0, 1500.0, 0.5
WARM_SECONDS = 5.0  # at the same load, not counted: organisations are opened, templates compiled
HEALTH_SECONDS = 0.1  # between two calls to /healthz
STREAM_END = b"0\r\n\r\n"
Person = dict[str, str]


@dataclass(frozen=True)
class Act:
    """Something that a person does: when, what it is called, the request, and what its answer must hold."""

    due: float
    name: str
    request: bytes
    shows: bytes


class Browser(Connection):
    """A connection whose response may also be a stream of chunks."""

    def data_received(self, data: bytes) -> None:
        """Hand over the response once it is whole."""
        self._received += data
        head, end, body = self._received.partition(HEAD_END)
        if not end or self._answer is None or self._answer.done():
            return
        length = LENGTH.search(head)
        if len(body) >= int(length[1]) if length else body.endswith(STREAM_END):
            self._answer.set_result(self._received)


class Client:
    """Sends requests over connections that it opens as needed and keeps."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Browser] = []

    async def do(self, act: Act, since: float, outcomes: dict[str, Outcome]) -> None:
        """Send one request and note how long it took, counted from `since`."""
        outcome = outcomes.setdefault(act.name, Outcome())
        try:
            connection = self._idle.pop() if self._idle else await self._open()
            response = await connection.send(act.request)
        except OSError as error:
            outcome.failures.append(f"{act.name}: {error!r}")
            return
        outcome.seconds.append(time.perf_counter() - since)
        self._idle.append(connection)
        if not response.startswith(b"HTTP/1.1 200") or act.shows not in response:
            outcome.failures.append(f"{act.name}: {response[:200].decode(errors='replace')}")
        outcome.refused += b'"refused":true' in response

    async def _open(self) -> Browser:
        _, connection = await asyncio.get_running_loop().create_connection(Browser, "127.0.0.1", self._port)
        return connection

    def close(self) -> None:
        """Hang up everywhere."""
        for connection in self._idle:
            connection.close()


def main() -> int:
    """Print what was measured; exit code 1 beyond a bound."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--project", type=Path, help="a project that exists, with its .venv")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = options.project or new_project(Path(folder, "project"), "ai-saas")
        environment = {**os.environ, "APP_STORE__URL": f"sqlite:///{folder}/bench.db", "NO_COLOR": "1"}
        environment |= {"APP_LLM__PRIMARY": "offline", "APP_LOG__LEVEL": "WARNING"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process compiles every library again
        people = fill(project, environment)
        with serving(project, environment, options.workers) as (port, pid):
            return measure(port, pid, people, questions(project), options)


def fill(project: Path, environment: dict[str, str]) -> list[Person]:
    """The people of all organisations."""
    script = Path(__file__).with_name("saas_people.py").resolve()
    command = [str(project.resolve() / ".venv/bin/python"), str(script), str(ORGANISATIONS), str(PEOPLE)]
    done = subprocess.run(command, cwd=project, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    people: list[Person] = json.loads(done.stdout)
    return people


def measure(port: int, pid: int, people: list[Person], asked: Iterator[str], options: argparse.Namespace) -> int:
    """The load, then one person alone, and the verdict."""
    asyncio.run(play(port, sorted(acts(people, asked, WARM_SECONDS, 1), key=lambda act: act.due)))
    load = sorted(acts(people, asked, options.seconds, 2), key=lambda act: act.due)
    cpu, own, began = cpu_seconds(pid), time.process_time(), time.perf_counter()
    outcomes = asyncio.run(play(port, load, HEALTH_SECONDS))
    wall = time.perf_counter() - began
    cpu, own = cpu_seconds(pid) - cpu, time.process_time() - own
    alone = asyncio.run(one_after_another(port, list(acts(people[:1], asked, 100 * THINK_SECONDS, 3))))
    shares = f"{cpu / wall:.2f} processors in the service, {own / wall:.2f} in this client"
    print(
        f"{len(people)} people in {ORGANISATIONS} organisations, one act in {THINK_SECONDS:g} s each, for {wall:.0f} s"
    )
    print(
        f"{options.workers} workers, {len(load) / wall:.1f} acts a second: {shares}, {memory_mb(pid):.0f} MB resident"
    )
    return report(outcomes, alone)


def report(outcomes: dict[str, Outcome], alone: dict[str, Outcome]) -> int:
    """Print the numbers with their ratios; 1 beyond a bound."""
    health = outcomes.pop("healthz")
    print(f"{'':<10}{'calls':>6}{'p50 ms':>8}{'p95 ms':>8}{'x healthz':>11}{'p95 alone':>11}")
    for name, outcome in sorted(outcomes.items()):
        print(row(name, outcome, health, alone[name]))
    pages, asks = together(outcomes, set(PAGES)), outcomes["ask"]
    print(row("pages", pages, health, together(alone, set(PAGES))))
    print(row("healthz", health, health, None))
    cited = 1 - asks.refused / len(asks.seconds)
    p95s = pages.percentile_ms(0.95), asks.percentile_ms(0.95)
    page_bound = max(PAGE_BOUND_MS, PAGE_BOUND_X * health.percentile_ms(0.95))
    print(f"p95 of pages = {p95s[0] / PAGE_BOUND_MS:.2f} of the bound, of answers = {p95s[1] / ASK_BOUND_MS:.2f}")
    failures = [failure for outcome in (*outcomes.values(), *alone.values(), health) for failure in outcome.failures]
    print(f"{len(failures)} errors; {cited:.0%} of the answers cite a document, the others refuse")
    for failure in failures[:3]:
        print(f"failure: {failure}")
    return int(bool(failures) or p95s[0] > page_bound or p95s[1] > ASK_BOUND_MS or cited < CITED)


def row(name: str, outcome: Outcome, health: Outcome, alone: Outcome | None) -> str:
    """One line of the table; the ratio is of the two p95."""
    p50, p95 = outcome.percentile_ms(0.5), outcome.percentile_ms(0.95)
    by_itself = f"{alone.percentile_ms(0.95):>11.1f}" if alone else ""
    return (
        f"{name:<10}{len(outcome.seconds):>6}{p50:>8.1f}{p95:>8.1f}{p95 / health.percentile_ms(0.95):>11.1f}{by_itself}"
    )


def together(outcomes: dict[str, Outcome], names: set[str]) -> Outcome:
    """What came back of several kinds."""
    return Outcome([seconds for name in sorted(names & outcomes.keys()) for seconds in outcomes[name].seconds])


def acts(people: list[Person], asked: Iterator[str], seconds: float, seed: int) -> Iterator[Act]:
    """What each of these people does in this time."""
    chance = random.Random(seed)
    for number, person in enumerate(people):
        due = chance.expovariate(1 / THINK_SECONDS)
        while due < seconds:
            if chance.random() < ASKS:
                yield question(person, due, next(asked), f"conversation-{seed}-{number}-{int(due / 60)}")
            else:
                yield page(person, due, chance.choice(list(PAGES)))
            due += chance.expovariate(1 / THINK_SECONDS)


def page(person: Person, due: float, name: str) -> Act:
    """Look at a page."""
    address = PAGES[name].format(f"/o/{person['organisation']}") or "/"
    shown = b"</html>" if name == "landing" else person["name"].encode()
    return Act(due, name, request("GET", address, person), shown)


def question(person: Person, due: float, text: str, conversation: str) -> Act:
    """Ask as the page does."""
    body = json.dumps({"question": text, "stream": True, "conversation_id": conversation}).encode()
    address = f"/v1/organisations/{person['organisation']}/ask"
    return Act(due, "ask", request("POST", address, person, body), b"event: answer")


def request(method: str, path: str, person: Person, body: bytes = b"") -> bytes:
    """The bytes of one HTTP request of somebody who is logged in."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Cookie: session={person['cookie']}"]
    if body:
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json", f"X-CSRF-Token: {person['csrf']}"]
    return "\r\n".join(lines).encode() + HEAD_END + body


async def play(port: int, script: list[Act], health_seconds: float = 0.0) -> dict[str, Outcome]:
    """Each act at its time; `/healthz` in between, where a time is given."""
    client, outcomes, began = Client(port), dict[str, Outcome](), time.perf_counter()
    if health_seconds:
        times = [number * health_seconds for number in range(int(script[-1].due / health_seconds))]
        probe = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1{HEAD_END.decode()}".encode()
        script = sorted([*script, *(Act(due, "healthz", probe, b"") for due in times)], key=lambda act: act.due)
    async with asyncio.TaskGroup() as running:
        for act in script:
            if (wait := began + act.due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            running.create_task(client.do(act, began + act.due, outcomes))
    client.close()
    return outcomes


async def one_after_another(port: int, script: list[Act]) -> dict[str, Outcome]:
    """Each act when the one before is answered."""
    client, outcomes = Client(port), dict[str, Outcome]()
    for act in script:
        await client.do(act, time.perf_counter(), outcomes)
    client.close()
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
