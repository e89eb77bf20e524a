"""deploy/ of a generated project: rendered by kubectl's kustomize, held against the API's schema, wired right.

No cluster stands behind these tests. Objects of operators (External Secrets, Prometheus, Gateway API) have no schema
here; their references are checked like all others.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

VERSION = "1.37"
OF_OPERATORS = {"ExternalSecret", "ServiceMonitor", "HTTPRoute"}
# Names that the generator takes (it refuses "default", "null", "kube-system", a digit in front …).
HOSTILE = ["Straße & Söhne — Ärztezentrum", "x" * 40, "a.b_c/d", "-dash-", "No way", "true story"]
Object = dict[str, Any]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("kubectl"), reason="MANIFESTS NOT CHECKED: needs kubectl on PATH"),
]


def kustomize(folder: Path) -> list[Object]:
    """The objects that `kubectl apply -k FOLDER` would send; fails the test with kubectl's words."""
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [parsed for parsed in yaml.safe_load_all(done.stdout) if parsed]


def problems(objects: list[Object]) -> list[str]:
    """What the API's schema, or a missing partner, says against the objects."""
    return [*schema_problems(objects), *reference_problems(objects)]


def schema_problems(objects: list[Object]) -> Iterator[str]:
    for one in objects:
        if one["kind"] in OF_OPERATORS:
            continue
        try:
            kubernetes_validate.validate(one, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{one['kind']} {one['metadata']['name']}: {error.message}"


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """The pod template of every object that makes pods."""
    for one in objects:
        spec = one.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template") if isinstance(spec, dict) else None
        if template:
            yield f"{one['kind']} {one['metadata']['name']}", template


def reference_problems(objects: list[Object]) -> Iterator[str]:
    names = {(one["kind"], one["metadata"]["name"]) for one in objects}
    names |= {("Secret", one["spec"]["target"]["name"]) for one in objects if one["kind"] == "ExternalSecret"}
    templates = dict(pods(objects))
    for owner, template in templates.items():
        yield from (f"{owner}: no {kind} {name}" for kind, name in used_by(template) if (kind, name) not in names)
    labels = [template["metadata"]["labels"] for template in templates.values()]
    for one in objects:
        wanted = selector(one)
        if wanted and not any(wanted.items() <= have.items() for have in labels):
            yield f"{one['kind']} {one['metadata']['name']}: selects no pod with {wanted}"
        for service in services_of(one):
            if ("Service", service) not in names:
                yield f"{one['kind']} {one['metadata']['name']}: no Service {service}"


def used_by(template: Object) -> Iterator[tuple[str, str]]:
    """The settings, secrets, claims and the account that a pod needs."""
    spec = template["spec"]
    if "serviceAccountName" in spec:
        yield "ServiceAccount", spec["serviceAccountName"]
    for container in spec["containers"]:
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                yield "ConfigMap", source["configMapRef"]["name"]
            else:
                yield "Secret", source["secretRef"]["name"]
    for volume in spec.get("volumes", []):
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]


def selector(one: Object) -> dict[str, str]:
    """The labels by which an object finds pods."""
    spec = one.get("spec", {})
    if one["kind"] == "Service":
        return spec["selector"]
    key = "podSelector" if one["kind"] == "NetworkPolicy" else "selector"
    return spec.get(key, {}).get("matchLabels", {}) if one["kind"] != "ServiceMonitor" else {}


def services_of(one: Object) -> Iterator[str]:
    """The services to which an object sends requests."""
    if one["kind"] == "Ingress":
        for rule in one["spec"]["rules"]:
            yield from (path["backend"]["service"]["name"] for path in rule["http"]["paths"])
    if one["kind"] == "HTTPRoute":
        yield from (backend["name"] for rule in one["spec"]["rules"] for backend in rule["backendRefs"])


CHOICES = {
    "aws, bedrock, pgvector": {"cloud": "aws", "provider": "bedrock", "vector_store": "pgvector"},
    "azure, azure-openai, qdrant": {"cloud": "azure", "provider": "azure-openai", "vector_store": "qdrant"},
    "gcp, vertex, ollama behind it, qdrant": {
        "cloud": "gcp",
        "provider": "vertex",
        "fallback_provider": "ollama",
        "vector_store": "qdrant",
    },
    "aws, ollama, pgvector": {"cloud": "aws", "provider": "ollama", "vector_store": "pgvector"},
}


@pytest.fixture(params=CHOICES.values(), ids=list(CHOICES))
def deploy(request: pytest.FixtureRequest, rendered: Callable[..., Path]) -> Path:
    """deploy/ of a project."""
    return rendered("rag-platform", deploy="kubernetes", **request.param) / "deploy"


@pytest.fixture
def own(rendered: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of deploy/ that can be broken, with every component."""
    answers = {"deploy": "kubernetes", "provider": "ollama", "vector_store": "qdrant"}
    return shutil.copytree(rendered("rag-platform", **answers) / "deploy", tmp_path / "deploy")


def with_canary(deploy: Path) -> Path:
    """dev with the canary's component, as its first lines say."""
    overlay = deploy / "overlays/dev/kustomization.yaml"
    content = yaml.safe_load(overlay.read_text("utf-8"))
    content["components"] = [*content.get("components", []), "../../canary"]
    content["images"].append({"name": "canary", "newName": "registry.example.com/x", "newTag": "second"})
    overlay.write_text(json.dumps(content), "utf-8")
    return overlay.parent


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_every_choice_renders_objects_that_the_api_knows(deploy: Path, environment: str) -> None:
    objects = kustomize(deploy / "overlays" / environment)
    assert problems(objects) == []
    kinds = {one["kind"] for one in objects}
    assert kinds >= {
        "Deployment",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
        "Ingress",
        "CronJob",
    }
    assert ("qdrant" in {one["metadata"]["name"] for one in objects}) == (deploy / "qdrant").exists()


def test_only_the_chosen_components_are_there(deploy: Path) -> None:
    text = (deploy / "overlays/dev/kustomization.yaml").read_text("utf-8")
    for name in ("qdrant", "ollama"):
        assert (f"../../{name}" in text) == (deploy / name).exists()


def test_every_pod_is_locked_down(own: Path) -> None:
    for owner, template in pods(kustomize(with_canary(own))):
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, owner
        assert spec["securityContext"]["runAsNonRoot"], owner
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, owner
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, owner
            assert {"requests", "limits"} <= set(container["resources"]), owner
            assert ":" in container["image"], owner
            assert not container["image"].endswith(":latest"), owner


def test_the_canary_takes_its_share_in_place_of_the_ingress(own: Path) -> None:
    objects = kustomize(with_canary(own))
    assert problems(objects) == []
    assert "Ingress" not in {one["kind"] for one in objects}
    (route,) = (one for one in objects if one["kind"] == "HTTPRoute")
    assert {b["name"]: b["weight"] for b in route["spec"]["rules"][0]["backendRefs"]} == {"app": 90, "app-canary": 10}
    images = {owner: template["spec"]["containers"][0]["image"] for owner, template in pods(objects)}
    assert images["Deployment app-canary"] == "registry.example.com/x:second"
    assert images["Deployment app"].endswith(":first")


def test_no_secret_is_in_the_folder(deploy: Path) -> None:
    objects = kustomize(deploy / "overlays/prod")
    assert [one for one in objects if one["kind"] == "Secret"] == []
    (external,) = (one for one in objects if one["kind"] == "ExternalSecret")
    assert "PGPASSWORD" in {entry["secretKey"] for entry in external["spec"]["data"]}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_make_legal_objects(rendered: Callable[..., Path], name: str) -> None:
    answers = {"project_name": name, "deploy": "kubernetes", "vector_store": "qdrant"}
    objects = kustomize(rendered("agent", **answers) / "deploy/overlays/prod")
    assert problems(objects) == []
    for one in objects:
        labels = [one["metadata"]["name"], one["metadata"].get("namespace", "x")]
        assert all(0 < len(label) <= 63 for label in labels), labels


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        (
            "base/deployment.yaml",
            "readOnlyRootFilesystem: true",
            "readOnlyRootFilesytem: true",
            "readOnlyRootFilesytem",
        ),
        ("base/deployment.yaml", "failureThreshold: 12", "failureThreshold: twelve", "twelve"),
        ("base/service.yaml", "track: stable", "track: stabel", "selects no pod"),
        ("base/deployment.yaml", "name: app-secrets", "name: app-secret", "no Secret app-secret"),
        ("base/ingress.yaml", "                name: app\n", "                name: api\n", "no Service api"),
        ("base/documents.yaml", "claimName: documents", "claimName: document", "no PersistentVolumeClaim document"),
    ],
    ids=["misspelt", "wrong type", "wrong label", "no secret", "no service", "no claim"],
)
def test_the_checks_bite(own: Path, file: str, old: str, new: str, complaint: str) -> None:
    text = (own / file).read_text("utf-8")
    assert old in text
    (own / file).write_text(text.replace(old, new), "utf-8")
    assert complaint in "\n".join(problems(kustomize(own / "overlays/dev")))
