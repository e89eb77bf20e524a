"""Fails when an inner module imports an outer one; run it before each commit."""

import sys
from pathlib import Path

INNER = ("errors", "readings", "harmonics")
OUTER = ("watcher", "web", "cli", "notify")


def offences(folder: Path) -> list[str]:
    """Lines of inner modules that import an outer one, as `file:line`."""
    found = []
    for name in INNER:
        path = folder / f"{name}.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if any(line.startswith(f"from tidewatch.{outer} import") for outer in OUTER):
                found.append(f"{path}:{number}")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(offences(Path("tidewatch"))) or 0)
