"""How well a schema rebuilt from bindings fits: AWS's, held against what the real provider says of itself."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .cloud_schema.bindings import Block
from .infra_terraform import Module, needs_terraform

pytestmark = [pytest.mark.slow, needs_terraform]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The resource schemas of the real AWS provider on disk."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "main.tf").write_text(
        'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n'
    )
    module = Module(folder)
    module.must("init", "-input=false")
    (provider,) = json.loads(module.must("providers", "schema", "-json"))["provider_schemas"].values()
    return provider["resource_schemas"]


def compare(real: Block, rebuilt: Block, found: Counter[str]) -> None:
    """Count the attributes that both have, and those whose type is the same."""
    for name, attribute in real.get("attributes", {}).items():
        other = rebuilt["attributes"].get(name)
        if other:
            found["both"] += 1
            found["same type"] += attribute.get("type") == other["type"]
            found["same need"] += attribute.get("required", False) == other["required"]
    for name, nested in real.get("block_types", {}).items():
        if name in rebuilt["block_types"]:
            compare(nested["block"], rebuilt["block_types"][name]["block"], found)


def test_a_rebuilt_schema_is_the_real_one_but_for_the_versions_between(
    real: dict[str, Any], provider_schemas: Path
) -> None:
    (file,) = provider_schemas.glob("aws-*.json")
    rebuilt = json.loads(file.read_text("utf-8"))["resource_schemas"]
    found: Counter[str] = Counter()
    for name in set(real) & set(rebuilt):
        compare(real[name]["block"], rebuilt[name], found)
    assert found["both"] > 25_000
    assert found["same type"] / found["both"] > 0.999, found
    assert found["same need"] / found["both"] > 0.997, found
