"""A small template with five released versions, each with one kind of change that an update has to survive."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import commit_all, git

VERSIONS = ("v1.0.0", "v1.1.0", "v2.0.0", "v3.0.0", "v4.0.0")
SETTINGS = """\
_subdirectory: "templates/{= template =}"
_envops:
  variable_start_string: "{="
  variable_end_string: "=}"
  block_start_string: "{=%"
  block_end_string: "%=}"
  comment_start_string: "{=#"
  comment_end_string: "#=}"
  undefined: jinja2.StrictUndefined
_exclude:
  - "{=% if cloud != 'aws' %=}/infra/aws{=% endif %=}"
  - "{=% if cloud != 'gcp' %=}/infra/gcp{=% endif %=}"
_skip_if_exists: ["/prompts/**", ".env"]
---
template: {type: str, help: Which, choices: {Small one: small, Other one: other}, default: small}
project_name: {type: str, help: Name, default: "My {= template =}"}
cloud:
  type: str
  help: Cloud
  choices: CLOUDS
  default: aws
  validator: "{=% if cloud == 'azure' and project_name == 'Forbidden' %=}not this name there{=% endif %=}"
"""
REGION = 'region: {type: str, help: Region, default: "north"}\n'
CLOUDS = "{Amazon: aws, Google: gcp, Azure: azure}"
UPGRADING = """\
# Upgrading

## 3.0.0

### Rename the table
Applies to: cloud = aws, gcp

```sh
mv data/table.csv data/tables.csv
```

### Say hello
Applies to: every project

Nothing to run.

## 2.0.0

### Only on Azure
Applies to: cloud = azure

```sh
false
```
"""


def numbered(name: str, count: int = 30) -> str:
    """A text of distinct lines."""
    return "".join(f"{name} {number}\n" for number in range(1, count + 1))


def build(repository: Path) -> None:
    """Make the repository with all versions."""
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet")
    for step in (_first, _second, _third, _fourth, _fifth):
        tag = step(repository)
        (repository / "pyproject.toml").write_text(f'[project]\nversion = "{tag.removeprefix("v")}"\n')
        git(repository, "add", "--all", "--force")  # the template's own .gitignore is none of this repository's
        commit_all(repository, tag, tag)


def _write(repository: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def _questions(repository: Path, clouds: str = CLOUDS, more: str = "") -> None:
    _write(repository, {"copier.yml": SETTINGS.replace("CLOUDS", clouds) + more})


def _first(repository: Path) -> str:
    answers = "# Answers.\n{= _copier_answers | to_nice_yaml =}"
    own = "templates/small/"
    _questions(repository)
    _write(
        repository,
        {
            own + "{= _copier_conf.answers_file =}.jinja": answers,
            own + "README.md.jinja": "# {= project_name =}\n\n" + numbered("readme"),
            own + "app/main.py": numbered("main"),
            own + "app/old_name.py": numbered("named"),
            own + "app/dropped.py": numbered("dropped"),
            own + "data/blob.bin": bytes(range(256)),
            own + "data/table.csv": numbered("row"),
            own + "infra/aws/main.tf": "aws 1\naws 2\n",
            own + "infra/gcp/main.tf": "gcp 1\ngcp 2\n",
            own + "prompts/answer.md": "prompt of the template\n",
            own + ".gitignore": ".env\n/var/\nlocal/\n",
            "templates/other/{= _copier_conf.answers_file =}.jinja": answers,
            "templates/other/README.md": "other\n",
        },
    )
    return "v1.0.0"


def _second(repository: Path) -> str:
    own = "templates/small/"
    _write(
        repository,
        {
            own + "app/main.py": numbered("main").replace("main 5\n", "main 5, newer\n"),
            own + "data/blob.bin": bytes(reversed(range(256))),
            own + "ADDED.md": numbered("added"),
            own + "prompts/answer.md": "newer prompt of the template\n",
        },
    )
    return "v1.1.0"


def _third(repository: Path) -> str:
    git(repository, "mv", "templates/small/app/old_name.py", "templates/small/app/new_name.py")
    git(repository, "rm", "--quiet", "templates/small/app/dropped.py")
    _questions(repository, more=REGION)
    _write(repository, {"templates/small/REGION.md.jinja": "{= region =}\n"})
    return "v2.0.0"


def _fourth(repository: Path) -> str:
    own = "templates/small/"
    main = numbered("main").replace("main 5\n", "main 5, newer\n").replace("main 25\n", "main 25, newest\nmain 25b\n")
    _write(repository, {own + "app/main.py": main, "UPGRADING.md": UPGRADING, own + "local/hidden.md": "not for git\n"})
    return "v3.0.0"


def _fifth(repository: Path) -> str:
    """What our rules forbid a release to do, and what the command must notice: a choice is gone."""
    _questions(repository, clouds="{Amazon: aws, Azure: azure}", more=REGION)
    return "v4.0.0"
