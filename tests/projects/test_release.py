"""A release of a generated project, from canary to everybody or back: the real command, stand-ins for the cloud."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from . import release_stubs as stubs
from .served_project import environment
from .test_deploy_kubernetes import schema_problems

pytestmark = pytest.mark.slow
CLOUDS = ("aws", "azure", "gcp")
FINE, BROKEN = 0, 40  # errors among the canary's hundred requests
KUBECTL = shutil.which("kubectl")


def release(project: Path, tools: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`python -m delivery.release new --environment dev`, with one look at once."""
    command = [sys.executable, "-m", "delivery.release", "new", "--environment=dev", "--minutes=0", "--every=0"]
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=project,
        env={**environment(), "PATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def releases(log: Path) -> list[str]:
    """The values of `release` that Terraform was given, in order."""
    return re.findall(r"-var=release=(\{.*\})", log.read_text("utf-8"))


CANARY = '{"stable": "old", "canary": "new", "percent": 10}'


@pytest.mark.parametrize(("errors", "code", "last"), [(FINE, 0, '{"stable": "new"}'), (BROKEN, 1, '{"stable": "old"}')])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_terraform_ends_with_the_better_build(
    rendered: Callable[..., Path], tmp_path: Path, cloud: str, errors: int, code: int, last: str
) -> None:
    stubs.terraform(tmp_path / "tools", cloud)
    stubs.cloud_metrics(tmp_path / "tools", cloud, errors)
    done = release(rendered("rag-platform", cloud=cloud), tmp_path / "tools")
    assert done.returncode == code, done.stdout + done.stderr
    assert releases(tmp_path / "tools/log") == [CANARY, last]
    assert f"{errors}/100" in done.stdout or "40.0%" in done.stdout


MIGRATING = '{"stable": "old", "canary": "new"}'


@pytest.mark.parametrize("cloud", CLOUDS)
def test_migrations_run_before_the_canary(rendered: Callable[..., Path], tmp_path: Path, cloud: str) -> None:
    stubs.terraform(tmp_path / "tools", cloud)
    stubs.cloud_metrics(tmp_path / "tools", cloud, FINE)
    done = release(rendered("ai-saas", cloud=cloud), tmp_path / "tools")
    assert done.returncode == 0, done.stdout + done.stderr
    log = tmp_path / "tools/log"
    assert releases(log) == [MIGRATING, CANARY, '{"stable": "new"}']
    first, second, *rest = log.read_text("utf-8").splitlines()
    assert "-target=terraform_data.migration" in first
    assert second == "migrated"
    assert not any("-target" in line for line in rest)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_failing_migration_ends_the_release(rendered: Callable[..., Path], tmp_path: Path, cloud: str) -> None:
    stubs.terraform(tmp_path / "tools", cloud)
    stubs.cloud_metrics(tmp_path / "tools", cloud, FINE, migration=1)
    done = release(rendered("ai-saas", cloud=cloud), tmp_path / "tools")
    assert done.returncode == 1, done.stdout + done.stderr
    assert releases(tmp_path / "tools/log") == [MIGRATING]  # nobody got the new build
    assert "migrate.sh` ended with" in done.stderr
    assert "Canary" not in done.stdout


@pytest.mark.parametrize("cloud", CLOUDS)
def test_without_numbers_the_canary_goes_back(rendered: Callable[..., Path], tmp_path: Path, cloud: str) -> None:
    stubs.terraform(tmp_path / "tools", cloud)
    stubs.cloud_metrics(tmp_path / "tools", cloud, FINE)
    stubs.install(tmp_path / "tools", stubs.ANSWERS[cloud][0], "echo denied >&2; exit 1\n")
    done = release(rendered("rag-platform", cloud=cloud), tmp_path / "tools")
    assert done.returncode == 3, done.stdout + done.stderr
    assert releases(tmp_path / "tools/log") == [CANARY, '{"stable": "old"}']
    assert "cannot be read" in done.stdout


def images(applied: Path) -> dict[str, str]:
    """Deployment -> the tag of its image."""
    found = [each for each in yaml.safe_load_all(applied.read_text("utf-8")) if each and each["kind"] == "Deployment"]
    containers = {each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0] for each in found}
    return {name: container["image"].rpartition(":")[2] for name, container in containers.items()}


@pytest.mark.skipif(KUBECTL is None, reason="KUBERNETES RELEASE NOT TESTED: kubectl is not installed")
@pytest.mark.parametrize(("errors", "code", "last"), [(FINE, 0, "new"), (BROKEN, 1, "old")])
def test_kubectl_ends_with_the_better_build(
    rendered: Callable[..., Path], tmp_path: Path, errors: int, code: int, last: str
) -> None:
    tools = tmp_path / "tools"
    stubs.kubectl(tools, str(KUBECTL))
    project = rendered("rag-platform", deploy="kubernetes")
    with stubs.prometheus(errors) as url:
        done = release(project, tools, PROMETHEUS_URL=url)
    assert done.returncode == code, done.stdout + done.stderr
    during, after = images(tools / "applied-1.yaml"), images(tools / "applied-2.yaml")
    assert (during["app"], during["app-canary"]) == ("old", "new")
    assert after["app"] == last
    assert "app-canary" not in after
    kinds = [each["kind"] for each in yaml.safe_load_all((tools / "applied-1.yaml").read_text("utf-8")) if each]
    assert "Ingress" not in kinds
    route = next(
        each
        for each in yaml.safe_load_all((tools / "applied-1.yaml").read_text("utf-8"))
        if each and each["kind"] == "HTTPRoute"
    )
    assert [backend["weight"] for backend in route["spec"]["rules"][0]["backendRefs"]] == [90, 10]
    log = (tools / "log").read_text("utf-8")
    assert log.index("deployment/app-canary service/app-canary httproute/app") > log.rindex("apply")


@pytest.mark.skipif(KUBECTL is None, reason="KUBERNETES RELEASE NOT TESTED: kubectl is not installed")
@pytest.mark.parametrize(("job", "code", "applies"), [("SuccessCriteriaMet Complete", 0, 3), ("Failed", 1, 1)])
def test_a_job_migrates_before_the_canary_or_ends_the_release(
    rendered: Callable[..., Path], tmp_path: Path, job: str, code: int, applies: int
) -> None:
    tools = tmp_path / "tools"
    stubs.kubectl(tools, str(KUBECTL), job)
    with stubs.prometheus(FINE) as url:
        done = release(rendered("ai-saas", deploy="kubernetes"), tools, PROMETHEUS_URL=url)
    assert done.returncode == code, done.stdout + done.stderr
    assert len(list(tools.glob("applied-*"))) == applies
    objects = list(yaml.safe_load_all((tools / "applied-1.yaml").read_text("utf-8")))
    assert list(schema_problems(objects)) == []
    assert {each["kind"] for each in objects} == {"ConfigMap", "Job"}
    pod = next(each for each in objects if each["kind"] == "Job")["spec"]["template"]
    assert pod["metadata"]["labels"]["track"] == "migration"  # no Service sends it requests
    (container,) = pod["spec"]["containers"]
    assert container["command"] == ["app", "migrate"]
    assert container["image"].endswith(":new")
    if not code:
        assert images(tools / "applied-2.yaml") == {"app": "old", "app-canary": "new"}


@pytest.mark.parametrize(("template", "name"), [("rag-platform", "canary.sh"), ("ai-saas", "migrate.sh")])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_scripts_have_no_lint(rendered: Callable[..., Path], cloud: str, template: str, name: str) -> None:
    program = Path(sys.executable).with_name("shellcheck")
    script = rendered(template, cloud=cloud) / f"infra/{cloud}/{name}"
    done = subprocess.run([program, script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
