"""The SaaS in a real browser: sign-up, proof, upload, question, quota, upgrade, invoice; every page in light and dark.

    pytest -m browser tests/projects/test_saas_page.py --basetemp=/tmp/page

keeps screenshots in /tmp/page/pictures.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from .saas_browser import PATIENCE_MS, ask, opened, root_of, sign_up, upload
from .served_project import Project, Service, serve
from .watched_browser import Watch, accessibility_violations, look, needs_chromium, tab_to

pytestmark = [pytest.mark.browser, needs_chromium]

DOCUMENT = b"# Lighthouse\n\n## Lamp\n\nThe lamp of the Skerry lighthouse turns once in twelve seconds.\n"
QUESTION = "In how many seconds does the lamp of the Skerry lighthouse turn once?"
FREE_QUESTIONS = 50


@dataclass(frozen=True)
class Tenant:
    """Somebody who is logged in, and their organisation."""

    state: StorageState
    root: str


@pytest.fixture(scope="module")
def saas_service(saas_project: Project) -> Iterator[Service]:
    """Its service; organisations of one test are there for the next, and see nothing of each other."""
    with serve(saas_project, APP_OPERATORS='["mina@example.com"]') as service:
        yield service


@pytest.fixture
def watch(saas_service: Service) -> Iterator[Watch]:
    """What the pages do; anything unexplained fails the test at its end."""
    watching = Watch(saas_service.origin)
    yield watching
    watching.require_calm()


@pytest.fixture
def page(browser: Browser, saas_service: Service, watch: Watch) -> Iterator[Page]:
    """A stranger's browser at the landing page."""
    with browser.new_context(viewport={"width": 1280, "height": 900}, base_url=saas_service.origin) as context:
        yield opened(context, watch, "/")


@pytest.fixture(scope="module")
def tenant(browser: Browser, saas_project: Project, saas_service: Service) -> Tenant:
    """An organisation with one document and one conversation."""
    with browser.new_context(base_url=saas_service.origin) as context:
        page = context.new_page()
        sign_up(page, saas_project, "mina@example.com", "Skerry Trust")
        upload(page, "lighthouse.md", DOCUMENT)
        ask(page, QUESTION)
        return Tenant(context.storage_state(), root_of(page))


@pytest.fixture
def inside(browser: Browser, saas_service: Service, tenant: Tenant, watch: Watch) -> Iterator[Page]:
    """The tenant's browser at the first page of their organisation."""
    viewport = {"width": 1280, "height": 900}
    with browser.new_context(viewport=viewport, base_url=saas_service.origin, storage_state=tenant.state) as context:
        yield opened(context, watch, tenant.root)


def use_up(page: Page, questions: int) -> None:
    """Ask by the API, in the name of who is logged in."""
    organisation = page.locator("body").get_attribute("data-organisation")
    headers = {"X-CSRF-Token": page.locator("body").get_attribute("data-csrf") or ""}
    for _ in range(questions):
        path = f"/v1/organisations/{organisation}/ask"
        answer = page.request.post(path, headers=headers, data={"question": QUESTION})
        assert answer.status == 200, answer.text()


def test_from_sign_up_to_the_invoice(page: Page, saas_project: Project, watch: Watch, pictures: Path) -> None:
    look(page, pictures, "saas-landing")
    sign_up(page, saas_project, "ola@example.com", "Harbour Office")
    look(page, pictures, "saas-begin")
    upload(page, "lighthouse.md", DOCUMENT)
    look(page, pictures, "saas-documents")

    ask(page, QUESTION)
    expect(page.locator(".turn .text")).to_contain_text("turns once in twelve seconds")
    expect(page.locator(".quota")).to_contain_text("1 of 50")  # without loading the page again
    page.get_by_role("button", name="Source 1: lighthouse.md").click()
    quote = page.locator(".sources blockquote").first
    expect(quote).to_be_visible()
    assert quote.inner_text() in DOCUMENT.decode()
    look(page, pictures, "saas-answer")

    use_up(page, FREE_QUESTIONS - 1)
    page.reload()
    expect(page.get_by_text("This month's questions are used up.")).to_be_visible()
    page.get_by_role("textbox", name="Question").fill("And how tall is it?")
    page.keyboard.press("Enter")
    problem = page.locator(".turn").last.get_by_role("alert")
    expect(problem).to_contain_text("The plan Free allows 50 questions a month.")
    expect(page.get_by_role("textbox", name="Question")).to_have_value("And how tall is it?")
    look(page, pictures, "saas-quota")
    watch.explain("402")

    problem.get_by_role("link", name="See the plans").click()
    page.get_by_role("button", name="Upgrade to Team").click()
    expect(page.get_by_text("The plan is changed.")).to_be_visible()
    look(page, pictures, "saas-billing")
    ask(page, QUESTION)

    page.goto(f"{root_of(page)}/billing")
    page.get_by_role("link", name="Invoice of this month").click()
    expect(page.get_by_role("rowheader", name="Plan Team")).to_be_visible()
    expect(page.locator("#invoice-total")).to_contain_text("$")
    look(page, pictures, "saas-invoice")


def test_a_conversation_is_kept_shared_and_taken_back(inside: Page, browser: Browser, saas_service: Service) -> None:
    inside.get_by_role("link", name="History").click()
    inside.get_by_role("link", name=QUESTION).click()
    expect(inside.locator(".turn .text")).to_contain_text("turns once in twelve seconds")
    inside.get_by_role("button", name="Share").click()
    address = re.sub(r"^https?://[^/]+", saas_service.origin, inside.locator(".secret code").inner_text())

    with browser.new_context() as stranger:
        reader = stranger.new_page()
        reader.goto(address)
        expect(reader.get_by_role("heading", name=QUESTION).first).to_be_visible()
        expect(reader.locator(".turn .text")).to_contain_text("turns once in twelve seconds")
        assert accessibility_violations(reader) == []
        inside.get_by_role("button", name="Take back").click()
        expect(inside.get_by_text("The link shows nothing any more.")).to_be_visible()
        answer = reader.goto(address)
        assert answer
        assert answer.status == 404


def test_a_citation_leads_to_its_place_in_the_document(inside: Page, tenant: Tenant) -> None:
    ask(inside, QUESTION)
    inside.get_by_role("button", name="Source 1: lighthouse.md").click()
    inside.get_by_role("link", name="Show it in the document").first.click()
    expect(inside.locator("#cited")).to_be_in_viewport()
    expect(inside.locator("#cited")).to_contain_text("twelve seconds")


def test_a_judgement_reaches_the_service(inside: Page) -> None:
    ask(inside, QUESTION)
    with inside.expect_response("**/feedback") as sent:
        inside.get_by_role("button", name="Not helpful").click()
    assert sent.value.status == 204
    expect(inside.get_by_text("Thank you.")).to_be_visible()
    expect(inside.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")


def test_what_the_documents_do_not_say_is_not_answered(inside: Page) -> None:
    ask(inside, "What was the company's revenue in the last business year?")
    expect(inside.get_by_text("Not in your documents")).to_be_visible()
    assert inside.locator(".citation").count() == 0


def test_a_document_that_cannot_be_read_says_why(inside: Page, tenant: Tenant) -> None:
    inside.goto(f"{tenant.root}/documents")
    broken = {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 no pdf at all"}
    inside.get_by_label("Add documents").set_input_files(broken)
    inside.get_by_role("button", name="Upload").click()
    row = inside.get_by_role("row", name="broken.pdf")
    expect(row.get_by_text("Failed")).to_be_visible(timeout=PATIENCE_MS)
    row.get_by_role("button", name="Delete").click()
    inside.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(inside.get_by_text("Deleted.")).to_be_visible()
    expect(inside.get_by_role("row", name="broken.pdf")).to_have_count(0)


def test_markup_in_names_and_questions_stays_text(inside: Page, tenant: Tenant) -> None:
    evil = "<img src=x onerror=window.hacked=1><b>bold</b>"
    inside.goto(f"{tenant.root}/settings")
    inside.get_by_label("Your name").fill(evil)
    inside.get_by_role("button", name="Save").first.click()
    expect(inside.get_by_text("Saved.")).to_be_visible()
    ask(inside, evil)
    expect(inside.get_by_role("heading", name=evil).last).to_be_visible()
    inside.goto(f"{tenant.root}/members")
    expect(inside.get_by_text(evil)).to_be_visible()
    assert inside.evaluate("window.hacked") is None


def test_the_way_to_an_answer_works_with_the_keyboard_alone(inside: Page, tenant: Tenant) -> None:
    inside.keyboard.press("Tab")
    assert inside.evaluate("document.activeElement.className") == "skip"
    tab_to(inside, "nav a[href$='/ask']", limit=20)
    inside.keyboard.press("Enter")
    expect(inside.get_by_role("textbox", name="Question")).to_be_focused()
    inside.keyboard.type(f"{QUESTION}\n")
    expect(inside.locator(".turn [data-part=foot]")).to_be_visible(timeout=PATIENCE_MS)
    tab_to(inside, ".citation", "Shift+Tab")
    inside.keyboard.press("Enter")
    expect(inside.locator(".sources blockquote").first).to_be_visible()
    inside.keyboard.press("Escape")
    expect(inside.locator(".sources blockquote").first).to_be_hidden()
    assert inside.evaluate("document.activeElement.matches('.citation')")


def test_a_tool_of_the_product_works_on_the_samples(page: Page, saas_project: Project, pictures: Path) -> None:
    sign_up(page, saas_project, "per@example.com", "City Lab")
    page.get_by_role("button", name="Try it with our sample documents").click()
    expect(page.get_by_text("The sample documents are being read.")).to_be_visible()
    expect(page.get_by_text("being read", exact=True)).to_have_count(0, timeout=PATIENCE_MS)
    expect(page.get_by_role("row").get_by_text("Ready")).not_to_have_count(0, timeout=PATIENCE_MS)
    page.get_by_role("navigation", name="Workspace").get_by_role("link", name="Summary").click()
    page.get_by_label("Topic").fill("street trees and air temperature")
    page.get_by_role("button", name="Summarise").click()
    expect(page.locator(".tool-result blockquote").first).to_be_visible(timeout=PATIENCE_MS)
    look(page, pictures, "saas-tool")
    assert accessibility_violations(page) == []


def test_a_feature_is_switched_off_and_on_by_who_runs_the_service(inside: Page, tenant: Tenant) -> None:
    inside.goto(f"/admin/organisations/{tenant.root[3:]}")
    inside.get_by_role("button", name="Tools: Switch off").click()
    expect(inside.get_by_text("The feature is switched.")).to_be_visible()
    inside.goto(tenant.root)
    navigation = inside.get_by_role("navigation", name="Workspace")
    expect(navigation.get_by_role("link", name="Summary")).to_have_count(0)
    inside.goto(f"/admin/organisations/{tenant.root[3:]}")
    inside.get_by_role("button", name="Tools: As for everybody").click()
    inside.goto(tenant.root)
    expect(navigation.get_by_role("link", name="Summary")).to_be_visible()


def test_an_unknown_address_is_a_page(page: Page, watch: Watch) -> None:
    page.goto("/nothing")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    watch.explain("404")


def test_the_navigation_opens_behind_a_button_where_there_is_no_room(inside: Page) -> None:
    inside.set_viewport_size({"width": 360, "height": 740})
    link = inside.get_by_role("navigation", name="Workspace").get_by_role("link", name="Members")
    expect(link).to_be_hidden()
    inside.get_by_role("button", name="Menu").click()
    link.click()
    expect(inside.get_by_role("heading", name="Members", level=1)).to_be_visible()


PUBLIC = ["", "pricing", "signup", "login", "forgotten"]
PRIVATE = ["", "documents", "ask", "history", "members", "feedback", "keys", "audit", "settings", "billing"]
TOOLS = ["tools/search", "tools/summary"]  # of the research assistant


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_public_pages_can_be_read_in_every_light_and_width(
    page: Page, scheme: Literal["light", "dark"], width: int, pictures: Path
) -> None:
    read_all(page, [f"/{name}" for name in PUBLIC], scheme, width, pictures)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_an_organisation_can_be_read_in_every_light_and_width(
    inside: Page, tenant: Tenant, scheme: Literal["light", "dark"], width: int, pictures: Path
) -> None:
    own = [f"{tenant.root}/{name}".rstrip("/") for name in PRIVATE + TOOLS]
    operators = ["/admin", f"/admin/organisations/{tenant.root[3:]}"]
    read_all(inside, own + operators, scheme, width, pictures)


def read_all(page: Page, paths: list[str], scheme: Literal["light", "dark"], width: int, pictures: Path) -> None:
    """Open each page; nothing sticks out, axe finds nothing."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    for path in paths:
        page.goto(path)
        name = re.sub(r"^/o/\w+", "org", path).strip("/").replace("/", "-") or "home"
        look(page, pictures, f"saas-{name}-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert accessibility_violations(page) == [], path
