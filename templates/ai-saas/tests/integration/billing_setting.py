"""An empty service database and small plans for the tests of billing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import Engine

from app.billing.plans import Plans
from app.stores.database import open_database
from app.tenancy.isolation import guard
from app.tenancy.scope import OrganisationScope, Role
from app.tenancy.tables import add_tenant, metadata

PLANS = Plans.model_validate(
    {
        "warn_from": 0.8,
        "plans": [
            {
                "name": "free",
                "title": "Free",
                "price": "0",
                "quotas": {
                    "questions": {"included": 5},
                    "documents": {"included": 2},
                    "storage_bytes": {"included": 1000},
                },
            },
            {
                "name": "team",
                "title": "Team",
                "price": "30",
                "quotas": {
                    "questions": {"included": 10, "overage": "0.015", "most": 30},
                    "documents": {"included": 20},
                    "storage_bytes": {"included": 9000},
                },
            },
        ],
    }
)
PRICES = {"team": ["price_team", "price_questions"]}


@contextmanager
def service_database(url: str) -> Iterator[Engine]:
    """The service's database as its processes open it."""
    engine = open_database(url)
    if engine.dialect.name == "postgresql":
        guard(engine)
    yield engine
    engine.dispose()


@contextmanager
def sqlite_database(folder: Path) -> Iterator[Engine]:
    """The same in a file, with all tables."""
    with service_database(f"sqlite:///{folder}/service.db") as engine:
        metadata.create_all(engine)
        yield engine


def new_organisation(engine: Engine) -> OrganisationScope:
    """Somebody's organisation."""
    with engine.begin() as connection:
        return OrganisationScope(add_tenant(connection), "", Role.OWNER)
