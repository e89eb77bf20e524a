"""Budget hit: the day's tokens run out, calls are refused, and a higher budget lets them pass again."""

from pathlib import Path

from drills.alerts import expression, fires
from drills.library import DOCUMENTS, QUESTIONS
from drills.provider import Provider, provider
from drills.service import Service, running
from drills.stage import Stage

SETTINGS = {
    "APP_BUDGET__TOKENS_PER_DAY": "4000",
    "APP_LLM__MAX_OUTPUT_TOKENS": "50",
    "APP_RETRIEVAL__MIN_EVIDENCE": "0.3",
}
HIGHER = {**SETTINGS, "APP_BUDGET__TOKENS_PER_DAY": "100000"}
MOST_CALLS = 60


def run(stage: Stage, folder: Path) -> None:
    """Use the budget up, look, raise it."""
    with provider() as model:
        told = {**model.settings, "APP_BUDGET__ALERT_URL": f"{model.url}/alerts"}
        with running(folder, {**told, **SETTINGS}) as service:
            stage.act("Before")
            service.add_documents(DOCUMENTS)
            stage.say(f"service at {service.client.base_url}, {SETTINGS['APP_BUDGET__TOKENS_PER_DAY']} tokens a day")
            answer = service.answer(QUESTIONS[0])
            stage.expect("the model answers", answer["refused"] is False, answer["answer"])
            _spend(stage, service)
            _look_at_what_callers_see(stage, service, model)
        stage.act("The budget is raised, the service started again")
        with running(folder, {**told, **HIGHER}) as service:
            _look_at_the_recovery(stage, service)


def _spend(stage: Stage, service: Service) -> None:
    stage.act("The tokens are spent")
    warned, number, refused = False, 0, False
    while not refused and number < MOST_CALLS:
        number += 1
        refused = service.ask(f"{QUESTIONS[1]} Week {number}.").status_code == 429
        used = service.metric("budget_used_ratio", scope="all")
        if not warned and fires("BudgetRunsOut", {"budget_used_ratio": used}):
            warned = True
            stage.say(f"ok: BudgetRunsOut fires: {expression('BudgetRunsOut')} ({used:.2f} after {number} calls)")
    stage.expect("a warning came before the end", warned, f"{number} calls")


def _look_at_what_callers_see(stage: Stage, service: Service, model: Provider) -> None:
    answer = service.ask(QUESTIONS[2])
    stage.expect("callers get 429 with the reason", answer.status_code == 429, answer.json().get("detail"))
    used = service.metric("budget_used_ratio", scope="all")
    stage.expect(
        f"BudgetGone fires: {expression('BudgetGone')}",
        fires("BudgetGone", {"budget_used_ratio": used}),
        f"budget_used_ratio is {used:g}",
    )
    stage.wait("the webhook was told twice: at 80 % and at the end", lambda: len(model.alerts) >= 2)
    again = service.ask(QUESTIONS[0])
    kept = again.json().get("answer")
    stage.expect("a question that was answered before costs nothing and is answered", again.is_success, kept)


def _look_at_the_recovery(stage: Stage, service: Service) -> None:
    answer = service.ask(QUESTIONS[2])
    stage.expect("the model answers again", answer.is_success, answer.json().get("answer"))
    used = service.metric("budget_used_ratio", scope="all")
    quiet = not any(fires(alert, {"budget_used_ratio": used}) for alert in ("BudgetRunsOut", "BudgetGone"))
    stage.expect("both alerts are quiet", quiet, f"budget_used_ratio is {used:.2f}")
