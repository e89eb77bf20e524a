"""The command line of the service: `uv run app …`."""

import secrets
import sys
from typing import Annotated

import typer
from pydantic import SecretStr

from app import product
from app.about import ABOUT
from app.console import talk
from app.errors import AppError
from app.evals.commands import evals
from app.evals.feedback import feedback
from app.llm.commands import spending
from app.llm.factory import is_offline
from app.observability.logs import configure_logs
from app.prompts.commands import prompts
from app.settings import Settings, load_settings
from app.stores.commands import keys

LOOPBACK = ("127.0.0.1", "localhost", "::1")

cli = typer.Typer(help=ABOUT.description or ABOUT.name, no_args_is_help=True, pretty_exceptions_enable=False)
cli.add_typer(keys, name="keys")
cli.add_typer(prompts, name="prompts")
if product.SUITES:
    cli.add_typer(evals, name="eval")
cli.add_typer(feedback, name="feedback")
cli.command()(spending)
product.add_commands(cli)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (APP_API__HOST).")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on (APP_API__PORT).")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=32, help="Processes (APP_API__WORKERS).")] = None,
) -> None:
    """Run the HTTP service and its page until Ctrl-C."""
    talk.print("The service starts; the address of its page follows.")
    from app.api import server  # here, because the other commands need no web framework

    settings = load_settings()
    configure_logs(settings.log)
    options = {"host": host, "port": port, "workers": workers}
    api = settings.api.model_copy(update={name: value for name, value in options.items() if value is not None})
    settings = settings.model_copy(update={"api": api})
    if api.page_key is None and api.host in LOOPBACK:
        api.page_key = SecretStr(secrets.token_urlsafe(24))
    with server.listening(api.host, api.port) as opened:
        _announce(settings)
        server.serve(settings, opened)


def _announce(settings: Settings) -> None:
    """Say where the page is, with this run's key behind the #, which browsers do not send to any server."""
    api = settings.api
    key = f"#key={api.page_key.get_secret_value()}" if api.page_key and api.host in LOOPBACK else ""
    talk.print(f"Page: http://{api.host}:{api.port}/{key}", markup=False, highlight=False, soft_wrap=True)
    if is_offline(settings.llm):
        talk.print(f"Offline model: {product.OFFLINE_WORDS}. APP_LLM__PRIMARY changes it.", markup=False)


def main() -> None:
    """Entry point: one place that turns expected errors into a line and an exit code."""
    try:
        cli()
    except AppError as error:
        talk.print(f"Error: {error}", style="red", markup=False)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
