"""Row-level security: one PostgreSQL database, in which each transaction sees the rows of one organisation alone.

The shared rooms know nothing of organisations. Their tables get a column `organisation` whose default is the setting
`app.organisation` of the transaction, keys that include it, and a policy that shows and takes only rows with it. A
transaction without the setting sees nothing and can write nothing. Superusers pass every policy, so they are refused.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.answering.conversations import turns
from app.errors import ConfigurationError
from app.evals.answers import answers, scores
from app.ingestion.fingerprints import bands, contents, signatures
from app.ingestion.intake import uploads
from app.llm.cache import answers as cached
from app.stores.catalog import documents, feedback
from app.stores.database import SCHEMA_LOCK, first_line
from app.tenancy.scope import ORGANISATION
from app.tenancy.tables import GUARDED, metadata

SHARED = tuple(
    table.name for table in (documents, uploads, contents, signatures, bands, turns, feedback, answers, scores, cached)
)
INDEX = ("indexed_document", "chunk", "posting")  # where PostgreSQL holds the passages as well
CHILDREN = frozenset({"answer_score", "chunk", "posting"})  # their parents' rows take them along
COUNTED = frozenset(  # keys of numbers that the database counts itself: no two organisations can have the same
    f"{name}_pkey" for name in ("conversation_turn", "feedback", "answer_record", "answer_score", "chunk", "posting")
)
KEYS = """
SELECT conname, contype, array_agg(attname ORDER BY place) FROM pg_constraint
CROSS JOIN unnest(conkey) WITH ORDINALITY AS part (number, place)
JOIN pg_attribute ON attrelid = conrelid AND attnum = number
WHERE conrelid = to_regclass(:name) AND contype IN ('p', 'u') GROUP BY conname, contype
"""
# A policy's condition is a mistake to be without, so the empty setting that PostgreSQL leaves behind counts as none.
POLICY = "organisation = nullif(current_setting('app.organisation', true), '')"
# Passages of few organisations among many would be missed by an approximate search over all of them: it is exact.
INDEX_CHANGES = """
ALTER TABLE chunk ADD CONSTRAINT chunk_document_fkey FOREIGN KEY (organisation, document)
    REFERENCES indexed_document (organisation, name) ON DELETE CASCADE;
DROP INDEX chunk_vector;
DROP INDEX posting_word;
CREATE INDEX posting_word ON posting (organisation, word) INCLUDE (chunk_id, frequency, length);
"""
OPEN = """
SELECT relname FROM pg_class WHERE oid = ANY(SELECT to_regclass(name) FROM unnest(CAST(:names AS text[])) AS name)
AND NOT (relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid))
ORDER BY relname
"""


def guard(engine: Engine) -> None:
    """Tell PostgreSQL, in each transaction of `of_organisation(engine, …)`, whose it is."""
    if not sa.event.contains(engine, "begin", _name_organisation):
        sa.event.listen(engine, "begin", _name_organisation)


def isolate(engine: Engine) -> None:
    """Separate the organisations in all tables that there are and that are not separated yet. Needs the owner's role.

    Raises:
        ConfigurationError: a table holds rows that belong to nobody.
    """
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SCHEMA_LOCK})
        there = set(sa.inspect(connection).get_table_names())
        for name in (*SHARED, *INDEX):
            if name in there:
                _isolate(connection, name)
        for name in guarded_tables():
            _protect(connection, name)


def require_isolation(engine: Engine) -> None:
    """Make sure that the database keeps organisations apart, whatever a query forgets.

    Raises:
        ConfigurationError: it does not, for this role or in some table.
    """
    role = "SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    with engine.connect() as connection:
        name, passes = connection.execute(sa.text(role)).one()
        unguarded = connection.execute(sa.text(OPEN), {"names": [*SHARED, *INDEX, *guarded_tables()]}).scalars().all()
    if passes:
        raise ConfigurationError(
            f"The database role {name!r} passes row-level security.",
            "Name a role in APP_STORE__URL that is no superuser and has no BYPASSRLS.",
        )
    if unguarded:
        raise ConfigurationError(f"{', '.join(unguarded)}: not separated by organisation.", "Run `uv run app migrate`.")


def guarded_tables() -> list[str]:
    """The tables of this product itself that PostgreSQL guards."""
    return [table.name for table in metadata.sorted_tables if table.info == GUARDED]


def _name_organisation(connection: Connection) -> None:
    organisation = connection.get_execution_options().get(ORGANISATION)
    if organisation is not None:
        connection.exec_driver_sql("SELECT set_config('app.organisation', %s, true)", (organisation,))


def _isolate(connection: Connection, name: str) -> None:
    """Give a shared table its column, keys and policy, all at once or not at all."""
    if any(column["name"] == "organisation" for column in sa.inspect(connection).get_columns(name)):
        return
    tenant = "" if name in CHILDREN else "REFERENCES tenant ON DELETE CASCADE"
    try:
        _alter(connection, name, f"ADD COLUMN organisation varchar(16) NOT NULL {tenant}")
    except sa.exc.IntegrityError as error:
        reason = first_line(error)
        raise ConfigurationError(
            f"The table {name} holds rows of no organisation: {reason}.", "Begin with an empty database."
        ) from None
    _alter(connection, name, "ALTER COLUMN organisation SET DEFAULT current_setting('app.organisation')")
    for key, kind, columns in connection.execute(sa.text(KEYS), {"name": name}).all():
        if key not in COUNTED:
            _alter(connection, name, f"DROP CONSTRAINT {key} CASCADE")
            unique = "PRIMARY KEY" if kind == "p" else "UNIQUE"
            _alter(connection, name, f"ADD CONSTRAINT {key} {unique} (organisation, {', '.join(columns)})")
    if name == INDEX[-1]:
        connection.exec_driver_sql(INDEX_CHANGES)
    elif name not in INDEX:
        connection.exec_driver_sql(f"CREATE INDEX {name}_organisation ON {name} (organisation)")
    _protect(connection, name)


def _protect(connection: Connection, name: str) -> None:
    _alter(connection, name, "ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    connection.exec_driver_sql(f"DROP POLICY IF EXISTS organisation ON {name}")
    connection.exec_driver_sql(f"CREATE POLICY organisation ON {name} USING ({POLICY})")


def _alter(connection: Connection, name: str, change: str) -> None:
    """Names and changes are this module's own or come from the database's catalogue, never from a caller."""
    connection.exec_driver_sql(f"ALTER TABLE {name} {change}")
