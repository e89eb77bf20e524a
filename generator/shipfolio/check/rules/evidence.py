"""What did you measure, decide and learn? Text that a template wrote does not count."""

from __future__ import annotations

import re

from shipfolio.check.repo import Repo
from shipfolio.check.rule import Rule

STORIES = r"(docs?/)?(story|case[-_]study|write[-_]?up|blog|lessons)[^/]*\.md|docs?/(story|case[-_]study)/.+\.md"
RESULTS = r"(docs?/)?(results|benchmarks?|measurements)[^/]*\.md|readme\.md|evals?/[^/]+\.md"
DECISIONS = r"(.*/)?(adrs?|decisions|decision-records)/[^/]+\.md"
COSTS = r"(docs?/)?[^/]*costs?[^/]*\.md|readme\.md"
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
DATE = re.compile(rf"\b20\d\d-[01]\d-[0-3]\d\b|\b[0-3]?\d\.? (?:{MONTHS}) 20\d\d\b")
COMMAND = re.compile(
    r"(?:^\s*\$?\s*|`)(?:make|uv|uvx|python3?|app|pytest|npm|npx|docker|k6|locust|curl)\s+\w", re.MULTILINE
)
TABLE_ROW = re.compile(r"\|.*\d.*\|")
ALTERNATIVES = re.compile(r"(?is)\b(?:alternatives?|considered options|options considered)\b(.*)")
MONEY = re.compile(r"[$€£]\s?\d|\b\d[\d.,]*\s?(?:USD|EUR|GBP|INR)\b|\b(?:USD|EUR|GBP|INR)\s?\d")
STORY_WORDS = 250
DECISION_WORDS = 60
MIN_DECISIONS = 2
MIN_ROWS = 2
MIN_AMOUNTS = 3


class EVD101(Rule):
    """Measured results stand with the date and the command that gave them."""

    family = "evidence"
    why = "A number nobody can repeat is a claim. A number with its command is evidence."
    points = 8

    def check(self, repo: Repo) -> bool:
        """Measure your own version (`make eval`), and keep the table in docs/results.md with date and command."""
        for name in repo.named(RESULTS):
            text = repo.text(name)
            rows = [line for line in repo.template.own_lines(text) if TABLE_ROW.fullmatch(line)]
            dated, command = DATE.search(text), COMMAND.search(text)
            if rows:
                parts = [f"{len(rows)} own rows", f"dated {dated[0]}" if dated else "no date"]
                self.evidence.append(f"{name}: {', '.join(parts)}, {'with its command' if command else 'no command'}")
            if len(rows) >= MIN_ROWS and dated and command:
                return True
        if not self.evidence:
            self.evidence.append("no measured result that differs from the template's")
        return False


class EVD102(Rule):
    """At least two decisions of your own are recorded, each with the alternatives you refused."""

    family = "evidence"
    why = "'Why this and not that?' is the question of every design interview; a recorded decision is the answer."
    points = 8

    def check(self, repo: Repo) -> bool:
        """Write docs/adr/NNNN-title.md: context, decision, consequences, and one line per refused alternative."""
        records = [name for name in repo.named(DECISIONS) if "template" not in name.rpartition("/")[2].lower()]
        own = [name for name in records if repo.template.own_words(repo.text(name)) >= DECISION_WORDS]
        weighed = [name for name in own if _weighs(repo.text(name))]
        self.found(own, "own decision record")
        self.evidence.append(f"{len(weighed)} of them with alternatives")
        return len(weighed) >= MIN_DECISIONS


class EVD103(Rule):
    """What it costs to run is worked out with your own amounts."""

    family = "evidence"
    why = "The cost per thousand requests decides whether a design lives; few candidates can name theirs."
    points = 6

    def check(self, repo: Repo) -> bool:
        """Write docs/cost.md: price per request and per month at a load you name, at least three amounts."""
        amounts = []
        for name in repo.named(COSTS):
            amounts += [line[:60] for line in repo.template.own_lines(repo.text(name)) if MONEY.search(line)]
        self.found(amounts, "own line with an amount", "own lines with amounts")
        return len(amounts) >= MIN_AMOUNTS


class EVD104(Rule):
    """The story is told in your words: the problem, what you tried, what it showed."""

    family = "evidence"
    why = "It is what a hiring manager reads and remembers, and the one part that nothing can generate for you."
    points = 10

    def check(self, repo: Repo) -> bool:
        """Write docs/story.md, at least 250 words that are not the template's."""
        words = {name: repo.template.own_words(repo.text(name)) for name in repo.named(STORIES)}
        self.found([f"{name} ({count} own words)" for name, count in words.items()], "story", "stories")
        return max(words.values(), default=0) >= STORY_WORDS


def _weighs(text: str) -> bool:
    found = ALTERNATIVES.search(text)
    return bool(found and len(found[1].split()) >= 8)
