"""The tables of runs: one row for each run, its journal, and the files that its tools made."""

import sqlalchemy as sa

from app.stores.database import Moment, metadata

runs = sa.Table(
    "agent_run",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("owner", sa.String(16), nullable=False),
    sa.Column("goal", sa.Text, nullable=False),
    sa.Column("pattern", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False, default=""),
    sa.Column("answer", sa.Text, nullable=False, default=""),
    sa.Column("plan", sa.Text, nullable=False, default="[]"),
    sa.Column("approval", sa.Text),
    sa.Column("approval_id", sa.String(100)),
    sa.Column("model", sa.String(100), nullable=False),
    sa.Column("prompt_version", sa.String(200), nullable=False),
    sa.Column("trace_id", sa.String(32), nullable=False),
    sa.Column("input_tokens", sa.BigInteger, nullable=False, default=0),
    sa.Column("output_tokens", sa.BigInteger, nullable=False, default=0),
    sa.Column("nano_usd", sa.BigInteger, nullable=False, default=0),
    sa.Column("changes", sa.Integer, nullable=False, default=0),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),  # in a row without any progress
    sa.Column("resumed", sa.Integer, nullable=False, default=0),
    sa.Column("cancelling", sa.Boolean, nullable=False, default=False),
    sa.Column("worked_seconds", sa.Float, nullable=False, default=0.0),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("agent_run_of_owner", "owner", "created_at", "id"),
)
journal = sa.Table(
    "agent_journal",
    metadata,
    sa.Column("run", sa.String(16), primary_key=True),
    sa.Column("key", sa.String(100), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("entry", sa.Text, nullable=False),
    sa.Column("step", sa.Text),
)
files = sa.Table(
    "agent_file",
    metadata,
    sa.Column("run", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
