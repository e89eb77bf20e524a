"""deploy/ of a generated project: rendered by kubectl's kustomize, held against the API's schema, wired right.

No cluster stands behind these tests. Objects of operators (KEDA, External Secrets, Prometheus, Gateway API, Karpenter)
are held against the schemas of their own definitions (operator_schemas/).
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
VERSION = "1.37"
OPERATORS = {
    file.stem: json.loads(file.read_text("utf-8"))
    for file in Path(__file__).with_name("operator_schemas").glob("*.json")
}
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
        name = f"{one['kind']} {one['metadata']['name']}"
        if one["kind"] in OPERATORS:
            found = jsonschema.Draft202012Validator(OPERATORS[one["kind"]]).iter_errors(one)
            yield from (f"{name}: {error.json_path} {error.message}" for error in found)
            continue
        try:
            kubernetes_validate.validate(one, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{name}: {error.message}"


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
    for one in objects:
        owner = f"{one['kind']} {one['metadata']['name']}"
        yield from (f"{owner}: no {kind} {name}" for kind, name in named_by(one) if (kind, name) not in names)
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
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                yield "ConfigMap", source["configMapRef"]["name"]
            else:
                yield "Secret", source["secretRef"]["name"]
    for volume in spec.get("volumes", []):
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]


def named_by(one: Object) -> Iterator[tuple[str, str]]:
    """What an object that is no pod scales, binds or reads from."""
    spec = one.get("spec", {})
    if one["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"):
        yield spec["scaleTargetRef"].get("kind", "Deployment"), spec["scaleTargetRef"]["name"]
    if one["kind"] == "ExternalSecret":
        yield spec["secretStoreRef"]["kind"], spec["secretStoreRef"]["name"]
    if one["kind"] == "SecretStore":
        found = re.findall(r'"serviceAccountRef": \{"name": "([^"]+)"', json.dumps(spec))
        yield from (("ServiceAccount", name) for name in found)
    if one["kind"] == "RoleBinding":
        yield one["roleRef"]["kind"], one["roleRef"]["name"]
        yield from ((subject["kind"], subject["name"]) for subject in one["subjects"])


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
        "SecretStore",
        "ScaledObject",
    }
    assert ("qdrant" in {one["metadata"]["name"] for one in objects}) == (deploy / "qdrant").exists()


def test_only_the_chosen_components_are_there(deploy: Path) -> None:
    text = (deploy / "overlays/dev/kustomization.yaml").read_text("utf-8")
    for name in ("qdrant", "ollama", "gpu", "worker"):
        assert (f"../../{name}" in text) == (deploy / name).exists()
    assert (deploy / "vllm").exists() == (deploy / "ollama").exists()


def test_every_pod_is_locked_down(own: Path) -> None:
    for owner, template in pods(kustomize(with_canary(own))):
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is (owner == "CronJob restart"), owner
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


def test_every_copy_of_the_service_is_the_same_but_for_its_build_and_size(own: Path) -> None:
    objects = [*kustomize(own / "overlays/prod"), *kustomize(with_canary(own))]
    copies: dict[str, Object] = {owner: template["spec"] for owner, template in pods(objects)}
    for spec in copies.values():
        spec.pop("topologySpreadConstraints", None)
        for container in spec["containers"]:
            del container["image"], container["resources"]
            # Kustomize names the settings after their content, and the two overlays differ in it.
            container["envFrom"] = [source for source in container.get("envFrom", []) if "secretRef" in source]
    assert copies["Deployment app-canary"] == copies["Deployment app-worker"] == copies["Deployment app"]


def test_workers_follow_what_waits_in_their_own_environment(own: Path) -> None:
    for environment in ("dev", "prod"):
        objects = kustomize(own / "overlays" / environment)
        (scaled,) = (one for one in objects if one["kind"] == "ScaledObject")
        (trigger,) = scaled["spec"]["triggers"]
        namespace = scaled["metadata"]["namespace"]
        assert trigger["metadata"]["query"] == f'max(ingestion_oldest_wait_seconds{{namespace="{namespace}"}})'
        assert scaled["spec"]["minReplicaCount"] == 0
        (service,) = (one for one in objects if (one["kind"], one["metadata"]["name"]) == ("Service", "app"))
        assert service["spec"]["selector"]["track"] == "stable"  # no request reaches a worker


def test_the_queue_that_workers_follow_is_a_metric_of_the_service() -> None:
    gauges = (ROOT / "templates/_shared/app/observability/gauges.py").read_text("utf-8")
    assert '"ingestion.oldest_wait", [waiting], "s"' in gauges  # Prometheus reads ingestion_oldest_wait_seconds


def test_vllm_takes_the_place_of_ollama(own: Path) -> None:
    overlay = own / "overlays/dev/kustomization.yaml"
    overlay.write_text(overlay.read_text("utf-8").replace("../../ollama", "../../vllm"), "utf-8")
    objects = kustomize(overlay.parent)
    assert problems(objects) == []
    (server,) = (one for one in objects if one["metadata"]["name"] == "vllm" and one["kind"] == "StatefulSet")
    container = server["spec"]["template"]["spec"]["containers"][0]
    (settings,) = (one["data"] for one in objects if one["kind"] == "ConfigMap")
    assert (
        settings["APP_LLM__PRIMARY"]
        == f"ollama:{container['args'][container['args'].index('--served-model-name') + 1]}"
    )
    assert settings["OLLAMA_BASE_URL"] == "http://vllm:8000/v1"


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
@pytest.mark.parametrize("server", ["ollama", "vllm"])
def test_models_of_your_own_run_on_spot_nodes(
    rendered: Callable[..., Path], tmp_path: Path, cloud: str, server: str
) -> None:
    project = rendered("rag-platform", deploy="kubernetes", provider="ollama", cloud=cloud)
    folder = shutil.copytree(project / "deploy", tmp_path / "deploy")
    overlay = folder / "overlays/prod/kustomization.yaml"
    overlay.write_text(overlay.read_text("utf-8").replace("../../ollama", f"../../{server}"), "utf-8")
    (pod,) = (t["spec"] for owner, t in pods(kustomize(overlay.parent)) if owner == f"StatefulSet {server}")
    nodes = (folder / "cluster/eks.yaml", project / "infra" / cloud / "cluster.tf")
    pools = "".join(file.read_text("utf-8") for file in nodes if file.exists())
    if cloud == "gcp":
        assert pod["nodeSelector"]["cloud.google.com/gke-spot"] == "true"
    else:
        assert re.search(r"node(:| =) \"?gpu", pools)
        assert pod["nodeSelector"]["node"] == "gpu"
    assert "nvidia.com/gpu" in {toleration["key"] for toleration in pod["tolerations"]}
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_what_a_cluster_on_aws_needs_once_is_known_to_the_api(own: Path) -> None:
    objects = list(yaml.safe_load_all((own / "cluster/eks.yaml").read_text("utf-8")))
    assert [one["kind"] for one in objects] == ["ConfigMap", "StorageClass", "NodePool"]
    assert list(schema_problems(objects)) == []


@pytest.mark.parametrize("choice", CHOICES.values(), ids=list(CHOICES))
def test_secrets_have_the_names_that_terraform_gives_them(
    rendered: Callable[..., Path], choice: dict[str, str]
) -> None:
    answers = {"fallback_provider": "openai", **choice, "project_name": "Contract search"}
    project = rendered("rag-platform", deploy="kubernetes", **answers)
    cloud = choice["cloud"]
    named = {
        "aws": ("secrets.tf", '"${local.name}/${each.value}"', "contract-search-dev/OPENAI_API_KEY"),
        "azure": ("secrets.tf", 'key => lower(replace(key, "_", "-"))', "openai-api-key"),
        "gcp": ("secrets.tf", '"${local.name}-${key}"', "contract-search-dev-OPENAI_API_KEY"),
    }
    file, expression, wanted = named[cloud]
    assert expression in (project / "infra" / cloud / file).read_text("utf-8")
    objects = kustomize(project / "deploy/overlays/dev")
    (external,) = (one for one in objects if one["kind"] == "ExternalSecret")
    keys = {entry["secretKey"]: entry["remoteRef"]["key"] for entry in external["spec"]["data"]}
    if answers["fallback_provider"] == "openai":
        assert keys["OPENAI_API_KEY"] == wanted
    assert external["metadata"]["namespace"] == "contract-search-dev"  # the trust in infra/ names it


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
        ("worker/scaling.yaml", "maxReplicaCount", "maxReplicas", "maxReplicas"),
        ("worker/scaling.yaml", "    name: app-worker\n", "    name: worker\n", "no Deployment worker"),
        ("overlays/dev/cloud.yaml", "            name: app\n", "            name: api\n", "no ServiceAccount api"),
        ("base/restart.yaml", "  kind: Role\n  name: restart", "  kind: Role\n  name: restarts", "no Role restarts"),
    ],
    ids=[
        "misspelt",
        "wrong type",
        "wrong label",
        "no secret",
        "no service",
        "no claim",
        "misspelt in an operator's object",
        "scales nothing",
        "reads secrets as nobody",
        "no role",
    ],
)
def test_the_checks_bite(own: Path, file: str, old: str, new: str, complaint: str) -> None:
    text = (own / file).read_text("utf-8")
    assert old in text
    (own / file).write_text(text.replace(old, new), "utf-8")
    assert complaint in "\n".join(problems(kustomize(own / "overlays/dev")))
