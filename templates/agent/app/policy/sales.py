"""The questions about sales that the policy understands, as SQL over the view `sales`."""

import re
from dataclasses import dataclass

DIMENSIONS = {
    "product": r"\bproducts?\b|\bitems?\b|best.?sell",
    "category": r"\bcategor",
    "region": r"\bregions?\b|\bcountr",
    "channel": r"\bchannels?\b",
    "segment": r"\bsegments?\b",
    "customer": r"\bcustomers?\b|\bclients?\b",
    "month": r"\bmonthly\b|\b(?:by|per|each|which) month\b|\btrend|over time|\bdevelop",
}
MEASURES = {  # in the order in which a goal is searched for them
    "margin": (r"\bmargin|\bprofit", "round(sum(margin), 2)"),
    "refund": (r"\brefund|\breturn(?:s|ed)\b", "round(sum(refund), 2)"),
    "orders": (r"(?:number of|how many|count) (?:\w+ )?orders", "count(DISTINCT order_id)"),
    "units": (r"\bunits\b|\bpieces\b|\bquantit", "sum(quantity)"),
    "revenue": (r"", "round(sum(revenue), 2)"),
}
SALES = (
    r"(?<!head of )\bsales?\b(?! (?:team|tax|rules?))|\brevenue|\bsold\b|\bsells?\b|\bturnover\b|best.?sell"
    r"|\borders\b|\bunits\b|\bmargin|\brefunds?\b|\b(?:best|top|worst)[\w -]{0,15} ?products?\b"
)
VALUE = re.compile(r"\b(region|category|channel|segment|product) ([A-Z][\w-]*(?: [A-Z][\w-]*)*)")
PRODUCT = re.compile(r"(?<=[a-z] )([A-Z][a-z-]+(?: [A-Z][a-z-]+)+)\b")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBER = rf"(\d{{1,3}}|{'|'.join(NUMBERS)})"


@dataclass(frozen=True)
class Sales:
    """A question: the best (or worst) `top` of a dimension by a measure; an empty dimension asks for one total.

    `months` counts whole months back from the newest day of the data; 0 means all of it, unless `month` names one as
    YYYY-MM. `also` holds further dimensions, each a question of its own. `only` is one value of the dimension `of` to
    which the question is restricted. `said` and `named` are the words of the goal behind `month` and `only`.
    """

    dimension: str = ""
    measure: str = "revenue"
    months: int = 0
    top: int = 10
    worst: bool = False
    month: str = ""
    also: tuple[str, ...] = ()
    of: str = ""
    only: str = ""
    said: str = ""
    named: str = ""

    def title(self, first: str, last: str) -> str:
        """The question as a heading."""
        by = f" by {self.dimension}" if self.dimension else ""
        which = "" if self.dimension in ("", "month") else f", {'lowest' if self.worst else 'top'} {self.top}"
        only = f" of {self.only}" if self.only else ""
        return f"{self.measure.capitalize()}{only}{by}{which}{f', {first} to {last}' if first else ''}"

    def sql(self, first: str, last: str) -> str:
        """One SELECT over the days from `first` to `last`."""
        value = f"{MEASURES[self.measure][1]} AS {self.measure}"
        conditions = [f"day BETWEEN '{first}' AND '{last}'"] if first else []
        conditions += [f"{self.of} = '{self.only}'"] if self.only else []
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        if not self.dimension:
            return f"SELECT {value} FROM sales{where}"  # noqa: S608 - words of this file and dates
        order = "month" if self.dimension == "month" else f"{self.measure} {'ASC' if self.worst else 'DESC'}"
        grouped = f"GROUP BY {self.dimension} ORDER BY {order} LIMIT {self.top}"
        return f"SELECT {self.dimension}, {value} FROM sales{where} {grouped}"  # noqa: S608


def read_sales(text: str) -> Sales | None:
    """The question in a goal; None where it is about something else."""
    low = text.lower()
    if not re.search(SALES, low):
        return None
    broad = r"analy[sz]e|report|chart|\btop\b|\bbest|\bworst"
    named = re.search(r"\b(?:by|per|each|which|top|best|worst)\b.*", low)
    searched = (named[0] if named else "", low)
    dimensions = [name for text in searched for name, words in DIMENSIONS.items() if re.search(words, text)]
    averaged = "month" if re.search(r"\b(?:average|mean|median)\b", low) else ""
    of, only, words = _one_value(text)
    dimensions = [name for name in dimensions if name != of]
    dimension = dimensions[0] if dimensions else averaged or ("product" if re.search(broad, low) and not of else "")
    by = [
        name for word in re.findall(r"\b(?:by|per) (\w+)", low) for name, p in DIMENSIONS.items() if re.search(p, word)
    ]
    month, said = _named_month(low)
    top = re.search(rf"\b(?:top|best|worst|bottom|lowest|which) {NUMBER}\b|\b{NUMBER} (?:best|worst|top)\b", low)
    return Sales(
        dimension=dimension,
        measure=next(name for name, (words, _) in MEASURES.items() if re.search(words, low)),
        months=_months(low),
        top=number_of(top[1] or top[2]) if top else 36 if dimension == "month" else 10,
        worst=bool(re.search(r"\bworst|\bbottom|\blowest|\bweakest|\bleast", low)),
        month=month,
        also=tuple(dict.fromkeys(name for name in by if name != dimension)),
        of=of,
        only=only,
        said=text[low.index(said) :][: len(said)] if said else "",
        named=words,
    )


def _one_value(text: str) -> tuple[str, str, str]:
    """The dimension and the value to which the goal restricts the question, and its words; else three times nothing.

    `the region Islands` names both; several capitalised words within a sentence are taken for a product.
    """
    if found := VALUE.search(text):
        return found[1].lower(), found[2], found[0]
    if found := PRODUCT.search(text):
        return "product", found[1], found[1]
    return "", "", ""


def _named_month(low: str) -> tuple[str, str]:
    """A month that is named with its year, as YYYY-MM, and the words for it."""
    found = re.search(rf"\b(?:in|for|of|during) ({'|'.join(MONTHS)}) (20\d\d)\b", low)
    return (f"{found[2]}-{MONTHS.index(found[1]) + 1:02}", found[0]) if found else ("", "")


def _months(low: str) -> int:
    """How many months back: `last three months`, `last quarter`, `past year`; 0 where no time is named."""
    found = re.search(rf"\b(?:last|past|previous|latest) (?:{NUMBER} )?(month|quarter|year)s?\b", low)
    return (number_of(found[1] or "one") * {"month": 1, "quarter": 3, "year": 12}[found[2]]) if found else 0


def number_of(word: str) -> int:
    """The number that a word or digits say."""
    return NUMBERS.index(word) if word in NUMBERS else int(word)
