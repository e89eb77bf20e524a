"""Does it stay up when something around it does not?"""

from __future__ import annotations

import re

from shipfolio.check.repo import Repo
from shipfolio.check.rule import Rule

SOURCES = r"(?!(.*/)?(tests?|samples|docs)/).+\.(py|[jt]sx?|go)"
HEALTH_FILES = r"(.*/)?(dockerfile[^/]*|(docker-)?compose[^/]*\.ya?ml)|(.*/)?(deploy|k8s|charts?|helm|infra)/.+"
HEALTH = re.compile(r"^\s*HEALTHCHECK\b|\bhealthcheck:|\b(?:liveness|readiness)Probe|\bhealth_?check\b", re.MULTILINE)
ROUTE = re.compile(r"[\"'`]/(?:healthz?|readyz?|livez|health/\w+)[\"'`]")
LIMITS = {
    "a time limit": re.compile(r"\btimeout\w*\s*[=:(]|\bwait_for\(|AbortSignal\.timeout"),
    "a size or rate limit": re.compile(
        r"(?i)rate_?limit|max_\w*(?:bytes|size|tokens|requests|length)|quota|throttl|slowapi"
    ),
}
FAILOVER = re.compile(
    r"(?i)\bFallbackModel\b|\bfallback_(?:model|provider)\b|\bfail_?over\b|circuit_?breaker|fallbacks\s*="
)


class REL101(Rule):
    """Health checks tell a platform when to restart it."""

    family = "reliability"
    why = "Without one, a process that hangs keeps getting traffic until a person notices."
    points = 2

    def check(self, repo: Repo) -> bool:
        """Serve /healthz, and name it in the Dockerfile's HEALTHCHECK, in compose or in the probes of the chart."""
        routes = [name for name in repo.named(SOURCES) if repo.first(ROUTE, name)]
        checks = [name for name in repo.named(HEALTH_FILES) if repo.first(HEALTH, name)]
        self.found(routes, "file with a health route", "files with a health route")
        return self.found(checks, "health check") and bool(routes)


class REL102(Rule):
    """Calls end after a time, and requests have a limit."""

    family = "reliability"
    why = "One slow provider or one huge upload otherwise takes everyone down, and the bill up."
    points = 2

    def check(self, repo: Repo) -> bool:
        """Set timeouts on outgoing calls, and limit the size or the rate of what comes in."""
        source = repo.named(SOURCES)
        missing = []
        for limit, pattern in LIMITS.items():
            where = [name for name in source if repo.first(pattern, name)]
            self.evidence.append(f"{limit}: {', '.join(where[:3]) or 'not found'}")
            missing += [] if where else [limit]
        return not missing


class REL103(Rule):
    """Another model takes over when the first one fails."""

    family = "reliability"
    why = "Every provider has bad hours; a product that shares them has no operator."
    points = 2

    def check(self, repo: Repo) -> bool:
        """Wire a fallback model (for example pydantic-ai's FallbackModel) and test that it takes over."""
        return self.found([n for n in repo.named(SOURCES) if repo.first(FAILOVER, n)], "file with a failover", "files")
