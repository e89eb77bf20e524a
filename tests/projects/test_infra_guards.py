"""The tests of infra/ bite: what would make a module unsafe is refused, on each cloud, with the right words.

Schema-level like test_infra_clouds.py: the real terraform core, the real providers' schemas, no cloud.
"""

import re
import shutil
import subprocess
from collections.abc import Callable

import pytest
from uv import find_uv_bin

from .infra_breaks import BREAKS, Break
from .infra_terraform import CLOUDS, DEPLOYS, Module, needs_terraform_core

pytestmark = [needs_terraform_core, pytest.mark.slow]


@pytest.mark.parametrize("broken", BREAKS.values(), ids=list(BREAKS))
def test_own_tests_refuse(broken: Break, cloud_module: Callable[..., Module]) -> None:
    made = cloud_module(broken.cloud, broken.deploy)
    made.replace(broken.file, broken.old, broken.new)
    done = made.run("test", *broken.filters())
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert re.search(broken.complaint, said), said


@pytest.mark.parametrize(("cloud", "deploy"), [*((cloud, "serverless") for cloud in CLOUDS), ("azure", "kubernetes")])
def test_a_missing_budget_is_refused(cloud: str, deploy: str, cloud_module: Callable[..., Module]) -> None:
    made = cloud_module(cloud, deploy)
    (made.folder / "budget.tf").unlink()
    done = made.run("test", "-filter=tests/security.tftest.hcl")
    assert done.returncode != 0
    assert "budget" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("cloud", "file", "old", "new", "complaint"),
    [
        ("aws", "database.tf", "storage_encrypted ", "storage_encryptd ", "Unsupported argument"),
        ("azure", "secrets.tf", "rbac_authorization_enabled = true", "", "Missing required argument"),
        ("azure", "service.tf", "allow_insecure_connections", "allow_insecure_connection", "Unsupported argument"),
        (
            "gcp",
            "service.tf",
            '"google_compute_subnetwork" "service"',
            '"google_compute_subnet" "service"',
            "Invalid resource",
        ),
        ("gcp", "database.tf", "google_sql_user.app.name", "google_sql_user.app.nam", "Unsupported attribute"),
        ("aws", "cluster.tf", "endpoint_private_access", "endpoint_private_acess", "Unsupported argument"),
        ("azure", "cluster.tf", "authorized_ip_ranges", "authorised_ip_ranges", "Unsupported argument"),
        ("gcp", "cluster.tf", "master_authorized_networks_config {", "authorized_networks {", "Unsupported block"),
    ],
    ids=["misspelt", "missing", "misspelt in a block", "unknown resource", "unknown attribute", *CLOUDS],
)
def test_validate_refuses(cloud: str, file: str, old: str, new: str, complaint: str, cloud_module) -> None:
    made = cloud_module(cloud, "kubernetes" if file.startswith("cluster") else "serverless")
    made.replace(file, old, new)
    done = made.run("validate")
    assert done.returncode != 0
    assert complaint in done.stderr


@pytest.mark.parametrize(
    ("cloud", "old", "new", "remedy"),
    [
        ("azure", '"westeurope"', '"west europe"', "az account list-locations"),
        ("gcp", '"europe-west1"', '"europe-west99"', "gcloud run regions list"),
        ("gcp", '"203.0.113.7/32"', '"0.0.0.0/0"', "Set certificate_id, or list only"),
        ("azure", "= 100", "= 0", "more than 0 US dollars"),
        ("aws", '"first"', '"latest"', "not a moving tag"),
    ],
)
def test_a_wrong_input_is_refused_with_its_remedy(cloud: str, old: str, new: str, remedy: str, cloud_module) -> None:
    made = cloud_module(cloud)
    made.replace("dev.tfvars", old, new)
    done = made.run("plan", "-input=false", "-var-file=dev.tfvars")
    assert done.returncode != 0
    assert remedy in " ".join(re.sub(r"[│╷╵]", " ", done.stderr).split())


@pytest.mark.parametrize("deploy", DEPLOYS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_checkov_finds_nothing_that_has_no_reason(cloud: str, deploy: str, cloud_module: Callable[..., Module]) -> None:
    def scan() -> subprocess.CompletedProcess[str]:
        command = [
            find_uv_bin(),
            "tool",
            "run",
            "checkov==3.3.30",
            "--directory",
            ".",
            "--config-file",
            ".checkov.yaml",
        ]
        return subprocess.run(
            [*command, "--skip-download"], cwd=made.folder, capture_output=True, text=True, timeout=300, check=False
        )

    made = cloud_module(cloud, deploy)
    shutil.rmtree(made.folder / ".terraform", ignore_errors=True)
    clean = scan()
    assert clean.returncode == 0, clean.stdout + clean.stderr
    if deploy == "serverless":  # the database is the same one in both
        made.replace(*OPENED[cloud])
        assert scan().returncode == 1


OPENED = {
    "aws": ("database.tf", "publicly_accessible    = false", "publicly_accessible    = true"),
    "azure": ("documents.tf", "public_network_access_enabled   = false", "public_network_access_enabled   = true"),
    "gcp": ("database.tf", "ipv4_enabled    = false", "ipv4_enabled    = true"),
}
