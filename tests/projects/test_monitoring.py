"""The alerts of a generated project, by Prometheus' own tools: they fire as their tests say, a wrong one is found."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow
MONITORING = ROOT / "templates/_shared/monitoring"

Promtool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def promtool(prometheus_tools: Path) -> Promtool:
    tool = str(prometheus_tools / "promtool")
    return lambda *arguments, cwd: subprocess.run([tool, *arguments], cwd=cwd, capture_output=True, text=True)


@pytest.fixture
def monitoring(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MONITORING, tmp_path / "monitoring"))


def test_the_alerts_fire_as_their_tests_say(promtool: Promtool, monitoring: Path) -> None:
    done = promtool("test", "rules", "alerts.test.yml", cwd=monitoring)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_one_that_prometheus_reads(promtool: Promtool, monitoring: Path) -> None:
    done = promtool("check", "config", "prometheus.yml", cwd=monitoring)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 rules found" in done.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("ask:errors:ratio1h > 14.4 * 0.005", "ask:errors:ratio1h > 144 * 0.005"),
        ("model_breaker_open == 1", "model_breaker_open == 2"),
        ("budget_used_ratio >= 1", "budget_used_ratio > 1"),
        ("ingestion_oldest_wait_seconds > 900", "ingestion_oldest_wait_seconds > 9000"),
        ("model:cost_per_call:usd1h > 0.05", "model:cost_per_call:usd1h > 0.5"),
        ("answer:support:mean1d_before - 0.05", "answer:support:mean1d_before - 0.5"),
        ("answer:support:mean1d_before - 0.05", "answer:support:mean1d_before - 0.02"),
        ("answer_support_count[1h])) >= 30", "answer_support_count[1h])) >= 3000"),
        ("answer_support_count[1h])) >= 30", "answer_support_count[1h])) >= 3"),
        ("evaluation_due offset 6h == 1", "evaluation_due offset 12h == 1"),
    ],
)
def test_an_alert_that_is_deaf_or_too_loud_is_found(
    promtool: Promtool, monitoring: Path, right: str, wrong: str
) -> None:
    rules = monitoring / "alerts.yml"
    text = rules.read_text("utf-8")
    assert right in text
    rules.write_text(text.replace(right, wrong), "utf-8")
    assert promtool("test", "rules", "alerts.test.yml", cwd=monitoring).returncode != 0
