"""A mistake in a prompt file stops every command: with the file, the line and what to do, and nothing is changed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.errors import ConfigurationError
from app.prompts import lock
from app.prompts.registry import PromptRegistry
from tests.unit.prompt_folder import FRONT, write

TEXT, TABLE, LOCK = "greet/v2.md", "registry.yaml", "lock.yaml"
REGISTRY = """\
# who gets what
prompts:
  greet:
    stable: "1"
    canary: "2"
    percent: 10
"""
COMMANDS = [["check"], ["list"], ["promote", "greet@2", "--percent", "100", "--reason", "x"], ["rollback", "greet"]]

# What is written in place of what, the line that is told, and what is said.
MISTAKES: dict[str, tuple[str, bytes, bytes, int, str]] = {
    "no UTF-8": (TEXT, b"Be kind.", b"Be k\xefnd.", 8, "no UTF-8 text"),
    "no front matter": (TEXT, b"---\nversion", b"version", 1, "no front matter"),
    "front matter without an end": (TEXT, b"---\nBe", b"Be", 1, "no front matter"),
    "front matter that is no YAML": (TEXT, b"author: me", b"author: [me", 4, "expected ',' or ']'"),
    "front matter with a control character": (TEXT, b"author: me", b"author: m\x07", 3, "does not allow"),
    "a day that never was": (TEXT, b"2026-01-31", b"2026-02-31", 4, "day "),
    "a field left out": (TEXT, b"author: me\n", b"", 2, "author: Field required"),
    "a field twice": (TEXT, b"author: me", b"author: me\nauthor: you", 4, "'author' stands in line 3 already"),
    "an unknown field": (TEXT, b"author: me", b"author: me\nmood: good", 4, "mood: this word is not known"),
    "a version that is a number": (TEXT, b'"2"', b"2", 2, "version: Input should be a valid string"),
    "a version twice": (TEXT, b'"2"', b'"1"', 2, "says version '1', the file name says 'v2'"),
    "a variable that is not declared": (TEXT, b"{{ name", b"\n\n{{ friend }} {{ name", 13, "'friend' is not among"),
    "a variable that is not used": (TEXT, b"[name]", b"[name, mood]", 6, "no text uses 'mood'"),
    "a broken template": (TEXT, b"{{ name }}", b"{{ name }}\n{% if %}", 12, "Expected an expression"),
    "an unknown filter": (TEXT, b"{{ name }}", b"\n{{ name | shout }}", 12, "No filter named 'shout'"),
    "no user text": (TEXT, b"<!-- user -->\n", b"", 8, "one line `<!-- user -->`"),
    "two user texts": (TEXT, b"{{ name }}", b"{{ name }}\n<!-- user -->\n", 12, "one line `<!-- user -->`"),
    "a registry that is no UTF-8": (TABLE, b"who", b"wh\xff", 1, "no UTF-8 text"),
    "a registry that is no YAML": (TABLE, b"stable:", b"stable", 5, "mapping values are not allowed"),
    "an empty registry": (TABLE, REGISTRY.encode(), b"", 1, "valid dictionary"),
    "a prompt twice": (TABLE, b"percent: 10", b"percent: 10\n  greet: {stable: '2'}", 7, "'greet' stands in line 3"),
    "a word twice": (TABLE, b"percent: 10", b"percent: 10\n    stable: '2'", 7, "'stable' stands in line 4"),
    "an unknown word": (TABLE, b"percent: 10", b"percent: 10\n    mood: good", 7, "mood: this word is not known"),
    "a version without a file": (TABLE, b'stable: "1"', b'stable: "9"', 4, "version '9', which has no file"),
    "a canary without a file": (TABLE, b'canary: "2"', b'canary: "9"', 5, "version '9', which has no file"),
    "a share above everybody": (TABLE, b"10", b"101", 6, "less than or equal to 100"),
    "a canary for nobody": (TABLE, b"    percent: 10\n", b"", 4, "greet: `canary` and a `percent` above 0 go together"),
    "a share without a canary": (TABLE, b'    canary: "2"\n', b"", 4, "greet: `canary` and a `percent` above 0"),
    "a version that is a list": (TABLE, b'stable: "1"', b"stable: []", 4, "stable: Input should be a valid string"),
    "a served hash twice": (LOCK, b"greet@1", b"greet@1: x\ngreet@1", 3, "'greet@1' stands in line 2"),
    "a hash that is none": (LOCK, b"greet@1: ", b"greet@1: 7 #", 2, "valid string"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prompt with a stable version and a canary, both locked, that no command objects to."""
    write(tmp_path, versions="12")
    (tmp_path / TABLE).write_text(REGISTRY, encoding="utf-8")
    for label in ("greet@1", "greet@2"):
        lock.add_to_lock(tmp_path, PromptRegistry(tmp_path).version(label))
    monkeypatch.setenv("APP_PROMPTS_DIR", str(tmp_path))
    assert CliRunner().invoke(cli, ["prompts", "check"]).exit_code == 0
    return tmp_path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("file", "old", "new", "line", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_line_and_changes_nothing(
    folder: Path, file: str, old: bytes, new: bytes, line: int, said: str
) -> None:
    path = folder / file
    assert old in path.read_bytes(), "the table fits the file"
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    before = tree(folder)
    for command in COMMANDS if file != LOCK else COMMANDS[:1]:
        refused = CliRunner().invoke(cli, ["prompts", *command]).exception
        assert isinstance(refused, ConfigurationError), command
        assert refused.exit_code == 2
        assert f"{path}:{line}: " in refused.message
        assert said in refused.message
        assert refused.remedy
    assert tree(folder) == before


def test_a_registry_that_is_not_there_is_named(folder: Path) -> None:
    (folder / TABLE).unlink()
    refused = CliRunner().invoke(cli, ["prompts", "check"]).exception
    assert isinstance(refused, ConfigurationError)
    assert f"{folder / TABLE} cannot be read: No such file" in refused.message


def test_every_mistake_in_front_matter_is_told_at_once(folder: Path) -> None:
    path = folder / TEXT
    head = FRONT.format(version="2").replace("author: me\n", "mood: good\n")
    path.write_text(f"---\n{head}---\nx\n<!-- user -->\n{{{{ name }}}}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"v2\.md:2: author: Field required; .*v2\.md:3: mood: this word"):
        PromptRegistry(folder)


def test_a_file_from_windows_is_read_as_the_same_text(folder: Path) -> None:
    before = PromptRegistry(folder).version("greet@2").body_sha256
    path = folder / TEXT
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert PromptRegistry(folder).version("greet@2").body_sha256 == before
