"""What the page must never let through: foreign markup and scripts, the key, files beside its own."""

import re

import pytest
from playwright.sync_api import Page, expect

from .served_project import Service
from .watched_browser import Watch, ask, needs_chromium, upload

pytestmark = [pytest.mark.browser, needs_chromium]

HOSTILE_NAME = "<img src=x onerror=hacked=1>.md"
HOSTILE_LINE = "The zeppelin tariff is 7 crowns <img src=x onerror='window.hacked=1'><script>window.hacked=1</script>."


def test_markup_in_documents_names_and_questions_stays_text(page: Page) -> None:
    upload(page, HOSTILE_NAME, f"# Tariffs <b>\n\n{HOSTILE_LINE}\n".encode())
    expect(page.locator("#uploads")).to_contain_text("ready, 1 passage")
    expect(page.locator("#documents")).to_contain_text(HOSTILE_NAME)

    ask(page, "What is the zeppelin tariff in crowns <img src=x onerror=window.hacked=1>?")
    page.locator(".citation").first.click()

    expect(page.locator("blockquote").first).to_contain_text("<img src=x onerror='window.hacked=1'><script>")
    page.get_by_role("button", name="Show it in the document").first.click()
    expect(page.locator("#reader mark")).to_contain_text("<img src=x onerror='window.hacked=1'><script>")
    assert page.locator("#reader img, #reader script, #reader b").count() == 0
    assert page.locator("main img, main script, main b").count() == 0
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize(
    "defect",
    [
        "document.body.innerHTML += '<img src=x onerror=window.hacked=1>'",
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.hacked=1'}))",
    ],
)
def test_the_policy_stops_markup_that_a_defect_would_let_in(page: Page, watch: Watch, defect: str) -> None:
    outcome = page.evaluate(f"() => {{ try {{ {defect}; return 'let in' }} catch (error) {{ return String(error) }} }}")
    assert "requires 'Trusted" in outcome
    assert page.evaluate("window.hacked") is None
    watch.explain("requires 'Trusted")


def test_the_policy_stops_calls_to_other_servers(page: Page, watch: Watch) -> None:
    page.evaluate("fetch('http://127.0.0.1:9/').catch(() => null)")
    watch.explain("Content Security Policy")
    watch.left_the_machine.clear()


def test_the_key_leaves_the_address_bar_and_goes_nowhere_else(page: Page, rag_service: Service, watch: Watch) -> None:
    assert page.url == f"{rag_service.origin}/"
    assert not any(rag_service.key in address for address in watch.addresses)
    assert rag_service.key not in page.content()
    page.reload()
    expect(page.locator("#documents li").first).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/static/../pages.py", "/static/%2e%2e/pages.py", "/static/..%2fpages.py", "/static/"]
)
def test_static_files_end_at_their_folder(rag_service: Service, path: str) -> None:
    assert rag_service.get(path).status == 404


def test_static_files_are_checked_for_changes_and_not_sniffed(rag_service: Service) -> None:
    first = rag_service.get("/static/ask.js")
    assert first.status == 200
    assert re.match("(text|application)/javascript", first.headers["content-type"])
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["cache-control"] == "no-cache"
    assert rag_service.get("/static/ask.js", {"If-None-Match": first.headers["etag"]}).status == 304
