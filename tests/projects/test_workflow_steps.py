"""ci and evals of a fresh project: their `run:` steps in order, on this machine, as the workflow would."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from uv import find_uv_bin

from .workflow_steps import Job

pytestmark = pytest.mark.slow


PRODUCTS = [("legal", "pgvector"), ("support", "qdrant"), ("devtools", "pgvector")]  # research: printed next steps


@pytest.fixture
def workshop() -> Iterator[Path]:
    """A folder outside pytest's own, which locks out the user that PostgreSQL's tests run as."""
    with tempfile.TemporaryDirectory(prefix="shipfolio-workflow-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def project(rendered: Callable[..., Path], workshop: Path) -> Path:
    return shutil.copytree(rendered("rag-platform"), workshop / "project")


@pytest.fixture
def path(prometheus_tools: Path) -> str:
    """The search path with uv and promtool, which the workflow would install."""
    return os.pathsep.join([str(Path(find_uv_bin()).parent), str(prometheus_tools), os.environ["PATH"]])


@pytest.mark.parametrize(("product", "vector_store"), PRODUCTS)
def test_the_steps_of_ci_pass(
    product: str, vector_store: str, rendered: Callable[..., Path], workshop: Path, tmp_path: Path, path: str
) -> None:
    made = rendered("ai-saas", product=product, vector_store=vector_store)
    project = shutil.copytree(made, workshop / "project")
    job = Job(project / ".github/workflows/ci.yml", "check", {"matrix.python": "3.11"})
    job.run(project, tmp_path, path)
    assert job.ran == ["make setup", "make check"]


def test_the_steps_of_evals_pass_and_hand_the_table_on(project: Path, tmp_path: Path, path: str) -> None:
    job = Job(project / ".github/workflows/evals.yml", "gate", {})
    job.run(project, tmp_path, path)
    assert job.ran[:2] == ["make setup", "make gate"]
    assert job.outputs["table"].strip() == job.summary.strip()
    assert "|" in job.outputs["table"]


GATE = "Hold the provider's model against its baseline, where this repository has what it needs"


def live_gate(project: Path, key: str) -> Job:
    return Job(project / ".github/workflows/evals-live.yml", "gate", {"secrets.OPENAI_API_KEY": key})


def test_the_gate_with_a_key_is_skipped_without_one(project: Path, tmp_path: Path, path: str) -> None:
    job = live_gate(project, "")
    job.run(project, tmp_path, path)
    assert job.ran == ["make setup", GATE]
    assert job.summary == "Skipped: the repository has no secret OPENAI_API_KEY.\n"


def test_the_gate_with_a_key_asks_the_providers_model(project: Path, tmp_path: Path, path: str) -> None:
    with pytest.raises(AssertionError, match=r"questions-live\.json"):  # nobody has accepted its scores yet
        live_gate(project, "sk-of-nobody").run(project, tmp_path, path)


def test_a_failing_step_is_seen(project: Path, tmp_path: Path, path: str) -> None:
    (project / "app/untidy.py").write_text("import os\n", "utf-8")
    with pytest.raises(AssertionError, match=r"make check[\s\S]*untidy"):
        Job(project / ".github/workflows/ci.yml", "check", {"matrix.python": "3.11"}).run(project, tmp_path, path)
