"""Drafts are complete Terraform with safe settings, and only files."""

from pathlib import Path
from typing import Literal, get_args

import pytest

from app.tools.infrastructure import HEAD, PIECES, Resource, infrastructure_drafter, terraform
from tests.unit.tool_calls import use

CLOUDS = ("aws", "azure", "gcp")
OPEN = ("0.0.0.0/0", "publicly_accessible         = true", '"*"', "public-read", "admin_enabled       = true")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_cloud_has_every_resource(cloud: str) -> None:
    assert set(HEAD.findall((PIECES / f"{cloud}.tf").read_text())) == set(get_args(Resource))


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("resource", get_args(Resource))
def test_a_draft_stands_alone_and_opens_nothing(cloud: str, resource: Literal["bucket"]) -> None:
    text = terraform(cloud, [resource])
    assert text.count("{") == text.count("}")
    assert text.startswith("terraform {")
    assert "# ---" not in text
    assert not [setting for setting in OPEN if setting in text]


def test_a_resource_named_twice_is_drafted_once(tmp_path: Path) -> None:
    result = use(infrastructure_drafter(), tmp_path, {"cloud": "aws", "resources": ["queue", "queue"]})
    assert result.artefacts == ("aws-c1.tf",)
    assert (tmp_path / "aws-c1.tf").read_text().count('resource "aws_sqs_queue" "main"') == 1
    assert "Nothing was applied" in result.text


@pytest.mark.parametrize(
    "arguments", [{"cloud": "moon", "resources": ["queue"]}, {"cloud": "aws", "resources": ["rocket"]}]
)
def test_what_is_not_known_is_named(tmp_path: Path, arguments: dict[str, object]) -> None:
    result = use(infrastructure_drafter(), tmp_path, arguments)
    assert not result.ok
    assert "'aws', 'azure' or 'gcp'" in result.text or "'bucket'" in result.text
