"""Roles have an order, ids are ours, and no table is forgotten."""

from itertools import pairwise
from pathlib import Path

import pytest

import app
from app.tenancy.scope import Role, is_id, new_id
from app.tenancy.tables import ROOMS, load_tables, metadata, tenants
from app.workspace.flavour import chosen

load_tables()


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(Role)))
def test_a_higher_role_covers_a_lower_one_and_not_the_other_way_round(lower: Role, higher: Role) -> None:
    assert higher.covers(lower)
    assert lower.covers(lower)
    assert not lower.covers(higher)
    assert lower < higher <= higher
    assert higher > lower >= lower


def test_the_highest_role_is_the_owner_although_admin_comes_first_in_the_alphabet() -> None:
    assert max(Role) is Role.OWNER
    assert sorted(Role) == list(Role)


def test_ids_are_random_and_safe_in_a_path() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(map(is_id, ids))


@pytest.mark.parametrize("text", ["", "../../../../etc/p", "A" * 16, "0" * 17, "0" * 15 + "/", "0" * 15 + "\n"])
def test_no_other_text_is_an_id(text: str) -> None:
    assert not is_id(text)


def test_every_module_that_makes_a_table_is_known() -> None:
    folder = Path(next(iter(app.__path__)))
    modules = {
        ".".join(["app", *path.relative_to(folder).with_suffix("").parts])
        for path in folder.rglob("*.py")
        if "sa.Table(\n" in path.read_text(encoding="utf-8")
    }
    flavours = {module for module in modules if module.split(".")[1] == chosen().name}
    assert modules - flavours == set(ROOMS)


def test_whatever_names_an_organisation_goes_with_it() -> None:
    for table in metadata.sorted_tables:
        if "organisation" in table.c:
            assert any(key.column is tenants.c.id for key in table.c.organisation.foreign_keys), table.name
