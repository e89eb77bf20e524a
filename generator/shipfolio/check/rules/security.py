"""Can it be shown to the world without harm?"""

from __future__ import annotations

import re

from shipfolio.check import secrets
from shipfolio.check.pipelines import pipelines
from shipfolio.check.repo import Repo
from shipfolio.check.rule import Rule

DOCKERFILES = r"(.*/)?(dockerfile(\.[^/]+)?|containerfile|[^/]+\.dockerfile)"
ROOT_USERS = {"", "root", "0"}
PINNED = re.compile(r"@[0-9a-f]{40}$|^\./|^docker://.+@sha256:[0-9a-f]{64}$")
WIDE_ROLES = re.compile(
    r'(?i)\b(?:not_?)?actions?"?\s*[=:]\s*\[?\s*"(?:\*|iam:\*|\*:\*)"|"roles/(?:owner|editor)"'
    r'|role_definition_name\s*=\s*"(?:Owner|Contributor)"|policy/AdministratorAccess'
)


class SEC101(Rule):
    """No secret stands in the files or anywhere in the history."""

    family = "security"
    why = "A pushed key is found by robots within minutes, and deleting the file leaves it in the history."
    points = 4

    def check(self, repo: Repo) -> bool:
        """Revoke the key first; then remove it from the history (git filter-repo) and read it from .env instead."""
        leaks, searched = secrets.search(repo)
        self.evidence.append(searched)
        self.evidence += leaks[:10]
        return bool(repo.files) and not leaks


class SEC102(Rule):
    """The container does not run as root."""

    family = "security"
    why = "An escape from a root container is root on the host."
    points = 2

    def check(self, repo: Repo) -> bool:
        """End the Dockerfile's last stage with USER and a number above 0."""
        users = {name: _user(repo.text(name)) for name in repo.named(DOCKERFILES)}
        self.found([f"{name} runs as {user or 'root (no USER)'}" for name, user in users.items()], "image")
        return bool(users) and all(user.split(":")[0].lower() not in ROOT_USERS for user in users.values())


class SEC103(Rule):
    """Actions of others are pinned by commit."""

    family = "security"
    why = "A tag can be moved to other code tomorrow, and that code runs with your repository's rights."
    points = 2
    requires = frozenset({"CI101"})

    def check(self, repo: Repo) -> bool:
        """Write `uses: owner/action@<40 hex digits> # v1.2.3` in every workflow."""
        used = [action for pipeline in pipelines(repo) for action in pipeline.uses]
        loose = sorted({action for action in used if not PINNED.search(action)})
        self.evidence.append(f"{len(used)} uses of actions")
        self.found(loose, "action without a commit", "actions without a commit")
        return not loose


class SEC104(Rule):
    """Workflows say which rights they need, and ask for few."""

    family = "security"
    why = "Without `permissions`, every step of every action may push to the repository."
    points = 2
    requires = frozenset({"CI101"})

    def check(self, repo: Repo) -> bool:
        """Put `permissions:` with `contents: read` at the top of each workflow; never `write-all`."""
        workflows = [p for p in pipelines(repo) if p.content]
        open_ones = [p.name for p in workflows if not _restricted(p.content)]
        self.evidence.append(f"{len(workflows)} workflows")
        self.found(open_ones, "workflow with more rights than it says", "workflows without limited permissions")
        return not open_ones


class SEC105(Rule):
    """The cloud identity may do only what the service does."""

    family = "security"
    why = "A service that may do everything turns one bug into the whole account."
    points = 2
    requires = frozenset({"INF101"})

    def check(self, repo: Repo) -> bool:
        """Replace wildcard actions and owner or administrator roles in the .tf files by the actions needed."""
        wide = [f"{name}: {found}" for name in repo.named(r".+\.tf") if (found := repo.first(WIDE_ROLES, name))]
        self.found(wide, "identity with wide rights", "identities with wide rights")
        return not wide


def _user(dockerfile: str) -> str:
    """Who the last stage runs as; an image that is called nonroot brings its user."""
    user = ""
    for line in dockerfile.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word.upper() == "FROM":
            user = "nonroot" if "nonroot" in rest else ""
        elif word.upper() == "USER":
            user = rest.strip()
    return user


def _restricted(workflow: dict[str, object]) -> bool:
    top = workflow.get("permissions")
    jobs = workflow.get("jobs")
    each = (
        [job.get("permissions", top) for job in jobs.values() if isinstance(job, dict)]
        if isinstance(jobs, dict)
        else []
    )
    return bool(each) and all(rights is not None and rights != "write-all" for rights in each)
