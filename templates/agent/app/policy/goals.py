"""What a goal wants, read by patterns: the few kinds of work that the policy has rules for."""

import re
from dataclasses import dataclass

from app.policy.sales import NUMBER, Sales, number_of, read_sales

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PAGE = re.compile(r"https?://[^\s<>\"')]+[^\s<>\"').,!?]")
EXPRESSION = re.compile(r"(?<![\w.])[(\d][\d\s.,()+*/%^-]*[+*/%^-][\d\s.()+*/%^-]*[\d)%](?!\w)")
SHARE = re.compile(r"(\d+(?:\.\d+)?) ?(?:%|percent) of ")
ASKED_TO_CALCULATE = r"\bcalculate|\bcompute|\bwhat(?: i|')s\b|\bhow much is\b"
REMEMBER = re.compile(r"^(?:please )?(?:remember|keep in mind)(?: that)?:? (.+)", re.IGNORECASE)
RECALL = r"\bdo you (?:know|remember)\b|\bdid i tell you\b|\bwhat is my\b|\bdo i (?:prefer|like|want)\b"
MAIL = r"\be-?mail|\bmail (?:it|this|them|the|to)\b|\bsend\b.{0,60}\bto\b"
QUESTION = r"\?\s*$|^(?:what|how|when|which|who|where|why|find|look up|search|tell me|explain)\b"
RESOURCES = ("bucket", "database", "queue", "topic", "secret", "registry")
WHO = r"(?:the |our |my )?([a-z][a-z. ]{1,40}?)"
TO = re.compile(rf"\bto {WHO}(?=[.,;!?]|$| and | with )")
FIRST = re.compile(rf"\b(?:e-?mail|mail|send) {WHO} (?:an? |the |my |our |all |which |what |\d|how )")
TICKETS = re.compile(rf"\b(?:{NUMBER} )?(oldest|newest|latest|most recent) (?:{NUMBER} )?(?:\w+ )?tickets?\b")


@dataclass(frozen=True)
class Wish:
    """The parts of a goal; what it does not ask for is empty.

    `mail` is an address or words for who gets it, empty where nobody is named, None where nothing is to be sent.
    `order` and `most` say which tickets are wanted, 0 means all.
    """

    goal: str
    sales: Sales | None = None
    remember: str = ""
    recall: bool = False
    expression: str = ""
    page: str = ""
    tickets: bool = False
    order: str = ""
    most: int = 0
    cloud: str = ""
    resources: tuple[str, ...] = ()
    question: bool = False
    aggregate: str = ""
    chart: str = ""
    report: bool = False
    mail: str | None = None

    @property
    def about(self) -> bool:
        """Whether there is anything in it that a rule works on."""
        subjects = (self.sales, self.remember, self.recall, self.expression, self.page, self.tickets, self.resources)
        return any(subjects) or self.question


def read_goal(goal: str) -> Wish:
    """The wish behind a goal; a question of no other kind is one to the knowledge base."""
    text = " ".join(goal.split())
    low = text.lower()
    if kept := REMEMBER.search(text):
        return Wish(text, remember=kept[1])
    if re.search(RECALL, low):
        return Wish(text, recall=True)
    mail = _mail(text, low)
    order, most = _tickets(low)
    drafting = re.search(r"\bterraform\b|\binfrastructure\b", low)
    wish = Wish(
        text,
        sales=read_sales(_without(text, mail)),
        expression=_found(EXPRESSION, SHARE.sub(r"\1 / 100 * ", low)) if re.search(ASKED_TO_CALCULATE, low) else "",
        page=_found(PAGE, text),
        tickets="ticket" in low,
        order=order,
        most=most,
        cloud=next((name for name in ("azure", "gcp", "aws") if name in low), "aws") if drafting else "",
        resources=tuple(name for name in RESOURCES if name in low) if drafting else (),
        aggregate=_aggregate(low),
        chart=_chart(low),
        report=bool(re.search(r"\breports?\b", low)),
        mail=mail,
    )
    asks = not wish.about and re.search(QUESTION, low)
    return Wish(text, question=True, report=wish.report, mail=wish.mail) if asks else wish


def _chart(low: str) -> str:
    """The kind of chart; `any` where none is named."""
    named = re.search(r"\b(bar|line|pie)(?:[ -]?charts?| graph| diagram)\b", low)
    return named[1] if named else "any" if re.search(r"\bcharts?\b|\bgraphs?\b", low) else ""


def _aggregate(low: str) -> str:
    named = re.search(r"\b(average|mean|median)\b", low)
    return named[1].replace("average", "mean") if named else ""


def _tickets(low: str) -> tuple[str, int]:
    """Whether the oldest or the newest tickets are wanted, and how many of them; 0 means all."""
    named = TICKETS.search(low)
    if named is None:
        return "", 0
    count = named[1] or named[3]
    single = 1 if low[: named.end()].endswith("ticket") else 0
    return "oldest" if named[2] == "oldest" else "newest", number_of(count) if count else single


def _mail(text: str, low: str) -> str | None:
    """Who gets the e-mail: the address that the goal names, else the words behind `to` or right behind the verb."""
    verb = re.search(MAIL, low)
    if verb is None:
        return None
    if address := ADDRESS.search(text):
        return address[0]
    behind = low[verb.start() :]
    found = TO.findall(behind) or FIRST.findall(behind)
    return str(found[-1]).strip() if found else ""


def _without(text: str, who: str | None) -> str:
    """The goal without the words for who gets the e-mail, which may speak of sales."""
    return re.sub(re.escape(who), "", text, flags=re.IGNORECASE) if who else text


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return " ".join(match[0].split()) if match else ""
