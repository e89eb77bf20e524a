"""On PostgreSQL, where organisations share tables, the workspace behaves as on SQLite, where each has a file."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.bootstrap import build_index
from app.migrations.running import migrate
from app.settings import Settings, StoreSettings
from app.stores.catalog import Catalog
from tests.integration import test_workspace as journeys
from tests.integration.office import read_all, uploads
from tests.integration.town import Person, Town, open_town

Journey = Callable[[Town, Person, str], None]


@pytest.fixture
def town(databases: Callable[[], str], tmp_path: Path) -> Iterator[Town]:
    settings = Settings(store=StoreSettings(url=databases()))
    with closing(Catalog(settings.store.url)) as catalog, closing(build_index(settings)):
        migrate(catalog.engine)
    with open_town(settings, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    "journey",
    [
        journeys.test_a_conversation_is_its_owners_alone_and_can_be_forgotten,
        journeys.test_a_link_shows_one_conversation_until_it_is_taken_back,
        journeys.test_another_organisation_does_not_exist,
        journeys.test_the_same_names_in_two_organisations_are_two_things,
        journeys.test_deleting_a_document_makes_room_and_its_text_is_gone,
        journeys.test_a_judgement_stays_in_the_organisation,
    ],
    ids=lambda journey: journey.__name__.removeprefix("test_"),
)
def test_as_on_sqlite(town: Town, journey: Journey) -> None:
    ada = town.person("ada")
    acme = ada.founds("Acme")
    assert uploads(ada, acme).status_code == 202
    read_all(town, acme)
    journey(town, ada, acme)


def test_history_and_export_hold_what_was_asked_and_nothing_of_others(town: Town) -> None:
    done = {"bob": journeys.test_the_export_holds_everything, "ada": journeys.test_history_shows_what_was_cited}
    for name, journey in done.items():
        person = town.person(name)
        organisation = person.founds(name)
        uploads(person, organisation)
        read_all(town, organisation)
        journey(person, organisation)
