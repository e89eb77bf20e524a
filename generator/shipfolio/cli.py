"""The command line. It reads arguments, calls the flow, prints; nothing else."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

import shipfolio
from shipfolio.check.command import check
from shipfolio.console import Console
from shipfolio.errors import Interrupted, ShipfolioError
from shipfolio.flags import Debug, Json
from shipfolio.following import status, update


class Door(TyperGroup):
    """The one place that catches: an error becomes two lines and an exit code; --debug adds the traceback.

    The options of `new` come from the questionnaire, and `cohort` has many commands. Reading them takes as long as all
    of `status`, so both are only built when they are asked for.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """`new`, then the commands of this module, then `cohort`."""
        return ["new", *(name for name in super().list_commands(ctx) if name not in ("new", "cohort")), "cohort"]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One command by its name; None where there is none."""
        if cmd_name not in self.commands:
            self._build(cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that was named. A name that nobody has is compared with all there are."""
        if args and self.get_command(ctx, args[0]) is None:
            self._build("new")
            self._build("cohort")
        return super().resolve_command(ctx, args)

    def _build(self, name: str) -> None:
        if name == "new":
            from shipfolio.new_command import command

            self.commands[name] = command()
        elif name == "cohort":
            from shipfolio.cohort.commands import app as cohort

            self.commands[name] = get_command(cohort)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, EOFError, typer.Abort):
            raise _exit(ctx, Interrupted("interrupted; nothing was left behind")) from None
        except ShipfolioError as error:
            raise _exit(ctx, error) from error
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise _exit(ctx, ShipfolioError(f"{error}", "run again with --debug for the details")) from error


app = typer.Typer(
    cls=Door,
    help="Generate AI portfolio projects that run, explain themselves and stay current.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"shipfolio {shipfolio.__version__}")
        raise typer.Exit


TemplateName = Annotated[str | None, typer.Argument(metavar="[NAME]", help="A template.", show_default=False)]


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Generate AI portfolio projects that run, explain themselves and stay current."""


@app.command("templates")
def templates(name: TemplateName = None, as_json: Json = False, debug: Debug = False) -> None:
    """List the templates, or the questions of one."""
    from shipfolio import report
    from shipfolio.answers import known_template
    from shipfolio.questions import current

    report.templates(Console(as_json=as_json), current(), known_template(current(), name) if name else None)


@app.command("schema")
def schema(name: TemplateName = None, debug: Debug = False) -> None:
    """Print a JSON Schema: of the answers, of one template's, or of a cohort's file (NAME: cohort)."""
    if name == "cohort":
        from shipfolio.cohort.specification import Specification

        return Console(as_json=True).document(Specification.model_json_schema())
    from shipfolio.answers import known_template
    from shipfolio.questions import current
    from shipfolio.schema import json_schema

    Console(as_json=True).document(json_schema(current(), known_template(current(), name) if name else None))


app.command("status")(status)
app.command("update")(update)
app.command("check")(check)


def main() -> None:
    """The console script."""
    try:
        app(prog_name="shipfolio")
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(1) from None


def _exit(ctx: typer.Context, error: ShipfolioError) -> typer.Exit:
    Console().error(error.message, error.remedy)
    if ctx.find_root().meta.get("debug"):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    return typer.Exit(error.exit_code)
