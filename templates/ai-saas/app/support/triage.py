"""What a ticket asks, and whether a person must answer it: rules that a support team can read and change."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import ConfigurationError
from app.language import sentences, stems

RULES_FILE = Path(__file__).with_name("rules.yaml")
COURTESY = re.compile(
    r"(hi|hello|hey|dear|good (morning|afternoon|evening)|thanks?|thank you|many thanks|cheers|kind regards|regards|"
    r"best|best wishes|sincerely|yours)\b[\w .,!'-]{0,40}",
    re.IGNORECASE,
)
MOST_SENTENCES = 3
APOSTROPHE = "\u2019"  # as telephones write it


class Rule(BaseModel):
    """Why a person must answer, and the phrases that show it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    reason: str
    phrases: tuple[str, ...] = Field(min_length=1)

    def applies(self, text: str) -> bool:
        """Whether one of the phrases stands in `text` as whole words."""
        plain = " ".join(text.lower().replace(APOSTROPHE, "'").split())
        return any(re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", plain) for phrase in self.phrases)


class Rules(BaseModel):
    """The whole of `rules.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[Rule, ...]


@cache
def read_rules(file: Path = RULES_FILE) -> tuple[Rule, ...]:
    """The rules of a file.

    Raises:
        ConfigurationError: it is missing or does not fit; the message says where.
    """
    try:
        return Rules.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))).rules
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"{file}: {error}", "It needs `rules:` with name, reason and phrases each.") from None


def reasons(subject: str, body: str, rules: Sequence[Rule]) -> list[str]:
    """Why a person must answer this ticket; nothing where no rule applies."""
    return [rule.reason for rule in rules if rule.applies(f"{subject}\n{body}")]


def core(subject: str, body: str) -> str:
    """What to search for: the subject and the customer's questions, or the sentences that say most.

    Greetings and thanks find nothing and would make the evidence look thin.
    """
    said = [sentence for sentence in sentences(body) if not COURTESY.fullmatch(sentence)]
    asked = [sentence for sentence in said if sentence.endswith("?")]
    telling = sorted(said, key=lambda sentence: -len(set(stems(sentence))))
    return " ".join([subject, *(asked or telling)[:MOST_SENTENCES]]).strip()
