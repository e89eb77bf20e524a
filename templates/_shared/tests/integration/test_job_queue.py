"""The job queue keeps its contract on SQLite; tests/integration/test_pgvector.py has it on PostgreSQL."""

import logging
from pathlib import Path

import pytest

from app.jobs.queue import silence_console
from tests.integration.job_queue_contract import JobQueueContract


class TestJobQueue(JobQueueContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/app.db"


def test_a_job_that_is_taken_up_while_the_queue_closes_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    silence_console()
    logger = logging.getLogger("dbos")
    logger.error("Exception", exc_info=RuntimeError("cannot schedule new futures after shutdown"))
    logger.error("Exception", exc_info=RuntimeError("disk full"))
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["disk full"]
