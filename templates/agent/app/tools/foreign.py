"""Text from outside made harmless: it can neither pose as the prompt's own marks nor hide anything from a reader."""

import html
import re
import unicodedata

from app.observability.redaction import SECRET

# Characters that look like the brackets of a mark and become them when a model or a tokenizer normalises text.
OPENING, CLOSING = "\uff1c\ufe64\u2039\u2329\u27e8\u276e\u3008", "\uff1e\ufe65\u203a\u232a\u27e9\u276f\u3009"
LOOKALIKES = str.maketrans(OPENING + CLOSING, "<" * len(OPENING) + ">" * len(CLOSING))
INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs"})  # control, format (zero width, direction, tag characters), private use
JOINERS = "\n\t\u200c\u200d"  # lines, and what Persian, Hindi and emoji are spelt with
MARK = re.compile(r"<(?=\s*/?\s*(?:role|goal|task|notes?|memor(?:y|ies)|failure|untrusted)\b)", re.IGNORECASE)
OVERLAP = 4096  # a secret that the cut would split is still recognised


def for_model(text: str, limit: int, *, trusted: bool) -> str:
    """`text` as a model may read it: at most about `limit` characters, without secrets and hidden characters.

    A trusted tool's text cannot write the prompt's marks; any other text stands escaped in `<untrusted>`.
    """
    kept = _cut(SECRET.sub("[secret]", visible(text[: limit + OVERLAP])), len(text), limit)
    if trusted:
        return MARK.sub("&lt;", kept)
    return f"<untrusted>{html.escape(kept.translate(LOOKALIKES), quote=False)}</untrusted>"


def visible(text: str) -> str:
    """`text` without characters that a reader cannot see but a model reads."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in JOINERS or unicodedata.category(c) not in INVISIBLE)


def _cut(text: str, whole: int, limit: int) -> str:
    """The first `limit` characters, and how many of the `whole` are missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[cut here: {max(whole, len(text)) - limit} more characters]"
