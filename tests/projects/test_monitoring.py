"""The alerts of a generated project, by Prometheus' own tools: they fire as their tests say, a wrong one is found."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow
TEMPLATES = ("rag-platform", "agent", "ai-saas")

Promtool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def promtool(prometheus_tools: Path) -> Promtool:
    tool = str(prometheus_tools / "promtool")
    return lambda *arguments, cwd: subprocess.run([tool, *arguments], cwd=cwd, capture_output=True, text=True)


@pytest.fixture
def monitoring(rendered: Callable[..., Path], tmp_path: Path) -> Callable[[str], Path]:
    """`monitoring(template)`: a copy that can be broken."""
    return lambda template: Path(shutil.copytree(rendered(template) / "monitoring", tmp_path / "monitoring"))


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_alerts_fire_as_their_tests_say(promtool: Promtool, monitoring, template: str) -> None:
    done = promtool("test", "rules", "alerts.test.yml", cwd=monitoring(template))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_configuration_is_one_that_prometheus_reads(promtool: Promtool, monitoring, template: str) -> None:
    folder = monitoring(template)
    done = promtool("check", "config", "prometheus.yml", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    groups = yaml.safe_load((folder / "alerts.yml").read_text("utf-8"))["groups"]
    assert f"{sum(len(group['rules']) for group in groups)} rules found" in done.stdout


@pytest.mark.parametrize(
    ("template", "right", "wrong"),
    [
        ("rag-platform", "ask:errors:ratio1h > 14.4 * 0.005", "ask:errors:ratio1h > 144 * 0.005"),
        ("rag-platform", "model_breaker_open == 1", "model_breaker_open == 2"),
        ("rag-platform", "budget_used_ratio >= 1", "budget_used_ratio > 1"),
        ("rag-platform", "ingestion_oldest_wait_seconds > 900", "ingestion_oldest_wait_seconds > 9000"),
        ("rag-platform", "model:cost_per_call:usd1h > 0.05", "model:cost_per_call:usd1h > 0.5"),
        ("rag-platform", "answer:support:mean1d_before - 0.05", "answer:support:mean1d_before - 0.5"),
        ("rag-platform", "answer:support:mean1d_before - 0.05", "answer:support:mean1d_before - 0.02"),
        ("rag-platform", "answer_support_count[1h])) >= 30", "answer_support_count[1h])) >= 3000"),
        ("rag-platform", "answer_support_count[1h])) >= 30", "answer_support_count[1h])) >= 3"),
        ("rag-platform", "evaluation_due offset 6h == 1", "evaluation_due offset 12h == 1"),
        ("ai-saas", "/v1/organisations/{organisation}/ask", "/v1/ask"),
        ("agent", "calls:errors:ratio1h > 14.4 * 0.005", "calls:errors:ratio1h > 144 * 0.005"),
        ("agent", 'http_route=~"/v1/runs.*", http_response', 'http_route=~".*", http_response'),
        ("agent", 'http_route=~"/v1/runs.*", http_response', 'http_route="/v1/runs", http_response'),
        ("agent", "calls:slow:ratio1h > 14.4 * 0.05", "calls:slow:ratio1h > 144 * 0.05"),
        ("agent", ', http_route!~".*/events"', ""),
        ("agent", "runs:failed:ratio1h > 0.2", "runs:failed:ratio1h > 0.5"),
        ("agent", "runs:ended:increase1h >= 5", "runs:ended:increase1h >= 1"),
        ("agent", "> 900", "> 9000"),
        ("agent", "> 14400", "> 144000"),
        ("ai-saas", "billing_unreported_age_seconds > 3600", "billing_unreported_age_seconds > 36000"),
    ],
)
def test_an_alert_that_is_deaf_or_too_loud_is_found(
    promtool: Promtool, monitoring, template: str, right: str, wrong: str
) -> None:
    folder = monitoring(template)
    rules = folder / "alerts.yml"
    text = rules.read_text("utf-8")
    assert right in text
    rules.write_text(text.replace(right, wrong), "utf-8")
    assert promtool("test", "rules", "alerts.test.yml", cwd=folder).returncode != 0


@pytest.fixture
def checked(rendered: Callable[..., Path], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`checked(path, broken)`: what `make promtool` says with this search path; one expression may be broken."""

    def run(path: Path, *, broken: bool = False) -> subprocess.CompletedProcess[str]:
        made = rendered("rag-platform")
        shutil.copy(made / "Makefile", tmp_path)
        shutil.copytree(made / "monitoring", tmp_path / "monitoring", dirs_exist_ok=True)
        alerts = tmp_path / "monitoring/alerts.yml"
        if broken:
            alerts.write_text(alerts.read_text("utf-8").replace("up{job=", "up{job ", 1), "utf-8")
        make = str(shutil.which("make"))
        return subprocess.run([make, "promtool"], cwd=tmp_path, env={"PATH": str(path)}, capture_output=True, text=True)

    return run


def test_make_checks_configuration_rules_and_their_tests(prometheus_tools: Path, checked) -> None:
    done = checked(prometheus_tools)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "prometheus.yml is valid" in done.stdout
    assert "Unit Testing" in done.stdout
    assert checked(prometheus_tools, broken=True).returncode != 0


def test_without_promtool_a_laptop_is_told(tmp_path_factory: pytest.TempPathFactory, checked) -> None:
    laptop = checked(tmp_path_factory.mktemp("nothing"))
    assert (laptop.returncode, laptop.stdout) == (0, "promtool is not installed: monitoring/ was not checked\n")
