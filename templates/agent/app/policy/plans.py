"""From a goal to the steps of a plan, and from a step to the specialist who does it."""

from enum import Enum
from typing import Any

from app.policy.brief import Brief
from app.policy.gaps import gap
from app.policy.goals import ADDRESS, Wish, read_goal
from app.policy.moves import NO_OTHER_WAY, Call, Routine, attempt


class Stage(Enum):
    """A kind of step. `mark` begins the note that it leaves, so that a later plan knows that it is done."""

    SALES = ("Query the sales", "research", "Sales:")
    TICKETS = ("Read the tickets", "research", "Tickets:")
    PAGE = ("Read the page", "research", "Page:")
    SEARCH = ("Search the knowledge base", "research", "Knowledge:")
    RECALL = ("Recall what is known of the owner", "research", "Memory:")
    ADDRESSEE = ("Find the address for the e-mail", "research", "Address:")
    CALCULATE = ("Calculate the expression", "analysis", "Calculation:")
    ANALYSIS = ("Analyse the table", "analysis", "Analysis:")
    CHARTS = ("Draw the charts", "analysis", "Charts:")
    DRAFT = ("Draft the infrastructure", "analysis", "Draft:")
    REMEMBER = ("Remember it", "writing", "Remembered:")
    SUMMARY = ("Sum up", "writing", "Summary:")
    REPORT = ("Write the report", "writing", "Report:")
    MAIL = ("Send the e-mail", "writing", "E-mail:")

    def __init__(self, title: str, specialist: str, mark: str) -> None:
        self.title = title
        self.specialist = specialist
        self.mark = mark


def plan(brief: Brief) -> Routine:
    """Call `make_plan` with the steps that the goal needs and that no note shows as done; or `decline`."""
    wish = read_goal(brief.goal)
    if why := _declined(brief, wish):
        yield Call("This cannot be done.", "decline", {"reason": why[:1000]})
        return why
    stages = stages_for(wish)
    left = [stage for stage in stages if not any(note.startswith(stage.mark) for note in brief.notes)]
    if Stage.CHARTS in left and "make_chart" in brief.failure:
        left.remove(Stage.CHARTS)  # a report without pictures is better than none
    again = f"After the failure: {brief.failure[:200]}. " if brief.failure else ""
    thought = f"{again}What is needed: {', '.join(stage.title.lower() for stage in left)}."
    yield Call(thought, "make_plan", {"steps": [_step(stage, left) for stage in left or [Stage.SUMMARY]]})
    return "The plan is made."


def _declined(brief: Brief, wish: Wish) -> str:
    """Why no plan leads to the goal: no rule covers it, or a step says that there is no other way."""
    if NO_OTHER_WAY in brief.failure:
        return brief.failure.partition("failed: ")[2].replace(NO_OTHER_WAY, "").strip()
    return gap(wish)


def stages_for(wish: Wish) -> list[Stage]:
    """Every stage that the wish needs, in an order in which they can be done one by one."""
    asked = {
        Stage.SALES: wish.sales,
        Stage.TICKETS: wish.tickets,
        Stage.PAGE: wish.page,
        Stage.SEARCH: wish.question,
        Stage.RECALL: wish.recall,
        Stage.CALCULATE: wish.expression,
        Stage.DRAFT: wish.resources,
        Stage.REMEMBER: wish.remember,
    }
    about = [stage for stage, wanted in asked.items() if wanted]
    closing = {
        Stage.ADDRESSEE: wish.mail and not ADDRESS.fullmatch(wish.mail),
        Stage.ANALYSIS: wish.sales and wish.aggregate,
        Stage.CHARTS: wish.sales and (wish.chart or wish.report),
        Stage.REPORT: wish.report,
        Stage.SUMMARY: not wish.report and wish.mail is None and (len(about) > 1 or wish.chart or wish.aggregate),
        Stage.MAIL: wish.mail,
    }
    return about + [stage for stage, wanted in closing.items() if wanted]


def _step(stage: Stage, stages: list[Stage]) -> dict[str, Any]:
    """The step as `make_plan` takes it; what research finds is needed by what analysis and writing make of it."""
    number = {other: place for place, other in enumerate(stages, start=1)}
    earlier = stages[: number[stage] - 1] if stage in number else []
    if stage.specialist == "research" or stage in (Stage.CALCULATE, Stage.DRAFT, Stage.REMEMBER):
        needs = []
    elif stage in (Stage.ANALYSIS, Stage.CHARTS):
        needs = [Stage.SALES]
    else:
        needs = [other for other in earlier if stage is Stage.MAIL or other is not Stage.ADDRESSEE]
    return {
        "title": stage.title,
        "specialist": stage.specialist,
        "after": [number[other] for other in needs if other in number],
    }


def stage_of(task: str) -> Stage | None:
    """The stage with this title."""
    return next((stage for stage in Stage if stage.title == task), None)


def coordinate(brief: Brief) -> Routine:
    """Hand the step to its specialist and pass on what comes back."""
    stage = stage_of(brief.task)
    specialist = stage.specialist if stage else "writing"
    task = brief.task or brief.goal
    result = yield from attempt(f"This is work for {specialist}.", "delegate", specialist=specialist, task=task)
    if not result.ok:
        yield Call("The specialist could not do it.", "give_up", {"reason": result.text[:1000]})
    return result.text
