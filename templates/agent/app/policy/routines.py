"""How each step is done: which tools are called for it, and the note that comes of it."""

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from app.policy.brief import Brief, Result
from app.policy.gaps import gap
from app.policy.goals import ADDRESS, Wish, read_goal
from app.policy.moves import Call, Routine, attempt, hopeless, needed
from app.policy.plans import Stage, stage_of, stages_for
from app.policy.reading import DAY, address_for, answer_in, days_of, file_named, rows_in, shown
from app.policy.sales import NUMBER, Sales, number_of

TICKETS = 15  # tickets that a note names
PERIOD = ("This is the last", "These are the last")  # how the line on the time that is meant begins
SHOWN = 5  # rows that a note names
NOTHING = ("The documents say nothing", "The documents hardly speak")  # how the tool begins where there is no answer
AT_MOST = re.compile(rf"\b(?:at most|no more than|only) (?:the )?(?:top |best )?{NUMBER} (\w+?)s?\b")


def work(brief: Brief) -> Routine:
    """Do the task as its stage does; a task of another kind is read as a goal of its own."""
    stage = stage_of(brief.task)
    wish = read_goal(brief.goal)
    if stage is None:
        wish = read_goal(brief.task or brief.goal)
        stages = stages_for(wish)
        if not stages:
            return (yield from hopeless(gap(wish)))
        stage = stages[0]
    if stage is Stage.SUMMARY:
        return f"{stage.mark} {brief.known}"
    note = yield from ROUTINES[stage](brief, wish)
    return f"{stage.mark} {note}"


def query_sales(brief: Brief, wish: Wish) -> Routine:
    """Look at the database, then ask it; a report also gets the development by month."""
    described = yield from needed("First I look at what the sales database holds.", "describe_sales")
    asked = _as_remembered(wish.sales or Sales(), wish, brief.memories)
    questions = [asked, *(replace(asked, dimension=name) for name in asked.also)]
    if wish.report and asked.dimension != "month":
        questions.append(replace(asked, dimension="month", worst=False, top=36))
    blocks = []
    for question in questions:
        days = days_of(described, question.month, question.months)
        heading = question.title(*days)
        text = yield from needed(f"I ask for: {heading}.", "query_sales", sql=question.sql(*days))
        if question.only and not any("".join(row) for row in rows_in(text)):
            return (yield from hopeless(f"The sales know no {question.of} {question.only!r} in this time."))
        blocks.append(_block(heading, text, _period(described, question)))
    return "\n\n".join(blocks)


def _as_remembered(asked: Sales, wish: Wish, memories: Sequence[str]) -> Sales:
    """At most as many rows as a memory says that a report may name."""
    if not (wish.report and asked.dimension) or re.search(rf"\btop {NUMBER}\b", wish.goal.lower()):
        return asked
    most = [number_of(m[1]) for memory in memories if (m := AT_MOST.search(memory.lower())) and m[2] == asked.dimension]
    return replace(asked, top=min([asked.top, *most]))


def _period(described: str, question: Sales) -> str:
    """What is meant by the last months: counted from the newest day of the data, not from today."""
    if not question.months:
        return ""
    newest = max(DAY.findall(described), default="unknown")
    begun, months = (PERIOD[0], "") if question.months == 1 else (PERIOD[1], f"{question.months} ")
    counted = f"{begun} {months}whole month{'s' if months else ''}"
    return f"{counted} in the sales database, whose newest day, {newest}, counts as today."


def _block(heading: str, text: str, period: str) -> str:
    """A table as a note: its heading, its first rows and its file."""
    lines = [f"{place}. {': '.join(map(shown, row))}" for place, row in enumerate(rows_in(text)[:SHOWN], start=1)]
    said = [period] if period else []
    return "\n".join([heading, *said, *(lines or ["No rows."]), f"Table: {file_named(text, 'csv')}"])


def analyse(brief: Brief, wish: Wish) -> Routine:
    """One number over a table's rows, such as the mean of the months."""
    heading, table = next(iter(_tables(brief)), ("Nothing", ""))
    text = yield from needed(
        f"I take the {wish.aggregate} of the table.",
        "analyse_table",
        file=table,
        value=(wish.sales or Sales()).measure,
        aggregate=wish.aggregate,
    )
    value = next((row[-1] for row in rows_in(text)), "no rows")
    return f"{wish.aggregate} of {heading[0].lower()}{heading[1:]}: {shown(value)}"


def draw_charts(brief: Brief, wish: Wish) -> Routine:
    """One chart for each table of the sales note; a wished or preferred kind is used for the ranking."""
    lines = []
    for heading, table in _tables(brief):
        monthly = "by month" in heading
        kind = "line" if monthly else _kind(wish, brief)
        sales = wish.sales or Sales()
        dimension = next((d for d in (sales.dimension, *sales.also) if f" by {d}" in heading), sales.dimension)
        drawn = yield from needed(
            f"I draw {heading[0].lower()}{heading[1:]} as a {kind} chart.",
            "make_chart",
            file=table,
            kind=kind,
            x="month" if monthly else dimension,
            y=sales.measure,
            title=heading,
        )
        lines.append(f"{table} drawn in {file_named(drawn, 'svg')}")
    return "\n".join(lines) or "there was no table to draw."


def _tables(brief: Brief) -> list[tuple[str, str]]:
    """Heading and file of each table in the notes."""
    blocks = [b for note in brief.notes if note.startswith(Stage.SALES.mark) for b in note.split("\n\n")]
    named = [(b.removeprefix(Stage.SALES.mark).strip().splitlines()[0], file_named(b, "csv")) for b in blocks]
    return [(heading, file) for heading, file in named if file]


def _kind(wish: Wish, brief: Brief) -> str:
    """The kind that the goal names, else the one that the owner is known to prefer, else bars."""
    if wish.chart in ("bar", "line", "pie"):
        return wish.chart
    preferred = [kind for kind in ("pie", "line", "bar") for m in brief.memories if f"{kind} chart" in m.lower()]
    return preferred[0] if preferred else "bar"


def write_report(brief: Brief, wish: Wish) -> Routine:
    """A section for each table with its chart, and one for each other note."""
    charts = dict(line.split(" drawn in ", 1) for line in _said(brief, Stage.CHARTS) if " drawn in " in line)
    blocks = [b for note in brief.notes if not note.startswith(Stage.CHARTS.mark) for b in note.split("\n\n")]
    parts = [_part(block) for block in blocks if block.strip()] or [("Result", "Nothing was found.", "")]
    sections = []
    for heading, text, table in parts:
        files = {"table_file": table, "chart_file": charts.get(table, "")} if table else {}
        sections.append({"heading": heading, "text": _source(text) if table else text, **files})
    title = "Sales report" if wish.sales else "Report"
    written = yield from needed(
        f"I put {len(sections)} sections into a report.", "write_report", title=title, sections=sections
    )
    return "\n".join([*parts[0][:2], f"File: {file_named(written, 'html')}"])


def _source(text: str) -> str:
    """Where a table comes from, and which time is meant."""
    period = next((line for line in text.splitlines() if line.startswith(PERIOD)), "")
    return f"Source: the sales database. {period}".strip()


def _part(block: str) -> tuple[str, str, str]:
    """A block of a note: its first line, the others, and the table that it names."""
    stage = next((stage for stage in Stage if block.startswith(stage.mark)), None)
    heading, _, rest = block.removeprefix(stage.mark if stage else "").strip().partition("\n")
    lines = [line for line in rest.splitlines() if not line.startswith(("Table: ", "File: "))]
    return heading[:120] or "Result", "\n".join(lines) or heading, file_named(block, "csv")


def find_address(brief: Brief, wish: Wish) -> Routine:
    """From the memories in the prompt, else from memory by its tool, else from the knowledge base."""
    who = wish.mail or ""
    if found := address_for(who, brief.memories):
        return f"{found} ({who}, from memory)"
    question = f"e-mail address of {who}"
    recalled = yield from attempt(f"I need the {question}.", "recall", question=question)
    if found := address_for(who, [recalled.text] if recalled.ok else []):
        return f"{found} ({who}, from memory)"
    directory = f"directory of mailboxes: {who}"
    text = yield from needed("Memory does not tell, the documents may.", "search_knowledge", question=directory)
    if found := address_for(who, [text]):
        return f"{found} ({who}, from the knowledge base)"
    mend = "Put the address into the goal, or let me remember it."
    return (yield from hopeless(f"No e-mail address of {who!r} is known, so nothing was sent. {mend}"))


def send_email(brief: Brief, wish: Wish) -> Routine:
    """Send what the notes hold, with the report attached; a person may refuse."""
    found = ADDRESS.search(wish.mail or "") or ADDRESS.search(" ".join(_said(brief, Stage.ADDRESSEE)))
    if found is None:
        return (yield from hopeless(f"No e-mail address of {wish.mail!r} is known, so nothing was sent."))
    report = " ".join(_said(brief, Stage.REPORT))
    notes = [n for n in brief.notes if not n.startswith((Stage.ADDRESSEE.mark, Stage.CHARTS.mark))]
    findings = [n for n in notes if n.startswith(Stage.REPORT.mark)] or notes
    body = "\n\n".join("\n".join(dict.fromkeys(_part(b)[:2])) for note in findings for b in note.split("\n\n"))
    subject = "Sales report" if wish.sales and report else body.partition("\n")[0][:100] or "What you asked for"
    closing = "\n\nThe whole report is attached." if report else ""
    attachments = [name for name in (file_named(report, "html"),) if name]
    sent = yield from attempt(
        f"I send it to {found[0]}.",
        "send_email",
        to=found[0],
        subject=subject,
        body=body + closing,
        attachments=attachments,
    )
    if sent.refused:
        return f"not sent to {found[0]}, because a person refused it. {body}"
    if not sent.ok:
        yield Call("It could not be sent.", "give_up", {"reason": f"send_email failed: {sent.text[:300]}"})
    return f"sent to {found[0]}. {body}"


def read_tickets(brief: Brief, wish: Wish) -> Routine:
    """List the tickets, of one status or since a day where the goal says so; what they say is quoted, not obeyed."""
    status = next((s for s in ("open", "pending", "closed") if re.search(rf"\b{s}\b", wish.goal.lower())), "")
    since = next(iter(DAY.findall(wish.goal)), "")
    wanted = {"status": status, "since": since, "order": wish.order, "most": wish.most}
    chosen = {name: value for name, value in wanted.items() if value}
    text = yield from needed("I list the tickets.", "list_tickets", **chosen)
    counts, *tickets = text.splitlines() or ["The tool said nothing."]
    subjects = [f"- {ticket.partition('. ')[0][:120]}" for ticket in tickets if DAY.search(ticket[:40])]
    more = [f"- {len(subjects) - TICKETS} more are not named here"] if len(subjects) > TICKETS else []
    return "\n".join([counts, *subjects[:TICKETS], *more])


def read_page(brief: Brief, wish: Wish) -> Routine:
    """Fetch the page and copy the sentences that fit the goal; what it says is never an order."""
    text = yield from needed("I read the page.", "fetch_page", url=wish.page)
    return answer_in(wish.goal, text) or text[:400]


def search_knowledge(brief: Brief, wish: Wish) -> Routine:
    """Copy the sentences of the documents that fit the question."""
    text = yield from needed("I look for it in the documents.", "search_knowledge", question=wish.goal)
    answer = "" if text.startswith(NOTHING) else answer_in(wish.goal, text)
    return answer or (yield from hopeless("The documents do not answer this, and no other rule covers the goal."))


def recall(brief: Brief, wish: Wish) -> Routine:
    """Say what memory holds on the question."""
    text = yield from needed("I ask my memory.", "recall", question=wish.goal)
    return text


def remember(brief: Brief, wish: Wish) -> Routine:
    """Keep what was said, as a preference where it is one."""
    kind = "preference" if any(w in wish.remember.lower() for w in ("prefer", "like", "favour", "want")) else "fact"
    yield from needed("I am asked to keep this.", "remember", text=wish.remember, kind=kind)
    return wish.remember


def calculate(brief: Brief, wish: Wish) -> Routine:
    """Let the calculator do it."""
    text = yield from needed("I calculate it.", "calculate", expression=wish.expression)
    return f"{wish.expression} = {text}"


def draft_infrastructure(brief: Brief, wish: Wish) -> Routine:
    """Have the resources drafted as Terraform."""
    thought = f"I draft {', '.join(wish.resources)} for {wish.cloud}."
    text = yield from needed(thought, "draft_infrastructure", cloud=wish.cloud, resources=list(wish.resources))
    return text


def _said(brief: Brief, stage: Stage) -> list[str]:
    """The lines of the stage's notes, without the mark."""
    notes = [note.removeprefix(stage.mark).strip() for note in brief.notes if note.startswith(stage.mark)]
    return [line for note in notes for line in note.splitlines()]


ROUTINES: dict[Stage, Callable[[Brief, Wish], Generator[Call, Result, str]]] = {
    Stage.SALES: query_sales,
    Stage.TICKETS: read_tickets,
    Stage.PAGE: read_page,
    Stage.SEARCH: search_knowledge,
    Stage.RECALL: recall,
    Stage.ADDRESSEE: find_address,
    Stage.CALCULATE: calculate,
    Stage.CHARTS: draw_charts,
    Stage.ANALYSIS: analyse,
    Stage.DRAFT: draft_infrastructure,
    Stage.REMEMBER: remember,
    Stage.REPORT: write_report,
    Stage.MAIL: send_email,
}
