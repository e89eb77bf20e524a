"""Terraform modules of a generated project, run with the real terraform.

Two kinds of provider. A real one from disk: `SHIPFOLIO_TF_PLUGINS` names a Terraform filesystem mirror that holds
hashicorp/aws (default /opt/tf-plugins). And schema-only stand-ins for all clouds (`cloud_schema`), whose schemas
come from the package index once per run, or once for ever with `SHIPFOLIO_PROVIDER_SCHEMAS=FOLDER`. Where terraform
or what it needs is missing, the tests are skipped and say so.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

CLOUDS = ("aws", "azure", "gcp")
OWN_MODEL = {"aws": "bedrock", "azure": "azure-openai", "gcp": "vertex"}
DEPLOYS = ("serverless", "kubernetes")
LONGEST_NAME = "Internal contract search for small teams"  # its slug has 40 characters, the most there are
MIRROR = Path(os.environ.get("SHIPFOLIO_TF_PLUGINS", "/opt/tf-plugins"))
AWS_PLUGIN = MIRROR / "registry.terraform.io/hashicorp/aws"
CLI_CONFIG = """\
provider_installation {{
  filesystem_mirror {{
    path = "{mirror}"
  }}
}}
disable_checkpoint = true
"""

needs_terraform = pytest.mark.skipif(
    not (shutil.which("terraform") and AWS_PLUGIN.is_dir()),
    reason="INFRASTRUCTURE NOT CHECKED: needs terraform on PATH and a provider mirror with hashicorp/aws in "
    f"{MIRROR} (or where SHIPFOLIO_TF_PLUGINS says)",
)

needs_terraform_core = pytest.mark.skipif(
    not shutil.which("terraform"), reason="INFRASTRUCTURE NOT CHECKED: needs terraform on PATH"
)


@dataclass(frozen=True)
class Module:
    """A folder of .tf files. Nothing it runs reads the caller's cloud credentials."""

    folder: Path
    extra_environment: tuple[tuple[str, str], ...] = ()

    def run(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """The finished `terraform ARGUMENTS` with its output; a non-zero exit does not raise."""
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def must(self, *arguments: str, timeout: float = 300) -> str:
        """The output of `terraform ARGUMENTS`; fails the test, with that output, on a non-zero exit."""
        done = self.run(*arguments, timeout=timeout)
        assert done.returncode == 0, f"terraform {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def copy_to(self, folder: Path) -> "Module":
        """A copy that can be broken; an initialised module stays initialised."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Module(folder, self.extra_environment)

    def with_environment(self, **extra: str) -> "Module":
        """The same module, run with more environment variables."""
        return replace(self, extra_environment=(*self.extra_environment, *extra.items()))

    def keep_state_here(self) -> None:
        """Take the remote backend away, so that the state is a file in the folder."""
        path = self.folder / "versions.tf"
        text, found = re.subn(r"  backend \"\w+\" \{(?:\}|.*?\n  \})\n", "", path.read_text("utf-8"), flags=re.S)
        assert found == 1, "versions.tf no longer names one backend"
        path.write_text(text, "utf-8")

    def replace(self, file: str, old: str, new: str) -> None:
        """Change `old` to `new` in `file`; `old` must be there, so a proof cannot go stale unseen."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} no longer contains {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        config = self.folder / ".terraformrc"
        config.write_text(CLI_CONFIG.format(mirror=MIRROR), encoding="utf-8")
        foreign = ("AWS_", "TF_", "ARM_", "GOOGLE_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        return {
            **inherited,
            "TF_CLI_CONFIG_FILE": str(config),
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_ARGS": "-no-color",
            "AWS_EC2_METADATA_DISABLED": "true",
            **dict(self.extra_environment),
        }


@contextmanager
def stand_ins(schemas: Path) -> Iterator[str]:
    """The value of TF_REATTACH_PROVIDERS for schema-only providers that run while the context is open."""
    command = [sys.executable, "-m", "tests.projects.cloud_schema.stand_in", str(schemas)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().strip()
        server.terminate()
