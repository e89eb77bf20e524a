"""Answers given before: the same question at once, and a nearly equal one where that is switched on.

An answer belongs to a scope: tenant, prompt version, index version and model. A change of any of them is another
scope, so nothing stale and nothing of another tenant can be found.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Engine

from app.language import WORD
from app.settings import CacheSettings
from app.stores.database import Housekeeping, Moment, insert_or_update, metadata

NEWEST = 1000  # entries of a scope that a nearly equal question is compared with
FORGET_SECONDS = 60.0  # how often answers that are too old are removed; nobody is given them in between
CODE = re.compile(r"\w*\d\w*")

answers = sa.Table(
    "answer_cache",
    metadata,
    sa.Column("scope", sa.String(64), primary_key=True),
    sa.Column("question", sa.String(64), primary_key=True),
    sa.Column("codes", sa.Text, nullable=False),
    sa.Column("vector", sa.LargeBinary),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False, index=True),
)


def cache_scope(*, tenant: str, prompt: str, index: str, model: str, filters: Mapping[str, str] | None = None) -> str:
    """The name of a scope, 64 hexadecimal digits."""
    parts = json.dumps([tenant, prompt, index, model, sorted((filters or {}).items())])
    return hashlib.sha256(parts.encode()).hexdigest()


class AnswerCache:
    """Finished answers as JSON, in the service's database, for every process of it."""

    def __init__(self, engine: Engine, settings: CacheSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._forgetting = Housekeeping(FORGET_SECONDS)

    def find(self, scope: str, question: str) -> str | None:
        """The answer to this very question; case and punctuation do not matter."""
        query = self._live(scope).where(answers.c.question == fingerprint(question))
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return row.answer if row else None

    def find_similar(self, scope: str, question: str, vector: NDArray[np.float32]) -> str | None:
        """The answer to the nearest question from `semantic_threshold` (cosine) on; `vector` has length 1.

        Questions with other numbers or codes are never near: "fault F17" is not "fault F72".
        """
        query = self._live(scope).where(answers.c.codes == codes(question), answers.c.vector.is_not(None))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(answers.c.created_at.desc()).limit(NEWEST)).all()
        if not rows:
            return None
        scores = np.frombuffer(b"".join(row.vector for row in rows), dtype=np.float32).reshape(len(rows), -1) @ vector
        best = int(np.argmax(scores))
        return rows[best].answer if scores[best] >= self._settings.semantic_threshold else None

    def keep(self, scope: str, question: str, vector: NDArray[np.float32] | None, answer: str) -> None:
        """Remember an answer; once in a while forget those that are too old."""
        row = {
            "scope": scope,
            "question": fingerprint(question),
            "codes": codes(question),
            "vector": None if vector is None else vector.astype(np.float32).tobytes(),
            "answer": answer,
            "created_at": datetime.now(UTC),
        }
        with self._engine.begin() as connection:
            if self._forgetting.due():
                connection.execute(answers.delete().where(answers.c.created_at < self._oldest()))
            insert_or_update(connection, answers, row)

    def _live(self, scope: str) -> sa.Select[Any, Any]:
        columns = (answers.c.answer, answers.c.vector)
        return sa.select(*columns).where(answers.c.scope == scope, answers.c.created_at >= self._oldest())

    def _oldest(self) -> datetime:
        return datetime.now(UTC) - timedelta(seconds=self._settings.seconds)


def fingerprint(question: str) -> str:
    """The same for questions with the same words in the same order."""
    return hashlib.sha256(" ".join(WORD.findall(question.lower())).encode()).hexdigest()


def codes(question: str) -> str:
    """The question's numbers and codes in order, so that another one cannot pass for it."""
    return " ".join(CODE.findall(question.lower()))
