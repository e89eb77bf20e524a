"""What a SaaS has in infra/ beside the other projects: the migrations of a new build, run before any copy of it starts.

Schema-level like test_infra_clouds.py. The scripts that start them are run in test_release.py.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .infra_terraform import CLOUDS, Module, needs_terraform_core

pytestmark = [needs_terraform_core, pytest.mark.slow]
TRIAL = '-var=release={stable="first",canary="second"}'
ONLY = "-target=terraform_data.migration"
JOBS = {
    "aws": "aws_ecs_task_definition.migration",
    "azure": "azurerm_container_app_job.migration",
    "gcp": "google_cloud_run_v2_job.migration",
}
SERVICES = ("aws_ecs_service", "aws_lb", "azurerm_container_app", "google_cloud_run_v2_service")


def changes(live: Module, *arguments: str) -> dict[str, list[str]]:
    """Address -> what a plan would do to it, but for what it only reads."""
    live.must("plan", "-input=false", "-out=trial", "-var-file=dev.tfvars", *arguments)
    planned = json.loads(live.must("show", "-json", "trial"))["resource_changes"]
    found = {each["address"]: each["change"]["actions"] for each in planned}
    return {address: actions for address, actions in found.items() if actions not in (["no-op"], ["read"])}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_migrations_come_before_the_service_and_before_a_canary(
    cloud: str, cloud_module: Callable[..., Module]
) -> None:
    live = cloud_module(cloud, template="ai-saas")
    if cloud == "aws":  # a stand-in for the cloud names one zone and no inference profile
        live.replace("network.tf", "data.aws_availability_zones.available.names", '["zone-a", "zone-b"]')
    live.must("fmt", "-check", "-diff", "-recursive")
    first = changes(live, ONLY)
    assert JOBS[cloud] in first
    assert [address for address in first if address.split(".")[0] in SERVICES] == []
    needed = {"aws": "aws_db_instance", "azure": "azurerm_postgresql_flexible_server", "gcp": "google_sql_user"}
    assert any(address.startswith(needed[cloud]) for address in first)

    if cloud != "aws":  # whose service a stand-in cannot make
        live.must("apply", "-input=false", "-auto-approve", "-var-file=dev.tfvars", ONLY)
        told = json.loads(live.must("output", "-json", "migration"))
        live.must("apply", "-input=false", "-auto-approve", "-var-file=dev.tfvars")
        assert json.loads(live.must("output", "-json", "migration")) == told
        assert set(changes(live, TRIAL, ONLY)) == {JOBS[cloud], "terraform_data.migration"}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_migration_is_started_as_the_service_is(cloud: str, cloud_folder: Callable[..., Path]) -> None:
    """The same settings, secrets and identity; one command."""
    folder = cloud_folder(cloud, template="ai-saas")
    migration = (folder / "service_migration.tf").read_text("utf-8")
    assert '["app", "migrate"]' in migration
    assert "local.settings" in migration
    own = {
        "aws": ("local.secret_settings", "aws_iam_role.task.arn", "aws_iam_role.execution.arn"),
        "azure": ("local.readable_secrets", "azurerm_user_assigned_identity.app.id"),
        "gcp": ("google_secret_manager_secret.main", "google_service_account.app.email"),
    }
    service = (folder / "service.tf").read_text("utf-8")
    assert [name for name in own[cloud] if name not in migration or name not in service] == []


@pytest.mark.parametrize("template", ["rag-platform", "agent"])
def test_a_project_without_migrations_has_nothing_of_it(template: str, cloud_folder: Callable[..., Path]) -> None:
    folder = cloud_folder("gcp", template=template)
    assert not list(folder.glob("*migrat*"))
    assert "migrat" not in (folder / "service.tf").read_text("utf-8")
