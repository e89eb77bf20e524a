"""Looks for keys of well-known forms in the files and in what any commit added; never shows one whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from shipfolio.check.history import Blob
from shipfolio.check.repo import BINARY_PROBE, Repo

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
ENV_FILE = re.compile(r"(.*/)?\.env")


def search(repo: Repo) -> tuple[list[str], str]:
    """What was found (form, first characters, place), and a sentence that says how much was searched."""
    leaks = [
        f"{name} holds values and is not ignored" for name in repo.named(ENV_FILES) if _holds_values(repo.text(name))
    ]
    for name in repo.files:
        leaks += [f"{what} {start}... in {name}" for what, start in _in_text(repo.text(name))]
    if repo.history.missing:
        return leaks, f"{len(repo.files)} files searched, {repo.history.missing}"
    past = repo.history.earlier(repo.blob_ids())
    for blob in past.blobs:
        leaks += _in_blob(repo, blob)
    extent = f"the history without {' and '.join(past.left_out)}" if past.left_out else "the whole history"
    return sorted(set(leaks)), f"{len(repo.files)} files and {extent} searched"


def _in_blob(repo: Repo, blob: Blob) -> list[str]:
    """What a content that is no longer in the folder gives away; one that is no text gives away nothing."""
    if b"\0" in blob.content[:BINARY_PROBE]:
        return []
    leaks = [
        f"{what} {start}... in the history of {blob.path} (commit {repo.history.commit_that_added(blob.id)[:10]})"
        for what, start in _in_bytes(blob.content)
    ]
    if ENV_FILE.fullmatch(blob.path) and _holds_values(blob.content.decode("utf-8", "replace")):
        leaks.append(f"{blob.path} with values stands in the history")
    return leaks


@lru_cache(maxsize=2_000)
def _in_text(text: str) -> list[tuple[str, str]]:
    return _in_bytes(text.encode())


def _in_bytes(content: bytes) -> list[tuple[str, str]]:
    """Form and first characters of each secret; examples do not count."""
    return [
        (what, match[0][:7].decode("ascii", "replace"))
        for what, (literal, form) in FORMS.items()
        for match in _near(literal, form, content)
        if not EXAMPLES.search(match[0])
    ]


def _near(literal: bytes, form: re.Pattern[bytes], content: bytes) -> Iterator[re.Match[bytes]]:
    """The matches of a form, looked for around its literal part alone: ten times as fast as a search of everything."""
    last, at = -1, content.find(literal)
    while at >= 0:
        match = form.search(content, max(0, at - BEFORE), at + AFTER)
        if match and match.start() > last:
            last = match.start()
            yield match
        at = content.find(literal, at + 1)


def _holds_values(text: str) -> bool:
    """Whether an .env file sets any variable."""
    return any(re.match(r"\s*(?:export\s+)?\w+\s*=\s*\S", line) for line in text.splitlines())
