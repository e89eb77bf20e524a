"""The three clouds ask for the same variables: names, order, types, defaults, and the rules that are no cloud's own."""

from __future__ import annotations

from typing import Any

import hcl2
import pytest

from tests.conftest import ROOT

CLOUDS = ("aws", "azure", "gcp")
# How many of a variable's rules come first and are the same everywhere; what follows is the cloud's own.
COMMON_RULES = {"region": 0, "certificate_id": 0, "network_cidr": 1, "allowed_cidrs": 1}

Variables = dict[str, dict[str, object]]


def variables(text: str) -> Variables:
    """What must be equal of each variable, by name and in order."""
    return {name: common(name, body) for block in hcl2.loads(text)["variable"] for name, body in block.items()}


def common(name: str, body: dict[str, Any]) -> dict[str, object]:
    rules = [(rule["condition"], rule["error_message"]) for rule in body.get("validation", [])]
    kept = {key: body.get(key) for key in ("type", "default", "nullable", "sensitive")}
    return {**kept, "rules": rules[: COMMON_RULES.get(name.strip('"'), len(rules))]}


def texts(deploy: str = "service") -> dict[str, str]:
    """The files of each cloud that say what a deploy asks for: those of both deploys, then its own."""
    names = ("variables.tf", f"{deploy}_interface.tf")
    infra = ROOT / "templates/_shared/infra"
    return {cloud: "".join((infra / cloud / name).read_text("utf-8") for name in names) for cloud in CLOUDS}


def differing(found: dict[str, Variables]) -> list[str]:
    """The variables that are not the same on every cloud; `order` when only their order differs."""
    first, *others = found.values()
    names = {name for each in found.values() for name in each}
    wrong = sorted(name.strip('"') for name in names if any(first.get(name) != each.get(name) for each in others))
    return wrong or (["order"] if any(list(first) != list(each) for each in others) else [])


@pytest.mark.parametrize("deploy", ["service", "cluster"])
def test_the_clouds_ask_for_the_same_variables(deploy: str) -> None:
    found = {cloud: variables(text) for cloud, text in texts(deploy).items()}
    assert len(found["aws"]) <= 14
    assert differing(found) == []


@pytest.mark.parametrize("deploy", ["service", "cluster"])
def test_each_variable_says_what_it_is_for(deploy: str) -> None:
    for text in texts(deploy).values():
        bodies = [body for block in hcl2.loads(text)["variable"] for body in block.values()]
        assert all(len(str(body["description"])) > 20 for body in bodies)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ('variable "release"', 'variable "version"', "release"),
        ("type        = list(string)", "type        = set(string)", "allowed_cidrs"),
        ('default     = "10.20.0.0/16"', 'default     = "10.0.0.0/16"', "network_cidr"),
        ('contains(["dev", "prod"], var.environment)', 'contains(["dev"], var.environment)', "environment"),
        ("at most 40 characters", "at most 41 characters", "project"),
    ],
)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cloud_that_drifts_away_is_found(cloud: str, old: str, new: str, name: str) -> None:
    changed = texts()
    assert old in changed[cloud]
    changed[cloud] = changed[cloud].replace(old, new, 1)
    assert name in differing({each: variables(text) for each, text in changed.items()})
