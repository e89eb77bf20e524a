"""Provider outage: the model's provider stops answering, and comes back."""

from pathlib import Path

from drills.alerts import expression, fires
from drills.library import DOCUMENTS, QUESTIONS
from drills.provider import Provider, provider
from drills.service import Service, running
from drills.stage import Stage

PAUSE_SECONDS = 2
SETTINGS = {
    "APP_LLM__BREAKER_FAILURES": "3",
    "APP_LLM__BREAKER_PAUSE_SECONDS": str(PAUSE_SECONDS),
    "APP_CACHE__ENABLED": "false",
}


def run(stage: Stage, folder: Path) -> None:
    """Kill the provider, look, bring it back."""
    with provider() as model, running(folder, {**model.settings, **SETTINGS}) as service:
        stage.act("Before")
        service.add_documents(DOCUMENTS)
        stage.say(f"service at {service.client.base_url}, its provider at {model.url}")
        answer = service.answer(QUESTIONS[0])
        stage.expect("the model answers", answer["degraded"] is False, f"{answer['model']}: {answer['answer']}")

        stage.act("The provider dies")
        model.die()
        _look_at_the_outage(stage, service)
        _bring_back(stage, service, model)


def _look_at_the_outage(stage: Stage, service: Service) -> None:
    for question in QUESTIONS:
        answer = service.answer(question)
        honest = bool(answer["degraded"] and answer["citations"])
        stage.expect("sentences are copied from the passages, and the answer says so", honest, answer["answer"])
    is_open = service.metric("model_breaker_open")
    stage.expect(
        f"ProviderPaused fires: {expression('ProviderPaused')}",
        fires("ProviderPaused", {"model_breaker_open": is_open}),
        f"model_breaker_open is {is_open:g}",
    )
    ready = service.readiness()
    stage.expect("the service stays ready", ready["ready"], ready["providers"])


def _bring_back(stage: Stage, service: Service, model: Provider) -> None:
    stage.act("The provider comes back")
    model.come_back()
    stage.wait(
        f"after the pause of {PAUSE_SECONDS} s one call is the probe, and the model answers again",
        lambda: service.answer(QUESTIONS[0])["degraded"] is False,
    )
    is_open = service.metric("model_breaker_open")
    quiet = not fires("ProviderPaused", {"model_breaker_open": is_open})
    stage.expect("ProviderPaused is quiet", quiet, f"model_breaker_open is {is_open:g}")
