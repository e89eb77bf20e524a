"""Releases by kubectl: the canary component of deploy/ beside the overlay, counted by Prometheus.

Prometheus is asked at PROMETHEUS_URL (http://127.0.0.1:9090, where `kubectl port-forward` brings it).
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml

from delivery.commands import CommandFailed, run
from delivery.verdict import Counts

CALLS = "http_server_request_duration_seconds"
PODS = {"canary": 'pod=~"app-canary-.*"', "stable": 'pod=~"app-.*",pod!~"app-canary-.*"'}
CANARY_OBJECTS = ("deployment/app-canary", "service/app-canary", "httproute/app")
ROLLOUT = "--timeout=300s"
MIGRATION_SECONDS = 1800


class Kubernetes:
    """The namespace of one environment, in the cluster that kubectl speaks with."""

    def __init__(self, environment: str) -> None:
        self._overlay = Path("deploy/overlays") / environment
        overlay = yaml.safe_load((self._overlay / "kustomization.yaml").read_text("utf-8"))
        self._namespace: str = overlay["namespace"]
        self._image = next(image["newName"] for image in overlay["images"] if image["name"] == "app")
        self._prometheus = os.environ.get("PROMETHEUS_URL", "http://127.0.0.1:9090")

    def running(self) -> str:
        """The tag of the stable deployment's image."""
        path = "jsonpath={.spec.template.spec.containers[0].image}"
        return self._kubectl("get", "deployment/app", "--output", path).rpartition(":")[2]

    def migrate(self, stable: str, build: str) -> None:
        """What the build's copies run before they start, as a job, where there is such a thing; nothing else changes.

        Raises:
            CommandFailed: it failed.
        """
        with self._kustomization(stable, build, percent=1) as folder:
            objects = list(yaml.safe_load_all(run("kubectl", "kustomize", folder)))
        named = {(one["kind"], one["metadata"]["name"]): one for one in objects}
        job = migration(named["Deployment", "app-canary"])
        if job is None:
            return
        settings = [one for one in objects if one["kind"] == "ConfigMap"]
        self._kubectl("delete", "job/migrate", "--ignore-not-found")
        self._kubectl("apply", "--filename", "-", stdin=yaml.safe_dump_all([*settings, job]))
        while not (ended := {"Complete", "Failed"}.intersection(self._kubectl(*JOB_STATE).split())):
            time.sleep(1)
        if "Failed" in ended:
            log = self._kubectl("logs", "job/migrate", "--tail=20")
            raise CommandFailed(f"The migrations of {build} failed; nothing else was changed. Their last words: {log}")

    def start_canary(self, stable: str, canary: str, percent: int) -> None:
        """One pod of the canary, and its share at the gateway in the place of the Ingress."""
        self._apply(stable, canary, percent)
        self._kubectl("delete", "ingress/app", "--ignore-not-found")
        self._kubectl("rollout", "status", "deployment/app-canary", ROLLOUT)

    def serve(self, build: str) -> None:
        """This build in the stable deployment, behind the Ingress; then the canary goes."""
        self._apply(build)
        self._kubectl("rollout", "status", "deployment/app", ROLLOUT)
        self._kubectl("delete", *CANARY_OBJECTS, "--ignore-not-found")

    def counts(self, seconds: int) -> tuple[Counts, Counts]:
        """Requests, errors, slow ones, and how many answers were refusals, by build."""
        return self._counts(PODS["stable"], seconds), self._counts(PODS["canary"], seconds)

    def _counts(self, pods: str, seconds: int) -> Counts:
        calls = f'http_route=~"/v1/.*",{pods}'
        requests = self._increase(f"{CALLS}_count{{{calls}}}", seconds)
        in_time = self._increase(f'{CALLS}_bucket{{{calls},le="5.0"}}', seconds)
        return Counts(
            requests=requests,
            errors=self._increase(f'{CALLS}_count{{{calls},http_response_status_code=~"5.."}}', seconds),
            slow=max(requests - in_time, 0),
            answers=self._increase(f"answers_total{{{pods}}}", seconds),
            refused=self._increase(f'answers_total{{{pods},outcome="refused"}}', seconds),
        )

    def _increase(self, series: str, seconds: int) -> int:
        query = f"sum(increase({series}[{max(seconds, 60)}s]))"
        try:
            answer = httpx2.get(f"{self._prometheus}/api/v1/query", params={"query": query}, timeout=10)
            found = answer.raise_for_status().json()["data"]["result"]
        except (httpx2.HTTPError, KeyError, json.JSONDecodeError) as error:
            raise CommandFailed(f"Prometheus at {self._prometheus}: {type(error).__name__}: {error}") from None
        return round(float(found[0]["value"][1])) if found else 0

    def _apply(self, stable: str, canary: str | None = None, percent: int = 0) -> None:
        with self._kustomization(stable, canary, percent) as folder:
            objects = run("kubectl", "kustomize", folder)
        self._kubectl("apply", "--filename", "-", stdin=objects)

    @contextmanager
    def _kustomization(self, stable: str, canary: str | None, percent: int) -> Iterator[Path]:
        """deploy/ in a copy, with a kustomization of this release; your files stay as they are."""
        # The stable tag first: the canary's image is then still called `canary`, so the rule passes it by.
        images = [{"name": self._image, "newTag": stable}]
        release: dict[str, object] = {"resources": [f"../{self._overlay.relative_to('deploy')}"], "images": images}
        if canary:
            images.append({"name": "canary", "newName": self._image, "newTag": canary})
            release["components"] = ["../canary"]
            release["patches"] = [{"target": {"kind": "HTTPRoute", "name": "app"}, "patch": _weights(percent)}]
        with tempfile.TemporaryDirectory() as folder:
            copied = shutil.copytree("deploy", Path(folder, "deploy"))
            (copied / "release").mkdir()
            file = copied / "release/kustomization.yaml"
            file.write_text(yaml.safe_dump({**KUSTOMIZATION, "namespace": self._namespace, **release}), "utf-8")
            yield file.parent

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return run("kubectl", "--namespace", self._namespace, *arguments, stdin=stdin)


JOB_STATE = ("get", "job/migrate", "--output", 'jsonpath={.status.conditions[?(@.status=="True")].type}')
KUSTOMIZATION = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}


def _weights(percent: int) -> str:
    path = "/spec/rules/0/backendRefs/{}/weight"
    shares = [100 - percent, percent]
    return yaml.safe_dump([{"op": "replace", "path": path.format(n), "value": v} for n, v in enumerate(shares)])


def migration(deployment: dict[str, Any]) -> dict[str, Any] | None:
    """A job of what the deployment's copies run before they start; None where they run nothing."""
    pod = deployment["spec"]["template"]
    first = pod["spec"].pop("initContainers", None)
    if not first:
        return None
    spec = {**pod["spec"], "containers": first, "restartPolicy": "Never"}
    labels = {**pod["metadata"]["labels"], "track": "migration"}
    limits = {"backoffLimit": 0, "activeDeadlineSeconds": MIGRATION_SECONDS, "ttlSecondsAfterFinished": 86400}
    template = {"metadata": {"labels": labels}, "spec": spec}
    job = {"metadata": {"name": "migrate"}, "spec": {**limits, "template": template}}
    return {"apiVersion": "batch/v1", "kind": "Job", **job}
