"""The product that was chosen brings what the workspace needs of it."""

from pathlib import Path
from pkgutil import resolve_name

import pytest
import yaml

from app.about import ABOUT
from app.evals.golden import load_dataset
from app.ingestion.parsing import PARSERS, parse
from app.prompts.registry import PromptRegistry
from app.web.pages import TEMPLATES, WEB
from app.workspace.flavour import chosen, suite_of

FLAVOUR = chosen()
SUITE = resolve_name(suite_of(ABOUT.product))
GOLDEN = Path("evals/golden") / SUITE.file


def test_it_is_the_one_that_was_chosen_and_the_only_one() -> None:
    products = {"research", "legal", "support", "devtools"}
    assert FLAVOUR.name == ABOUT.product
    assert {folder.name for folder in Path("app").iterdir()} & products == {ABOUT.product}
    assert {folder.name for folder in Path("samples").iterdir()} == {ABOUT.product}
    named = {path.name.partition("-")[0] for path in Path("prompts").iterdir() if path.is_dir()}
    assert named & products == {ABOUT.product}


def test_its_prompts_are_served() -> None:
    registry = PromptRegistry(Path("prompts"))
    assert registry.stable(FLAVOUR.prompt).front.variables == ["question", "passages"]
    assert registry.stable(SUITE.prompt)


@pytest.mark.parametrize("tool", FLAVOUR.tools, ids=lambda tool: tool.name)
def test_a_tool_has_its_piece_of_page(tool) -> None:
    assert (WEB / "templates" / tool.template).is_file()
    assert TEMPLATES.get_template(tool.template)
    assert tool.name.replace("-", "").isalpha()
    assert tool.name.islower()


def test_the_landing_page_has_something_to_say() -> None:
    assert len(FLAVOUR.offers) >= 3
    assert len(FLAVOUR.questions) >= 3
    assert FLAVOUR.title
    assert FLAVOUR.tagline


def test_every_sample_can_be_read() -> None:
    files = [file for file in FLAVOUR.samples.rglob("*") if file.is_file()]
    assert len(files) >= 5
    for file in files:
        assert parse(file.name, file.read_bytes(), 10_000_000).sections, file
        assert file.suffix in PARSERS


def test_there_are_sixty_golden_cases_and_some_that_must_never_get_worse() -> None:
    cases = load_dataset(SUITE.dataset, GOLDEN).cases
    assert len(cases) >= 60
    assert sum(case.metadata is not None and case.metadata.critical for case in cases) >= 3


def test_every_phrase_stands_in_a_document_of_its_case() -> None:
    for case in yaml.safe_load(GOLDEN.read_text(encoding="utf-8"))["cases"]:
        expected = case["expected_output"]
        texts = [_words((FLAVOUR.samples / name).read_text(encoding="utf-8")) for name in expected.get("documents", [])]
        for phrase in expected.get("contains", []):
            assert any(_words(phrase) in text for text in texts), (case["name"], phrase)


def _words(text: str) -> str:
    return " ".join(text.casefold().split())
