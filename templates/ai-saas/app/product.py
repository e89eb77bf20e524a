"""What this project adds to the shared rooms: nothing yet but a demo of the rooms themselves."""

import typer
from fastapi import FastAPI

from app.about import ABOUT
from app.bootstrap import Platform, open_platform
from app.settings import load_settings

HOME = "home.html"
OFFLINE_MODEL = "app.llm.offline:offline_model"  # what answers without a key
OFFLINE_WORDS = "sentences copied by an extractive model, found by word and spelling alone"
SUITES: tuple[str, ...] = ()


def mount(app: FastAPI, platform: Platform) -> None:
    """Add this project's calls to the application: none in this version."""


def add_commands(cli: typer.Typer) -> None:
    """Add this project's commands to `app`."""
    cli.command()(demo)


def demo() -> None:
    """Open every shared room once and say what answered."""
    with open_platform(load_settings()) as platform:
        platform.catalog.ping()
        platform.index.ping()
        print(f"{ABOUT.name}: database and search index answer, model {platform.model.model_name!r} is ready.")
        print("This version has the shared rooms only: `make serve`, then /healthz, /readyz, /metrics.")
