"""infra/ of a generated project on each cloud, schema-level: the real terraform core, the real providers' schemas.

No provider binary and no cloud stands behind these tests (cloud_schema/): they find every misspelt argument, wrong
type and dangling reference, and nothing that only the provider or the cloud would refuse.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from uv import find_uv_bin

from tests.projects.cloud_schema.schemas import WHEELS
from tests.projects.infra_terraform import Module, needs_terraform_core

CLOUDS = ("aws", "azure", "gcp")
OWN_MODEL = {"aws": "bedrock", "azure": "azure-openai", "gcp": "vertex"}
PROVIDER = {"aws": "aws", "azure": "azurerm", "gcp": "google"}
DEPLOYS = ("serverless", "kubernetes")
SETTINGS_OF = {"serverless": "service_interface.tf", "kubernetes": "cluster_interface.tf"}
LONGEST_NAME = "Internal contract search for small teams"  # its slug has 40 characters, the most there are
VARIABLE = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.M | re.S)
OUTPUT = re.compile(r'^output "(\w+)"', re.M)

pytestmark = needs_terraform_core


@pytest.fixture(scope="session")
def folder(rendered: Callable[..., Path]) -> Callable[..., Path]:
    """`folder(cloud, deploy)`: the module of a project there, with the cloud's own models and another provider's."""

    def of(cloud: str, deploy: str = "serverless") -> Path:
        answers = {"provider": OWN_MODEL[cloud], "fallback_provider": "openai", "project_name": LONGEST_NAME}
        return rendered("rag-platform", cloud=cloud, deploy=deploy, **answers) / "infra" / cloud

    return of


@pytest.fixture
def module(folder: Callable[..., Path], schema_providers: str, tmp_path: Path) -> Callable[..., Module]:
    """`module(cloud, deploy)`: a copy that can be broken, its state in a file, initialised."""

    def of(cloud: str, deploy: str = "serverless") -> Module:
        made = Module(folder(cloud, deploy)).copy_to(tmp_path / cloud)
        ready = made.with_environment(TF_REATTACH_PROVIDERS=schema_providers)
        ready.keep_state_here()
        shutil.copy(ready.folder / "dev.tfvars.example", ready.folder / "dev.tfvars")
        ready.must("init", "-input=false")
        return ready

    return of


@pytest.mark.slow
@pytest.mark.parametrize("deploy", DEPLOYS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_is_formatted_and_valid(cloud: str, deploy: str, module: Callable[..., Module]) -> None:
    made = module(cloud, deploy)
    made.must("fmt", "-check", "-diff", "-recursive")
    made.must("validate")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_schemas_are_of_a_version_that_the_module_asks_for(cloud: str, folder: Callable[..., Path]) -> None:
    text = (folder(cloud) / "versions.tf").read_text("utf-8")
    asked = dict(re.findall(r'source  = "hashicorp/(\w+)"\n\s+version = "([^"]+)"', text))
    known = dict(WHEELS.keys())
    assert PROVIDER[cloud] in asked
    for name, constraint in asked.items():
        assert SpecifierSet(constraint).contains(known[name]), f"{name} {known[name]} is not {constraint}"


def text_of(module: Path, deploy: str, file: str) -> str:
    """What both deploys have in `file`, and what this one adds to it."""
    return "\n".join((module / name).read_text("utf-8") for name in (file, SETTINGS_OF[deploy]))


@pytest.mark.parametrize("deploy", DEPLOYS)
def test_every_cloud_has_the_same_variables_and_outputs(deploy: str, folder: Callable[..., Path]) -> None:
    variables, outputs = (
        {cloud: pattern_names(text_of(folder(cloud, deploy), deploy, file)) for cloud in CLOUDS}
        for file, pattern_names in (
            ("variables.tf", lambda text: [name for name, _ in VARIABLE.findall(text)]),
            ("outputs.tf", lambda text: sorted(OUTPUT.findall(text))),
        )
    )
    assert variables["azure"] == variables["aws"] == variables["gcp"]
    assert outputs["azure"] == outputs["aws"] == outputs["gcp"]
    assert len(variables["aws"]) <= 12


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cluster_takes_and_tells_what_the_service_does_wherever_both_have_it(cloud: str, folder) -> None:
    found = {deploy: text_of(folder(cloud, deploy), deploy, "outputs.tf") for deploy in DEPLOYS}
    common = set(OUTPUT.findall(found["serverless"])) & set(OUTPUT.findall(found["kubernetes"]))
    own = {"database_host", "documents_bucket", "log_group", "provider_secrets", "publish_identity", "registry_url"}
    assert common == own
    here, there = ({f.name for f in folder(cloud, deploy).glob("*.tf")} for deploy in DEPLOYS)
    assert len(here & there) >= 12  # one file for both, never a copy
    assert all(name.startswith("cluster") for name in there - here)


@pytest.mark.parametrize("deploy", DEPLOYS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_variables_are_described_and_guarded_and_files_stay_small(cloud: str, deploy: str, folder) -> None:
    module = folder(cloud, deploy)
    blocks = VARIABLE.findall(text_of(module, deploy, "variables.tf"))
    assert [name for name, body in blocks if "description" not in body or "error_message" not in body] == []
    lengths = {file.name: len(file.read_text("utf-8").splitlines()) for file in module.glob("*.tf")}
    assert {name: length for name, length in lengths.items() if length > 250} == {}


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("deploy", DEPLOYS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_examples_name_every_variable_without_default(cloud: str, deploy: str, environment: str, folder) -> None:
    blocks = VARIABLE.findall(text_of(folder(cloud, deploy), deploy, "variables.tf"))
    required = {name for name, body in blocks if not re.search(r"^  default ", body, re.M)} - {"project", "llm"}
    example = (folder(cloud, deploy) / f"{environment}.tfvars.example").read_text("utf-8")
    named = set(re.findall(r"^(\w+)\s*=", example, re.M))
    assert required <= named <= {name for name, _ in blocks}


@pytest.mark.slow
@pytest.mark.parametrize("cloud", ["azure", "gcp"])  # AWS: the real provider, in test_infra_aws.py
def test_own_tests_pass(cloud: str, module: Callable[..., Module]) -> None:
    assert re.search(r"Success! \d{2} passed, 0 failed", module(cloud).must("test"))


@pytest.mark.slow
@pytest.mark.parametrize("cloud", CLOUDS)
def test_own_tests_of_the_cluster_pass(cloud: str, module: Callable[..., Module]) -> None:
    # tests/inputs.tftest.hcl is the same file for both deploys and runs above.
    filters = ("-filter=tests/cluster.tftest.hcl", "-filter=tests/security.tftest.hcl")
    assert re.search(r"Success! \d{2} passed, 0 failed", module(cloud, "kubernetes").must("test", *filters))


@pytest.mark.slow
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cluster_applies_plans_no_change_and_destroys(cloud: str, module: Callable[..., Module]) -> None:
    live = module(cloud, "kubernetes")
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
def test_applies_plans_no_change_tries_a_canary_and_destroys(cloud: str, module: Callable[..., Module]) -> None:
    live = module(cloud)
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


@dataclass(frozen=True)
class Break:
    """A change that makes the module unsafe, and what its own tests must say to it."""

    cloud: str
    file: str
    old: str
    new: str
    complaint: str
    deploy: str = "serverless"

    def filters(self) -> list[str]:
        """The tests of the module that must notice it: of the cluster only its own, the shared ones run without it."""
        files = ["cluster"] if self.deploy == "kubernetes" else ["security", "service"]
        return [f"-filter=tests/{file}.tftest.hcl" for file in files]


BREAKS = {
    "aws public database": Break(
        "aws",
        "database.tf",
        "publicly_accessible    = false",
        "publicly_accessible    = true",
        "not have a public address",
    ),
    "aws database in the clear": Break(
        "aws", "database.tf", "storage_encrypted     = true", "storage_encrypted     = false", "encrypted at rest"
    ),
    "aws service in a public subnet": Break(
        "aws", "service.tf", "= aws_subnet.private[*].id", "= aws_subnet.public[*].id", "private subnets"
    ),
    "aws wildcard action": Break(
        "aws",
        "model.tf",
        '["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]',
        '["bedrock:*"]',
        "without a wildcard",
    ),
    "aws wildcard resource": Break(
        "aws", "model.tf", "Resource = local.bedrock_arns", 'Resource = ["*"]', "without a wildcard"
    ),
    "aws pull requests may publish": Break(
        "aws", "identity.tf", ":ref:refs/heads/main", ":pull_request", "Pull requests"
    ),
    "aws no password from the secret store": Break(
        "aws",
        "service.tf",
        '{ PGPASSWORD = "${local.database_secret}:password::" }',
        "{}",
        "must come from the secret store",
    ),
    "aws name too long": Break(
        "aws", "load_balancer.tf", "= local.load_balancer_name", "= local.name", "name.*32 characters"
    ),
    "aws public bucket": Break(
        "aws", "documents.tf", "block_public_policy     = true", "block_public_policy     = false", "must not be public"
    ),
    "aws canary without a share": Break(
        "aws", "load_balancer.tf", "canary = var.release.percent }", "canary = 0 }", "its percentage"
    ),
    "azure public database": Break(
        "azure",
        "database.tf",
        "public_network_access_enabled = false",
        "public_network_access_enabled = true",
        "not have a public address",
    ),
    "azure password in the state": Break(
        "azure",
        "secrets.tf",
        "value_wo         = ephemeral.random_password.database.result",
        'value = "x"',
        "write-only",
    ),
    "azure public bucket": Break(
        "azure",
        "documents.tf",
        'container_access_type = "private"',
        'container_access_type = "blob"',
        "must not be public",
    ),
    "azure broad role": Break("azure", "identity.tf", 'role = "AcrPull"', 'role = "Contributor"', "never Owner"),
    "azure broad scope": Break(
        "azure",
        "identity.tf",
        '"${azurerm_key_vault.main.id}/secrets/${secret}"',
        "azurerm_resource_group.main.id",
        "must name one resource",
    ),
    "azure pull requests may publish": Break(
        "azure", "identity.tf", ":ref:refs/heads/main", ":pull_request", "Pull requests"
    ),
    "azure plain HTTP": Break(
        "azure",
        "service.tf",
        "allow_insecure_connections = false",
        "allow_insecure_connections = true",
        "must only redirect",
    ),
    "gcp public database": Break(
        "gcp", "database.tf", "ipv4_enabled    = false", "ipv4_enabled    = true", "not have a public address"
    ),
    "gcp password in the state": Break(
        "gcp",
        "database.tf",
        "password_wo         = ephemeral.random_password.database.result",
        'password = "x"',
        "write-only",
    ),
    "gcp public bucket": Break(
        "gcp",
        "documents.tf",
        'public_access_prevention    = "enforced"',
        'public_access_prevention    = "inherited"',
        "must not be public",
    ),
    "gcp broad role": Break(
        "gcp", "identity.tf", '"roles/storage.objectViewer"', '"roles/storage.admin"', "never owner"
    ),
    "gcp wildcard permission": Break(
        "gcp", "model.tf", '["aiplatform.endpoints.predict"]', '["aiplatform.*"]', "nothing else of Vertex"
    ),
    "gcp everybody": Break(
        "gcp",
        "identity.tf",
        '  member = google_service_account.app.member\n}\n\nresource "google_artifact',
        '  member = "allUsers"\n}\n\nresource "google_artifact',
        "granted to everybody",
    ),
    "gcp service past the load balancer": Break(
        "gcp", "service.tf", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER", "INGRESS_TRAFFIC_ALL", "Only the load balancer"
    ),
    "gcp pull requests may publish": Break(
        "gcp", "identity.tf", ":ref:refs/heads/main'", ":pull_request'", "Pull requests"
    ),
    "aws cluster: API for everybody": Break(
        "aws", "cluster.tf", "= var.allowed_cidrs", '= ["0.0.0.0/0"]', "Only allowed_cidrs", "kubernetes"
    ),
    "aws cluster: nodes in a public subnet": Break(
        "aws", "cluster.tf", "= aws_subnet.private[*].id", "= aws_subnet.public[*].id", "private subnets", "kubernetes"
    ),
    "aws cluster: any pod gets the role": Break(
        "aws", "cluster_identity.tf", "${local.name}:app", "${local.name}:*", "Only the service account", "kubernetes"
    ),
    "aws cluster: wildcard secret": Break(
        "aws",
        "cluster_identity.tf",
        "= concat([local.database_secret], values(aws_secretsmanager_secret.provider)[*].arn)",
        '= ["*"]',
        "without a wildcard",
        "kubernetes",
    ),
    "aws cluster: broad nodes": Break(
        "aws",
        "cluster_identity.tf",
        '"AmazonEC2ContainerRegistryPullOnly"',
        '"AdministratorAccess"',
        "two smallest policies",
        "kubernetes",
    ),
    "azure cluster: API for everybody": Break(
        "azure", "cluster.tf", "= var.allowed_cidrs", '= ["0.0.0.0/0"]', "Only allowed_cidrs", "kubernetes"
    ),
    "azure cluster: a password": Break(
        "azure",
        "cluster.tf",
        "local_account_disabled            = true",
        "local_account_disabled            = false",
        "no administrator's password",
        "kubernetes",
    ),
    "azure cluster: broad scope": Break(
        "azure",
        "cluster_identity.tf",
        "scope = azurerm_subnet.service.id",
        "scope = azurerm_resource_group.main.id",
        "its own subnet",
        "kubernetes",
    ),
    "gcp cluster: public nodes": Break(
        "gcp",
        "cluster.tf",
        "enable_private_nodes    = true",
        "enable_private_nodes    = false",
        "without public addresses",
        "kubernetes",
    ),
    "gcp cluster: API for Google's customers": Break(
        "gcp",
        "cluster.tf",
        "gcp_public_cidrs_access_enabled = false",
        "gcp_public_cidrs_access_enabled = true",
        "not every machine at Google",
        "kubernetes",
    ),
    "gcp cluster: broad nodes": Break(
        "gcp",
        "cluster_identity.tf",
        '"roles/container.defaultNodeServiceAccount"',
        '"roles/editor"',
        "never owner or editor",
        "kubernetes",
    ),
    "gcp cluster: any pod gets the identity": Break(
        "gcp",
        "cluster_identity.tf",
        "[${local.name}/app]",
        "[default/default]",
        "Only the service account",
        "kubernetes",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("broken", BREAKS.values(), ids=list(BREAKS))
def test_own_tests_refuse(broken: Break, module: Callable[..., Module]) -> None:
    made = module(broken.cloud, broken.deploy)
    made.replace(broken.file, broken.old, broken.new)
    done = made.run("test", *broken.filters())
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert re.search(broken.complaint, said), said


@pytest.mark.slow
@pytest.mark.parametrize(("cloud", "deploy"), [*((cloud, "serverless") for cloud in CLOUDS), ("azure", "kubernetes")])
def test_a_missing_budget_is_refused(cloud: str, deploy: str, module: Callable[..., Module]) -> None:
    made = module(cloud, deploy)
    (made.folder / "budget.tf").unlink()
    done = made.run("test", "-filter=tests/security.tftest.hcl")
    assert done.returncode != 0
    assert "budget" in done.stdout + done.stderr


@pytest.mark.slow
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
def test_validate_refuses(cloud: str, file: str, old: str, new: str, complaint: str, module) -> None:
    made = module(cloud, "kubernetes" if file.startswith("cluster") else "serverless")
    made.replace(file, old, new)
    done = made.run("validate")
    assert done.returncode != 0
    assert complaint in done.stderr


@pytest.mark.slow
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
def test_a_wrong_input_is_refused_with_its_remedy(cloud: str, old: str, new: str, remedy: str, module) -> None:
    made = module(cloud)
    made.replace("dev.tfvars", old, new)
    done = made.run("plan", "-input=false", "-var-file=dev.tfvars")
    assert done.returncode != 0
    assert remedy in " ".join(re.sub(r"[│╷╵]", " ", done.stderr).split())


@pytest.mark.slow
@pytest.mark.parametrize("deploy", DEPLOYS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_checkov_finds_nothing_that_has_no_reason(cloud: str, deploy: str, module: Callable[..., Module]) -> None:
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

    made = module(cloud, deploy)
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
