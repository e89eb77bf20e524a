"""Kubernetes: every copy of a SaaS migrates the database before it serves; other projects have nothing to migrate."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from .test_deploy_kubernetes import Object, kustomize, pods, problems, with_canary

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("kubectl"), reason="MANIFESTS NOT CHECKED: needs kubectl on PATH"),
]


def copies(objects: list[Object]) -> dict[str, Object]:
    """Owner -> the pod of what answers requests or takes jobs."""
    return {owner: pod["spec"] for owner, pod in pods(objects) if owner.startswith("Deployment app")}


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_a_copy_migrates_with_its_own_build_before_it_serves(
    rendered: Callable[..., Path], tmp_path: Path, cloud: str
) -> None:
    own = shutil.copytree(rendered("ai-saas", deploy="kubernetes", cloud=cloud) / "deploy", tmp_path / "deploy")
    for objects in (kustomize(own / "overlays/prod"), kustomize(with_canary(own))):
        assert problems(objects) == []
        for owner, spec in copies(objects).items():
            (migrate,), (service,) = spec["initContainers"], spec["containers"]
            assert migrate["command"] == ["app", "migrate"], owner
            for same in ("image", "envFrom", "securityContext", "volumeMounts"):
                assert migrate[same] == service[same], f"{owner}: {same}"
            assert {"requests", "limits"} <= set(migrate["resources"])
    assert set(copies(objects)) == {"Deployment app", "Deployment app-canary"}


@pytest.mark.parametrize("template", ["rag-platform", "agent"])
def test_other_projects_have_nothing_to_migrate(rendered: Callable[..., Path], template: str) -> None:
    objects = kustomize(rendered(template, deploy="kubernetes") / "deploy/overlays/dev")
    assert [owner for owner, spec in copies(objects).items() if "initContainers" in spec] == []


@pytest.mark.parametrize("template", ["agent", "ai-saas"])
def test_only_a_project_that_reads_files_in_has_the_job_for_it(rendered: Callable[..., Path], template: str) -> None:
    deploy = rendered(template, deploy="kubernetes") / "deploy"
    assert not (deploy / "base/documents.yaml").exists()
    named = yaml.safe_load((deploy / "base/kustomization.yaml").read_text("utf-8"))["resources"]
    assert all((deploy / "base" / name).exists() for name in named)
    assert "backfill" not in (deploy / "README.md").read_text("utf-8")
