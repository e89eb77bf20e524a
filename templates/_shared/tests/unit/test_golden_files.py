"""A golden file that does not fit is refused with its place; its version follows its cases and nothing else."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict
from pydantic_evals import Dataset

from app.errors import ConfigurationError
from app.evals.golden import UNFINISHED, add_cases, dataset_version, load_dataset


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: str


KIND = Dataset[Question, str, dict[str, bool]]
GOOD = """\
cases:
  - name: one
    inputs: {question: "Why?"}
    expected_output: because
  - name: two
    inputs:
      question: "How?"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "golden.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_cases_are_read(tmp_path: Path) -> None:
    assert [case.name for case in load_dataset(KIND, written(tmp_path, GOOD)).cases] == ["one", "two"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("name: two", "name: one", 5, "'one' is taken by the case in line 2"),
        ("name: two", "name:", 5, "has no name"),
        ("- name: two", "- metadata: {a: true}", 5, "has no name"),
        ("question: ", "questoin: ", 3, "inputs.question: Field required"),
        ('      question: "How?"', "      question: [1]", 7, "valid string"),
        ("expected_output: because", "name: three", 4, "'name' stands in line 2 already"),
        ("cases:", "cases: [", 2, "expected"),
    ],
    ids=["used twice", "empty", "absent", "misspelt", "wrong type", "a field twice", "no YAML"],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigurationError, match=said) as refused:
        load_dataset(KIND, path)
    assert f"{path}:{line}: " in str(refused.value)


@pytest.mark.parametrize("text", ["", "cases: []", "cases: 3", "other: 1"])
def test_a_file_without_cases_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="no case"):
        load_dataset(KIND, written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml"):
        load_dataset(KIND, tmp_path / "nowhere.yaml")


def test_a_missing_file_has_no_version(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml"):
        dataset_version(tmp_path / "nowhere.yaml")


def test_the_version_follows_the_cases_alone(tmp_path: Path) -> None:
    version = dataset_version(written(tmp_path, GOOD))
    assert len(version) == 12
    assert dataset_version(written(tmp_path, f"# a comment\n{GOOD}\n")) == version
    assert dataset_version(written(tmp_path, GOOD.replace("Why?", "Why not?"))) != version


def test_a_case_is_added_below_its_remark_and_the_rest_stays_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, f"# mine\n{GOOD}\n\n")
    case = {"inputs": {"question": 'A "quoted": [one], 100 % 👍\nnext #line'}, "expected_output": "x"}
    assert add_cases(path, {"three": ("said\n- name: evil\u2028- name: two", case)}) == ["three"]
    text = path.read_text("utf-8")
    assert text.startswith(f"# mine\n{GOOD}  # said - name: evil - name: two\n  - name: three\n")
    loaded = load_dataset(KIND, path).cases
    assert [c.name for c in loaded] == ["one", "two", "three"]
    assert loaded[2].inputs.question == 'A "quoted": [one], 100 % 👍\nnext #line'


def test_a_case_that_is_there_already_is_not_added_again(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    case = ("", {"inputs": {"question": "Else?"}})
    assert add_cases(path, {"three": case, "two": case}) == ["three"]
    before = path.read_text("utf-8")
    assert add_cases(path, {"three": case}) == []
    assert path.read_text("utf-8") == before


def test_an_unfinished_case_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    add_cases(path, {"three": ("", {"inputs": {"question": "Which?"}, "expected_output": [UNFINISHED]})})
    with pytest.raises(ConfigurationError, match=f"still says {UNFINISHED}") as refused:
        load_dataset(KIND, path)
    assert f"{path}:11: " in str(refused.value)


@pytest.mark.parametrize(
    "text", ["cases: [{name: one, inputs: {question: Why?}}]\n", GOOD + "other: 1\n", "cases: []", "{"]
)
def test_where_a_case_cannot_be_added_nothing_is_written(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError, match=r"golden\.yaml"):
        add_cases(path, {"three": ("", {"inputs": {"question": "How?"}})})
    assert path.read_text("utf-8") == text
