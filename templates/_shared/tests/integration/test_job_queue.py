"""The job queue keeps its contract on SQLite; tests/integration/test_pgvector.py has it on PostgreSQL."""

from pathlib import Path

import pytest

from tests.integration.job_queue_contract import JobQueueContract


class TestJobQueue(JobQueueContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/app.db"
