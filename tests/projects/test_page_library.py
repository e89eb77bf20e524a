"""The documents on the page at `/` in a real browser: adding, watching, searching in, reading and deleting them."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from .served_project import Project
from .watched_browser import Watch, accessibility_violations, ask, needs_chromium, upload

pytestmark = [pytest.mark.browser, needs_chromium]

TEA = b"# Tea\n\nTea is served at four in the garden.\n"


@pytest.fixture
def tidy(page: Page) -> Iterator[Page]:
    """The page; documents that a test adds under `teahouse` are deleted after it."""
    yield page
    page.unroute_all()
    page.evaluate("""async () => {
      const { call } = await import("/static/service.js");
      const known = await (await call("/v1/documents")).json();
      for (const { id, name } of known) {
        if (name.startsWith("teahouse/")) await call(`/v1/documents/${id}`, { method: "DELETE" });
      }
    }""")


def add(page: Page, name: str, content: bytes = TEA) -> None:
    """Add a document to the folder `teahouse` and wait until it is ready."""
    page.get_by_label("Folder", exact=True).fill("teahouse")
    upload(page, name, content)
    expect(page.locator("#uploads li").filter(has_text=f"teahouse/{name}")).to_contain_text("ready")


def test_each_file_shows_how_far_it_is(tidy: Page) -> None:
    states = iter(["queued", "processing", "processing"])

    def slowly(route: Route) -> None:
        answer = route.fetch()
        state = next(states, None)
        told = answer.json() | ({"status": state} if state else {})
        route.fulfill(status=200, json=told)

    tidy.route("**/v1/documents/*", slowly)
    tidy.evaluate("""() => {
      window.stages = new Set();
      new MutationObserver(() => {
        for (const line of document.querySelectorAll("#uploads li")) stages.add(line.innerText.replace("\\n", " "));
      }).observe(document.getElementById("uploads"), {childList: true, subtree: true, characterData: true});
    }""")
    add(tidy, "slow.md", b"# Slow\n\nSlow tea takes its time.\n")
    stages = " / ".join(tidy.evaluate("[...stages]"))
    for stage in ("waiting for its turn", "being read", "ready, 1 passage"):
        assert stage in stages
    expect(tidy.locator("#uploads progress")).to_be_hidden()


def test_of_several_files_the_bad_ones_say_why_and_the_good_ones_are_read(tidy: Page) -> None:
    tidy.get_by_label("Folder", exact=True).fill("teahouse")
    tidy.get_by_label("Add documents").set_input_files(
        [
            {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": b"this is no PDF"},
            {"name": "menu.md", "mimeType": "text/plain", "buffer": b"# Menu\n\nScones come with the tea.\n"},
        ]
    )
    tidy.get_by_role("button", name="Add", exact=True).click()
    bad, good = tidy.locator("#uploads li").all()
    expect(bad).to_contain_text("is not a readable PDF")
    expect(good).to_contain_text("ready, 1 passage")
    first = tidy.locator("#documents li").first
    expect(first).to_contain_text("failed")
    expect(first).to_contain_text("is not a readable PDF")
    assert accessibility_violations(tidy) == []


def test_a_file_that_the_service_does_not_take_says_so(page: Page, watch: Watch) -> None:
    upload(page, "CON:.md", TEA)
    expect(page.locator("#uploads li")).to_contain_text("is no document name")
    expect(page.locator("#uploads li")).to_have_attribute("data-outcome", "failed")
    watch.explain("422")


def test_files_can_be_dropped(tidy: Page) -> None:
    tidy.get_by_label("Folder", exact=True).fill("teahouse")
    tidy.evaluate("""() => {
      const dropped = new DataTransfer();
      dropped.items.add(new File(["# Dropped\\n\\nA cup was dropped.\\n"], "dropped.md"));
      document.getElementById("upload-form").dispatchEvent(new DragEvent("drop", {dataTransfer: dropped}));
    }""")
    expect(tidy.locator("#uploads li")).to_contain_text("ready, 1 passage")


def test_a_question_can_be_asked_in_one_folder(tidy: Page) -> None:
    add(tidy, "folder.md", b"# Tea\n\nThe samovar is filled at noon.\n")
    tidy.get_by_label("Search in").select_option("teahouse")
    with tidy.expect_request("**/v1/ask") as sent:
        ask(tidy, "When is the samovar filled?")
    assert json.loads(sent.value.post_data or "")["filters"] == {"folder": "teahouse"}
    expect(tidy.locator(".turn")).to_contain_text("Searched in teahouse/ only.")
    expect(tidy.locator(".answer-text")).to_contain_text("filled at noon")

    tidy.get_by_label("Search in").select_option("hr")
    ask(tidy, "At what time is the samovar filled?")
    expect(tidy.locator(".turn").last).not_to_contain_text("filled at noon")


def test_a_citation_is_shown_in_its_document(page: Page, rag_project: Project) -> None:
    ask(page, "How long is my parcel kept in a cold bank?")
    page.locator(".citation").first.click()
    quote = page.locator("blockquote").first.inner_text()
    page.get_by_role("button", name="Show it in the document").first.click()
    reader = page.get_by_role("dialog", name="customers/pickup-faq.md")
    expect(reader.locator("mark")).to_have_text(quote)
    expect(reader.locator("mark")).to_be_in_viewport()
    expect(reader.get_by_role("heading", name="Do you sell my data?")).to_be_visible()  # the rest of it is there too
    document = (rag_project.folder / "samples/customers/pickup-faq.md").read_text("utf-8")
    for passage in reader.locator(".reader-text p").all_inner_texts():
        assert passage in document
    reader.get_by_role("button", name="Close").click()
    expect(reader).to_be_hidden()


def test_a_document_of_the_list_can_be_read(page: Page) -> None:
    page.get_by_role("button", name="leave-policy.md", exact=True).click()
    expect(page.get_by_role("dialog", name="hr/leave-policy.md")).to_contain_text("Up to five unused days")


def test_a_document_is_deleted_only_after_a_confirmation(tidy: Page) -> None:
    add(tidy, "gone.md", b"# Gone\n\nThe last cup is gone.\n")
    row = tidy.locator("#documents li").filter(has_text="gone.md")
    row.get_by_role("button", name="Delete teahouse/gone.md").click()
    tidy.get_by_role("button", name="Keep it").click()
    expect(row).to_be_visible()

    row.get_by_role("button", name="Delete teahouse/gone.md").click()
    question = tidy.get_by_role("dialog", name="Delete this document?")
    expect(question).to_contain_text("teahouse/gone.md")
    assert accessibility_violations(tidy) == []
    question.get_by_role("button", name="Delete", exact=True).click()
    expect(row).to_have_count(0)
    expect(tidy.locator("#library-summary")).to_have_text("teahouse/gone.md is deleted.")
