"""Takes personal data and secrets out of log lines: what is not written down cannot leak."""

import re
from collections.abc import Mapping
from typing import Any

from structlog.typing import EventDict, WrappedLogger

SECRET = re.compile(
    r"(?i:bearer|basic)\s+[\w.~+/=-]{8,}"  # Authorization headers
    r"|\b(?:app_|sk-|pk-|rk_|ghp_|gho_|github_pat_|glpat-|xox[abprs]-|hf_)[\w-]{12,}"  # keys that say what they are
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}"  # Amazon, Google
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JSON web tokens
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"  # user and password of an address
    r"|(?i:(?<=[?&#]key=)|(?<=[?&#]token=)|(?<=[?&#]api_key=))[^\s&]+"
)
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
SHORTEST_IBAN = 15
CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
PHONE = re.compile(
    r"(?<![\w.+-])(?:\+|00)\d{1,3}[ .()/-]{0,2}\d(?:[ .()/-]{0,2}\d){5,12}(?![\w-])"  # international
    r"|(?<![\w.+-])\(?0\d{2,5}\)?[ /-]\d(?:[ /-]?\d){4,9}(?![\w-])"  # national, with its leading zero
    r"|(?<![\w.+-])(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])"  # North America
)


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: every text of the event, also inside lists and mappings, without personal data."""
    return {name: _clean(value) for name, value in event.items()}


def redacted(text: str) -> str:
    """`text` with a label in place of each secret, e-mail address, bank account, card and telephone number."""
    text = SECRET.sub("[secret]", text)
    text = EMAIL.sub("[e-mail]", text)
    text = IBAN.sub(_without_iban, text)
    text = CARD.sub(lambda match: "[card]" if is_card(match[0]) else match[0], text)
    return PHONE.sub("[phone]", text)


def is_iban(text: str) -> bool:
    """Whether the check digits are right: 1 modulo 97 (ISO 13616)."""
    code = text.replace(" ", "")
    digits = "".join(str(int(c, 36)) for c in code[4:] + code[:4])
    return int(digits) % 97 == 1


def is_card(text: str) -> bool:
    """Whether the check digit is right: the sum of Luhn's rule ends in 0 (ISO/IEC 7812)."""
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _clean(value: Any) -> Any:  # noqa: ANN401 - an event holds whatever was logged
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {key: _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    return value if isinstance(value, int | float | None) else redacted(str(value))


def _without_iban(match: re.Match[str]) -> str:
    """The pattern may have taken the next capital letters along, so the account is the longest right beginning."""
    text = match[0]
    end = next((end for end in range(len(text), SHORTEST_IBAN - 1, -1) if is_iban(text[:end])), 0)
    return "[iban]" + text[end:] if end else text
