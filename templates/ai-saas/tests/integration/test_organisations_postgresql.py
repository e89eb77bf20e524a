"""On PostgreSQL accounts and organisations behave as on SQLite, also where two change the same thing at once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from app.bootstrap import build_index
from app.errors import TooManyRequests
from app.migrations.running import migrate
from app.settings import Settings, StoreSettings
from app.stores.catalog import Catalog
from tests.integration import test_access, test_organisations
from tests.integration.town import PASSWORD, Person, Town, open_town

Journey = Callable[[Town, Person, str], None]


@pytest.fixture(scope="module")
def service(databases: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    settings = Settings(store=StoreSettings(url=databases()))
    with closing(Catalog(settings.store.url)) as catalog, closing(build_index(settings)):
        migrate(catalog.engine)
    with open_town(settings, tmp_path_factory.mktemp("town")) as opened:
        yield opened


@pytest.fixture
def town(service: Town) -> Town:
    return service.for_another_test()


@pytest.mark.parametrize(
    "journey",
    [
        test_organisations.test_of_two_owners_who_leave_at_once_one_stays,
        test_organisations.test_an_invitation_works_once_and_for_its_address_alone,
        test_organisations.test_every_deed_is_in_the_audit_log,
        test_organisations.test_the_audit_log_of_another_organisation_is_not_shown,
        test_organisations.test_a_deleted_organisation_is_gone_for_everybody,
        test_access.test_a_key_is_shown_once_and_ends_when_it_is_revoked,
    ],
    ids=lambda journey: journey.__name__.removeprefix("test_"),
)
def test_as_on_sqlite(town: Town, journey: Journey) -> None:
    owner = town.person("owner")
    journey(town, owner, owner.founds("Acme"))


def test_another_organisation_does_not_exist(town: Town) -> None:
    test_access.test_every_call_on_another_organisation_answers_404(town, town.person("ada").founds("Acme"))


def test_guessed_names_are_unknown_and_break_nothing(town: Town) -> None:
    ada = town.person("ada")
    acme = ada.founds()
    for organisation in test_access.UNKNOWN:
        test_access.test_a_guessed_organisation_answers_404(ada, acme, organisation)


def test_many_guesses_at_once_are_no_more_than_one_after_another(town: Town) -> None:
    lockout = town.app.state.lockout

    def allowed(_: int) -> bool:
        try:
            lockout.take("account", "ada", 3)
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(allowed, range(40))) == 3


def test_nul_and_other_odd_text_is_refused_and_no_error_of_the_database(town: Town) -> None:
    ada = town.person("ada")
    odd = "a\x00b"
    assert ada.does("POST", "/v1/organisations", {"name": odd}).status_code == 422
    assert ada.does("PATCH", "/v1/me", {"name": odd}).status_code == 422
    assert ada.does("DELETE", "/v1/sessions/%00").status_code in (404, 422)
    assert ada.http.post("/v1/login", json={"email": ada.email, "password": odd}).status_code == 401
    assert ada.http.post("/v1/login", json={"email": ada.email, "password": PASSWORD}).status_code == 200
