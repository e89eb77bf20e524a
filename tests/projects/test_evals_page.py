"""The pages at `/evals` and `/feedback` in a real browser: scores, history, a case opened, and what readers said.

    pytest -m browser tests/projects/test_evals_page.py --basetemp=/tmp/page

keeps screenshots in /tmp/page/pictures.
"""

import hashlib
import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from .served_project import Project, Service, serve
from .watched_browser import Watch, accessibility_violations, look, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]

EVIL = '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>'


@pytest.fixture(scope="module")
def evaluated(rag_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with two runs behind it and one case of hostile text in the last."""
    folder = tmp_path_factory.mktemp("evaluated") / "rag"
    shutil.copytree(rag_project.folder, folder, symlinks=True)
    project = Project(folder)
    history = folder / "evals/history.jsonl"
    project.app("eval", "run")
    project.app("eval", "accept", "--reason", "the first run")
    project.app("eval", "gate")
    older = json.loads(history.read_text("utf-8").splitlines()[-1])
    newer = dict(older, when="2099-01-01T00:00:00+00:00")
    older["metrics"]["hit@k"]["mean"] -= 0.05
    history.write_text(f"{json.dumps(older)}\n{json.dumps(newer)}\n", "utf-8")
    latest = json.loads((folder / "evals/latest.json").read_text("utf-8"))
    hostile = dict(latest["cases"][0], name=EVIL, question=EVIL, got=EVIL, expected=EVIL, kind="hostile")
    hostile["sources"] = [{"document": EVIL, "locator": EVIL, "quote": EVIL}]
    latest["when"] = newer["when"]
    latest["cases"].append(hostile)
    (folder / "evals/latest.json").write_text(json.dumps(latest), "utf-8")
    return project


@pytest.fixture(scope="module")
def evaluated_service(evaluated: Project) -> Iterator[Service]:
    with serve(evaluated) as service:
        yield service


@pytest.fixture
def watch(evaluated_service: Service) -> Iterator[Watch]:
    watching = Watch(evaluated_service.origin)
    yield watching
    watching.require_calm()


@pytest.fixture
def evals(browser: Browser, evaluated_service: Service, watch: Watch) -> Iterator[Page]:
    """The page, opened without any key."""
    with browser.new_context(viewport={"width": 1200, "height": 850}) as context:
        opened = context.new_page()
        watch.attach(opened)
        opened.goto(f"{evaluated_service.origin}/evals")
        yield opened


def test_every_metric_has_its_interval_and_its_trend(evals: Page) -> None:
    names = evals.locator(".metrics .name").all_inner_texts()
    assert {"hit@k", "mrr", "precision@k", "citation_accuracy", "key_phrases", "refusal_correct"} <= set(names)
    assert evals.locator(".metrics svg.interval").count() == len(names)
    assert evals.locator("figure svg.trend").count() == len(names)
    expect(evals.get_by_text("Offline floor")).to_be_visible()
    expect(evals.get_by_role("img", name=re.compile("^hit@k over 2 runs"))).to_be_visible()
    expect(evals.locator(".metrics tr", has_text="hit@k").first).to_contain_text(re.compile(r"▲ 0\.05\d better"))


def test_the_gate_says_what_it_decided(evals: Page) -> None:
    gate = evals.get_by_role("region", name="Gate", exact=True)
    expect(gate.get_by_text("Passed")).to_be_visible()
    expect(gate.get_by_text("the first run")).to_be_visible()
    assert gate.locator("tbody tr").count() == evals.locator(".metrics tbody tr").count()


def test_a_mark_stands_where_its_mean_is(evals: Page) -> None:
    row = evals.locator(".metrics tbody tr").first
    mean = float(row.locator(".score").inner_text())
    mark, track = row.locator("rect.mean").bounding_box(), row.locator("rect.track").bounding_box()
    assert mark is not None
    assert track is not None
    assert (mark["x"] + mark["width"] / 2 - track["x"]) / track["width"] == pytest.approx(mean, abs=0.005)


def test_the_list_is_filtered_without_loading_the_page_again(evals: Page) -> None:
    evals.evaluate("window.kept = true")
    evals.get_by_label("Kind").select_option("unanswerable")
    expect(evals.locator(".cases .kind", has_text="single")).to_have_count(0)
    expect(evals).to_have_url(re.compile("kind=unanswerable"))
    evals.get_by_label("Show").select_option("lost")
    expect(evals.get_by_role("status")).to_contain_text(re.compile(r"^\d+ of \d+ cases$"))
    evals.get_by_label("Words in the case or its outcome").press_sequentially("zzz")
    expect(evals.get_by_text("No case fits these filters")).to_be_visible()
    expect(evals.get_by_label("Words in the case or its outcome")).to_be_focused()
    assert evals.evaluate("window.kept") is True


def test_a_case_opens_and_closes_under_its_row(evals: Page) -> None:
    evals.evaluate("window.kept = true")
    link = evals.locator(".cases a").first
    link.click()
    expect(evals.locator("#case")).to_contain_text("Expected")
    expect(link).to_have_attribute("aria-expanded", "true")
    expect(evals).to_have_url(re.compile("case="))
    link.click()
    expect(evals.locator("#case")).to_have_count(0)
    assert evals.evaluate("window.kept") is True


def test_an_address_brings_the_same_view_back(evals: Page) -> None:
    evals.get_by_label("Show").select_option("lost")
    expect(evals).to_have_url(re.compile("show=lost"))
    evals.locator(".cases a").first.click()
    name = evals.locator(".cases tr.open a").inner_text()
    evals.reload()
    expect(evals.locator(".cases tr.open a")).to_have_text(name)
    expect(evals.get_by_label("Show")).to_have_value("lost")
    evals.go_back()
    expect(evals.locator("#case")).to_have_count(0)


def test_it_works_without_javascript(browser: Browser, evaluated_service: Service, pictures: Path) -> None:
    with browser.new_context(java_script_enabled=False, viewport={"width": 1200, "height": 850}) as context:
        page = context.new_page()
        page.goto(f"{evaluated_service.origin}/evals")
        page.get_by_label("Show").select_option("lost")
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_label("Show")).to_have_value("lost")
        page.locator(".cases a").nth(3).click()
        expect(page.locator("#case")).to_contain_text("Asked")
        expect(page.locator("#case")).to_be_in_viewport()
        look(page, pictures, "evals-without-javascript")


def test_it_works_with_the_keyboard_alone(evals: Page) -> None:
    for target in ("#show", "#kind", "#q", ".cases a"):
        for _ in range(25):
            if evals.evaluate("selector => document.activeElement.matches(selector)", target):
                break
            evals.keyboard.press("Tab")
        assert evals.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    evals.keyboard.press("Enter")
    expect(evals.locator("#case")).to_be_visible()
    assert evals.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true", "the focus stays"


def test_hostile_text_stays_text(evals: Page) -> None:
    evals.get_by_label("Kind").select_option("hostile")
    expect(evals.get_by_role("status")).to_contain_text("1 of ")
    evals.locator(".cases a").first.click()
    expect(evals.locator("#case")).to_contain_text(EVIL)
    assert evals.locator("#cases img, #cases script").count() == 0
    assert "taken" not in evals.title()


def test_a_script_in_a_part_of_the_page_is_refused(evals: Page, watch: Watch) -> None:
    part = '<p>changed</p><script>document.title = "taken"</script><img src="x" onerror="document.title = \'taken\'">'
    evals.route("**/evals?**", lambda route: route.fulfill(content_type="text/html", body=part))
    evals.get_by_label("Show").select_option("lost")
    evals.wait_for_timeout(300)
    assert "taken" not in evals.title()
    assert watch.errors, "the policy reports what it stopped"
    watch.errors.clear()


def test_the_pages_lead_to_each_other(evals: Page) -> None:
    pages = evals.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link", name="Evaluation")).to_have_attribute("aria-current", "page")
    pages.get_by_role("link", name="Home").click()
    expect(evals.get_by_role("link", name="Home")).to_have_attribute("aria-current", "page")
    evals.get_by_role("link", name="Evaluation").click()
    expect(evals.get_by_role("heading", name="Evaluation of questions")).to_be_visible()


def test_before_the_first_run_it_says_which_command_to_run(
    browser: Browser, evaluated: Project, tmp_path: Path, pictures: Path
) -> None:
    folder = tmp_path / "rag"
    shutil.copytree(evaluated.folder, folder, symlinks=True)
    for name in ("latest.json", "history.jsonl"):
        (folder / "evals" / name).unlink()
    with serve(Project(folder)) as service, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{service.origin}/evals")
        expect(page.get_by_text("make eval")).to_be_visible()
        assert accessibility_violations(page) == []
        look(page, pictures, "evals-nothing-yet")


@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_every_light_and_width(
    evals: Page, scheme: Literal["light", "dark"], width: int, pictures: Path
) -> None:
    evals.emulate_media(color_scheme=scheme)
    evals.set_viewport_size({"width": width, "height": 850})
    evals.get_by_label("Show").select_option("lost")
    expect(evals).to_have_url(re.compile("show=lost"))
    evals.locator(".cases a").nth(1).click()
    expect(evals.locator("#case")).to_be_visible()
    evals.get_by_text("The runs in numbers").click()
    look(evals, pictures, f"evals-{scheme}-{width}")
    assert evals.evaluate("document.documentElement.scrollWidth") <= width
    assert accessibility_violations(evals) == []


def test_the_vendored_script_is_the_published_one(evaluated: Project, evaluated_service: Service) -> None:
    static = evaluated.folder / "app/web/static"
    digest = hashlib.sha256((static / "htmx.min.js").read_bytes()).hexdigest()
    assert digest in (static / "vendored.md").read_text("utf-8")
    assert evaluated_service.get("/static/htmx.min.js").status == 200


@pytest.fixture(scope="module")
def judged(rag_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that keeps texts, with a helpful answer and a refusal that was judged with a hostile comment."""
    folder = tmp_path_factory.mktemp("judged") / "rag"
    shutil.copytree(rag_project.folder, folder, symlinks=True)
    (folder / ".env").write_text("APP_QUALITY__CONTENT=True\n", "utf-8")
    project = Project(folder)
    project.app("ingest", "samples")
    with serve(project) as service:
        for question, rating, comment in (
            ("How many unused leave days can I carry into the next year?", 1, ""),
            ("What is the wifi password of the moon office?", -1, EVIL),
        ):
            answer = post(service, "/v1/ask", {"question": question})
            post(service, "/v1/feedback", {"trace_id": answer["trace_id"], "rating": rating, "comment": comment})
        yield service


def post(service: Service, path: str, body: dict[str, object]) -> dict[str, Any]:
    """What the service answers to this JSON."""
    headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"}
    request = urllib.request.Request(service.origin + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read() or "{}")


def test_feedback_is_read_with_a_key_and_leads_to_a_golden_case(
    browser: Browser, judged: Service, pictures: Path
) -> None:
    watching = Watch(judged.origin)
    with browser.new_context(viewport={"width": 1200, "height": 850}) as context:
        page = context.new_page()
        watching.attach(page)
        page.goto(f"{judged.origin}/feedback")
        expect(page.get_by_role("heading", name="This page needs a key")).to_be_visible()
        page.get_by_label("Key", exact=True).fill(judged.key)
        page.get_by_role("button", name="Use this key").click()
        shown = page.locator(".judgement")
        expect(shown).to_have_count(2)
        expect(page.get_by_role("status")).to_have_text("2 shown, the newest first.")
        expect(shown.first.locator("blockquote")).to_have_text(EVIL)
        assert page.locator(".judgement img, .judgement script").count() == 0
        assert "taken" not in page.title()
        expect(shown.nth(1)).to_contain_text("hr/leave-policy.md")
        expect(shown.nth(1)).to_contain_text("faithfulness_words 1.00")
        expect(shown.nth(1)).to_contain_text(re.compile(r"app feedback export [0-9a-f]{12}"))
        look(page, pictures, "feedback")
        assert accessibility_violations(page) == []
        page.get_by_label("Show").select_option("helpful")
        expect(shown).to_have_count(1)
        page.set_viewport_size({"width": 360, "height": 850})
        page.emulate_media(color_scheme="dark")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert accessibility_violations(page) == []
        look(page, pictures, "feedback-dark-360")
    watching.require_calm()


def test_answers_in_use_are_on_the_evaluation_page_without_their_texts(
    browser: Browser, judged: Service, pictures: Path
) -> None:
    with browser.new_context(viewport={"width": 1200, "height": 850}) as context:
        page = context.new_page()
        page.goto(f"{judged.origin}/evals")
        use = page.get_by_role("region", name="In use", exact=True)
        expect(use).to_contain_text("1 found an answer helpful, 1 did not")
        expect(use).to_contain_text("Never asked")
        expect(use).to_contain_text("fewer than 20 scores on a side")
        assert "leave days" not in use.inner_text()
        assert accessibility_violations(page) == []
        look(page, pictures, "evals-in-use")
