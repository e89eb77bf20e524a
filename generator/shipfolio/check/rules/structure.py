"""Can a stranger find their way in five minutes?"""

from __future__ import annotations

import re

from shipfolio.check.repo import Repo
from shipfolio.check.rule import Rule

README = r"readme(\.md|\.rst|\.txt)?"
CODE_BLOCK = re.compile(r"^(```|~~~|    \S|\.\. code)", re.MULTILINE)
PICTURE = re.compile(r"```mermaid|!\[[^\]]*\]\(|<img |\.\. (image|figure)::")
LOCKS = (
    r"(.*/)?(uv\.lock|poetry\.lock|pdm\.lock|pipfile\.lock|package-lock\.json|pnpm-lock\.yaml|yarn\.lock"
    r"|go\.sum|cargo\.lock)"
)
FRONT_DOORS = r"makefile|justfile|taskfile\.ya?ml|noxfile\.py|tox\.ini|package\.json"
VERBS = ("setup", "install", "demo", "run", "serve", "start", "test", "check")
MIN_WORDS = 150


class STR101(Rule):
    """The README says what the project does and which commands start it."""

    family = "structure"
    why = "It is the first page a hiring manager opens, and often the only one."
    points = 4

    def check(self, repo: Repo) -> bool:
        """Write a README.md of at least 150 words with a code block that holds the commands to run it."""
        text = repo.joined(README)
        words, blocks = len(text.split()), len(CODE_BLOCK.findall(text))
        self.evidence.append(f"{words} words, {'with' if blocks else 'no'} commands")
        return words >= MIN_WORDS and blocks > 0


class STR102(Rule):
    """A lock file fixes the version of every dependency."""

    family = "structure"
    why = "Without it the project that ran for you does not run for the person who reviews it."
    points = 2

    def check(self, repo: Repo) -> bool:
        """Run `uv lock` (or your package manager's lock command) and commit the file."""
        return self.found(repo.named(LOCKS), "lock file")


class STR103(Rule):
    """One file holds the verbs: set up, run, test."""

    family = "structure"
    why = "A reviewer types one command; a project that needs a paragraph of steps is not tried."
    points = 3

    def check(self, repo: Repo) -> bool:
        """Add a Makefile (or justfile, Taskfile) with targets such as setup, demo and test."""
        doors = repo.named(FRONT_DOORS)
        text = repo.joined(FRONT_DOORS)
        verbs = [verb for verb in VERBS if re.search(rf"^\W*{verb}\b", text, re.MULTILINE)]
        self.found(doors, "front door")
        self.found(verbs, "verb")
        return bool(doors) and len(verbs) >= 2


class STR104(Rule):
    """A picture shows how the parts work together."""

    family = "structure"
    why = "In an interview you draw the architecture; here it is already drawn, and it is looked at before the code."
    points = 3

    def check(self, repo: Repo) -> bool:
        """Put a Mermaid diagram or an image into README.md or docs/architecture.md."""
        pages = repo.named(rf"{README}|(docs?/)?architecture\.md|docs?/.+\.md")
        return self.found([name for name in pages if PICTURE.search(repo.text(name))], "page with a picture", "pages")
