"""Stand-ins for the tools of a release: they write down what they were told and answer like a cloud or a cluster.

Each is a few lines of shell in a folder that comes first in PATH. `canary` holds the errors of a hundred requests that
the canary has; the stable build has one in two hundred.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

TRACKS = {"stable": "the-stable", "canary": "the-canary"}
METRICS = {
    "aws": {"region": "eu-central-1", "load_balancer": "app/lb/1", "tracks": TRACKS},
    "azure": {"app": "/subscriptions/1/app", "tracks": TRACKS},
    "gcp": {"project": "p", "tracks": TRACKS},
}
# What each cloud answers where `number` is how many there are.
ANSWERS = {
    "aws": ("aws", '{"Datapoints": [{"Sum": number}]}', "HTTPCode_Target_5XX_Count"),
    "azure": ("az", '{"value": [{"timeseries": [{"data": [{"total": number}, {"total": null}]}]}]}', "5xx"),
    "gcp": ("curl", '{"data": {"result": [{"value": [0, "number.2"]}]}}', "5xx"),
}
# Where each cloud runs migrations, and how its tool tells that they ended with `code` or in `state`.
MIGRATION = {
    "aws": {"region": "eu-central-1", "cluster": "c", "task": "t:1", "subnets": ["s"], "security_group": "g"},
    "azure": {"group": "g", "job": "j"},
    "gcp": {"project": "p", "region": "europe-west1", "job": "j"},
}
MIGRATIONS = {
    "aws": "*' run-task '*) echo migrated >> log; echo arn:1 ;;\n*' wait tasks-stopped '*) ;;\n"
    """*' describe-tasks '*) echo '{"tasks": [{"containers": [{"exitCode": code}], "stoppedReason": "x"}]}' ;;\n""",
    "azure": "*' job start '*) echo migrated >> log; echo one ;;\n*' job execution show '*) echo state ;;\n",
    "gcp": "*' jobs execute '*) echo migrated >> log; exit code ;;\n",
}
RUN = "#!/bin/sh\nset -eu\n"


def install(folder: Path, name: str, script: str) -> None:
    """A stand-in called `name`."""
    folder.mkdir(exist_ok=True)
    tool = folder / name
    tool.write_text(RUN + script, "utf-8")
    tool.chmod(0o755)


def terraform(folder: Path, cloud: str) -> None:
    """Terraform with a state in which `old` runs; every apply goes into `log`."""
    outputs = {"release": {"stable": "old"}, "release_metrics": METRICS[cloud], "migration": MIGRATION[cloud]}
    cases = "".join(f"*' output -json {name}') echo '{json.dumps(value)}' ;;\n" for name, value in outputs.items())
    apply = f"*' apply '*) echo \"$*\" >> {folder}/log ;;\n"
    install(folder, "terraform", f'case "$*" in\n{cases}{apply}*) echo "unexpected: $*" >&2; exit 9 ;;\nesac\n')


def migrations(folder: Path, cloud: str, code: int) -> str:
    """What the cloud's own tool does when it is told to run migrations that end with this exit code."""
    script = MIGRATIONS[cloud].replace("code", str(code)).replace("state", "Failed" if code else "Succeeded")
    return script.replace(" log;", f" {folder}/log;")


def cloud_metrics(folder: Path, cloud: str, canary: int, migration: int = 0) -> None:
    """The cloud's own tool, which counts requests and errors, and runs migrations that end with this exit code."""
    tool, answer, errors = ANSWERS[cloud]
    numbers = {"stable": ("1000", "5"), "canary": ("100", str(canary))}
    cases = migrations(folder, cloud, migration)
    for track, (requests, failed) in numbers.items():
        cases += (
            f"*{TRACKS[track]}*{errors}*|*{errors}*{TRACKS[track]}*) echo '{answer.replace('number', failed)}' ;;\n"
        )
        cases += f"*{TRACKS[track]}*) echo '{answer.replace('number', requests)}' ;;\n"
    install(folder, tool, f'case "$*" in\n{cases}*) exit 9 ;;\nesac\n')
    if cloud == "gcp":
        install(folder, "gcloud", f'case "$*" in\n{migrations(folder, cloud, migration)}*) echo a-token ;;\nesac\n')


def kubectl(folder: Path, real: str, job: str = "SuccessCriteriaMet Complete") -> None:
    """kubectl with a cluster in which `old` runs: it renders for real, and keeps what it was told to apply.

    `job` is how a job ends there.
    """
    script = f"""case "$*" in
kustomize*) exec {real} "$@" ;;
*' get deployment/app '*) printf registry.example.com/app:old ;;
*' get job/'*) echo {job} ;;
*' apply '*) echo "$*" >> {folder}/log; cat > {folder}/applied-$(grep -c apply {folder}/log).yaml ;;
*) echo "$*" >> {folder}/log ;;
esac
"""
    install(folder, "kubectl", script)


class Prometheus(BaseHTTPRequestHandler):
    """Answers every query of a release; the canary's errors are a class attribute."""

    errors = 0

    def do_GET(self) -> None:
        """One instant query."""
        query = parse_qs(urlsplit(self.path).query)["query"][0]
        canary = 'pod=~"app-canary' in query
        number = 100 if canary else 1000
        if "5.." in query:
            number = self.errors if canary else 5
        if "refused" in query:
            number //= 20
        body = json.dumps({"data": {"result": [{"value": [0, str(number)]}]}}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def prometheus(canary: int) -> Iterator[str]:
    """Its address."""
    server = HTTPServer(("127.0.0.1", 0), type("Counting", (Prometheus,), {"errors": canary}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
