"""Who acts for which organisation, and how a connection is told so."""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.engine import Engine

ID_LENGTH = 16
SERVICE_ID = "0" * ID_LENGTH  # no organisation: whose the operators' own feedback is on PostgreSQL
ORGANISATION = "organisation"  # the execution option that names an engine's organisation
AT_ONCE = "at_once"  # the execution option of commits that do not wait for PostgreSQL's disk


class Role(StrEnum):
    """What a member may do; each role may do all that the ones before it may."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """0 for the lowest role."""
        return list(Role).index(self)

    def covers(self, needed: "Role") -> bool:
        """Whether this role is `needed` or a higher one."""
        return self.rank >= needed.rank

    # A text compares by its letters, and "admin" < "member" would let the wrong one in.
    def __lt__(self, other: str) -> bool:
        return self.rank < Role(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Role(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Role(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Role(other).rank


@dataclass(frozen=True, slots=True)
class OrganisationScope:
    """On whose behalf something is done: an organisation, the user (empty for an API key) and the role there."""

    organisation: str
    user: str
    role: Role


def new_id() -> str:
    """A random id of ours for a user, an organisation or anything else: 16 hexadecimal digits."""
    return secrets.token_hex(ID_LENGTH // 2)


def is_id(text: str) -> bool:
    """Whether `text` looks like an id of ours, and so may become part of a path."""
    return len(text) == ID_LENGTH and not set(text) - set("0123456789abcdef")


def of_organisation(engine: Engine, organisation: str, *, at_once: bool = False) -> Engine:
    """The same database and the same pool for one organisation: on PostgreSQL it shows this one's guarded rows alone.

    SQLite knows no such guard; there the query's own condition on `organisation` is the only one.

    A commit `at_once` does not wait for PostgreSQL's disk, as none does on SQLite: a process that is killed loses
    nothing; a power cut of the database may take the last moments, all of a transaction or none of it.
    """
    return engine.execution_options(**{ORGANISATION: organisation, AT_ONCE: at_once})
