"""Answers in use: what is kept of them, who may read it, and that scoring never gets into an answer's way."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import anyio
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from app.bootstrap import Platform, open_platform
from app.errors import InvalidInput, NotFound
from app.evals import watching
from app.evals.answers import Answered, AnswerLog, Scored, answers, scores
from app.evals.due import IndexEvaluations
from app.evals.records import Source
from app.evals.watching import Watcher
from app.scopes import Scope
from app.settings import QualitySettings, Settings
from app.stores.catalog import DocumentStatus
from app.stores.database import Housekeeping

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER = "0" * 31 + "1"
ANSWERED = Answered(
    TRACE,
    "answer@1",
    "offline-extractive",
    "Who is ada@example.com?",
    "Ada, card 4111 1111 1111 1111.",
    (Source("hr/people.md", "People", "See https://wiki/?key=abc&x=1 or call +49 170 1234567."),),
)
WORDS = {"answered": 1.0, "faithfulness_words": 0.75}


@pytest.fixture
def keeping(settings: Settings) -> Settings:
    """Settings that allow the texts to be kept."""
    settings.quality = QualitySettings.model_validate({"content": True})
    return settings


def samples(platform: Platform, name: str) -> dict[str, float]:
    """The values of a metric by its labels' values."""
    families = text_string_to_metric_families(platform.telemetry.exposition().decode())
    found = [s for family in families for s in family.samples if s.name == name]
    return {",".join(v for k, v in sorted(s.labels.items()) if k != "otel_scope_name" and v): s.value for s in found}


def watch(platform: Platform, *offers: Callable[[], Mapping[str, float]], judge: watching.Judge | None = None) -> None:
    """Offer one answer per scorer and wait until all are settled."""

    async def run() -> None:
        watcher = Watcher(platform, "faithfulness_judge", judge)
        for score in offers:
            watcher.offer(ANSWERED, score, {"answer": "shown"})
        await watcher.settled()

    anyio.run(run)


def boom() -> Mapping[str, float]:
    raise ZeroDivisionError("a scorer with a defect")


def test_without_leave_no_text_is_kept(platform: Platform) -> None:
    platform.answers.add(ANSWERED, "1/now", WORDS)
    platform.catalog.add_feedback(TRACE, -1, "Wrong.")
    (said,) = platform.answers.judgements()
    assert (said.question, said.answer, said.sources) == ("", "", ())
    assert (said.prompt, said.model, said.index_version) == ("answer@1", "offline-extractive", "1/now")
    assert said.scores == WORDS
    with platform.catalog.engine.connect() as connection:
        assert "Ada" not in repr(connection.execute(answers.select()).all())


def test_with_leave_texts_are_kept_without_personal_data(keeping: Settings, platform: Platform) -> None:
    platform.answers.add(ANSWERED, "1/now", WORDS)
    platform.catalog.add_feedback(TRACE, 1, "")
    said = platform.answers.judgement(TRACE[:8])
    assert said.question == "Who is [e-mail]?"
    assert said.answer == "Ada, card [card]."
    (source,) = said.sources
    assert source.document == "hr/people.md"
    assert "abc" not in source.quote
    assert "1234567" not in source.quote


def test_the_last_word_of_a_reader_counts(platform: Platform) -> None:
    platform.catalog.add_feedback(TRACE, -1, "")
    platform.catalog.add_feedback(OTHER, 1, "")
    platform.catalog.add_feedback(TRACE, -1, "It is another one.")
    assert [(j.trace_id, j.comment) for j in platform.answers.judgements()] == [
        (TRACE, "It is another one."),
        (OTHER, ""),
    ]
    assert [j.trace_id for j in platform.answers.judgements(rating=1)] == [OTHER]
    assert platform.answers.thumbs() == {1: 1, -1: 1}


@pytest.mark.parametrize(("trace", "error"), [("4bf", InvalidInput), ("4bf92f3588", NotFound), ("%" * 9, NotFound)])
def test_a_judgement_is_found_by_enough_of_its_trace(platform: Platform, trace: str, error: type[Exception]) -> None:
    platform.catalog.add_feedback(TRACE, 1, "")
    with pytest.raises(error):
        platform.answers.judgement(trace)


def test_scores_are_read_back_by_metric_prompt_and_time(platform: Platform) -> None:
    log = platform.answers
    for number in range(5):
        log.add(Answered(TRACE, f"answer@{1 + number % 2}", "m", "", "", ()), "i", {"answered": number / 10})
    assert [s.score for s in log.latest("answered", 3)] == [0.2, 0.3, 0.4]
    assert [s.score for s in log.latest("answered", 9, "answer@2")] == [0.1, 0.3]
    assert log.latest("answered", 9, since=datetime.now(UTC) + timedelta(minutes=1)) == []
    assert log.metrics() == ["answered"]
    assert isinstance(log.latest("answered", 1)[0], Scored)


def test_what_is_too_old_is_forgotten_with_its_scores(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    log = platform.answers
    log.add(ANSWERED, "i", WORDS)
    with platform.catalog.engine.begin() as connection:
        connection.execute(answers.update().values(created_at=datetime.now(UTC) - timedelta(days=91)))
    monkeypatch.setattr(Housekeeping, "due", lambda _: True)
    log.add(ANSWERED, "i", {"answered": 0.0})
    with platform.catalog.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(answers)).scalar() == 1
        assert [row.score for row in connection.execute(scores.select())] == [0.0]


def test_every_answer_is_scored_and_measured_by_prompt_version(platform: Platform) -> None:
    watch(platform, lambda: WORDS, lambda: WORDS)
    assert samples(platform, "answer_support_count") == {"answer@1,words": 2}
    assert samples(platform, "answer_support_sum") == {"answer@1,words": 1.5}
    assert samples(platform, "answer_scorings_total") == {"scored": 2}
    assert len(platform.answers.latest("faithfulness_words", 9)) == 2


def test_a_broken_scorer_costs_its_score_and_nothing_else(platform: Platform) -> None:
    platform.catalog.add_feedback(TRACE, 1, "")
    watch(platform, boom, lambda: WORDS)
    assert samples(platform, "answer_scorings_total") == {"failed": 1, "scored": 1}
    assert len(platform.answers.latest("answered", 9)) == 1
    with platform.catalog.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(answers)).scalar() == 2


def test_a_broken_database_is_survived(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(AnswerLog, "add", full)
    watch(platform, lambda: WORDS)
    assert samples(platform, "answer_scorings_total") == {"failed": 1}


def test_what_cannot_be_kept_up_with_is_dropped_and_counted(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST_WAITING", 3)
    watch(platform, *[lambda: WORDS] * 10)
    assert samples(platform, "answer_scorings_total") == {"dropped": 7, "scored": 3}


def test_offering_does_not_wait_for_the_scorer(platform: Platform) -> None:
    release = threading.Event()

    def slow() -> Mapping[str, float]:
        assert release.wait(10)
        return WORDS

    async def run() -> None:
        watcher = Watcher(platform)
        watcher.offer(ANSWERED, slow)
        await anyio.sleep(0)
        assert platform.answers.latest("answered", 1) == []
        release.set()
        await watcher.settled()

    anyio.run(run)
    assert len(platform.answers.latest("answered", 1)) == 1


def test_stopping_waits_for_scores_but_not_for_ever(platform: Platform) -> None:
    async def judge(answered: Answered, shown: object) -> float:
        await anyio.sleep_forever()
        return 1.0

    async def run() -> None:
        platform.settings.quality.judge_share = 1
        watcher = Watcher(platform, "faithfulness_judge", judge)
        watcher.offer(ANSWERED, lambda: WORDS, {})
        with anyio.fail_after(5):
            await watcher.close(0.2)

    anyio.run(run)
    assert len(platform.answers.latest("answered", 1)) == 1


@pytest.mark.parametrize(("share", "judge_share", "words", "judged"), [(0, 0, 0, 0), (1, 0, 2, 0), (0, 1, 0, 2)])
def test_shares_decide_what_is_scored_by_whom(
    settings: Settings, share: float, judge_share: float, words: int, judged: int
) -> None:
    async def judge(answered: Answered, shown: object) -> float:
        assert shown == {"answer": "shown"}
        return 0.25

    settings.quality = QualitySettings.model_validate({"share": share, "judge_share": judge_share})
    with open_platform(settings) as platform:
        watch(platform, lambda: WORDS, lambda: WORDS, judge=judge)
        assert len(platform.answers.latest("faithfulness_words", 9)) == words
        assert [s.score for s in platform.answers.latest("faithfulness_judge", 9)] == [0.25] * judged
        assert samples(platform, "answer_support_count").get("answer@1,judge", 0) == judged


def test_an_evaluation_is_due_when_documents_came_changed_or_went(platform: Platform) -> None:
    catalog, evaluations = platform.catalog, IndexEvaluations(platform.catalog)
    assert not evaluations.due(), "there is nothing to evaluate"
    record = catalog.record("a.md", "0" * 64, DocumentStatus.READY)
    assert evaluations.due()
    assert samples(platform, "evaluation_due") == {"": 1}
    evaluations.note(catalog.version())
    assert not evaluations.due()
    assert samples(platform, "evaluation_due") == {"": 0}
    catalog.record("b.md", "0" * 64, DocumentStatus.READY)
    assert evaluations.due()
    evaluations.note(catalog.version())
    catalog.forget(record.id)
    assert evaluations.due()


def test_feedback_is_read_by_administrators_alone(keeping: Settings, platform: Platform, client: TestClient) -> None:
    platform.answers.add(ANSWERED, "i", WORDS)
    body = {"trace_id": TRACE, "rating": -1, "comment": "Ask ada@example.com <b>again</b>"}
    assert client.post("/v1/feedback", json=body).status_code == 204
    (said,) = client.get("/v1/feedback", params={"rating": -1}).json()
    assert said["comment"] == "Ask [e-mail] <b>again</b>"
    assert said["question"] == "Who is [e-mail]?"
    assert said["scores"] == WORDS
    assert client.get("/v1/feedback", params={"rating": 1}).json() == []
    assert client.get("/v1/feedback", params={"rating": 2}).status_code == 422
    assert client.get("/v1/feedback", headers={"Authorization": "Bearer nobody"}).status_code == 401
    secret = platform.catalog.keys.create("reader", [Scope.FEEDBACK])
    refused = client.get("/v1/feedback", headers={"Authorization": f"Bearer {secret}"})
    assert refused.status_code == 403


def test_the_page_of_feedback_holds_none_and_says_what_is_kept(platform: Platform, anonymous: TestClient) -> None:
    platform.catalog.add_feedback(TRACE, 1, "a comment")
    page = anonymous.get("/feedback")
    assert page.status_code == 200
    assert "a comment" not in page.text
    assert "APP_QUALITY__CONTENT=True" in page.text
