"""Answers in use: one row per answer with its versions, its scores as they come, and what readers said of it.

Always kept: trace, time, prompt version, model, index version, scores. Question, answer and sources only where
`APP_QUALITY__CONTENT` is on, without personal data. After `APP_QUALITY__KEEP_DAYS` an answer's rows are deleted.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.errors import InvalidInput, NotFound
from app.evals.records import Source
from app.observability.redaction import redacted
from app.settings import QualitySettings
from app.stores.catalog import feedback
from app.stores.database import Housekeeping, Moment, metadata

FORGET_SECONDS = 3600.0
SHORTEST_PREFIX = 8

answers = sa.Table(
    "answer_record",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("trace_id", sa.String(32), nullable=False, index=True),
    sa.Column("created_at", Moment, nullable=False, index=True),
    sa.Column("prompt", sa.String(100), nullable=False),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("index_version", sa.String(64), nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("sources", sa.Text, nullable=False),
)
scores = sa.Table(
    "answer_score",
    metadata,
    sa.Column("answer_id", sa.Integer, sa.ForeignKey("answer_record.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("metric", sa.String(40), primary_key=True),
    sa.Column("score", sa.Float, nullable=False),
)


@dataclass(frozen=True)
class Answered:
    """An answer that went out; `sources` are its citations."""

    trace_id: str
    prompt: str
    model: str
    question: str
    answer: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Scored:
    """One score, and what it was reached with."""

    score: float
    at: datetime
    setup: dict[str, str]


@dataclass(frozen=True)
class Judgement:
    """A reader's thumb (1 or -1) and comment, with what was kept of the answer; texts are empty where nothing was."""

    trace_id: str
    rating: int
    comment: str
    at: datetime
    prompt: str
    model: str
    index_version: str
    question: str
    answer: str
    sources: tuple[Source, ...]
    scores: dict[str, float]


class AnswerLog:
    """Keeps answers in use and reads them back."""

    def __init__(self, engine: Engine, settings: QualitySettings) -> None:
        self._engine = engine
        self._settings = settings
        self._forgetting = Housekeeping(FORGET_SECONDS)

    def add(self, answered: Answered, index_version: str, found: Mapping[str, float]) -> int:
        """Keep an answer and the scores it has so far; return its id. Once in a while forget what is too old."""
        sources = [{name: redacted(text) for name, text in asdict(source).items()} for source in answered.sources]
        texts = {
            "question": redacted(answered.question),
            "answer": redacted(answered.answer),
            "sources": json.dumps(sources, ensure_ascii=False),
        }
        row = {
            "trace_id": answered.trace_id,
            "created_at": datetime.now(UTC),
            "prompt": answered.prompt,
            "model": answered.model,
            "index_version": index_version,
            **(texts if self._settings.content else dict.fromkeys(texts, "")),
        }
        with self._engine.begin() as connection:
            if self._forgetting.due():
                self._forget(connection)
            identifier = connection.execute(answers.insert().values(row).returning(answers.c.id)).scalar_one()
            for metric, score in found.items():
                connection.execute(scores.insert().values(answer_id=identifier, metric=metric, score=score))
        return identifier

    def add_score(self, identifier: int, metric: str, score: float) -> None:
        """A score that came later."""
        with self._engine.begin() as connection:
            connection.execute(scores.insert().values(answer_id=identifier, metric=metric, score=score))

    def metrics(self) -> list[str]:
        """Every metric that an answer has, by name."""
        with self._engine.connect() as connection:
            return list(connection.scalars(sa.select(scores.c.metric).distinct().order_by(scores.c.metric)))

    def latest(self, metric: str, limit: int, prompt: str = "", since: datetime | None = None) -> list[Scored]:
        """The last scores of a metric, oldest first: all, or those of one prompt version, from one time on."""
        query = sa.select(scores.c.score, answers).join(answers).where(scores.c.metric == metric)
        if prompt:
            query = query.where(answers.c.prompt == prompt)
        if since:
            query = query.where(answers.c.created_at >= since)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(answers.c.id.desc()).limit(limit)).all()
        return [
            Scored(r.score, r.created_at, {"prompt": r.prompt, "model": r.model, "index": r.index_version})
            for r in reversed(rows)
        ]

    def judgements(self, limit: int = 100, rating: int = 0, trace: str = "") -> list[Judgement]:
        """What readers said last of each answer, the newest first; only of one `rating`, or of traces like `trace…`."""
        last = sa.select(sa.func.max(feedback.c.id)).group_by(feedback.c.trace_id)
        same = answers.alias()
        newest = sa.select(sa.func.max(same.c.id)).where(same.c.trace_id == feedback.c.trace_id).correlate(feedback)
        both = feedback.outerjoin(answers, answers.c.id == newest.scalar_subquery())
        query = sa.select(feedback, answers).select_from(both)
        query = query.where(feedback.c.id.in_(last), feedback.c.trace_id.startswith(trace, autoescape=True))
        if rating:
            query = query.where(feedback.c.rating == rating)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(feedback.c.id.desc()).limit(limit)).mappings().all()
            identifiers = [row[answers.c.id] for row in rows if row[answers.c.id]]
            found: dict[int, dict[str, float]] = {}
            for given in connection.execute(scores.select().where(scores.c.answer_id.in_(identifiers))):
                found.setdefault(given.answer_id, {})[given.metric] = given.score
        return [_judgement(row, found.get(row[answers.c.id], {})) for row in rows]

    def thumbs(self) -> dict[int, int]:
        """How many readers found an answer helpful (1), how many did not (-1)."""
        last = sa.select(sa.func.max(feedback.c.id)).group_by(feedback.c.trace_id)
        query = sa.select(feedback.c.rating, sa.func.count()).where(feedback.c.id.in_(last))
        with self._engine.connect() as connection:
            rows = connection.execute(query.group_by(feedback.c.rating)).all()
        return {row[0]: row[1] for row in rows}

    def judgement(self, trace: str) -> Judgement:
        """The judgement of the trace that begins with `trace`.

        Raises:
            InvalidInput: too short to mean one.
            NotFound: no such trace was judged.
        """
        if len(trace) < SHORTEST_PREFIX:
            raise InvalidInput(f"{trace!r} is too short.", f"Give at least {SHORTEST_PREFIX} digits of the trace.")
        found = self.judgements(1, trace=trace)
        if not found:
            raise NotFound(f"Nobody judged the answer {trace!r}.", "`app feedback list` shows what there is.")
        return found[0]

    def _forget(self, connection: sa.Connection) -> None:
        old = answers.c.created_at < datetime.now(UTC) - timedelta(days=self._settings.keep_days)
        connection.execute(scores.delete().where(scores.c.answer_id.in_(sa.select(answers.c.id).where(old))))
        connection.execute(answers.delete().where(old))


def _judgement(row: Mapping[Any, Any], found: dict[str, float]) -> Judgement:
    kept = row[answers.c.id] is not None
    sources = json.loads(row[answers.c.sources] or "[]") if kept else []
    return Judgement(
        trace_id=row[feedback.c.trace_id],
        rating=row[feedback.c.rating],
        comment=row[feedback.c.comment],
        at=row[feedback.c.created_at],
        prompt=row[answers.c.prompt] if kept else "",
        model=row[answers.c.model] if kept else "",
        index_version=row[answers.c.index_version] if kept else "",
        question=row[answers.c.question] if kept else "",
        answer=row[answers.c.answer] if kept else "",
        sources=tuple(Source(**source) for source in sources),
        scores=found,
    )
