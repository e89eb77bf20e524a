"""Fixtures that open the real services on an empty folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.api.application import create_app
from app.bootstrap import Platform, open_platform
from app.settings import APISettings, Settings, StoreSettings

KEY = "test-key"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting or provider key of the machine reaches a test."""
    for name in os.environ:
        if name.startswith(("APP_", "OTEL_")) or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def default_logs() -> Iterator[None]:
    """What a command under test does to the log ends with the test."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The defaults, with a database in a folder of the test's own."""
    return Settings(
        store=StoreSettings(url=f"sqlite:///{tmp_path}/app.db"),
        api=APISettings.model_validate({"page_key": SecretStr(KEY), "max_body_bytes": 50_000}),
    )


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    """The shared services, open."""
    with open_platform(settings) as opened:
        yield opened


@pytest.fixture
def app(platform: Platform) -> FastAPI:
    """The service."""
    return create_app(platform)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """The service, and a caller with a key."""
    with TestClient(app, headers={"Authorization": f"Bearer {KEY}"}) as caller:
        yield caller


@pytest.fixture
def anonymous(app: FastAPI) -> Iterator[TestClient]:
    """The service, and a caller without a key; defects answer 500 instead of raising."""
    with TestClient(app, raise_server_exceptions=False) as caller:
        yield caller
