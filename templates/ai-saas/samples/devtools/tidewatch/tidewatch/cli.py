"""The command line: init, watch, forecast, status, offset and backup."""

import argparse
import sys
from pathlib import Path

from tidewatch.errors import TideError
from tidewatch.settings import load_settings
from tidewatch.store import ReadingStore
from tidewatch.watcher import Watcher
from tidewatch.web import Dashboard


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="tidewatch")
    parser.add_argument("--config", type=Path, default=Path("config/harbour.toml"))
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("init", "watch", "status"):
        commands.add_parser(name)
    forecast = commands.add_parser("forecast")
    forecast.add_argument("gauge")
    forecast.add_argument("--hours", type=int, default=12)
    commands.add_parser("backup").add_argument("target", type=Path)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 with the reason and what helps when it did not."""
    options = build_parser().parse_args(arguments)
    try:
        settings = load_settings(options.config)
        store = ReadingStore(Path(settings.database))
        if options.command == "watch":
            Watcher(settings, {}).run_forever()
        elif options.command == "forecast":
            for line in Dashboard(store).forecast(options.gauge, options.hours):
                sys.stdout.write(f"{line['at']}  {line['level']:>6} m\n")
        elif options.command == "backup":
            store.backup(options.target)
    except TideError as error:
        sys.stderr.write(f"{error} {error.help}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
