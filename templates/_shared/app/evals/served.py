"""The golden questions on the index in use: asked again after its documents changed."""

import asyncio
from contextlib import closing
from dataclasses import replace

from app.console import talk
from app.evals.baseline import baseline_path, read_baseline
from app.evals.due import IndexEvaluations
from app.evals.gate import GateResult, judge_run, verdict_word
from app.evals.records import add_to_history
from app.evals.suite import Suite, run_suite
from app.settings import Settings
from app.stores.catalog import Catalog


def evaluate_served(suite: Suite, settings: Settings) -> GateResult:
    """Ask all questions, add the run to the history, and hold it against the accepted baseline.

    Raises:
        CannotDecide: the documents are none that the cases are about, or there is no baseline for these cases.
    """
    with closing(Catalog(settings.store.url)) as catalog:
        version = catalog.version()  # from before the run: what changes meanwhile is due again
        run = asyncio.run(run_suite(suite, settings, served=True))
        as_accepted = replace(run, suite=suite.name)
        verdict = verdict_word(as_accepted, settings.evals_dir, settings.gate, suite.must_hold)
        try:
            add_to_history(settings.evals_dir, run, verdict)
        except OSError as error:  # a container's files may not be written to; its database is
            talk.print(f"The history was not written: {error}.", style="yellow", markup=False)
        IndexEvaluations(catalog).note(version)
    baseline = read_baseline(baseline_path(settings.evals_dir, suite.name, run.offline), run.dataset)
    return replace(judge_run(as_accepted, baseline, settings.gate, suite.must_hold), suite=run.suite)
