"""Quality drop overnight: a broken export replaces every document; questions that were answered are refused."""

import codecs
from pathlib import Path

from drills.alerts import expression, fires
from drills.library import DOCUMENTS, QUESTIONS
from drills.service import Service, running
from drills.stage import Stage

SPOILED = {name: codecs.encode(text, "rot13") for name, text in DOCUMENTS.items()}
RATIO, YESTERDAY = "answers:refused:ratio1h", "answers:refused:ratio1h offset 1d"


def run(stage: Stage, folder: Path) -> None:
    """Spoil the documents, look, send the right ones."""
    with running(folder, {}) as service:
        stage.act("Yesterday")
        service.add_documents(DOCUMENTS)
        stage.say(f"service at {service.client.base_url}, {len(DOCUMENTS)} documents")
        yesterday = _ask_all(stage, service)
        stage.expect("every question is answered", yesterday == 0, f"{yesterday:.0%} refused")

        stage.act("At night an export with a broken font table sends every document again, as letters without sense")
        service.add_documents(SPOILED)
        today = _ask_all(stage, service)
        stage.expect('callers are told "I don\'t know"; nothing is invented', today == 1, f"{today:.0%} refused")
        stage.expect(
            f"RefusalsRise fires: {expression('RefusalsRise')}",
            fires("RefusalsRise", {RATIO: today, YESTERDAY: yesterday}),
            f"{yesterday:.0%} of the answers were refusals, now {today:.0%}",
        )
        alive = service.readiness()["ready"]
        stage.expect("every technical check is green: only quality tells", alive, "/readyz says ready")

        stage.act("The right documents are sent again")
        service.add_documents(DOCUMENTS)
        mended = _ask_all(stage, service)
        stage.expect("every question is answered again", mended == 0, f"{mended:.0%} refused")
        quiet = not fires("RefusalsRise", {RATIO: mended, YESTERDAY: yesterday})
        stage.expect("RefusalsRise is quiet", quiet, f"{mended:.0%}")


def _ask_all(stage: Stage, service: Service) -> float:
    """Ask every question; the share of refusals among them, from the service's own counter."""
    all_before, refused_before = service.metric("answers_total"), service.metric("answers_total", outcome="refused")
    for question in QUESTIONS:
        stage.say(f"{question}  {service.answer(question)['answer']}")
    refused = service.metric("answers_total", outcome="refused") - refused_before
    return refused / (service.metric("answers_total") - all_before)
