"""The Terraform that the agent drafts is formatted and fits the real providers' schemas."""

from pathlib import Path

import pytest

from .infra_terraform import Module, needs_terraform_core

DRAFTS = Path(__file__).parents[2] / "templates/agent/app/tools/drafts"

pytestmark = [pytest.mark.slow, needs_terraform_core]


def initialised(text: str, folder: Path, providers: str) -> Module:
    """A module of one file."""
    (folder / "main.tf").write_text(text, "utf-8")
    module = Module(folder).with_environment(TF_REATTACH_PROVIDERS=providers)
    module.must("init", "-input=false")
    return module


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_every_piece_is_formatted_and_valid(cloud: str, tmp_path: Path, schema_providers: str) -> None:
    module = initialised((DRAFTS / f"{cloud}.tf").read_text("utf-8"), tmp_path, schema_providers)
    module.must("fmt", "-check", "-diff")
    module.must("validate")


def test_a_misspelt_argument_would_be_found(tmp_path: Path, schema_providers: str) -> None:
    text = (DRAFTS / "aws.tf").read_text("utf-8")
    broken = text.replace("storage_encrypted ", "storage_encryptet ")
    assert broken != text
    assert initialised(broken, tmp_path, schema_providers).run("validate").returncode == 1
