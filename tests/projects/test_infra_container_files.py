"""Dockerfile, compose.yaml, workflows and hooks of a generated project: linted, pinned, and with teeth.

The linters come from the index as wheels with their binaries inside, so nothing here needs a network.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SHARED = ROOT / "templates/_shared"
OUR_WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
NAMES = sorted(path.name for path in (SHARED / ".github/workflows").glob("*.yml"))
CLOUDS = ("aws", "azure", "gcp")


@pytest.fixture(scope="session", params=["rag-platform, pgvector", "rag-platform, qdrant", "ai-saas, qdrant"])
def compose_file(rendered: Callable[..., Path], request: pytest.FixtureRequest) -> Path:
    template, store = request.param.split(", ")
    return rendered(template, vector_store=store) / "compose.yaml"


def lint(tool: str, *arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a linter that is installed beside this Python; it must be there."""
    program = shutil.which(tool, path=str(Path(sys.executable).parent))
    assert program, f"{tool} is missing: install the dev group"
    return subprocess.run(
        [program, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


@pytest.mark.parametrize("template", ["rag-platform", "agent", "ai-saas"])
def test_dockerfile_has_no_lint(rendered: Callable[..., Path], template: str) -> None:
    done = lint("hadolint", rendered(template) / "Dockerfile")
    assert done.returncode == 0, said(done)


def test_dockerfile_lint_bites() -> None:
    done = lint("hadolint", "-", stdin="FROM python:latest\nRUN cd /tmp && apt-get install curl\n")
    assert done.returncode != 0
    assert "DL3007" in said(done)


def test_dockerfile_keeps_its_promises() -> None:
    lines = [line for line in (SHARED / "Dockerfile").read_text(encoding="utf-8").splitlines() if line]
    instructions = [line for line in lines if not line.startswith("#")]
    assert [line for line in lines if line.startswith("# syntax")] == [], (
        "a parser from the network breaks offline builds"
    )
    assert instructions.index("USER 10001:10001") < instructions.index('CMD ["app", "serve"]')
    assert [line for line in instructions if line.startswith("FROM") and "${" not in line] == []
    assert re.findall(r"target=(?!/)", "\n".join(lines)) == [], "mount targets must be absolute"


def test_image_and_terraform_agree_on_the_user_and_the_writable_places() -> None:
    dockerfile = (SHARED / "Dockerfile").read_text(encoding="utf-8")
    service = (SHARED / "infra/aws/service.tf").read_text(encoding="utf-8")
    assert re.findall(r"USER (\d+)", dockerfile) == re.findall(r'user = "(\d+)"', service)
    volumes = re.findall(r'VOLUME \["(.*)", "(.*)"\]', dockerfile)[0]
    assert set(volumes) == set(re.findall(r'containerPath = "([^"]+)"', service))


def test_compose_file_fits_the_specification(compose_file: Path) -> None:
    done = lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", compose_file)
    assert done.returncode == 0, said(done)


def test_compose_runs_the_service_locked_down(compose_file: Path) -> None:
    services = yaml.safe_load(compose_file.read_text(encoding="utf-8"))["services"]
    for name in {"app", "migrate"} & set(services):
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
    assert [port for s in services.values() for port in s.get("ports", []) if not port.startswith("127.0.0.1:")] == []


def test_compose_has_a_database_where_the_project_has_an_adapter_for_it(compose_file: Path) -> None:
    services = yaml.safe_load(compose_file.read_text(encoding="utf-8"))["services"]
    assert services["app"]["environment"]["APP_STORE__URL"].startswith("postgresql://app@database:")
    qdrant = "qdrant" in services
    assert qdrant == ("APP_STORE__INDEX_URL" in services["app"]["environment"])
    needed = {name: need["condition"] for name, need in services["app"]["depends_on"].items()}
    databases = dict.fromkeys(["database", *(["qdrant"] if qdrant else [])], "service_healthy")
    if "migrate" in services:
        assert needed.pop("migrate") == "service_completed_successfully"
        assert services["migrate"]["command"] == ["app", "migrate"]
        assert {name: need["condition"] for name, need in services["migrate"]["depends_on"].items()} == databases
        assert services["migrate"]["environment"].items() <= services["app"]["environment"].items()
    assert needed == databases
    assert ("migrate" in services) == (compose_file.parent / "app/migrations").exists()
    assert (compose_file.parent / "app/stores/pgvector.py").exists()


def test_compose_starts_nothing_more_unless_asked_and_pins_every_image(compose_file: Path) -> None:
    parsed = yaml.safe_load(compose_file.read_text(encoding="utf-8"))
    services = parsed["services"]
    monitoring = {name for name, service in services.items() if service.get("profiles") == ["monitoring"]}
    assert monitoring == {"prometheus", "grafana", "collector"}
    images = [service["image"] for service in services.values() if "image" in service]
    assert [image for image in images if not re.search(r":v?\d+\.\d+\.\d+", image)] == []
    mounts = [mount.split(":")[0] for service in services.values() for mount in service.get("volumes", [])]
    assert {mount for mount in mounts if not mount.startswith(".")} == set(parsed["volumes"])
    for mount in ("monitoring/grafana/datasources/prometheus.yaml", "monitoring/collector.yaml"):
        assert (compose_file.parent / mount).is_file()


def test_docker_context_admits_only_named_files() -> None:
    rules = [line for line in (SHARED / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert rules[0] == "*"
    assert not any(rule.startswith("!.env") for rule in rules)


BY_DEPLOY = [(cloud, "kubernetes", name) for cloud in CLOUDS for name in ("infra.yml", "release.yml")]


@pytest.fixture(
    params=[*OUR_WORKFLOWS, *((cloud, "serverless", name) for cloud in CLOUDS for name in NAMES), *BY_DEPLOY], ids=str
)
def workflow(request: pytest.FixtureRequest, rendered: Callable[..., Path]) -> Path:
    """Each workflow of ours, and each of a generated project on each cloud."""
    if isinstance(request.param, Path):
        return request.param
    cloud, deploy, name = request.param
    return rendered("rag-platform", cloud=cloud, deploy=deploy) / ".github/workflows" / name


def test_workflow_has_no_lint(workflow: Path) -> None:
    for tool, arguments in {
        "check-jsonschema": ["--builtin-schema", "vendor.github-workflows"],
        "zizmor": ["--offline", "--no-progress", "--min-severity", "low"],
        "actionlint": ["-shellcheck", str(Path(sys.executable).with_name("shellcheck"))],
    }.items():
        done = lint(tool, *arguments, workflow)
        assert done.returncode == 0, f"{tool}\n{said(done)}"


def test_workflow_is_pinned_bounded_and_without_rights(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    parsed = yaml.safe_load(text)
    assert [
        use for use in re.findall(r"uses: (.*)", text) if not re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)
    ] == []
    assert parsed["permissions"] in ({}, {"contents": "read"})
    assert "concurrency" in parsed
    assert [name for name, job in parsed["jobs"].items() if "timeout-minutes" not in job] == []
    if "secrets." in text:  # one workflow alone holds keys: main starts it, and one step of it sees them
        assert (workflow.name, parsed[True]) == ("evals-live.yml", {"push": {"branches": ["main"]}})
        steps = [step for job in parsed["jobs"].values() for step in job["steps"]]
        assert text.count("secrets.") == sum("secrets." in value for value in steps[-1]["env"].values())
    if "pull_request" in parsed[True]:  # YAML reads the key `on` as true
        may_log_in = [job for job in parsed["jobs"].values() if "id-token" in job.get("permissions", {})]
        assert text.count("id-token") == len(may_log_in)
        assert [job for job in may_log_in if "environment" not in job] == [], "no token before a reviewer has looked"
        assert [job for job in may_log_in if not runs_own_code_only(job["if"])] == []


def runs_own_code_only(condition: str) -> bool:
    """A pull request from a fork does not start this job."""
    return "pull_request.head.repo.full_name == github.repository" in condition or "event_name == 'push'" in condition


def test_all_workflows_pin_one_version_of_an_action() -> None:
    partials = (ROOT / "templates/_partials").glob("*.yml")
    files = [*OUR_WORKFLOWS, *(SHARED / ".github/workflows").glob("*.yml"), *partials]
    uses = {use for file in files for use in re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))}
    assert len(uses) == len({use.split("@")[0] for use in uses}), sorted(uses)


@pytest.mark.parametrize("script", sorted((SHARED / "infra").glob("*/state.sh")), ids=lambda path: path.parent.name)
def test_state_script_has_no_lint(script: Path) -> None:
    done = lint("shellcheck", script)
    assert done.returncode == 0, said(done)


@pytest.mark.parametrize(
    ("old", "new", "tool"),
    [
        pytest.param("    runs-on: ubuntu-24.04\n", "", "check-jsonschema", id="job without a runner"),
        pytest.param("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "zizmor", id="unpinned action"),
        pytest.param("matrix.python }})", "matrix.pyhton }})", "actionlint", id="misspelt expression"),
    ],
)
def test_workflow_lint_bites(tmp_path: Path, old: str, new: str, tool: str) -> None:
    text = (SHARED / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert old in text
    broken = tmp_path / ".github/workflows/ci.yml"
    broken.parent.mkdir(parents=True)
    broken.write_text(text.replace(old, new), encoding="utf-8")
    arguments = {
        "check-jsonschema": ["--builtin-schema", "vendor.github-workflows"],
        "zizmor": ["--offline", "--no-progress", "--min-severity", "low"],
        "actionlint": [],
    }[tool]
    assert lint(tool, *arguments, broken).returncode != 0


@pytest.mark.parametrize("cloud", CLOUDS)
def test_only_the_chosen_cloud_is_spoken_of(rendered: Callable[..., Path], cloud: str) -> None:
    project = rendered("rag-platform", cloud=cloud)
    assert {path.name for path in (project / "infra").iterdir()} == {"README.md", cloud}
    command = {"aws": r"\baws ", "azure": r"\baz ", "gcp": r"\bgcloud "}
    for text in (project / "docs/deploy.md", project / ".github/workflows/release.yml"):
        others = [other for other in CLOUDS if other != cloud and re.search(command[other], text.read_text("utf-8"))]
        assert others == [], text


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize(("deploy", "how"), [("serverless", "serverless.py"), ("kubernetes", "kubernetes.py")])
def test_a_project_releases_the_way_it_deploys(
    rendered: Callable[..., Path], cloud: str, deploy: str, how: str
) -> None:
    project = rendered("rag-platform", cloud=cloud, deploy=deploy)
    assert {path.name for path in (project / ".github/workflows").iterdir()} == set(NAMES)
    assert (project / "delivery" / how).exists()
    assert (project / "delivery/kubernetes.py").exists() == (project / "deploy").exists() == (deploy == "kubernetes")
    assert (project / f"infra/{cloud}/canary.sh").exists() == (deploy == "serverless")


@pytest.mark.parametrize("name", ["infra.yml", "release.yml"])
def test_a_pipe_does_not_hide_a_failure(rendered: Callable[..., Path], name: str) -> None:
    """GitHub's shell takes the last command of a pipe for the whole, unless it is told not to."""
    jobs = yaml.safe_load((rendered("rag-platform") / ".github/workflows" / name).read_text("utf-8"))["jobs"]
    piped = [step["run"] for job in jobs.values() for step in job["steps"] if "| tee" in step.get("run", "")]
    assert piped
    assert [run for run in piped if not run.startswith("set -o pipefail\n")] == []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    shutil.copy(SHARED / ".pre-commit-config.yaml", tmp_path)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    return tmp_path


@pytest.mark.slow  # installs pre-commit-hooks into an environment of pre-commit's own
@pytest.mark.parametrize(
    ("name", "content", "hook"),
    [
        pytest.param("notes.md", "fine\n", None, id="clean"),
        pytest.param(
            "notes.md",
            "a\n<<<<<<< before updating\nb\n=======\nc\n>>>>>>> after\n",
            "conflict-markers",
            id="conflict",
        ),
        pytest.param("notes.md.rej", "@@ -1 +1 @@\n", "rejected-hunks", id="rejected hunk"),
        pytest.param("key.txt", "-----BEGIN " + "RSA PRIVATE KEY-----\n", "private-keys", id="private key"),
    ],
)
def test_hooks_refuse_what_an_update_can_leave(repository: Path, name: str, content: str, hook: str | None) -> None:
    (repository / name).write_text(content, encoding="utf-8")
    subprocess.run(["git", "-C", repository, "add", "--all"], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never"],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    failed = set(re.findall(r"^- hook id: (.*)$", said(done), re.M))
    assert failed == ({hook} if hook else set()), said(done)
