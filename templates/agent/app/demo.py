"""`app demo`: the sales goal, from the plan to the e-mail in the outbox; no e-mail leaves the machine."""

import asyncio
import textwrap
from datetime import UTC, datetime
from pathlib import Path

from app.bootstrap import open_platform
from app.console import talk
from app.memory.store import Memories
from app.observability.logs import configure_logs
from app.runs.following import OWNER, follow, readable
from app.runs.records import Approval, Decision, Run, Step
from app.runs.service import open_executor
from app.settings import Settings, load_settings

GOAL = (
    "Analyse the last three months of sales data, identify the top-performing products, "
    "create a report with charts and e-mail it to management."
)
WIDTH = 110


def demo() -> None:
    """Analyse the sample sales, write a report with charts, and put the e-mail into the outbox folder."""
    settings = quiet_and_local(load_settings())
    configure_logs(settings.log)
    print(f"Goal: {GOAL}")
    with open_platform(settings) as platform:
        executor = open_executor(platform, Memories(platform))
        identifier = executor.create(OWNER, GOAL).id
        ended = asyncio.run(follow(platform, executor, identifier, _approve, Telling().tell))
        print(f"\n{describe(ended, executor.folder(identifier))}")
    newest = max(settings.mail.outbox.glob("*.eml"), key=lambda path: path.stat().st_mtime, default=None)
    print(f"E-mail: {newest or 'none'}")
    talk.print(
        f"\nNext: `make serve` shows this run on a page, `uv run app runs show {identifier}` here; "
        "`uv run app run` takes your goal.",
        soft_wrap=True,
    )


def quiet_and_local(settings: Settings) -> Settings:
    """The settings without lines of log, and with e-mail that stays here: nobody is asked before it is sent."""
    log = settings.log.model_copy(update={"level": "WARNING"})
    mail = settings.mail.model_copy(update={"host": ""})
    return settings.model_copy(update={"log": log, "mail": mail})


class Telling:
    """Prints the steps of a run below the steps of its plan."""

    def __init__(self) -> None:
        self._titles: dict[int, str] = {}
        self._shown = 0

    def tell(self, step: Step) -> None:
        """Print what was thought, what was called, what came back."""
        if step.kind == "plan":
            self._tell_plan(step)
            return
        if step.plan_step != self._shown:
            self._shown = step.plan_step
            print(f"\n{self._shown}. {self._titles.get(self._shown, '')}")
        if step.kind == "note":
            print(_line(f"= {step.result}"))
            return
        if step.thought:
            print(_line(step.thought))
        values = ", ".join(str(value) for value in step.arguments.values())
        failed = "" if step.ok else "failed: "
        print(_line(f"> {step.tool}({textwrap.shorten(values, 60, placeholder=' …')})"))
        print(_line(f"  {failed}{readable(step.result)}"))

    def _tell_plan(self, step: Step) -> None:
        first = 1 + max(self._titles, default=0)
        planned = step.arguments.get("steps", [])
        self._titles |= {first + place: str(part.get("title")) for place, part in enumerate(planned)}
        print(f"\nPlan ({step.agent})")
        for place, part in enumerate(planned, first):
            print(f"   {place}. {part.get('title')} ({part.get('specialist')})")


def _approve(approval: Approval) -> Decision:
    print(f"   {approval.tool} waits for a person; the demo approves it, because its e-mail stays on this machine.")
    return Decision(granted=True, comment="", by=OWNER, at=datetime.now(UTC))


def _line(text: str) -> str:
    return f"   {textwrap.shorten(text, WIDTH, placeholder=' …')}"


def describe(run: Run, folder: Path) -> str:
    """How a run ended: its answer, what it took, its files."""
    lines = [
        f"{run.state.value}: {run.answer or run.reason}",
        "",
        f"{len(run.steps)} actions in {len(run.plan)} steps of the plan, {run.worked_seconds:.1f} s at work, "
        f"${run.cost_usd:.4f}, {run.model}",
        *(f"  {folder / artefact.name}  ({artefact.bytes:,} bytes)" for artefact in run.artefacts),
    ]
    return "\n".join(lines)
