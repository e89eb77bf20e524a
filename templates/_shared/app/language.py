"""Words and sentences: the one definition of a word that search, evidence and citations share."""

import re
import threading
import unicodedata
from functools import lru_cache

import snowballstemmer

WORD = re.compile(r"[^\W_]+")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\s\[])|\n+")

STOPWORDS = frozenset(
    "a about after all also am an and any are as at be been before being but by can could did do does doing for "
    "from get give had has have having he her here him his how i if in into is it its itself just many may me more "
    "most much must my no not of on one or our out over own shall she should so some such than that the their them "
    "then there these they this those to too under up us very was we were what when where which while who whom why "
    "will with would you your".split()
)

_stemmer = snowballstemmer.stemmer("english")
_stemmer_lock = threading.Lock()


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    with _stemmer_lock:  # the stemmer keeps the word it works on in itself
        return _stemmer.stemWord(word)


def stems(text: str) -> list[str]:
    """The stemmed content words of `text` in order; stop words and punctuation are gone."""
    words = WORD.findall(unicodedata.normalize("NFKC", text).lower())
    return [_stem(word) for word in words if word not in STOPWORDS]


@lru_cache(maxsize=8192)
def stem_set(text: str) -> frozenset[str]:
    """The different stems of `text`, remembered: the same passages are weighed again and again."""
    return frozenset(stems(text))


def sentences(text: str) -> list[str]:
    """Cut `text` at sentence ends and line breaks; a citation marker stays with its sentence."""
    return [part.strip() for part in SENTENCE_END.split(text) if part.strip()]
