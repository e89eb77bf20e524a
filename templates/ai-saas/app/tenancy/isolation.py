"""Row-level security: one PostgreSQL database, in which each transaction sees the rows of one organisation alone.

The shared rooms know nothing of organisations. Their tables get a column `organisation` whose default is the setting
`app.organisation` of the transaction, keys that include it, and a policy that shows and takes only rows with it. A
transaction without the setting sees nothing and can write nothing.

Superusers pass every policy, and so do some administrators of managed databases. A connection of theirs steps down to
the role `organisation_rows`, which `app migrate` makes for them; where it cannot, the service does not start.
"""

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.errors import ConfigurationError
from app.stores.database import SCHEMA_LOCK, first_line
from app.stores.database import metadata as shared
from app.tenancy.scope import AT_ONCE, ORGANISATION, SERVICE_ID
from app.tenancy.tables import GUARDED, metadata

# What is the service's own. Every other table of the shared rooms, also one to come, holds data of organisations.
SERVICE = frozenset(
    "api_key api_key_scope spend_ledger spend_budget spend_reservation index_evaluation prompt_release".split()
)
LIMITED = "organisation_rows"
INDEX = ("indexed_document", "chunk", "posting")  # where PostgreSQL holds the passages as well
KEYS = """
SELECT conname, contype, array_agg(attname ORDER BY place) FROM pg_constraint
CROSS JOIN unnest(conkey) WITH ORDINALITY AS part (number, place)
JOIN pg_attribute ON attrelid = conrelid AND attnum = number
WHERE conrelid = to_regclass(:name) AND contype IN ('p', 'u') GROUP BY conname, contype
"""
# A policy's condition is a mistake to be without, so the empty setting that PostgreSQL leaves behind counts as none.
NAME = "SELECT set_config('app.organisation', %s, true)"
AND_HURRY = ", set_config('synchronous_commit', 'off', true)"
POLICY = "organisation = nullif(current_setting('app.organisation', true), '')"
# Passages of few organisations among many would be missed by an approximate search over all of them: it is exact.
ISOLATED_INDEX = """
ALTER TABLE chunk DROP CONSTRAINT chunk_document_fkey, DROP CONSTRAINT chunk_document_position_key;
ALTER TABLE indexed_document DROP CONSTRAINT indexed_document_pkey,
    ADD CONSTRAINT indexed_document_pkey PRIMARY KEY (organisation, name);
ALTER TABLE chunk ADD CONSTRAINT chunk_document_position_key UNIQUE (organisation, document, position),
    ADD CONSTRAINT chunk_document_fkey FOREIGN KEY (organisation, document)
    REFERENCES indexed_document (organisation, name) ON DELETE CASCADE;
DROP INDEX chunk_vector;
DROP INDEX posting_word;
CREATE INDEX posting_word ON posting (organisation, word) INCLUDE (chunk_id, frequency, length);
"""
MAKE_LIMITED = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{LIMITED}') THEN CREATE ROLE {LIMITED} NOLOGIN; END IF;
    IF NOT pg_has_role('{LIMITED}', 'MEMBER') THEN GRANT {LIMITED} TO CURRENT_USER; END IF;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {LIMITED};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {LIMITED};
"""
MAY_STEP_DOWN = """
SELECT pg_has_role(oid, 'MEMBER') AND has_table_privilege(oid, to_regclass('tenant'), 'INSERT')
FROM pg_roles WHERE rolname = :role
"""
OPEN = """
SELECT relname FROM pg_class WHERE oid = ANY(SELECT to_regclass(name) FROM unnest(CAST(:names AS text[])) AS name)
AND NOT (relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid))
ORDER BY relname
"""


def guard(engine: Engine) -> str:
    """Tell PostgreSQL, in each transaction of `of_organisation(engine, …)`, whose it is; return its role, or `none`.

    From now on connections run as the limited role where there is one.
    """
    if not sa.event.contains(engine, "begin", _name_organisation):
        sa.event.listen(engine, "begin", _name_organisation)
    with engine.connect() as connection:
        limited = bool(connection.execute(sa.text(MAY_STEP_DOWN), {"role": LIMITED}).scalar())
    if limited and not sa.event.contains(engine, "connect", _step_down):
        sa.event.listen(engine, "connect", _step_down)
        engine.dispose()
    return LIMITED if limited else "none"


def isolate(engine: Engine) -> None:
    """Separate the organisations in all tables that there are and that are not separated yet. Needs the owner's role.

    Raises:
        ConfigurationError: a table holds rows that belong to nobody.
    """
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SCHEMA_LOCK})
        for table in _shared_tables():
            if _add_organisation(connection, table.name, is_child=_is_child(table)):
                _widen_keys(connection, table)
                connection.exec_driver_sql(f"CREATE INDEX {table.name}_organisation ON {table.name} (organisation)")
        if sa.inspect(connection).has_table(INDEX[0]):
            added = [_add_organisation(connection, name, is_child=name != INDEX[0]) for name in INDEX]
            if all(added):
                connection.exec_driver_sql(ISOLATED_INDEX)
        for name in _guarded_tables():
            _protect(connection, name)
        own = "INSERT INTO tenant (id, created_at) VALUES (:id, now()) ON CONFLICT DO NOTHING"
        connection.execute(sa.text(own), {"id": SERVICE_ID})
        rights = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        if connection.exec_driver_sql(rights).scalar():
            connection.exec_driver_sql(MAKE_LIMITED)


def require_isolation(engine: Engine) -> None:
    """Make sure that the database keeps organisations apart, whatever a query forgets.

    Raises:
        ConfigurationError: it does not, for this role or in some table.
    """
    names = [*(table.name for table in _shared_tables()), *INDEX, *_guarded_tables()]
    role = "SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    with engine.connect() as connection:
        name, passes = connection.execute(sa.text(role)).one()
        unguarded = connection.execute(sa.text(OPEN), {"names": names}).scalars().all()
    if passes:
        raise ConfigurationError(
            f"The database role {name!r} passes row-level security.",
            "Run `uv run app migrate` as this role, or name one in APP_STORE__URL that is no superuser.",
        )
    if unguarded:
        raise ConfigurationError(f"{', '.join(unguarded)}: not separated by organisation.", "Run `uv run app migrate`.")


def _shared_tables() -> list[sa.Table]:
    """The tables of the shared rooms that hold data of organisations."""
    return [table for table in shared.sorted_tables if table.name not in SERVICE]


def _guarded_tables() -> list[str]:
    """The tables of this product itself that PostgreSQL guards; their column and keys are there from the beginning."""
    return [table.name for table in metadata.sorted_tables if table.info == GUARDED]


def _name_organisation(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(ORGANISATION) is not None:
        told = NAME + AND_HURRY if options.get(AT_ONCE) else NAME
        connection.exec_driver_sql(told, (options[ORGANISATION],))


def _step_down(connection: psycopg.Connection, _: object) -> None:
    connection.execute(f"SET ROLE {LIMITED}".encode())
    connection.commit()


def _add_organisation(connection: Connection, name: str, *, is_child: bool) -> bool:
    """Give a table its column and policy, unless it has them. A child's row goes with its parent's."""
    there = "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(:name) AND attname = 'organisation')"
    if connection.execute(sa.text(there), {"name": name}).scalar():
        return False
    tenant = "" if is_child else "REFERENCES tenant ON DELETE CASCADE"
    try:
        _alter(connection, name, f"ADD COLUMN organisation varchar(16) NOT NULL {tenant}")
    except sa.exc.IntegrityError as error:
        raise ConfigurationError(
            f"The table {name!r} holds rows of no organisation: {first_line(error)}.", "Begin with an empty database."
        ) from None
    _alter(connection, name, "ALTER COLUMN organisation SET DEFAULT current_setting('app.organisation')")
    _protect(connection, name)
    return True


def _widen_keys(connection: Connection, table: sa.Table) -> None:
    """Let two organisations have the same key, unless it is made of numbers that the database counts itself."""
    for key, kind, columns in connection.execute(sa.text(KEYS), {"name": table.name}).all():
        if not any(_is_counted(table.c[column]) for column in columns):
            unique = "PRIMARY KEY" if kind == "p" else "UNIQUE"
            _alter(connection, table.name, f"DROP CONSTRAINT {key}")
            _alter(connection, table.name, f"ADD CONSTRAINT {key} {unique} (organisation, {', '.join(columns)})")


def _is_counted(column: sa.Column[object]) -> bool:
    counted = column is column.table.autoincrement_column
    return counted or any(_is_counted(key.column) for key in column.foreign_keys)


def _is_child(table: sa.Table) -> bool:
    return bool(table.foreign_keys)


def _protect(connection: Connection, name: str) -> None:
    _alter(connection, name, "ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    connection.exec_driver_sql(f"DROP POLICY IF EXISTS organisation ON {name}")
    connection.exec_driver_sql(f"CREATE POLICY organisation ON {name} USING ({POLICY})")


def _alter(connection: Connection, name: str, change: str) -> None:
    """Names and changes are this module's own or come from the database's catalogue, never from a caller."""
    connection.exec_driver_sql(f"ALTER TABLE {name} {change}")
