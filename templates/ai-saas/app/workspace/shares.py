"""Links that show one conversation to whoever has them: read-only, revocable, kept as a hash."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.errors import NotFound
from app.stores.database import Moment
from app.tenancy.scope import OrganisationScope, new_id
from app.tenancy.tables import metadata, organisation_column

# Not guarded: a link is found by its token's hash, before the organisation is known.
links = sa.Table(
    "share_link",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    organisation_column(),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("asker", sa.String(16), nullable=False),
    sa.Column("conversation", sa.String(64), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)


@dataclass(frozen=True)
class Share:
    """A link to the conversation that `asker` had; `token` is known only where the link was made."""

    id: str
    organisation: str
    asker: str
    conversation: str
    created_at: datetime
    token: str = ""


class Shares:
    """Makes links, finds what they show, and takes them back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, scope: OrganisationScope, asker: str, conversation: str) -> Share:
        """A new link; its token is 256 random bits and cannot be read again."""
        token = secrets.token_urlsafe(32)
        share = Share(new_id(), scope.organisation, asker, conversation, datetime.now(UTC), token)
        row = {name: value for name, value in vars(share).items() if name != "token"}
        with self._engine.begin() as connection:
            connection.execute(links.insert().values(**row, token_hash=hashed(token)))
        return share

    def of(self, scope: OrganisationScope, asker: str) -> list[Share]:
        """The links that this caller made, the newest first."""
        mine = (links.c.organisation == scope.organisation, links.c.asker == asker)
        with self._engine.connect() as connection:
            rows = connection.execute(_SELECT.where(*mine).order_by(links.c.created_at.desc())).all()
        return [Share(*row) for row in rows]

    def find(self, token: str) -> Share:
        """What a link shows.

        Raises:
            NotFound: there is no such link, or it was taken back.
        """
        with self._engine.connect() as connection:
            row = connection.execute(_SELECT.where(links.c.token_hash == hashed(token))).first()
        if row is None:
            raise no_share()
        return Share(*row)

    def revoke(self, scope: OrganisationScope, asker: str, identifier: str) -> None:
        """Take a link back.

        Raises:
            NotFound: this caller made no such link.
        """
        mine = (links.c.organisation == scope.organisation, links.c.asker == asker, links.c.id == identifier)
        with self._engine.begin() as connection:
            if connection.execute(links.delete().where(*mine)).rowcount == 0:
                raise NotFound(f"There is no link {identifier!r}.", "GET …/shares lists yours.")

    def forget(self, scope: OrganisationScope, asker: str, conversation: str) -> None:
        """Take back every link to a conversation that is deleted: another one may get its name."""
        gone = (links.c.organisation == scope.organisation, links.c.asker == asker)
        with self._engine.begin() as connection:
            connection.execute(links.delete().where(*gone, links.c.conversation == conversation))


_SELECT = sa.select(links.c.id, links.c.organisation, links.c.asker, links.c.conversation, links.c.created_at)


def no_share() -> NotFound:
    """What a link answers that shows nothing, whatever the reason."""
    return NotFound("This link shows nothing.", "It was taken back, or never made: ask who sent it.")


def hashed(token: str) -> str:
    """What is kept of a token: it is random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()
