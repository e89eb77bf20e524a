"""The dashboard's JSON server, on this machine only."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from wsgiref.simple_server import make_server

from tidewatch.errors import TideError
from tidewatch.harmonics import Constituent, forecast
from tidewatch.store import ReadingStore

MOST_HOURS = 72
HARBOURS: dict[str, tuple[float, list[Constituent]]] = {
    "KIRKVO": (2.4, [Constituent("M2", 1.31, 28.984, 110.0), Constituent("S2", 0.42, 30.0, 152.0)]),
}


class Dashboard:
    """A WSGI application over the store."""

    def __init__(self, store: ReadingStore) -> None:
        self._store = store

    def __call__(self, environ: dict, start_response: object) -> Iterable[bytes]:
        """Answer one request; an expected failure becomes JSON with `error` and `help`."""
        try:
            status, body = "200 OK", self.answer(environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
        except TideError as error:
            status, body = "404 Not Found", {"error": str(error), "help": error.help}
        start_response(status, [("Content-Type", "application/json")])  # type: ignore[operator]
        return [json.dumps(body).encode()]

    def answer(self, path: str, query: str) -> object:
        """The value behind a path."""
        _, _, code, *rest = f"{path}//".split("/")
        if rest[:1] == ["forecast"]:
            return self.forecast(code, clamp_hours(query))
        return {"gauge": code, "level": self._store.latest(code).level}

    def forecast(self, code: str, hours: int) -> list[dict[str, object]]:
        """Predicted levels of one harbour."""
        if code not in HARBOURS:
            raise TideError(f"There is no harbour {code!r}.", f"Known: {', '.join(HARBOURS)}.")
        mean, constituents = HARBOURS[code]
        levels = forecast(mean, constituents, datetime.now(UTC), hours)
        return [{"at": at.isoformat(), "level": round(level, 2)} for at, level in levels]


def clamp_hours(query: str) -> int:
    """The hours that a query asks for, 12 if it does not say, never more than 72."""
    _, _, text = query.partition("hours=")
    return min(int(text) if text.isdigit() else 12, MOST_HOURS)


def serve(store: ReadingStore, port: int) -> None:
    """Serve on 127.0.0.1 until the process is stopped."""
    with make_server("127.0.0.1", port, Dashboard(store)) as server:
        server.serve_forever()
