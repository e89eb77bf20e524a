"""infra/ of a generated project on each cloud, schema-level: the real terraform core, the real providers' schemas.

No provider binary and no cloud stands behind these tests (cloud_schema/): they find every misspelt argument, wrong
type and dangling reference, and nothing that only the provider or the cloud would refuse.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.projects.cloud_schema.schemas import WHEELS
from tests.projects.infra_terraform import CLOUDS, DEPLOYS, Module, needs_terraform_core

PROVIDER = {"aws": "aws", "azure": "azurerm", "gcp": "google"}
SETTINGS_OF = {"serverless": "service_interface.tf", "kubernetes": "cluster_interface.tf"}
VARIABLE = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.M | re.S)
OUTPUT = re.compile(r'^output "(\w+)"', re.M)

pytestmark = needs_terraform_core


@pytest.mark.slow
@pytest.mark.parametrize("deploy", DEPLOYS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_is_formatted_and_valid(cloud: str, deploy: str, cloud_module: Callable[..., Module]) -> None:
    made = cloud_module(cloud, deploy)
    made.must("fmt", "-check", "-diff", "-recursive")
    made.must("validate")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_schemas_are_of_a_version_that_the_module_asks_for(cloud: str, cloud_folder: Callable[..., Path]) -> None:
    text = (cloud_folder(cloud) / "versions.tf").read_text("utf-8")
    asked = dict(re.findall(r'source  = "hashicorp/(\w+)"\n\s+version = "([^"]+)"', text))
    known = dict(WHEELS.keys())
    assert PROVIDER[cloud] in asked
    for name, constraint in asked.items():
        assert SpecifierSet(constraint).contains(known[name]), f"{name} {known[name]} is not {constraint}"


def text_of(module: Path, deploy: str, file: str) -> str:
    """What both deploys have in `file`, and what this one adds to it."""
    return "\n".join((module / name).read_text("utf-8") for name in (file, SETTINGS_OF[deploy]))


@pytest.mark.parametrize("deploy", DEPLOYS)
def test_every_cloud_has_the_same_variables_and_outputs(deploy: str, cloud_folder: Callable[..., Path]) -> None:
    variables, outputs = (
        {cloud: pattern_names(text_of(cloud_folder(cloud, deploy), deploy, file)) for cloud in CLOUDS}
        for file, pattern_names in (
            ("variables.tf", lambda text: [name for name, _ in VARIABLE.findall(text)]),
            ("outputs.tf", lambda text: sorted(OUTPUT.findall(text))),
        )
    )
    assert variables["azure"] == variables["aws"] == variables["gcp"]
    assert outputs["azure"] == outputs["aws"] == outputs["gcp"]
    assert len(variables["aws"]) <= 14


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cluster_takes_and_tells_what_the_service_does_wherever_both_have_it(cloud: str, cloud_folder) -> None:
    found = {deploy: text_of(cloud_folder(cloud, deploy), deploy, "outputs.tf") for deploy in DEPLOYS}
    common = set(OUTPUT.findall(found["serverless"])) & set(OUTPUT.findall(found["kubernetes"]))
    own = {"database_host", "documents_bucket", "log_group", "provider_secrets", "publish_identity", "registry_url"}
    assert common == own
    here, there = ({f.name for f in cloud_folder(cloud, deploy).glob("*.tf")} for deploy in DEPLOYS)
    assert len(here & there) >= 12  # one file for both, never a copy
    assert all(name.startswith("cluster") for name in there - here)


@pytest.mark.parametrize("deploy", DEPLOYS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_variables_are_described_and_guarded_and_files_stay_small(cloud: str, deploy: str, cloud_folder) -> None:
    module = cloud_folder(cloud, deploy)
    blocks = VARIABLE.findall(text_of(module, deploy, "variables.tf"))
    assert [name for name, body in blocks if "description" not in body or "error_message" not in body] == []
    lengths = {file.name: len(file.read_text("utf-8").splitlines()) for file in module.glob("*.tf")}
    assert {name: length for name, length in lengths.items() if length > 250} == {}


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("deploy", DEPLOYS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_examples_name_every_variable_without_default(cloud: str, deploy: str, environment: str, cloud_folder) -> None:
    blocks = VARIABLE.findall(text_of(cloud_folder(cloud, deploy), deploy, "variables.tf"))
    required = {name for name, body in blocks if not re.search(r"^  default ", body, re.M)} - {"project", "llm"}
    example = (cloud_folder(cloud, deploy) / f"{environment}.tfvars.example").read_text("utf-8")
    named = set(re.findall(r"^(\w+)\s*=", example, re.M))
    assert required <= named <= {name for name, _ in blocks}


@pytest.mark.slow
@pytest.mark.parametrize("cloud", ["azure", "gcp"])  # AWS: the real provider, in test_infra_aws.py
def test_own_tests_pass(cloud: str, cloud_module: Callable[..., Module]) -> None:
    assert re.search(r"Success! \d{2} passed, 0 failed", cloud_module(cloud).must("test"))


@pytest.mark.slow
@pytest.mark.parametrize("cloud", CLOUDS)
def test_own_tests_of_the_cluster_pass(cloud: str, cloud_module: Callable[..., Module]) -> None:
    # tests/inputs.tftest.hcl is the same file for both deploys and runs above.
    filters = ("-filter=tests/cluster.tftest.hcl", "-filter=tests/security.tftest.hcl")
    assert re.search(r"Success! \d{2} passed, 0 failed", cloud_module(cloud, "kubernetes").must("test", *filters))


@pytest.mark.slow
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cluster_applies_plans_no_change_and_destroys(cloud: str, cloud_module: Callable[..., Module]) -> None:
    live = cloud_module(cloud, "kubernetes")
    if cloud == "aws":  # a stand-in for the cloud names one zone and no inference profile
        live.replace("network.tf", "data.aws_availability_zones.available.names", '["zone-a", "zone-b"]')
    live.must("apply", "-input=false", "-auto-approve", "-var-file=dev.tfvars")
    outputs = json.loads(live.must("output", "-json"))
    assert outputs["cluster_settings"]["value"]["store_url"].startswith("postgresql://app@")
    again = live.run("plan", "-input=false", "-detailed-exitcode", "-var-file=dev.tfvars")
    assert again.returncode == 0, f"the second plan is not empty:\n{again.stdout}\n{again.stderr}"
    live.must("destroy", "-input=false", "-auto-approve", "-var-file=dev.tfvars")


@pytest.mark.slow
@pytest.mark.parametrize("cloud", ["azure", "gcp"])  # AWS: against moto, in test_infra_aws.py
def test_applies_plans_no_change_tries_a_canary_and_destroys(cloud: str, cloud_module: Callable[..., Module]) -> None:
    live = cloud_module(cloud)
    live.must("apply", "-input=false", "-auto-approve", "-var-file=dev.tfvars")
    outputs = json.loads(live.must("output", "-json"))
    assert set(outputs["provider_secrets"]["value"]) == {"OPENAI_API_KEY"}
    state = (live.folder / "terraform.tfstate").read_text("utf-8")
    assert not re.search(r'"(administrator_password_wo|value_wo|password_wo|secret_data_wo)": "', state)

    again = live.run("plan", "-input=false", "-detailed-exitcode", "-var-file=dev.tfvars")
    assert again.returncode == 0, f"the second plan is not empty:\n{again.stdout}\n{again.stderr}"

    trial = '-var=release={stable="first",canary="second",percent=20}'
    live.must("plan", "-input=false", "-out=trial", "-var-file=dev.tfvars", trial)
    planned = json.loads(live.must("show", "-json", "trial"))
    changed = [c["type"] for c in planned["resource_changes"] if c["change"]["actions"] != ["no-op"]]
    assert changed == {"azure": ["azurerm_container_app"], "gcp": ["google_cloud_run_v2_service"]}[cloud]
    live.must("destroy", "-input=false", "-auto-approve", "-var-file=dev.tfvars")
