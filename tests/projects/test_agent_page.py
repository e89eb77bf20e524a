"""The agent's page in a real browser: a goal, its plan and steps live, an approval, the report, runs and memory.

    pytest -m browser tests/projects/test_agent_page.py --basetemp=/tmp/page

keeps screenshots in /tmp/page/pictures.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .served_project import Project, Service, serve
from .watched_browser import Watch, accessibility_violations, look, needs_chromium, tab_to

pytestmark = [pytest.mark.browser, needs_chromium]

PATIENCE_MS = 30_000
QUICK_GOAL = "Calculate 17 * 23."


@pytest.fixture(scope="module")
def agent_service(agent_project: Project) -> Iterator[Service]:
    """Its service; runs and memories of one test are seen by the next."""
    with serve(agent_project) as service:
        yield service


@pytest.fixture
def watch(agent_service: Service) -> Iterator[Watch]:
    """What the page does; anything unexplained fails the test at its end."""
    watching = Watch(agent_service.origin)
    yield watching
    watching.require_calm()


@pytest.fixture
def page(browser: Browser, agent_service: Service, watch: Watch) -> Iterator[Page]:
    """The page as opened by the address that `app serve` prints."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        watch.attach(opened)
        opened.goto(agent_service.page)
        yield opened


def start(page: Page, goal: str) -> None:
    """Give a goal like a reader with a keyboard."""
    page.get_by_label("Goal").fill(goal)
    page.keyboard.press("Enter")
    expect(page.locator("#run-goal")).to_have_text(goal)


def start_sales_report(page: Page) -> None:
    """Begin the first suggested goal and go on to where it waits for a person."""
    page.locator(".example").first.click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=PATIENCE_MS)


def expect_state(page: Page, state: str) -> None:
    """Wait until the run in view is called this."""
    expect(page.locator(".run .state-row .run-state")).to_have_text(state, timeout=PATIENCE_MS)


def outbox(project: Project) -> set[str]:
    """The e-mails that were written."""
    return {path.name for path in project.folder.glob("var/outbox/*.eml")}


def test_a_goal_becomes_a_report_and_an_approved_email(page: Page, agent_project: Project, pictures: Path) -> None:
    start_sales_report(page)
    approval = page.locator(".approval")
    expect(approval).to_contain_text("send_email")
    expect(approval).to_contain_text("report.html")
    expect(page.locator(".plan-step")).not_to_have_count(0)
    before = outbox(agent_project)
    look(page, pictures, "waiting")

    page.get_by_role("button", name="Approve").click()
    expect_state(page, "Done")
    expect(page.locator(".approval")).to_have_count(0)
    assert len(outbox(agent_project) - before) == 1
    expect(page.locator(".report h3").first).to_be_visible()
    assert page.locator(".report td").count() > 5
    charts = page.locator(".report img")
    assert charts.count() >= 1
    assert all(image.evaluate("image => image.complete && image.naturalWidth") for image in charts.all())
    assert all(mark == "done" for mark in states(page.locator(".plan-step")))
    look(page, pictures, "done")


def states(steps: Locator) -> list[str | None]:
    """The state of each step of the plan."""
    return [step.get_attribute("data-state") for step in steps.all()]


def test_a_step_shows_what_was_called_and_what_came_back(page: Page) -> None:
    start(page, QUICK_GOAL)
    expect_state(page, "Done")
    step = page.locator(".step", has_text="calculate").last
    step.locator("summary").click()
    expect(step.locator(".arguments")).to_contain_text("17 * 23")
    expect(step.locator("pre")).to_contain_text("391")
    expect(page.locator(".answer")).to_contain_text("391")


def test_a_refused_email_is_not_sent(page: Page, agent_project: Project, pictures: Path) -> None:
    before = outbox(agent_project)
    start_sales_report(page)
    page.get_by_label("A word to the agent").fill("The board has it already.")
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator(".approval")).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden(timeout=PATIENCE_MS)
    expect(page.locator(".plan")).to_contain_text("The board has it already.")
    assert outbox(agent_project) == before
    look(page, pictures, "refused")


def test_a_waiting_run_can_be_cancelled(page: Page) -> None:
    start_sales_report(page)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect_state(page, "Cancelled")
    expect(page.locator(".approval")).to_have_count(0)


def test_a_run_outlives_a_reload_and_stands_in_the_history(page: Page) -> None:
    start(page, QUICK_GOAL)
    expect_state(page, "Done")
    page.reload()
    expect(page.locator("#run-goal")).to_have_text(QUICK_GOAL)

    page.get_by_role("button", name="New goal").click()
    expect(page.locator("#welcome")).to_be_visible()
    expect(page.locator(".run")).to_have_count(0)
    page.locator(".listed-run", has_text=QUICK_GOAL).first.click()
    expect(page.locator("#run-goal")).to_have_text(QUICK_GOAL)
    page.go_back()
    expect(page.locator(".run")).to_have_count(0)


def test_a_run_of_the_command_line_is_seen_and_decided_on_the_page(page: Page, agent_project: Project) -> None:
    goal = "Calculate 3 * 5 and e-mail the result to boss@example.com"
    with pytest.raises(subprocess.CalledProcessError) as waiting:
        agent_project.app("run", goal)
    assert waiting.value.returncode == 3
    page.reload()
    row = page.locator(".listed-run", has_text=goal)
    expect(row).to_contain_text("command line")
    row.click()
    expect(page.locator(".approval dt")).to_have_text(["to", "subject", "body"])
    page.get_by_role("button", name="Approve").click()
    expect_state(page, "Done")


def test_a_part_of_a_goal_that_no_rule_covers_fails_the_run_with_its_words(page: Page, pictures: Path) -> None:
    start(page, "Draft Terraform for a bucket on gcp and estimate the monthly cost")
    expect_state(page, "Failed")
    expect(page.locator(".reason")).to_contain_text("'estimate the monthly cost', so nothing was done")
    look(page, pictures, "declined")


def test_a_file_of_a_run_can_be_kept(page: Page) -> None:
    start_sales_report(page)
    with page.expect_download() as kept:
        page.get_by_role("button", name="report.html").click()
    assert kept.value.suggested_filename == "report.html"
    assert "<h1>" in Path(kept.value.path()).read_text("utf-8")


def test_a_chart_opens_large_and_closes_with_escape(page: Page) -> None:
    start_sales_report(page)
    page.locator(".chart").first.click()
    expect(page.locator("#picture img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#picture")).to_be_hidden()


def test_a_memory_is_added_found_corrected_and_forgotten(page: Page) -> None:
    page.get_by_text("Tell it something").click()
    page.get_by_label("What it should remember").fill("The zeppelin office opens at nine.")
    page.get_by_label("Kind").select_option("fact")
    page.get_by_role("button", name="Remember", exact=True).click()
    memory = page.locator(".memory", has_text="zeppelin")
    expect(memory).to_contain_text("from you")

    with page.expect_response(lambda answer: "query=" in answer.url):  # it draws the list anew, an open editor too
        page.get_by_label("Search the memory").fill("zeppelin office")
    expect(memory).to_be_visible()
    memory.get_by_role("button", name="Edit").click()
    page.get_by_label("Text of this memory").last.fill("The zeppelin office opens at ten.")
    page.get_by_role("button", name="Save").click()
    expect(memory).to_contain_text("opens at ten")

    memory.get_by_role("button", name="Forget").click()
    page.get_by_role("button", name="Keep it").click()
    expect(memory).to_be_visible()
    memory.get_by_role("button", name="Forget").click()
    page.locator("#forgetting").get_by_role("button", name="Forget").click()
    expect(memory).to_have_count(0)


def test_what_a_run_remembers_appears_in_the_memory(page: Page) -> None:
    start(page, "Remember that the harbour report goes to Nela.")
    expect_state(page, "Done")
    expect(page.locator(".memory", has_text="harbour report")).to_contain_text("from a run")


def test_an_unknown_run_says_so(page: Page, agent_service: Service, watch: Watch) -> None:
    page.goto(f"{agent_service.origin}/?run=nothing")
    expect(page.locator(".run .problem").first).to_be_visible()
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()
    watch.explain("404")


def test_a_goal_that_is_refused_stays_in_its_field(page: Page, watch: Watch) -> None:
    problem = '{"detail": "The day\'s budget is gone."}'
    page.route(
        "**/v1/runs", lambda route: route.fulfill(status=429, content_type="application/problem+json", body=problem)
    )
    page.get_by_label("Goal").fill(QUICK_GOAL)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="The day's budget is gone.")).to_be_visible()
    assert page.get_by_label("Goal").input_value() == QUICK_GOAL
    watch.explain("429")


def test_a_lost_connection_is_told_and_taken_up_again(page: Page, watch: Watch) -> None:
    start(page, QUICK_GOAL)
    expect_state(page, "Done")
    page.route("**/events", lambda route: route.abort(), times=1)
    page.reload()
    expect(page.get_by_role("alert").filter(has_text="Trying again")).to_be_visible()
    expect_state(page, "Done")
    expect(page.get_by_role("alert").filter(has_text="Trying again")).to_be_hidden()
    watch.explain("ERR_FAILED")


def test_markup_in_a_goal_and_a_memory_stays_text(page: Page) -> None:
    evil = "Remember that <img src=x onerror=window.hacked=1><b>bold</b> | `code` ![x](javascript:hacked=1) wins."
    start(page, evil)
    expect_state(page, "Done")
    expect(page.locator(".memory").first).to_contain_text("<img src=x onerror=window.hacked=1>")
    assert page.locator("#run img, #run b, #memories img").count() == 0
    assert page.evaluate("window.hacked") is None


def test_without_a_key_the_page_asks_for_one(browser: Browser, agent_service: Service, watch: Watch) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        watch.attach(page)
        page.goto(agent_service.origin)
        expect(page.get_by_label("Key", exact=True)).to_be_focused()
        assert accessibility_violations(page) == []
        page.keyboard.type("app_wrong\n")
        expect(page.get_by_role("alert")).to_contain_text("does not accept this key")
        page.keyboard.type(f"{agent_service.key}\n")
        expect(page.locator("#key")).to_be_hidden()
        expect(page.locator("#memory-summary")).not_to_be_empty()
        watch.explain("401")


def test_a_run_can_be_begun_approved_and_read_with_the_keyboard(page: Page) -> None:
    expect(page.get_by_label("Goal")).to_be_focused()
    page.keyboard.type(f"{page.locator('.example').first.inner_text()}\n")
    expect(page.locator("#run-goal")).to_be_focused()
    expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=PATIENCE_MS)
    tab_to(page, ".approval [data-part=comment]")
    tab_to(page, ".approval .primary")
    page.keyboard.press("Enter")
    expect_state(page, "Done")
    tab_to(page, ".step summary", limit=60)
    page.keyboard.press("Enter")
    expect(page.locator(".step details[open] pre")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_every_light_and_width(
    page: Page, scheme: Literal["light", "dark"], width: int, pictures: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    for name in ("start", "waiting", "done"):
        if name == "waiting":
            start_sales_report(page)
        if name == "done":
            page.get_by_role("button", name="Approve").click()
            expect_state(page, "Done")
            page.locator(".step summary").first.click()
        look(page, pictures, f"agent-{name}-{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert accessibility_violations(page) == []
