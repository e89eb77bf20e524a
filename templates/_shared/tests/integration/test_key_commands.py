"""`app keys`: a key is shown once, does what its scopes say, and no command leaves the database open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import cli
from app.scopes import Scope
from app.stores.catalog import Catalog


@pytest.fixture
def still_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Catalog]]:
    """The catalogs that were opened and not closed; there must be none at the end."""
    unclosed: list[Catalog] = []
    opened, closed = Catalog.__init__, Catalog.close

    def note_open(catalog: Catalog, url: str) -> None:
        opened(catalog, url)
        unclosed.append(catalog)

    def note_close(catalog: Catalog) -> None:
        closed(catalog)
        unclosed.remove(catalog)

    monkeypatch.setattr(Catalog, "__init__", note_open)
    monkeypatch.setattr(Catalog, "close", note_close)
    yield unclosed
    assert unclosed == []


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["keys", *arguments], env={"APP_STORE__URL": f"sqlite:///{folder}/app.db"})


def test_a_key_is_listed_with_its_scopes_until_it_is_revoked(tmp_path: Path, still_open: list[Catalog]) -> None:
    secret = run(tmp_path, "create", "bot", "--scope", "admin", "--scope", "feedback").stdout.strip()
    listed = run(tmp_path, "list").stdout
    assert secret.startswith("app_")
    assert secret not in listed
    assert "live" in listed
    assert "admin,feedback" in listed
    assert run(tmp_path, "revoke", listed.split()[0]).exit_code == 0
    assert "revoked" in run(tmp_path, "list").stdout


def test_a_key_without_scopes_may_not_administer(tmp_path: Path, still_open: list[Catalog]) -> None:
    run(tmp_path, "create", "plain")
    listed = run(tmp_path, "list").stdout
    assert ",".join(sorted(set(Scope) - {Scope.ADMIN})) in listed
    assert "admin" not in listed


def test_an_unknown_scope_and_an_unknown_key_are_refused(tmp_path: Path, still_open: list[Catalog]) -> None:
    assert run(tmp_path, "create", "bot", "--scope", "everything").exit_code == 2
    assert "There is no live key 'nowhere'" in str(run(tmp_path, "revoke", "nowhere").exception)


def test_the_first_command_of_a_fresh_project_makes_the_databases_folder(
    tmp_path: Path, still_open: list[Catalog]
) -> None:
    assert run(tmp_path / "var", "list").exit_code == 0
    assert (tmp_path / "var/app.db").exists()
