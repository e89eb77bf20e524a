"""A golden file that does not fit is refused with its place; its version follows its cases and nothing else."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict
from pydantic_evals import Dataset

from app.errors import ConfigurationError
from app.evals.golden import dataset_version, load_dataset


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
        ("cases:", "cases: [", 2, "expected"),
    ],
    ids=["used twice", "empty", "absent", "misspelt", "wrong type", "no YAML"],
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


def test_the_version_follows_the_cases_alone(tmp_path: Path) -> None:
    version = dataset_version(written(tmp_path, GOOD))
    assert len(version) == 12
    assert dataset_version(written(tmp_path, f"# a comment\n{GOOD}\n")) == version
    assert dataset_version(written(tmp_path, GOOD.replace("Why?", "Why not?"))) != version
