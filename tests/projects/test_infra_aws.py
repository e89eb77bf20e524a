"""infra/aws of a generated project with the real AWS provider: formatted, valid, its own tests pass.

The slow test at the end applies the SaaS's module, which is that of the others and one file more, to a moto server,
plans again (no change), plans a canary and destroys everything. What holds on every cloud, and the proofs that the
module's tests bite, are in test_infra_clouds.py and test_infra_guards.py.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.projects.infra_terraform import LONGEST_NAME, Module, needs_terraform

pytestmark = needs_terraform
ANSWERS = {"cloud": "aws", "project_name": LONGEST_NAME, "provider": "openai", "fallback_provider": "anthropic"}


@pytest.fixture(scope="session")
def aws_infra_dir(rendered: Callable[..., Path]) -> Path:
    return rendered("rag-platform", deploy="serverless", **ANSWERS) / "infra/aws"


@pytest.fixture(scope="session")
def module(aws_infra_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Module:
    initialised = Module(aws_infra_dir).copy_to(tmp_path_factory.mktemp("module") / "aws")
    initialised.must("init", "-backend=false", "-input=false")
    return initialised


@pytest.fixture
def broken(module: Module, tmp_path: Path) -> Module:
    return module.copy_to(tmp_path / "aws")


def test_answers_are_json(aws_infra_dir: Path) -> None:
    answers = json.loads((aws_infra_dir / "project.auto.tfvars.json").read_text(encoding="utf-8"))
    assert set(answers) == {"project", "llm"}
    assert answers["project"] == "internal-contract-search-for-small-teams"
    assert answers["llm"]["keys"] == ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"]


def test_is_formatted(module: Module) -> None:
    module.must("fmt", "-check", "-diff", "-recursive")


def test_is_valid(module: Module) -> None:
    module.must("validate")


@pytest.mark.slow
def test_own_tests_pass(module: Module) -> None:
    assert re.search(r"Success! \d{2} passed, 0 failed", module.must("test"))


def test_validate_refuses_a_misspelt_argument(broken: Module) -> None:
    broken.replace("database.tf", "storage_encrypted ", "storage_encryptd ")
    done = broken.run("validate")
    assert done.returncode != 0
    assert "Unsupported argument" in done.stderr


def test_a_wrong_input_is_refused_with_its_remedy(broken: Module) -> None:
    shutil.copy(broken.folder / "dev.tfvars.example", broken.folder / "dev.tfvars")
    broken.replace("dev.tfvars", '"203.0.113.7/32"', '"0.0.0.0/0"')
    broken.replace("versions.tf", 'backend "s3" {\n    encrypt      = true\n    use_lockfile = true\n  }', "")
    done = broken.run("plan", "-input=false", "-var-file=dev.tfvars")
    assert done.returncode != 0
    assert "Set certificate_id, or list only" in re.sub(r"\W*\n\W*", " ", done.stderr)


@pytest.fixture
def moto_url(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    server = Path(__file__).with_name("moto_server.py")
    with (tmp_path / "moto.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, str(server), "--host", "127.0.0.1", "--port", port],
            stdout=log,
            stderr=log,
            env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
        )
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_it_answers(f"{url}/moto-api/data.json")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_until_it_answers(url: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"{url} did not answer in {seconds} s"
            time.sleep(0.3)


def on_moto(module: Module, folder: Path, url: str) -> Module:
    """The module with dev's example values, its state in a bucket of the moto server."""
    import boto3  # moto brings it; imported here so that the fast tests do not need it

    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    region = "eu-central-1"
    boto3.client(
        "s3",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    ).create_bucket(Bucket="terraform-state", CreateBucketConfiguration={"LocationConstraint": region})
    copied = module.copy_to(folder)
    shutil.copy(folder / "dev.tfvars.example", folder / "dev.tfvars")
    # Without it a call moto cannot answer is tried 25 times, for minutes.
    (folder / "moto_override.tf").write_text('provider "aws" {\n  max_retries = 2\n}\n', encoding="utf-8")
    live = Module(copied.folder, tuple({**keys, "AWS_ENDPOINT_URL": url, "AWS_REGION": region}.items()))
    live.must(
        "init",
        "-input=false",
        "-backend-config=bucket=terraform-state",
        "-backend-config=key=dev.tfstate",
        f"-backend-config=region={region}",
    )
    return live


@pytest.mark.slow
def test_applies_plans_no_change_and_destroys(
    aws_infra_dir: Path, rendered: Callable[..., Path], tmp_path: Path, moto_url: str
) -> None:
    folder = rendered("ai-saas", deploy="serverless", **ANSWERS) / "infra/aws"
    own = resources(folder)
    assert own == resources(aws_infra_dir) | {"service_migration.tf": own["service_migration.tf"]}
    live = on_moto(Module(folder), tmp_path / "live", moto_url)
    live.must("apply", "-input=false", "-auto-approve", "-var-file=dev.tfvars", "-target=terraform_data.migration")
    live.must("apply", "-input=false", "-auto-approve", "-var-file=dev.tfvars", timeout=600)

    outputs = json.loads(live.must("output", "-json"))
    assert outputs["service_url"]["value"].startswith("http://lb-")
    assert set(outputs["provider_secrets"]["value"]) == {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "APP_MAIL__PASSWORD"}
    assert re.search(r":task-definition/\S+-migration:\d+$", outputs["migration"]["value"]["task"])
    assert "password" not in json.dumps(outputs)

    again = live.run("plan", "-input=false", "-detailed-exitcode", "-var-file=dev.tfvars")
    assert again.returncode == 0, f"the second plan is not empty:\n{again.stdout}\n{again.stderr}"

    trial = '-var=release={stable="first",canary="second",percent=20}'
    live.must("plan", "-input=false", "-out=trial", "-var-file=dev.tfvars", trial)
    planned = json.loads(live.must("show", "-json", "trial"))["resource_changes"]
    actions = {change["address"]: change["change"]["actions"] for change in planned}
    assert actions['aws_ecs_service.release["canary"]'] == ["create"]
    assert actions['aws_ecs_service.release["stable"]'] == ["no-op"]
    replaced = [address for address, done in actions.items() if "delete" in done]
    assert replaced == ["aws_ecs_task_definition.migration"]  # it is the newest build's
    live.must("destroy", "-input=false", "-auto-approve", "-var-file=dev.tfvars", timeout=600)


def resources(folder: Path) -> dict[str, str]:
    """The module's own files, without values and its tests."""
    return {path.name: path.read_text("utf-8") for path in folder.glob("*.tf")}


CLUSTER = ("aws_eks_cluster.main", "aws_iam_openid_connect_provider.cluster", "aws_iam_role.task")


@pytest.mark.slow
def test_a_cluster_applies_plans_no_change_and_destroys(rendered, tmp_path: Path, moto_url: str) -> None:
    # The cluster and all it needs; the database, the slowest part, is the same file as above.
    folder = rendered("rag-platform", cloud="aws", deploy="kubernetes", project_name=LONGEST_NAME) / "infra/aws"
    made = Module(folder).copy_to(tmp_path / "cluster")
    made.must("init", "-backend=false", "-input=false")
    made.must("validate")
    live = on_moto(made, tmp_path / "live", moto_url)
    only = [f"-target={address}" for address in CLUSTER]
    live.must("apply", "-input=false", "-auto-approve", "-var-file=dev.tfvars", *only)
    trust = json.loads(live.must("state", "pull"))
    (role,) = (r["instances"][0]["attributes"] for r in trust["resources"] if r["name"] == "task")
    (statement,) = json.loads(role["assume_role_policy"])["Statement"]
    assert "system:serviceaccount:internal-contract-search-for-small-teams-dev:app" in json.dumps(statement)
    again = live.run("plan", "-input=false", "-detailed-exitcode", "-var-file=dev.tfvars", *only)
    assert again.returncode == 0, f"the second plan is not empty:\n{again.stdout}\n{again.stderr}"
    live.must("destroy", "-input=false", "-auto-approve", "-var-file=dev.tfvars", timeout=600)
