"""The tools of the products beside research, in a real browser: each does its work on the samples, and can be read."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .saas_browser import PATIENCE_MS, ask, opened, root_of, sign_up
from .served_project import Project, Service, install, serve
from .watched_browser import Watch, accessibility_violations, look, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]


def legal(page: Page, root: str) -> Iterator[str]:
    """A clause is found, two contracts are compared, risks are listed; advice it is not."""
    page.goto(f"{root}/tools/clauses")
    page.get_by_label("What should the clause speak about?").fill("Notice before the contract renews")
    page.get_by_role("button", name="Find clauses").click()
    expect(page.locator(".tool-result blockquote").first).to_be_visible()
    yield "clauses"
    page.goto(f"{root}/tools/comparison")
    page.get_by_label("The older contract, or yours").select_option(index=1)
    page.get_by_label("The newer one, or theirs").select_option(index=2)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".tool-result ins, .tool-result del").first).to_be_visible()
    yield "comparison"
    page.goto(f"{root}/tools/risks")
    page.get_by_label("Contract", exact=True).select_option(index=1)
    page.get_by_role("button", name="List the risks").click()
    expect(page.locator(".tool-result")).to_contain_text("rules read")
    yield "risks"
    ask(page, "How long is the notice period?")
    expect(page.get_by_text("not legal advice").first).to_be_visible()
    yield "answer"


def devtools(page: Page, root: str) -> Iterator[str]:
    """Code is found by what it does, and a repository's structure is told with its proofs."""
    page.goto(f"{root}/tools/code-search")
    page.get_by_label("What should the code do?").fill("Retry with a growing pause")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".tool-result blockquote").first).to_be_visible()
    yield "search"
    page.goto(f"{root}/tools/architecture")
    page.get_by_label("Repository", exact=True).select_option(index=1)
    page.get_by_role("button", name="Explain").click()
    page.locator(".tool-result summary").first.click()
    expect(page.locator(".tool-result blockquote").first).to_be_visible()
    yield "architecture"


def support(page: Page, root: str) -> Iterator[str]:
    """A ticket gets a suggestion with its sources, which a person sends."""
    page.goto(f"{root}/tools/inbox")
    page.get_by_label("Subject").fill("Invoice by post")
    page.get_by_label("Message").fill("How can I change the address on my invoices?")
    page.get_by_role("button", name="Suggest a reply").click()
    expect(page.locator(".tool-result")).to_contain_text("confidence")
    yield "ticket"
    page.get_by_label("Reply: read and change it before you send it").fill("Under Settings, Billing.")
    page.get_by_role("button", name="Mark as sent").click()
    expect(page.locator(".tool-result")).to_contain_text("Under Settings, Billing.")
    yield "sent"


@pytest.fixture(scope="module", params=[legal, devtools, support], ids=lambda use: use.__name__)
def use(request: pytest.FixtureRequest) -> Callable[[Page, str], Iterator[str]]:
    """Uses each tool of a product, and stops after each result."""
    return request.param


@pytest.fixture(scope="module")
def project(use, rendered: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = rendered("ai-saas", product=use.__name__)
    return install(made, tmp_path_factory.mktemp("installed") / use.__name__)


@pytest.fixture(scope="module")
def service(project: Project) -> Iterator[Service]:
    with serve(project) as running:
        yield running


def test_every_tool_works_on_the_samples_and_can_be_read(
    use, project: Project, service: Service, browser: Browser, pictures: Path
) -> None:
    watch = Watch(service.origin)
    with browser.new_context(viewport={"width": 1280, "height": 900}, base_url=service.origin) as context:
        page = opened(context, watch, "/")
        sign_up(page, project, "per@example.com", "City Lab")
        page.get_by_role("button", name="Try it with our sample documents").click()
        expect(page.get_by_text("being read", exact=True)).to_have_count(0, timeout=PATIENCE_MS)
        expect(page.get_by_role("row").get_by_text("Ready")).not_to_have_count(0, timeout=PATIENCE_MS)
        for result in use(page, root_of(page)):
            require_readable(page, pictures, result)
    watch.require_calm()


def require_readable(page: Page, pictures: Path, result: str) -> None:
    """Nothing sticks out and axe finds nothing, in light on a wide screen and in dark on a narrow one."""
    for scheme, width in (("light", 1280), ("dark", 360)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        look(page, pictures, f"saas-tool-{result}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, result
        assert accessibility_violations(page) == [], result
    page.set_viewport_size({"width": 1280, "height": 900})
