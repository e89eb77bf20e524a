"""Releases by Terraform: `release` of infra/<cloud> says who gets the traffic, the cloud counts requests and errors."""

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from delivery.commands import CommandFailed, run
from delivery.verdict import Counts

COUNTED = TypeAdapter(dict[str, Counts])
MIGRATION = "-target=terraform_data.migration"


class Serverless:
    """One environment of infra/<cloud>, initialised (`terraform init`) and with its <environment>.tfvars there."""

    def __init__(self, environment: str) -> None:
        (self._folder,) = (path.parent for path in Path("infra").glob("*/prices.yaml"))
        self._environment = environment

    def running(self) -> str:
        """The stable build, from Terraform's state."""
        return json.loads(self._terraform("output", "-json", "release"))["stable"]

    def migrate(self, stable: str, build: str) -> None:
        """The migrations of this build as a task of their own, where infra/<cloud> has them; nothing else changes."""
        script = self._folder / "migrate.sh"
        if script.is_file():
            self._apply({"stable": stable, "canary": build}, MIGRATION)
            run("sh", script, stdin=self._terraform("output", "-json", "migration"))

    def start_canary(self, stable: str, canary: str, percent: int) -> None:
        """A second build beside the stable one."""
        self._apply({"stable": stable, "canary": canary, "percent": percent})

    def serve(self, build: str) -> None:
        """This build alone."""
        self._apply({"stable": build})

    def counts(self, seconds: int) -> tuple[Counts, Counts]:
        """Requests and errors by build, as infra/<cloud>/canary.sh finds them in the cloud's own metrics."""
        metrics = self._terraform("output", "-json", "release_metrics")
        text = run("sh", self._folder / "canary.sh", str(seconds), stdin=metrics)
        try:
            counted = COUNTED.validate_json(text)
            return counted["stable"], counted["canary"]
        except (ValidationError, KeyError):
            raise CommandFailed(f"{self._folder}/canary.sh printed {text!r}, which are no counts.") from None

    def _apply(self, release: dict[str, str | int], *only: str) -> None:
        files = (f"-var-file={self._environment}.tfvars", f"-var=release={json.dumps(release)}")
        self._terraform("apply", "-auto-approve", "-input=false", "-no-color", *files, *only)

    def _terraform(self, *arguments: str) -> str:
        return run("terraform", f"-chdir={self._folder}", *arguments)
