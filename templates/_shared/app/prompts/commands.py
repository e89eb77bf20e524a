"""`app prompts`: look at versions, write new ones, release them and take them back."""

import asyncio
import difflib
import getpass
from datetime import UTC, datetime
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated

import typer

from app.console import table_console, talk
from app.errors import ConfigurationError, NotFound
from app.llm.factory import is_offline
from app.prompts import lock, rollout
from app.prompts.live import LiveReleases
from app.prompts.registry import PromptRegistry
from app.prompts.rollout import NOT_COMPARED, Change, Comparison
from app.prompts.versions import Prompt
from app.settings import Settings, load_settings
from app.stores.commands import SQLITE, open_catalog

prompts = typer.Typer(help="The prompt registry.", no_args_is_help=True)

Label = Annotated[str, typer.Argument(help="name@version, as `list` shows it.")]
Name = Annotated[str, typer.Argument(help="Name of a prompt, as `list` shows it before the @.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the version's history.")]
Live = Annotated[
    bool, typer.Option("--live", help="Through the database (APP_STORE__URL): every replica follows, no file changes.")
]

BY_LIVE = (
    "Services with this registry.yaml and this database follow within seconds. Do the same without --live in the "
    "repository before the next release of prompts: another registry.yaml ends what was released live."
)
BY_OFFLINE = (
    "These scores are of the offline model, which does not read the wording: they show that nothing broke, not that "
    "the text is good. Set APP_LLM__PRIMARY and its key, and evaluate again, before a language model answers."
)


@prompts.command("list")
def list_prompts() -> None:
    """Show every version, which is served to whom, and how its evaluation ended."""
    registry = _registry()
    _show_live(registry)
    for prompt in registry.prompts():
        verdict = prompt.front.scores.verdict if prompt.front.scores else "not evaluated"
        share = _share(registry, prompt)
        print(f"{prompt.label:<24} {share:<20} {verdict:<14} {prompt.front.date}  {prompt.front.author}".rstrip())


@prompts.command()
def show(label: Label) -> None:
    """Print one version as it is sent: system text, then the user template."""
    prompt = _registry().version(label)
    print(f"{prompt.system}\n\n--- user ---\n{prompt.user}")


@prompts.command()
def diff(first: Label, second: Label) -> None:
    """Show what changed in the text between two versions."""
    registry = _registry()
    old, new = registry.version(first), registry.version(second)
    lines = difflib.unified_diff(old.body.splitlines(), new.body.splitlines(), first, second, lineterm="")
    print("\n".join(lines) or "The texts are the same.")


@prompts.command()
def new(name: Name, author: Annotated[str, typer.Option(help="Who writes it.")] = "") -> None:
    """Start a new version as a copy of the stable one; nobody gets it yet."""
    folder = load_settings().prompts_dir
    path = rollout.draft(folder, PromptRegistry(folder), name, author or getpass.getuser(), datetime.now(UTC))
    print(f"{path} is yours to edit. Then: app prompts evaluate {name}@{path.stem.removeprefix('v')}")


@prompts.command()
def check() -> None:
    """Fail when a file is broken, or when a served text changed without a new version."""
    registry = _registry()
    found = lock.problems(load_settings().prompts_dir, registry)
    if found:
        raise ConfigurationError("\n".join(found))
    print(f"{len(registry.prompts())} prompt versions are well formed, and what was served is unchanged.")


@prompts.command()
def evaluate(label: Label) -> None:
    """Hold a version against the served one over the golden cases, and write the verdict into its file."""
    from app import product  # here, because the evaluation library would slow down every other command
    from app.evals import report
    from app.evals.candidates import evaluate_version, record_scores

    settings = load_settings()
    prompt = PromptRegistry(settings.prompts_dir).version(label)
    if not product.SUITES:
        raise NotFound("This project has no golden cases yet.", "A suite in app/product.py evaluates prompts.")
    verdict, run = asyncio.run(evaluate_version(resolve_name(product.SUITES[0]), settings, prompt))
    record_scores(prompt, verdict, run, settings.llm.answering)
    table_console().print(report.gate_table(verdict))
    print(f"{label} against {verdict.baseline.why.partition(' ')[0]}: {verdict.verdict.value}.")
    _tell_of_offline(settings)
    raise typer.Exit(verdict.verdict.exit_code)


@prompts.command()
def promote(
    label: Label,
    percent: Annotated[
        float, typer.Option(min=1, max=100, help="Share of the callers; 100 is everybody.")
    ] = rollout.FIRST_PERCENT,
    reason: Reason = "",
    live: Live = False,
) -> None:
    """Serve a version that passed its evaluation: to a few first, after a day to more or to everybody.

    A canary whose answers in use (APP_STORE__URL) scored worse than the stable version's is refused. Where they decide
    nothing, or before the day is over, it takes a --reason.
    """
    settings = load_settings()
    folder, now, model = settings.prompts_dir, datetime.now(UTC), settings.llm.answering
    registry = _released(live)
    in_use = _compare_in_use(settings, registry, label, percent)
    change = rollout.promote(folder, registry, label, percent, now, model=model, reason=reason, in_use=in_use)
    _put_into_force(registry, change, live)
    _tell_of_offline(settings)


@prompts.command()
def rollback(name: Name, reason: Reason = "", live: Live = False) -> None:
    """Stop the canary, or where there is none serve the previous version again. Running services follow at once.

    Those that run from an image, or as several replicas, follow with --live.
    """
    registry = _released(live)
    _put_into_force(registry, rollout.rollback(registry, name, reason), live)


def _released(live: bool) -> PromptRegistry:
    """The registry as the files have it; with `live` as the services with this database serve it."""
    registry = _registry()
    if live:
        with open_catalog() as catalog:
            registry.read_live(LiveReleases(catalog.engine).read)
    return registry


def _put_into_force(registry: PromptRegistry, change: Change, live: bool) -> None:
    now = datetime.now(UTC)
    if not live:
        rollout.write(load_settings().prompts_dir, change, now)
        print(change.done)
        return
    what = f"{change.prompt.label} {change.what}"
    with open_catalog() as catalog:
        LiveReleases(catalog.engine).add(registry.digest, change.prompt.name, change.release, what, now)
    print(change.done)
    talk.print(BY_LIVE)


def _show_live(registry: PromptRegistry) -> None:
    """Take up what the database says; where there is none yet, or none that can be reached, the files are shown."""
    url = load_settings().store.url
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        return
    try:
        with open_catalog() as catalog:
            registry.read_live(LiveReleases(catalog.engine).read)
    except ConfigurationError as error:
        talk.print(f"Live releases are not shown. {error}", markup=False)


def _share(registry: PromptRegistry, prompt: Prompt) -> str:
    """Who gets this version, and whether the database says so."""
    release, version = registry.release(prompt.name), prompt.front.version
    if release is None or version not in (release.stable, release.canary):
        return ""
    share = f"canary {release.percent:g} %" if version == release.canary else "stable"
    return f"{share}, live" if prompt.name in registry.live() else share


def _compare_in_use(settings: Settings, registry: PromptRegistry, label: str, percent: float) -> Comparison:
    """The canary's answers against the stable version's since it began, where more callers are to get it; shown."""
    prompt = registry.version(label)
    release = registry.release(prompt.name)
    if release is None or release.canary != prompt.front.version or release.since is None:
        return NOT_COMPARED
    if not rollout.grows(release, prompt.front.version, percent):
        return NOT_COMPARED
    from app.evals import report  # here, because other commands need none of it
    from app.evals.answers import AnswerLog
    from app.evals.drift import judge_canary
    from app.evals.gate import Verdict, worst

    stable = registry.stable(prompt.name).label
    with open_catalog() as catalog:
        log = AnswerLog(catalog.engine, settings.quality)
        checks = judge_canary(log, settings.gate, stable, label, release.since)
    if not checks:
        return NOT_COMPARED
    verdict = worst({check.verdict for check in checks})
    table_console().print(report.check_table(f"{label} in use against {stable}: {verdict.upper()}", verdict, checks))
    told = {
        kind: tuple(f"{check.metric}: {check.why}" for check in checks if check.verdict is kind)
        for kind in (Verdict.BLOCK, Verdict.UNDECIDED)
    }
    return Comparison(told[Verdict.BLOCK], "; ".join(told[Verdict.UNDECIDED]))


def _tell_of_offline(settings: Settings) -> None:
    """Nobody takes the offline model's scores for a judgement of the wording."""
    if is_offline(settings.llm):
        talk.print(BY_OFFLINE)


def _registry() -> PromptRegistry:
    return PromptRegistry(load_settings().prompts_dir)
