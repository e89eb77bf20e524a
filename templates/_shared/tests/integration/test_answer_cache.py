"""A cached answer is found again, and only by those whom it belongs to."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy.engine import Engine

from app.llm import cache
from app.llm.cache import AnswerCache, cache_scope
from app.llm.embedding import OfflineEmbedder
from app.settings import CacheSettings
from app.stores.database import open_database

HERE: dict[str, Any] = {"tenant": "a", "prompt": "answer/v1", "index": "7", "model": "gpt"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    database = open_database(f"sqlite:///{tmp_path}/app.db")
    yield database
    database.dispose()


@pytest.fixture
def answers(engine: Engine) -> AnswerCache:
    return AnswerCache(engine, CacheSettings.model_validate({"semantic_threshold": 0.6}))


def vector(text: str) -> NDArray[np.float32]:
    return anyio.run(OfflineEmbedder(512).embed, [text], "query")[0]


def test_the_same_words_are_the_same_question(answers: AnswerCache) -> None:
    scope = cache_scope(**HERE)
    answers.keep(scope, "How many leave days?", None, "25")
    assert answers.find(scope, "how many LEAVE days ?!") == "25"
    assert answers.find(scope, "How many sick days?") is None


def test_a_newer_answer_replaces_the_older_one(answers: AnswerCache) -> None:
    scope = cache_scope(**HERE)
    answers.keep(scope, "How many leave days?", None, "25")
    answers.keep(scope, "How many leave days?", None, "28")
    assert answers.find(scope, "How many leave days?") == "28"


@pytest.mark.parametrize(
    "change",
    [{"tenant": "b"}, {"prompt": "answer/v2"}, {"index": "8"}, {"model": "claude"}, {"filters": {"folder": "hr"}}],
    ids=lambda change: next(iter(change)),
)
def test_another_scope_never_sees_it(answers: AnswerCache, change: dict[str, Any]) -> None:
    question = "How many leave days?"
    answers.keep(cache_scope(**HERE), question, vector(question), "25")
    elsewhere = cache_scope(**{**HERE, **change})
    assert answers.find(elsewhere, question) is None
    assert answers.find_similar(elsewhere, question, vector(question)) is None


def test_parts_of_a_scope_cannot_run_into_each_other() -> None:
    first = cache_scope(tenant="ab", prompt="c", index="7", model="gpt")
    assert first != cache_scope(tenant="a", prompt="bc", index="7", model="gpt")


def test_a_nearly_equal_question_is_found_and_another_code_is_not(answers: AnswerCache) -> None:
    scope = cache_scope(**HERE)
    answers.keep(scope, "What does fault code F17 mean?", vector("What does fault code F17 mean?"), "door")
    near, other = "What is the meaning of fault code F17?", "What does fault code F72 mean?"
    assert answers.find_similar(scope, near, vector(near)) == "door"
    assert vector(other) @ vector("What does fault code F17 mean?") > 0.6
    assert answers.find_similar(scope, other, vector(other)) is None


def age(engine: Engine) -> None:
    """Make every answer an old one."""
    with engine.begin() as connection:
        connection.execute(cache.answers.update().values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(cache.answers.select()).all())


def test_an_old_answer_is_given_no_more_and_removed_once_in_a_while(engine: Engine) -> None:
    brief = CacheSettings.model_validate({"seconds": 1})
    answers, scope = AnswerCache(engine, brief), cache_scope(**HERE)
    answers.keep(scope, "How many leave days?", None, "25")
    age(engine)
    assert answers.find(scope, "How many leave days?") is None
    answers.keep(scope, "Another?", None, "x")
    assert count(engine) == 2
    AnswerCache(engine, brief).keep(scope, "A third?", None, "x")
    assert count(engine) == 2
