"""The provider schemas that the checks use: which versions, and from which wheels of the package index they come.

python -m tests.projects.cloud_schema.schemas FOLDER      # 180 MB of downloads and 15 s of work, once
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from uv import find_uv_bin

from tests.projects.cloud_schema import bindings

# Provider and version -> the wheel that carries its schema.
WHEELS = {
    ("aws", "6.69.1"): "cdktn-provider-aws==25.8.1",
    ("azurerm", "5.10.0"): "cdktn-provider-azurerm==18.9.0",
    ("google", "8.7.0"): "cdktn-provider-google==21.1.0",
    ("random", "3.9.1"): "cdktn-provider-random==15.0.1",
}


def write(folder: Path) -> None:
    """Put the schema of each provider into a folder as NAME-VERSION.json; one that is there stays.

    Raises subprocess.CalledProcessError where the package index cannot be reached.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for (name, version), wheel in WHEELS.items():
        target = folder / f"{name}-{version}.json"
        if not target.exists():
            _write(target, version, wheel)


def _write(target: Path, version: str, wheel: str) -> None:
    with tempfile.TemporaryDirectory() as installed:
        command = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", installed, wheel]
        subprocess.run([*command, "--python", sys.executable], check=True, timeout=300)
        schema = bindings.extract(Path(installed))
    assert schema["version"] == version, f"{wheel} carries {schema['version']}"
    partial = target.with_suffix(".partial")
    partial.write_text(json.dumps(schema, separators=(",", ":"), sort_keys=True), "utf-8")
    partial.rename(target)


if __name__ == "__main__":
    write(Path(sys.argv[1]).resolve())
