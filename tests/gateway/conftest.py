"""A project, the provider server, and the variables by which the providers' clients find it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway.provider_server import ProviderServer, greet, serve_providers


@pytest.fixture(scope="session", autouse=True)
def project(rendered: Callable[..., Path]) -> Path:
    """A RAG project, whose `app` the tests import."""
    folder = rendered("rag-platform")
    sys.path.insert(0, str(folder))
    return folder


@pytest.fixture(scope="module")
def running() -> Iterator[ProviderServer]:
    with serve_providers() as server:
        yield server


@pytest.fixture
def server(running: ProviderServer, monkeypatch: pytest.MonkeyPatch) -> ProviderServer:
    running.providers.clear()
    running.charged.clear()
    running.speak = greet
    for name, value in {
        "OPENAI_API_KEY": "x",
        "OPENAI_BASE_URL": f"{running.url}/openai/v1",
        "AZURE_OPENAI_ENDPOINT": f"{running.url}/azure",
        "AZURE_OPENAI_API_KEY": "x",
        "OPENAI_API_VERSION": "2025-04-01-preview",
        "OLLAMA_BASE_URL": f"{running.url}/compatible/v1",
        "ANTHROPIC_API_KEY": "x",
        "ANTHROPIC_BASE_URL": f"{running.url}/anthropic",
        "GOOGLE_API_KEY": "x",
        "GOOGLE_GEMINI_BASE_URL": f"{running.url}/gemini",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"{running.url}/bedrock",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    return running
