"""The tables of accounts. No organisation is known when they are read, so each is reached by a proof: hash or id."""

import sqlalchemy as sa

from app.stores.database import Moment
from app.tenancy.scope import ID_LENGTH
from app.tenancy.tables import metadata

users = sa.Table(
    "user_account",
    metadata,
    sa.Column("id", sa.String(ID_LENGTH), primary_key=True),
    sa.Column("email", sa.String(254), nullable=False, unique=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("password", sa.String(200), nullable=False),  # an argon2id hash
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("verified_at", Moment),
)
links = sa.Table(
    "account_link",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("purpose", sa.String(10), nullable=False),
    sa.Column("user", sa.String(ID_LENGTH), sa.ForeignKey("user_account.id"), nullable=False, index=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
)
sessions = sa.Table(
    "user_session",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(ID_LENGTH), nullable=False, unique=True),
    sa.Column("user", sa.String(ID_LENGTH), sa.ForeignKey("user_account.id"), nullable=False, index=True),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("browser", sa.String(200), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)
attempts = sa.Table(
    "login_attempt",
    metadata,
    sa.Column("subject", sa.String(64), primary_key=True),  # a hash: nobody's address is kept here
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
    sa.Column("locked_until", Moment, nullable=False),
)
