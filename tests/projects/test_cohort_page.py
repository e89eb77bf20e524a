"""The report of a cohort, in a headless browser: readable, accessible, calm, and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from shipfolio import page as pages
from shipfolio.cohort import creation, summary, survey
from shipfolio.cohort.cohort import opened
from tests.conftest import commit_all
from tests.render.check.exemplary import GOOD

from .watched_browser import Watch, accessibility_violations, look, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]
EVIL = "<script>document.title='owned'</script>"
WORK = ["docs/story.md", "docs/cost.md", "docs/results.md", "docs/adr/0001-store.md", "docs/adr/0002-model.md"]
WORK += ["tests/test_numbers.py", "evals/golden/facts.yaml", "evals/baseline/facts.json"]


@pytest.fixture(scope="module")
def report(source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort of twelve, of whom each did more of the work than the one before; one is missing, one is behind."""
    from shipfolio import source as sources

    folder = tmp_path_factory.mktemp("cohort")
    roster = "".join(f"learner-{n:02d},{'Nora Example' if n else EVIL}\n" for n in range(13))
    (folder / "roster.csv").write_text("id,name\n" + roster, "utf-8")
    rubric = "rubric: {pass_mark: 60, deadline: 2026-12-20}\n"
    (folder / "cohort.yml").write_text(f"template: rag-platform\nroster: roster.csv\n{rubric}", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "find", lambda url=source.url: source)
        with opened(folder / "cohort.yml") as cohort:
            with creation.prepared(cohort, cohort.learners, creation.Options(with_lock=False)) as job:
                creation.make_all(job, cohort.learners[:12])
            for number, learner in enumerate(cohort.learners[:12]):
                for name in WORK[: number * len(WORK) // 10]:
                    (learner.path / name).parent.mkdir(parents=True, exist_ok=True)
                    (learner.path / name).write_text(GOOD[name], "utf-8")
                commit_all(learner.path, "work") if number > 1 else None
            with survey.prepared(cohort) as job:
                standings = survey.look_at_all(job, cohort.learners)
            values = summary.values(cohort, standings, "Cohort report")
            pages.write(folder / "report.html", pages.rendered("cohort.html", values))
    return folder / "report.html"


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    """The report, opened as a file."""
    watch = Watch(f"file://{report.parent}")
    with browser.new_context(viewport={"width": 1200, "height": 900}) as context:
        opened_page = context.new_page()
        watch.attach(opened_page)
        opened_page.goto(f"file://{report}")
        yield opened_page
        watch.require_calm()


def test_an_instructor_reads_the_cohort_and_drills_down(page: Page, pictures: Path) -> None:
    expect(page).to_have_title("Cohort report")
    expect(page.get_by_role("img", name="Learners per ten points of the score")).to_be_visible()
    expect(page.get_by_text("What most learners miss")).to_be_visible()
    people = page.locator(".people > details")
    expect(people).to_have_count(13)
    expect(people.first).to_contain_text("learner-11")
    expect(people.last).to_contain_text("there is no repository")
    people.first.locator("summary").first.click()
    rule = people.first.locator("details.rule", has_text="EVD104")
    expect(rule).to_be_visible()
    rule.locator("summary").click()
    expect(rule).to_contain_text("Why it matters")
    look(page, pictures, "cohort-report")


def test_the_name_of_a_learner_is_only_text(page: Page) -> None:
    expect(page.get_by_text(EVIL)).to_be_visible()
    expect(page).to_have_title("Cohort report")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everyone_can_read_it(page: Page, scheme: str, pictures: Path) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.locator(".people > details > summary").first.click()
    assert accessibility_violations(page) == []
    look(page, pictures, f"cohort-report-{scheme}")


def test_it_fits_a_telephone(page: Page, pictures: Path) -> None:
    page.set_viewport_size({"width": 375, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    look(page, pictures, "cohort-report-telephone")
