"""What of a goal no rule covers: it is said plainly before anything is done, never dropped in silence."""

import re

from app.policy.goals import RESOURCES, Wish
from app.policy.sales import DIMENSIONS, MEASURES, MONTHS, NUMBER, SALES

CAN = (
    "Offline it can do questions about the sample sales and the knowledge base, tickets, calculations, allowed web "
    "pages, infrastructure drafts, charts and reports of sales, e-mails, and remembering. APP_LLM__PRIMARY names a "
    "language model that understands more."
)
PART = re.compile(r"(?<=[.;!?])\s+|,\s+|\s+(?:and|then)\s+", re.IGNORECASE)
EMPTY = re.compile(
    r"(?:\W|\b(?:please|thanks|thank you|it|them|this|that|all|so|then|also|and|me|too|now)\b)*", re.IGNORECASE
)
# Words that ask for what no rule does, wherever they stand.
UNABLE = (
    r"\bwhy\b|\bexplain|\btranslat|\bforecast|\bpredict|\bestimat|\brecommend|\bsuggest|\bbook\b|\bpay\b|\btransfer\b"
    r"|\bdelete\b|\bphone\b|\bpoem|\bletter\b|\bpresentation|\bslides?\b|\bspreadsheet|\bexcel\b|\bpdf\b|\bmeeting"
)
UNABLE_SALES = (
    r"\bgr[eo]w|\bpercent|\bcompared? (?:to|with)\b|\bversus\b|\bvs\b|\bsince\b|\bbetween\b|\bdaily\b|\bweek|\bdays?\b"
    r"|\byesterday\b|\btoday\b|\bthis (?:month|quarter|year)\b|\bq[1-4]\b|\bwithout\b|\bexcept|\b20\d\d\b"
    rf"|\b(?:last|past|previous|latest) (?!(?:{NUMBER} )?(?:month|quarter|year)s?\b)"
    rf"|\b(?:{'|'.join(MONTHS)})\b"
)
UNABLE_TICKETS = (
    r"\btickets? (?:about|from|by|concerning)\b|\burgent|\bpriorit|\brepl(?:y|ies)|\brespond|\bassign|\bclose\b"
)
SUMS_UP = r"\bsum(?:mary|mari[sz]e| up)|\blist\b|\bshow\b|\bdraft\b|what you (?:did|found)|\bresults?\b|\bfindings?\b"


def gap(wish: Wish) -> str:
    """Why the goal cannot be reached by rules, with the words that none of them covers; empty where it can be."""
    if not wish.about:
        return f"The offline policy has no rule for this goal, so nothing was done. {CAN}"
    if wish.mail == "":
        return "The goal does not say who gets the e-mail, so nothing was done. Name a department or an address."
    if unknown := _unknown(wish):
        return f"The offline policy has no rule for a part of the goal, {unknown!r}, so nothing was done. {CAN}"
    return ""


def _unknown(wish: Wish) -> str:
    """The first part of the goal that no rule covers."""
    if wish.remember or wish.recall:
        return ""
    unable = [UNABLE] if not wish.question else []
    unable += [UNABLE_SALES] if wish.sales else []
    unable += [UNABLE_TICKETS] if wish.tickets else []
    text = wish.goal if not wish.sales else wish.goal.replace(wish.sales.named, "").replace(wish.sales.said, "")
    for part in PART.split(text):
        if any(re.search(words, part.lower()) for words in unable):
            return part.strip()
    if (wish.chart or wish.aggregate) and not wish.sales:
        return wish.chart if wish.chart not in ("", "any") else "chart" if wish.chart else wish.aggregate
    if wish.question or wish.page:  # their words are looked up
        return ""
    covered = "|".join(_words(wish))
    return next(
        (p.strip() for p in PART.split(wish.goal) if not EMPTY.fullmatch(p) and not re.search(covered, p.lower())), ""
    )


def _words(wish: Wish) -> list[str]:
    """Patterns of the words that the rules for this wish read."""
    words = [SUMS_UP]
    if wish.sales:
        measures = [pattern for pattern, _ in MEASURES.values() if pattern]
        words += [SALES, *DIMENSIONS.values(), *measures, r"\btop\b|\bbest\b|\bworst\b|\b(?:month|quarter|year)s?\b"]
        words += [r"\bcharts?\b|\bgraphs?\b|\bdiagrams?\b|\baverage\b|\bmean\b|\bmedian\b"]
    if wish.tickets:
        words.append(r"\btickets?\b|\bopen\b|\bpending\b|\bclosed\b")
    if wish.resources:
        words.append("|".join([*RESOURCES, "terraform", "infrastructure"]))
    if wish.expression:
        words.append(r"\d")
    if wish.report:
        words.append(r"\breports?\b")
    if wish.mail is not None:
        words.append(r"\be-?mail|\bmail\b|\bsend\b|@")
    return words
