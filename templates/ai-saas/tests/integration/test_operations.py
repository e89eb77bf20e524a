"""Operations: features are switched for all or for one organisation, seen by every process, and written down."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from httpx2 import Response

from app.accounts.settings import AccountSettings
from app.cli import cli
from app.evals.answers import Answered
from app.evals.commands import evals
from app.operations import flags
from app.operations.flags import SHARING, SIGN_UP, TOOLS, Flags
from app.settings import Settings
from app.workspace.flavour import chosen
from tests.integration.office import asks, at
from tests.integration.test_site import opens, sends, words
from tests.integration.town import Person, Town, open_town

ACCOUNT = {"email": "new@example.com", "password": "four quiet words here", "name": "New"}
TALK = "a-talk-to-share"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One service for all tests of this file."""
    folder = tmp_path_factory.mktemp("town")
    store = {"url": f"sqlite:///{folder}/app.db"}
    settings = Settings.model_validate({"store": store, "operators": ["root@example.com"]})
    settings.accounts = AccountSettings.model_validate({"organisations": 20})
    with open_town(settings, folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def root(town: Town) -> Person:
    return town.person("root")


@pytest.fixture(scope="module")
def ada(town: Town) -> Person:
    return town.person("ada")


@pytest.fixture(scope="module")
def acme(ada: Person) -> str:
    return ada.founds("Acme")


@pytest.fixture(autouse=True)
def as_it_was(town: Town, root: Person, acme: str) -> Iterator[None]:
    """Every test begins with the defaults."""
    yield
    for flag in flags.FLAGS:
        switched(root, flag.name, "default")
        if flag.per_organisation:
            switched(root, flag.name, "default", acme)


def switched(root: Person, flag: str, state: str, organisation: str = "") -> Response:
    """Press the button on the page of operations."""
    return sends(root, f"/admin/features/{flag}", state=state, organisation=organisation)


def test_operations_show_plan_usage_spend_and_quality_to_operators_alone(
    town: Town, root: Person, ada: Person, acme: str
) -> None:
    answers = town.app.state.tenants.open(acme).answers
    answered = Answered("a" * 32, "p", "m", "the question", "the answer", ())
    answers.add(answered, "v", {"faithfulness_words": 0.75})
    body = {"trace_id": "a" * 32, "rating": -1, "comment": "a secret comment"}
    assert ada.does("POST", at(acme, "feedback"), body).status_code == 204
    for page in ("/admin", f"/admin/organisations/{acme}"):
        assert ada.http.get(page).status_code == 404
    assert f'href="/admin/organisations/{acme}"' in root.http.get("/admin").text
    shown = opens(root, f"/admin/organisations/{acme}")
    for told in ("Plan Free", "of 50", "0 helpful, 1 not helpful", "0.750", "No paid model was called"):
        assert told in shown
    assert "secret" not in shown, "operators see numbers, not what readers wrote"
    assert root.http.get(f"/admin/organisations/{'0' * 16}").status_code == 404


def test_every_organisation_is_on_a_page_also_where_many_have_one_name(
    root: Person, ada: Person, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.site.operators.MOST", 2)
    wanted = {acme, *(ada.founds("Same") for _ in range(4))}
    seen, address = set(), "/admin"
    for _ in range(5):
        page = root.http.get(address).text
        seen |= set(re.findall(r'th scope="row"><a href="/admin/organisations/(\w+)"', page))
        following = re.search(r'href="(/admin\?after=\w+)"', page)
        if following is None:
            break
        address = following[1]
    assert wanted <= seen


def test_sign_up_can_be_closed_and_opened_again(town: Town, root: Person) -> None:
    stranger = town.stranger("new")
    assert switched(root, "sign-up", "off").status_code == 303
    assert stranger.http.post("/v1/signup", json=ACCOUNT).status_code == 403
    assert "Sign-up is closed" in opens(stranger, "/signup")
    refused = sends(stranger, "/signup", **ACCOUNT)
    assert (refused.status_code, "switched off" in words(refused)) == (403, True)
    assert switched(root, "sign-up", "on").status_code == 303
    assert stranger.http.post("/v1/signup", json=ACCOUNT).status_code == 202


def test_sharing_can_be_taken_from_one_organisation(town: Town, root: Person, ada: Person, acme: str) -> None:
    assert asks(ada, acme, conversation_id=TALK).status_code == 200
    shares = at(acme, f"conversations/{TALK}/shares")
    link = ada.does("POST", shares).json()["token"]
    stranger = town.stranger("x").http
    assert stranger.get(f"/v1/shared/{link}").status_code == 200
    switched(root, "sharing", "off", acme)
    assert ada.does("POST", shares).status_code == 403
    assert f"/history/{TALK}/share" not in ada.http.get(f"/o/{acme}/history").text
    assert stranger.get(f"/v1/shared/{link}").status_code == 404
    assert town.app.state.flags.on(SHARING, ada.founds("Other")), "others keep it"
    switched(root, "sharing", "default", acme)
    assert stranger.get(f"/v1/shared/{link}").status_code == 200, "a link is hidden, not lost"
    told = [(entry["action"], entry["target"]) for entry in ada.gets(at(acme, "audit"))]
    assert ("feature.off", "sharing") in told
    assert ("feature.default", "sharing") in told


def test_tools_can_be_taken_from_all_but_one_organisation(town: Town, root: Person, ada: Person, acme: str) -> None:
    tool = f"tools/{chosen().tools[0].name}"
    other = ada.founds("Other")
    switched(root, "tools", "off")
    switched(root, "tools", "on", acme)
    assert tool in ada.http.get(f"/o/{acme}").text
    assert tool not in ada.http.get(f"/o/{other}").text
    assert ada.http.get(f"/o/{acme}/{tool}").status_code == 200
    assert ada.http.get(f"/o/{other}/{tool}").status_code == 403
    own = {route.path.split("/")[1] for route in chosen().router.routes if isinstance(route, APIRoute)}
    calls = [
        (method.upper(), path.replace("{organisation}", other))
        for path, methods in town.app.openapi()["paths"].items()
        if path.removeprefix("/v1/organisations/{organisation}/").split("/")[0] in own
        for method in methods
    ]
    assert calls
    for method, path in calls:
        assert ada.does(method, re.sub(r"\{\w+\}", "0" * 16, path), {}).status_code == 403, path


def test_another_process_sees_a_switch_within_seconds(
    town: Town, root: Person, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, now = Flags(town.app.state.tenants.engine), [1000.0]
    monkeypatch.setattr(flags.time, "monotonic", lambda: now[0])
    assert elsewhere.on(TOOLS, acme)
    switched(root, "tools", "off")
    assert elsewhere.on(TOOLS, acme), "it asks the database once in a while, not for every call"
    now[0] += flags.SECONDS + 0.1
    assert flags.SECONDS <= 5
    assert not elsewhere.on(TOOLS, acme)


def test_who_switched_what_is_written_down(root: Person, acme: str) -> None:
    switched(root, "tools", "off", acme)
    shown = opens(root, "/admin")
    assert "tools off for Acme" in shown
    assert root.email in shown
    assert "Otherwise: Acme off" in shown


def test_nobody_else_switches_and_nothing_else_is_switched(root: Person, ada: Person, acme: str) -> None:
    assert sends(ada, "/admin/features/tools", state="off").status_code == 404
    assert root.http.post("/admin/features/tools", data={"state": "off"}).status_code == 403, "no proof of our page"
    assert switched(root, "tools", "off", "0" * 16).status_code == 404
    assert switched(root, "nothing", "off").status_code == 422
    assert switched(root, "tools", "perhaps").status_code == 422
    assert switched(root, SIGN_UP.name, "off", acme).status_code == 422, "it is nobody's alone"


def test_no_command_looks_for_answers_where_none_are() -> None:
    assert "feedback" not in {group.name for group in cli.registered_groups}
    names = {command.callback.__name__ for command in evals.registered_commands if command.callback}
    assert {"run", "gate"} <= names
    assert not {"drift", "due"} & names
