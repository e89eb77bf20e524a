"""The page at `/evals`: scores with their uncertainty, their history, and every golden case.

It shows files of the repository (`evals/`) and means over the answers in use, never documents, questions or comments of
users, so like `/` it asks for no key; `APP_API__EVALS_PAGE=false` takes it away where the golden questions are nobody's
business. What users asked and said is at `/feedback`, for keys that may administer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse

from app import product
from app.bootstrap import Platform
from app.errors import AppError
from app.evals.drift import judge_drift
from app.evals.due import IndexEvaluations
from app.evals.gate import read_verdict
from app.evals.meanings import MEANINGS
from app.evals.records import SERVED, CaseResult, RunResult, RunSummary, read_history, read_latest
from app.evals.statistics import Estimate
from app.web import charts
from app.web.pages import REVALIDATE, render

RUNS_SHOWN = 30
SHOWN = {"all": "All cases", "lost": "Outcome lost points", "perfect": "Outcome whole", "critical": "Critical"}


@dataclass(frozen=True)
class Metric:
    """A metric of the last run, and how it came there. `change` is against the run before, on the same dataset."""

    name: str
    meaning: str
    estimate: Estimate
    change: float | None
    trend: charts.Trend


@dataclass(frozen=True)
class Filters:
    """Which cases a reader wants to see; `case` is the one that is open."""

    kind: str = ""
    show: str = "all"
    q: str = ""
    case: str = ""

    def admit(self, case: CaseResult) -> bool:
        """Whether the case is among them."""
        shown = {"lost": bool(case.lost), "perfect": not case.lost, "critical": case.critical}.get(self.show, True)
        text = f"{case.name} {case.question} {case.expected} {case.got}".lower()
        return shown and self.kind in ("", case.kind) and self.q.lower() in text

    def address(self, case: str = "") -> str:
        """The page with these filters and that case open."""
        chosen = {"kind": self.kind, "show": self.show, "q": self.q, "case": case}
        query = urlencode({name: value for name, value in chosen.items() if value and value != "all"})
        return f"/evals?{query}" if query else "/evals"


def mount(app: FastAPI) -> None:
    """Add `GET /evals`."""
    app.add_api_route("/evals", evals, response_class=HTMLResponse, include_in_schema=False)


def evals(request: Request, kind: str = "", show: str = "all", q: str = "", case: str = "") -> HTMLResponse:
    """The whole page, or only its list of cases where htmx asks for a part."""
    platform: Platform = request.app.state.platform
    filters = Filters(kind, show, q.strip(), case)
    part = request.headers.get("HX-Request-Type") == "partial"
    shown = content(platform.settings.evals_dir, filters)
    page = render("evals_cases.html", platform, **shown) if part else whole(platform, shown)
    return HTMLResponse(page, headers={**REVALIDATE, "Vary": "HX-Request-Type"})


def whole(platform: Platform, shown: Mapping[str, object]) -> str:
    """The page with what is known of answers in use."""
    quality, evaluations = platform.settings.quality, IndexEvaluations(platform.catalog)
    return render(
        "evals.html",
        platform,
        **shown,
        drift=judge_drift(platform.answers, platform.settings.gate, quality.window),
        thumbs=platform.answers.thumbs(),
        due=evaluations.due(),
        asked=evaluations.last(),
    )


def content(folder: Path, filters: Filters) -> dict[str, object]:
    """What the page shows of the files in `folder`; a file that cannot be read becomes a notice."""
    history, unread = read_history(folder)
    notices = [f"{unread} lines of evals/history.jsonl cannot be read and are left out."] if unread else []
    run: RunResult | None = None
    try:
        run = read_latest(folder)
    except AppError as error:
        notices.append(str(error))
    served = [past for past in history if past.suite.endswith(SERVED)]
    history = [past for past in history if past not in served]
    summary = run.summary() if run else history[-1] if history else None
    history = [past for past in history if summary and past.suite == summary.suite][-RUNS_SHOWN:]
    cases = run.cases if run else ()
    return {
        "page": "/evals",
        "filters": filters,
        "shown": SHOWN,
        "notices": notices,
        "gate": read_verdict(folder),
        "served": served[-1] if served else None,
        "summary": summary,
        "offline_words": product.OFFLINE_WORDS,
        "priced_as": summary.setup.get("priced as", "") if summary and summary.offline else "",
        "history": history,
        "metrics": metrics(summary, history) if summary else [],
        "cases": [case for case in cases if filters.admit(case)],
        "total": len(cases),
        "perfect": sum(not case.lost for case in cases),
        "kinds": list(dict.fromkeys(case.kind for case in cases)),
        "histogram": charts.histogram([case.latency_ms for case in cases]),
    }


def metrics(summary: RunSummary, history: Sequence[RunSummary]) -> list[Metric]:
    """Each metric of the run with its way through the history."""
    before = [past for past in history if past.when < summary.when and past.dataset == summary.dataset]
    return [
        Metric(
            name,
            MEANINGS.get(name, ""),
            estimate,
            estimate.mean - before[-1].metrics[name].mean if before and name in before[-1].metrics else None,
            charts.trend([(p.dataset, *_three(p.metrics[name])) for p in history if name in p.metrics]),
        )
        for name, estimate in summary.metrics.items()
    ]


def _three(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.mean, estimate.low, estimate.high
