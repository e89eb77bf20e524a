"""The page at `/` in a real browser: ask, follow up, watch the answer grow, click a citation, be refused, judge.

    pytest -m browser tests/projects --basetemp=/tmp/page

keeps screenshots in /tmp/page/pictures.
"""

import json
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from .served_project import Project, Service
from .watched_browser import Watch, accessibility_violations, ask, look, needs_chromium, tab_to

pytestmark = [pytest.mark.browser, needs_chromium]

QUESTION = "How long is my parcel kept in a cold bank?"
UNANSWERABLE = "What was the company's revenue in the last business year?"
NOTE_STATES = """() => {
  window.states = [];
  const note = () => states.push([document.querySelectorAll(".answer-text p").length,
                                  document.querySelectorAll(".citation").length]);
  new MutationObserver(note).observe(document.getElementById("turns"), {childList: true, subtree: true});
}"""
SPLIT_EVERYWHERE = """async () => {
  const { readEvents } = await import("/static/events.js");
  const text = ": hello\\r\\n\\r\\nevent: delta\\r\\ndata: {\\"text\\": \\"Zürich: 7 €\\"}\\r\\n\\r\\n" +
    "data:one\\ndata: two\\n\\nevent: answer\\rdata: 3\\r\\r\\nevent: cut\\ndata: off";
  const bytes = new TextEncoder().encode(text);
  const outcomes = new Set();
  for (let size = 1; size <= bytes.length; size++) {
    const stream = new ReadableStream({ start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    }});
    const events = [];
    for await (const event of readEvents(stream)) events.push(event);
    outcomes.add(JSON.stringify(events));
  }
  return [...outcomes].map((outcome) => JSON.parse(outcome));
}"""


def test_a_citation_opens_words_that_stand_in_the_document(page: Page, rag_project: Project) -> None:
    ask(page, QUESTION)
    expect(page.locator(".answer-text")).to_contain_text("24 hours in a cold bank")
    expect(page.locator("blockquote").first).to_be_hidden()

    page.get_by_role("button", name="Source 1: customers/pickup-faq.md").click()

    quote = page.locator("blockquote").first
    expect(quote).to_be_visible()
    expect(page.locator(".citation").first).to_have_attribute("aria-expanded", "true")
    document = (rag_project.folder / "samples/customers/pickup-faq.md").read_text("utf-8")
    assert quote.inner_text() in document


def test_every_citation_of_an_answer_has_its_passage(page: Page) -> None:
    ask(page, QUESTION)
    for citation in page.locator(".citation").all():
        citation.click()
        expect(page.locator(f"#{citation.get_attribute('aria-controls')} blockquote")).to_be_visible()
    assert page.locator("details[name=source][open]").count() == 1


def test_the_answer_is_shown_while_it_grows(page: Page) -> None:
    page.evaluate(NOTE_STATES)
    ask(page, QUESTION)
    states = page.evaluate("states")
    assert any(paragraphs and not citations for paragraphs, citations in states), states
    assert states[-1][1] > 0


def test_events_are_read_wherever_the_network_cuts_them(page: Page) -> None:
    assert page.evaluate(SPLIT_EVERYWHERE) == [
        [
            {"name": "delta", "data": '{"text": "Zürich: 7 €"}'},
            {"name": "message", "data": "one\ntwo"},
            {"name": "answer", "data": "3"},
        ]
    ]


@pytest.mark.parametrize("example", range(3))
def test_the_suggested_questions_are_answered(page: Page, example: int) -> None:
    page.locator(".example").nth(example).click()
    expect(page.locator(".citation").first).to_be_visible()
    expect(page.get_by_text("Offline model: sentences copied from your documents, none generated")).to_be_visible()


def test_an_unanswerable_question_is_refused(page: Page, pictures: Path) -> None:
    ask(page, UNANSWERABLE)
    expect(page.get_by_text("Not answered", exact=True)).to_be_visible()
    expect(page.locator(".answer-text")).to_contain_text("I don't know")
    assert page.locator(".citation").count() == 0
    look(page, pictures, "refusal")


def test_a_judgement_reaches_the_service_once(page: Page) -> None:
    ask(page, QUESTION)
    with page.expect_response("**/v1/feedback") as sent:
        page.get_by_role("button", name="Helpful", exact=True).click()
    assert sent.value.status == 204
    assert json.loads(sent.value.request.post_data or "")["rating"] == 1
    expect(page.get_by_text("Thank you")).to_be_visible()
    expect(page.get_by_role("button", name="Helpful", exact=True)).to_have_attribute("aria-pressed", "true")


def test_a_comment_follows_the_thumb(page: Page) -> None:
    ask(page, QUESTION)
    page.get_by_role("button", name="Not helpful").click()
    page.get_by_label("What was missing or wrong?").fill("The hours of Sunday are missing.")
    with page.expect_response("**/v1/feedback") as sent:
        page.get_by_role("button", name="Send").click()
    assert sent.value.status == 204
    said = json.loads(sent.value.request.post_data or "")
    assert (said["rating"], said["comment"]) == (-1, "The hours of Sunday are missing.")
    expect(page.get_by_text("Thank you for the comment.")).to_be_visible()


def ask_and_hear(page: Page, stream: str) -> None:
    """Ask, while the service answers with this stream."""
    page.route("**/v1/ask", lambda route: route.fulfill(content_type="text/event-stream", body=stream))
    page.get_by_label("Question").fill(QUESTION)
    page.keyboard.press("Enter")


def test_a_failed_model_is_told_instead_of_half_an_answer(page: Page) -> None:
    told = 'event: error\ndata: {"detail": "The model did not answer."}\n\n'
    ask_and_hear(page, f'event: delta\ndata: {{"text": "Half"}}\n\n{told}')
    expect(page.get_by_role("alert").filter(has_text="The model did not answer.")).to_be_visible()
    expect(page.locator(".turn")).not_to_contain_text("Half")


def test_a_connection_that_ends_early_is_told(page: Page) -> None:
    ask_and_hear(page, 'event: delta\ndata: {"text": "Half"}\n\nevent: answer\ndata: {"ans')
    expect(page.get_by_role("alert").filter(has_text="ended before")).to_be_visible()


def test_a_long_answer_can_be_stopped(page: Page) -> None:
    page.route("**/v1/ask", lambda route: None)  # an answer that never comes
    page.get_by_label("Question").fill(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert").filter(has_text="You stopped this answer.")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_a_question_follows_up_the_one_before(page: Page) -> None:
    ask(page, QUESTION)
    with page.expect_request("**/v1/ask") as first:
        ask(page, "And how long in an ordinary one?")
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").last).to_contain_text("Understood as: And how long in an ordinary one?")
    with page.expect_request("**/v1/ask") as second:
        ask(page, "And at a shop counter?")
    assert conversation(first.value) == conversation(second.value)


def test_a_conversation_outlives_a_reload_until_a_new_one_begins(page: Page) -> None:
    with page.expect_request("**/v1/ask") as before:
        ask(page, QUESTION)
    page.reload()
    expect(page.locator(".turn")).to_contain_text("24 hours in a cold bank")
    expect(page.locator(".turn")).to_contain_text("Answered before this page was loaded")

    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#welcome")).to_be_visible()
    with page.expect_request("**/v1/ask") as after:
        ask(page, QUESTION)
    assert conversation(before.value) != conversation(after.value)


def conversation(request: Request) -> str:
    """The name of the conversation that a question belongs to."""
    return json.loads(request.post_data or "")["conversation_id"]


def test_without_a_key_the_page_asks_for_one(browser: Browser, rag_service: Service, watch: Watch) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        watch.attach(page)
        page.goto(rag_service.origin)
        expect(page.get_by_label("Key", exact=True)).to_be_focused()
        expect(page.locator("#key")).to_contain_text("uv run app keys create me")
        assert accessibility_violations(page) == []

        page.keyboard.type("app_wrong\n")
        expect(page.get_by_role("alert")).to_contain_text("does not accept this key")
        watch.explain("401")
        page.keyboard.type(f"{rag_service.key}\n")
        expect(page.locator("#documents li").first).to_be_visible()
        expect(page.locator("#key")).to_be_hidden()


def test_a_key_that_is_refused_later_brings_the_field_back(page: Page, rag_service: Service, watch: Watch) -> None:
    page.evaluate("sessionStorage.setItem('key', 'app_of_yesterday')")
    page.get_by_label("Question").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    assert page.get_by_label("Question").input_value() == QUESTION
    watch.explain("401")
    page.goto(rag_service.page)
    expect(page.locator("#key")).to_be_hidden()


def test_everything_works_with_the_keyboard_alone(page: Page) -> None:
    expect(page.get_by_label("Question")).to_be_focused()
    page.keyboard.type(f"{QUESTION}\n")
    expect(page.get_by_role("button", name="Not helpful")).to_be_visible()

    tab_to(page, "#source-1-1 summary", "Shift+Tab")
    tab_to(page, ".citation", "Shift+Tab")
    source = page.locator(f"#{page.locator(':focus').get_attribute('aria-controls')}")
    page.keyboard.press("Enter")
    expect(source.locator("summary")).to_be_focused()
    tab_to(page, "[data-part=read]")
    page.keyboard.press("Enter")
    expect(page.locator("#reader mark")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(source.locator("[data-part=read]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(source.locator("blockquote")).to_be_hidden()
    assert page.evaluate("document.activeElement.matches('.citation')")

    tab_to(page, "[data-rating='-1']")
    page.keyboard.press("Space")
    expect(page.get_by_text("Thank you")).to_be_visible()
    tab_to(page, "#folder")
    tab_to(page, "#file")


@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_every_light_and_width(
    page: Page, scheme: Literal["light", "dark"], width: int, pictures: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    look(page, pictures, f"start-{scheme}-{width}")
    assert accessibility_violations(page) == []

    ask(page, QUESTION)
    page.locator(".citation").first.click()
    look(page, pictures, f"citation-{scheme}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert accessibility_violations(page) == []

    page.get_by_role("button", name="Show it in the document").first.click()
    expect(page.locator("#reader mark")).to_be_in_viewport()
    look(page, pictures, f"document-{scheme}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert accessibility_violations(page) == []
