"""`python -m drills NAME`: run one drill; it ends with 1 when the service did not behave as the runbook says."""

import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import httpx2

from drills.stage import NotSeen, Stage

ROOMS = {"alerts", "library", "provider", "service", "stage", "__main__"}  # what drills are made of


def names() -> list[str]:
    """The drills of this project."""
    found = (module.name for module in iter_modules([str(Path(__file__).parent)]))
    return sorted(name.replace("_", "-") for name in found if name not in ROOMS)


def main(arguments: list[str]) -> int:
    """Run the drill that is named, or `list` them, and return the exit code: 0 as promised, 1 not, 2 no such drill."""
    if arguments == ["list"]:
        print("\n".join(f"make drill-{name}" for name in names()))
        return 0
    if len(arguments) != 1 or arguments[0] not in names():
        print(f"Which drill? One of: {', '.join(names())}.", file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore", category=UserWarning)  # libraries' talk about this machine's folders
    drill = import_module(f"drills.{arguments[0].replace('-', '_')}")
    stage = Stage()
    print((drill.__doc__ or "").splitlines()[0])
    try:
        with tempfile.TemporaryDirectory(prefix="drill-", ignore_cleanup_errors=True) as folder:
            drill.run(stage, Path(folder))
    except (NotSeen, httpx2.HTTPError) as broken:
        print(f"\nThe drill failed. {broken}", file=sys.stderr)
        return 1
    stage.act("As the runbook says.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
