"""Foreign text made harmless: in a prompt it cannot pose as the prompt's own tags, in an answer nothing is active."""

import html
import re
import unicodedata
from functools import lru_cache

# Characters that look like the brackets of a tag and become them when a model or a tokenizer normalises text.
OPENING = "\uff1c\ufe64\u2039\u2329\u27e8\u276e\u3008"
CLOSING = "\uff1e\ufe65\u203a\u232a\u27e9\u276f\u3009"
LOOKALIKES = str.maketrans(OPENING + CLOSING, "<" * len(OPENING) + ">" * len(CLOSING))
INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs"})  # control, format (zero width, direction, tag characters), private use
JOINERS = "\n\t\u200c\u200d"  # lines, and what Persian, Hindi and emoji are spelt with

LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\]|:\s*\S+)")  # Markdown: inline, by reference, definition
TAG = re.compile(r"<[/!?]?[A-Za-z-][^>]*>?")


@lru_cache(maxsize=2048)
def quoted(text: str) -> str:
    """`text` with invisible characters taken out and every bracket and quotation mark escaped."""
    return html.escape(visible(text).translate(LOOKALIKES))


def visible(text: str) -> str:
    """`text` without characters that a reader cannot see but a model reads, such as hidden instructions."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in JOINERS or unicodedata.category(c) not in INVISIBLE)


def inert(text: str) -> str:
    """`text` as plain words: of links and images the label stays, of tags nothing.

    A client that renders Markdown would fetch an image by itself, and its address can carry away what was asked.
    """
    return TAG.sub("", LINK.sub(r"\1", visible(text)))
