"""Fixtures for tests that need a project at work: one RAG project, its service, one browser per session."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .cloud_schema import schemas
from .infra_terraform import LONGEST_NAME, OWN_MODEL, Module, stand_ins
from .served_project import Project, Service, install, serve
from .watched_browser import Watch, chromium


@pytest.fixture(scope="session")
def rag_project(rendered: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A RAG project in its own environment, with the sample documents read in."""
    project = install(rendered("rag-platform"), tmp_path_factory.mktemp("installed") / "rag")
    project.app("ingest", "samples")
    return project


@pytest.fixture(scope="session")
def rag_service(rag_project: Project) -> Iterator[Service]:
    """Its service. Tests may add documents of their own."""
    with serve(rag_project) as service:
        yield service


@pytest.fixture(scope="session")
def agent_project(rendered: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An agent project in its own environment."""
    return install(rendered("agent"), tmp_path_factory.mktemp("installed") / "agent")


@pytest.fixture(scope="session")
def saas_project(rendered: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A SaaS project in its own environment."""
    return install(rendered("ai-saas"), tmp_path_factory.mktemp("installed") / "saas")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless browser."""
    with chromium() as running:
        yield running


@pytest.fixture
def watch(rag_service: Service) -> Iterator[Watch]:
    """What the page does; anything unexplained fails the test at its end."""
    watching = Watch(rag_service.origin)
    yield watching
    watching.require_calm()


@pytest.fixture
def page(browser: Browser, rag_service: Service, watch: Watch) -> Iterator[Page]:
    """The page as opened by the address that `app serve` prints."""
    with browser.new_context(viewport={"width": 1200, "height": 850}) as context:
        opened = context.new_page()
        watch.attach(opened)
        opened.goto(rag_service.page)
        expect(opened.locator("#documents li").first).to_be_visible()
        yield opened


@pytest.fixture
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept."""
    return tmp_path_factory.getbasetemp() / "pictures"


@pytest.fixture(scope="session")
def provider_schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the real providers' schemas."""
    kept = os.environ.get("SHIPFOLIO_PROVIDER_SCHEMAS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("schemas")
    try:
        schemas.write(folder)
    except subprocess.CalledProcessError:
        pytest.skip(
            "INFRASTRUCTURE NOT CHECKED: the provider schemas are not here and the package index is not reached"
        )
    return folder


@pytest.fixture(scope="session")
def schema_providers(provider_schemas: Path) -> Iterator[str]:
    """TF_REATTACH_PROVIDERS for the schema-only stand-ins of every provider."""
    with stand_ins(provider_schemas) as attached:
        yield attached


@pytest.fixture(scope="session")
def prometheus_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `prometheus` and `promtool`: Debian's own, unpacked from its package without installing it."""
    installed = shutil.which("promtool")
    if installed and shutil.which("prometheus"):
        return Path(installed).parent
    folder = tmp_path_factory.mktemp("prometheus")
    folder.chmod(0o755)  # apt drops its rights and must still get in
    unpack = "apt-get download prometheus || { apt-get update && apt-get download prometheus; }; dpkg -x *.deb ."
    subprocess.run(["sh", "-ec", unpack], cwd=folder, check=True, capture_output=True)
    return folder / "usr/bin"


@pytest.fixture(scope="session")
def cloud_folder(rendered: Callable[..., Path]) -> Callable[..., Path]:
    """`cloud_folder(cloud, deploy)`: the module of a project, with the cloud's own models and another provider's."""

    def of(cloud: str, deploy: str = "serverless", template: str = "rag-platform") -> Path:
        answers = {"provider": OWN_MODEL[cloud], "fallback_provider": "openai", "project_name": LONGEST_NAME}
        return rendered(template, cloud=cloud, deploy=deploy, **answers) / "infra" / cloud

    return of


@pytest.fixture
def cloud_module(cloud_folder: Callable[..., Path], schema_providers: str, tmp_path: Path) -> Callable[..., Module]:
    """`cloud_module(cloud, deploy)`: a copy that can be broken, its state in a file, initialised."""

    def of(cloud: str, deploy: str = "serverless", template: str = "rag-platform") -> Module:
        made = Module(cloud_folder(cloud, deploy, template)).copy_to(tmp_path / cloud)
        ready = made.with_environment(TF_REATTACH_PROVIDERS=schema_providers)
        ready.keep_state_here()
        shutil.copy(ready.folder / "dev.tfvars.example", ready.folder / "dev.tfvars")
        ready.must("init", "-input=false")
        return ready

    return of
