"""Every allowed combination of cloud, deployment, provider and store has a stack that passes the static checks.

All of them are validated (Terraform, schema-level) or rendered and held against the API's schema (Kubernetes). A
set in which each cloud meets its own models and another provider's is planned.
"""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.projects.infra_terraform import CLOUDS, OWN_MODEL, Module, needs_terraform_core
from tests.projects.test_deploy_kubernetes import kustomize, problems
from tests.unit.test_answers import BOTH, RUNS_ON, allowed

STORES = ("pgvector", "qdrant")
PROVIDERS = sorted({"openai", "anthropic", "google", *RUNS_ON})
ALL = [
    {"cloud": cloud, "deploy": deploy, "provider": provider, "vector_store": store}
    for cloud, deploy, provider, store in itertools.product(CLOUDS, sorted(BOTH), PROVIDERS, STORES)
    if allowed(cloud, deploy, provider, "none")
]
SERVERLESS = [row for row in ALL if row["deploy"] == "serverless"]
KUBERNETES = [row for row in ALL if row["deploy"] == "kubernetes"]
PLANNED = [
    row
    for row in SERVERLESS
    if row["provider"] in ("anthropic", OWN_MODEL[row["cloud"]]) and row["vector_store"] == "pgvector"
]
# The store changes nothing in Terraform (it is in deploy/), so a cluster's module is checked once for each provider.
CLUSTERS = [row for row in KUBERNETES if row["vector_store"] == "qdrant"]

pytestmark = [pytest.mark.slow, needs_terraform_core]


def readable(row: dict[str, str]) -> str:
    return "-".join(row.values())


def test_no_combination_is_forgotten() -> None:
    assert len(SERVERLESS) == 3 * 4 * 2  # three providers that run everywhere and the cloud's own
    assert len(KUBERNETES) == 3 * 5 * 2  # and Ollama
    assert len(PLANNED) == 3 * 2


def stack(row: dict[str, str], rendered: Callable[..., Path], attached: str, folder: Path) -> Module:
    """A copy of the module of a project with these answers, initialised."""
    made = Module(rendered("rag-platform", **row) / "infra" / row["cloud"]).copy_to(folder / "module")
    ready = made.with_environment(TF_REATTACH_PROVIDERS=attached)
    ready.keep_state_here()
    ready.must("init", "-input=false")
    return ready


@pytest.mark.parametrize("row", [*SERVERLESS, *CLUSTERS], ids=readable)
def test_every_stack_is_valid(row, rendered, schema_providers: str, tmp_path: Path) -> None:
    stack(row, rendered, schema_providers, tmp_path).must("validate")


@pytest.mark.parametrize("row", [*PLANNED, *(row for row in CLUSTERS if row["provider"] == "ollama")], ids=readable)
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_stacks_of_each_pair_plan(row, environment: str, rendered, schema_providers: str, tmp_path: Path) -> None:
    made = stack(row, rendered, schema_providers, tmp_path)
    shutil.copy(made.folder / f"{environment}.tfvars.example", made.folder / "own.tfvars")
    if row["cloud"] == "aws":  # a stand-in for the cloud names one zone and no inference profile
        made.replace("network.tf", "data.aws_availability_zones.available.names", '["zone-a", "zone-b"]')
    made.must("plan", "-input=false", "-var-file=own.tfvars")


@pytest.mark.skipif(not shutil.which("kubectl"), reason="MANIFESTS NOT CHECKED: needs kubectl on PATH")
@pytest.mark.parametrize("row", KUBERNETES, ids=readable)
def test_every_kubernetes_stack_is_one_that_the_api_knows(row: dict[str, str], rendered) -> None:
    assert problems(kustomize(rendered("rag-platform", **row) / "deploy/overlays/prod")) == []
