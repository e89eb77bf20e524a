"""Looks for keys of well-known forms in the files and in what any commit added; never shows one whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from shipfolio.check.repo import Repo

# The literal part comes first, because a plain search for it is fast; the expression decides.
FORMS: dict[str, tuple[bytes, re.Pattern[bytes]]] = {
    "AWS access key": (b"AKIA", re.compile(rb"\bAKIA[0-9A-Z]{16}\b")),
    "private key": (
        b"PRIVATE KEY-----",
        re.compile(rb"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----\s*\\?n?[+\-]?[A-Za-z0-9+/]{40}"),
    ),
    "OpenAI key": (b"sk-", re.compile(rb"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,}")),
    "Anthropic key": (b"sk-ant-", re.compile(rb"\bsk-ant-[A-Za-z0-9_-]{32,}")),
    "GitHub token": (b"ghp_", re.compile(rb"\bghp_[A-Za-z0-9]{36}\b")),
    "GitHub OAuth token": (b"gho_", re.compile(rb"\bgho_[A-Za-z0-9]{36}\b")),
    "GitHub app token": (b"ghs_", re.compile(rb"\bghs_[A-Za-z0-9]{36}\b")),
    "GitHub fine-grained token": (b"github_pat_", re.compile(rb"\bgithub_pat_[A-Za-z0-9_]{60,}")),
    "Google API key": (b"AIza", re.compile(rb"\bAIza[0-9A-Za-z_-]{35}\b")),
    "Slack token": (b"xox", re.compile(rb"\bxox[abprs]-[0-9A-Za-z-]{20,}")),
    "Stripe key": (b"k_live_", re.compile(rb"\b[sr]k_live_[0-9A-Za-z]{20,}")),
    "Azure storage key": (b"AccountKey=", re.compile(rb"AccountKey=[A-Za-z0-9+/]{80,}={0,2}")),
}
BEFORE, AFTER = 64, 256  # bytes around the literal part that hold the shortest match of each form
EXAMPLES = re.compile(rb"(?i)example|dummy|fake|xxxx|0000000|1234567890")
ENV_FILES = r"(.*/)?\.env(\.(local|prod|production|dev))?"
FILE_MARK = b"\n+++ b/"
COMMIT_MARK = b"commit "
COMMITTED_ENV = re.compile(rb"\n\+\+\+ b/((?:[^\n]*/)?\.env)\n@@[^\n]*\n(?:\+[^\n]*\n)*?\+(?:export )?\w+=\S")


def search(repo: Repo) -> tuple[list[str], str]:
    """What was found (form, first characters, place), and a sentence that says how much was searched."""
    leaks = [
        f"{name} holds values and is not ignored" for name in repo.named(ENV_FILES) if _holds_values(repo.text(name))
    ]
    for name in repo.files:
        leaks += [f"{what} {start}... in {name}" for what, start in _in_text(repo.text(name))]
    if repo.history.missing:
        return leaks, f"{len(repo.files)} files searched, {repo.history.missing}"
    patches, whole = repo.history.additions()
    for env in COMMITTED_ENV.finditer(patches):
        leaks.append(f"{env[1].decode('utf-8', 'replace')} with values stands in the history")
    for what, start, at in _matches(patches, patch=True):
        name, commit = _place(patches, at)
        leaks.append(f"{what} {start}... in the history of {name} (commit {commit})")
    extent = "the whole history" if whole else f"the newest {len(patches) >> 20} MB of the history, not the rest"
    return sorted(set(leaks)), f"{len(repo.files)} files and {extent} searched"


@lru_cache(maxsize=2_000)
def _in_text(text: str) -> list[tuple[str, str]]:
    return [(what, start) for what, start, _ in _matches(text.encode())]


def _matches(content: bytes, patch: bool = False) -> list[tuple[str, str, int]]:
    """Form, first characters and position of each secret; removed lines of a patch and examples do not count."""
    found = []
    for what, (literal, form) in FORMS.items():
        for match in _near(literal, form, content):
            line = content[content.rfind(b"\n", 0, match.start()) + 1 : match.start()]
            removed = patch and line.startswith((b"-", b"@@"))
            if not removed and not EXAMPLES.search(match[0]):
                found.append((what, match[0][:7].decode("ascii", "replace"), match.start()))
    return found


def _near(literal: bytes, form: re.Pattern[bytes], content: bytes) -> Iterator[re.Match[bytes]]:
    """The matches of a form, looked for around its literal part alone: ten times as fast as a search of everything."""
    last, at = -1, content.find(literal)
    while at >= 0:
        match = form.search(content, max(0, at - BEFORE), at + AFTER)
        if match and match.start() > last:
            last = match.start()
            yield match
        at = content.find(literal, at + 1)


def _place(patches: bytes, at: int) -> tuple[str, str]:
    start = patches.rfind(FILE_MARK, 0, at)
    name = patches[start + len(FILE_MARK) : patches.find(b"\n", start + 1)].decode("utf-8", "replace")
    commit = patches.rfind(b"\n" + COMMIT_MARK, 0, at) + 1
    return name, patches[commit + len(COMMIT_MARK) :][:10].decode("ascii", "replace")


def _holds_values(text: str) -> bool:
    """Whether an .env file sets any variable."""
    return any(re.match(r"\s*(?:export\s+)?\w+\s*=\s*\S", line) for line in text.splitlines())
