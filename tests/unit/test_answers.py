"""Answers from options, --data and files: what is taken, what is refused, and in which words."""

from __future__ import annotations

import itertools
import json
import unicodedata

import pytest

from shipfolio.answers import checked, parse_pairs, read_file, resolve
from shipfolio.errors import UsageError
from shipfolio.expressions import Expressions

CONTROL = ["\x00", "\x07", "\r", "\x1b", "\x7f", "\x85", "\u2028", "\ud800"]


def slug(questionnaire, name: str) -> str:
    question = questionnaire.questions["project_slug"]
    return Expressions(questionnaire).default(question, {"project_name": name})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My RAG", "my-rag"),
        ("José's Überprojekt", "joses-ueberprojekt"),
        ("  spaces  &  signs! ", "spaces-signs"),
        ("a_b.c/d", "a-b-c-d"),
        ('"; rm -rf ~', "rm-rf"),
        ("{= 7*7 =}x", "7-7-x"),
        (unicodedata.normalize("NFD", "Café"), "cafe"),
        ("Łódź Straße", "lodz-strasse"),
        ("日本", ""),
    ],
)
def test_a_name_becomes_an_identifier(questionnaire, name: str, expected: str) -> None:
    assert slug(questionnaire, name) == expected


BAD_NAMES = {
    "empty": ("", "no letter"),
    "blank": ("   ", "no letter"),
    "unicode only": ("日本語", "no letter"),
    "signs only": ("!!!", "no letter"),
    "200 characters": ("x" * 200, "200 characters"),
    "41 characters": ("x" * 41, "41 characters"),
    "leading digit": ("3d viewer", "begins with a digit"),
    "yaml word": ("Yes", "reserved"),
    "keyword": ("class", "reserved"),
    "device": ("CON", "reserved"),
    "import name": ("app", "reserved"),
    "dependency": ("FastAPI", "reserved"),
    "dependency with underscore": ("pydantic_ai_slim", "reserved"),
    "numpy": ("numpy", "reserved"),
    **{f"control {c!r}": (f"a{c}b", "control character") for c in CONTROL},
}


@pytest.mark.parametrize(("name", "reason"), BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_a_name_without_legal_identifier_is_refused(questionnaire, name: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        resolve(questionnaire, {"template": "agent", "project_name": name})


@pytest.mark.parametrize("name", ["x" * 40, "Yes we can", "fastapi-demo", "Line\nbreak", "tab\tbed"])
def test_a_name_with_a_legal_identifier_is_taken(questionnaire, name: str) -> None:
    assert resolve(questionnaire, {"template": "agent", "project_name": name})["project_name"] == name


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"clodu": "aws"}, "unknown answer 'clodu' (did you mean 'cloud'?)"),
        ({"cloud": "awss"}, "cloud 'awss' is none of aws, azure, gcp (did you mean 'aws'?)"),
        ({"cloud": None}, "cloud None is none of"),
        ({"project_name": 7}, "project_name must be text, not int (7): put it in quotes"),
        ({"project_slug": "x"}, "'project_slug' is computed from the other answers and cannot be given"),
        ({"fallback_provider": False}, "fallback_provider False is none of none, openai"),
    ],
)
def test_wrong_answers_are_explained(questionnaire, given: dict, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked(questionnaire, given)
    assert message in caught.value.message


def test_every_wrong_answer_is_named_at_once(questionnaire) -> None:
    with pytest.raises(UsageError, match=r"cloud.*deploy"):
        checked(questionnaire, {"cloud": "x", "deploy": "y"})


def test_a_question_of_another_template_is_refused(questionnaire) -> None:
    with pytest.raises(UsageError, match="'product' is no question of template 'agent'"):
        resolve(questionnaire, {"template": "agent", "product": "legal"})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"cloud: [aws", "broken"),
        (b"- a\n- b\n", "no mapping"),
        (b"", "no mapping"),
        (b"just words", "no mapping"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"a: &a [*a]\nb: !!python/object:os.system x", "broken"),
        (b"cloud: \x01", "broken"),
        (b"[" * 5000, "broken"),
    ],
)
def test_a_broken_answers_file_is_explained(tmp_path, content: bytes, reason: str) -> None:
    path = tmp_path / "answers.yml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        read_file(path)


def test_a_missing_answers_file_is_explained(tmp_path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_file(tmp_path / "none.yml")


def test_an_answers_file_may_be_json_or_a_record_of_copier(tmp_path) -> None:
    path = tmp_path / "answers"
    path.write_text(json.dumps({"cloud": "gcp", "_commit": "v0.1.0", "_src_path": "x"}))
    assert read_file(path) == {"cloud": "gcp"}


def test_data_pairs_are_literal() -> None:
    assert parse_pairs(["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    with pytest.raises(UsageError, match="is not question=answer"):
        parse_pairs(["novalue"])


# The allowed pairs, written down independently of templates/_rules.yml.
EVERYWHERE = {"aws", "azure", "gcp"}
BOTH = {"serverless", "kubernetes"}
RUNS_ON = {
    "openai": (EVERYWHERE, BOTH),
    "anthropic": (EVERYWHERE, BOTH),
    "google": (EVERYWHERE, BOTH),
    "azure-openai": ({"azure"}, BOTH),
    "bedrock": ({"aws"}, BOTH),
    "vertex": ({"gcp"}, BOTH),
    "ollama": (EVERYWHERE, {"kubernetes"}),
}


def allowed(cloud: str, deploy: str, provider: str, fallback: str) -> bool:
    """The oracle."""
    for name in (provider, *([] if fallback == "none" else [fallback])):
        clouds, deploys = RUNS_ON[name]
        if cloud not in clouds or deploy not in deploys:
            return False
    return provider != fallback


def accepted(questionnaire, answers: dict[str, str]) -> bool:
    try:
        resolve(questionnaire, answers)
    except UsageError:
        return False
    return True


@pytest.mark.parametrize("provider", RUNS_ON)
def test_the_rules_agree_with_the_independent_table(questionnaire, provider: str) -> None:
    for cloud, deploy, fallback in itertools.product(sorted(EVERYWHERE), sorted(BOTH), ["none", *RUNS_ON]):
        answers = {"template": "agent", "cloud": cloud, "deploy": deploy, "provider": provider}
        verdict = accepted(questionnaire, {**answers, "fallback_provider": fallback})
        assert verdict == allowed(cloud, deploy, provider, fallback), (cloud, deploy, fallback)


@pytest.mark.parametrize(
    ("answers", "alternative"),
    [
        ({"provider": "bedrock", "cloud": "gcp"}, "choose cloud aws, or anthropic"),
        ({"provider": "vertex"}, "choose cloud gcp, or google"),
        ({"provider": "azure-openai"}, "choose cloud azure, or openai"),
        ({"provider": "ollama"}, "choose deploy kubernetes, or a hosted provider"),
        ({"fallback_provider": "openai"}, "choose another fallback_provider, or none"),
        ({"fallback_provider": "vertex"}, "choose cloud gcp, or google"),
    ],
)
def test_a_refusal_names_the_alternative(questionnaire, answers: dict[str, str], alternative: str) -> None:
    with pytest.raises(UsageError, match=alternative):
        resolve(questionnaire, {"template": "agent", **answers})
