"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Forward; the way back is a backup."""
    op.create_table(
        "login_attempt",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("login_attempt_pkey")),
    )
    op.create_table(
        "stripe_event",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("stripe_event_pkey")),
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("tenant_pkey")),
    )
    op.create_table(
        "tenant_deletion",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("tenant_deletion_pkey")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("user_account_pkey")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
    )
    op.create_table(
        "account_link",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("user", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["user_account.id"], name=op.f("fk_account_link_user")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("account_link_pkey")),
    )
    with op.batch_alter_table("account_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_link_user"), ["user"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("target", sa.String(length=500), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["tenant.id"], name=op.f("fk_audit_entry_organisation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_entry_pkey")),
        info={"guarded": True},
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_organisation"), ["organisation"], unique=False)

    op.create_table(
        "flag_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("flag", sa.String(length=40), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=True),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["tenant.id"], name=op.f("fk_flag_change_organisation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("flag_change_pkey")),
    )
    with op.batch_alter_table("flag_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flag_change_organisation"), ["organisation"], unique=False)

    op.create_table(
        "invitation",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation"], ["tenant.id"], name=op.f("fk_invitation_organisation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("invitation_pkey")),
        sa.UniqueConstraint("sha256", name=op.f("uq_invitation_sha256")),
    )
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitation_organisation"), ["organisation"], unique=False)

    op.create_table(
        "member",
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("user", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["tenant.id"], name=op.f("fk_member_organisation"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user"], ["user_account.id"], name=op.f("fk_member_user")),
        sa.PrimaryKeyConstraint("organisation", "user", name=op.f("member_pkey")),
    )
    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_member_organisation"), ["organisation"], unique=False)
        batch_op.create_index(batch_op.f("ix_member_user"), ["user"], unique=False)

    op.create_table(
        "organisation",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["tenant.id"], name=op.f("fk_organisation_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("organisation_pkey")),
    )
    op.create_table(
        "organisation_key",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation"], ["tenant.id"], name=op.f("fk_organisation_key_organisation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("organisation_key_pkey")),
        sa.UniqueConstraint("sha256", name=op.f("uq_organisation_key_sha256")),
    )
    with op.batch_alter_table("organisation_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_organisation_key_organisation"), ["organisation"], unique=False)

    op.create_table(
        "plan_change",
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("plan", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["tenant.id"], name=op.f("fk_plan_change_organisation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organisation", "since", name=op.f("plan_change_pkey")),
        info={"guarded": True},
    )
    op.create_table(
        "share_link",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("asker", sa.String(length=16), nullable=False),
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["tenant.id"], name=op.f("fk_share_link_organisation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("share_link_pkey")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_share_link_token_hash")),
    )
    with op.batch_alter_table("share_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_share_link_organisation"), ["organisation"], unique=False)

    op.create_table(
        "stripe_customer",
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("customer", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["tenant.id"], name=op.f("fk_stripe_customer_organisation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organisation", name=op.f("stripe_customer_pkey")),
    )
    with op.batch_alter_table("stripe_customer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stripe_customer_customer"), ["customer"], unique=False)
        batch_op.create_index(batch_op.f("ix_stripe_customer_organisation"), ["organisation"], unique=False)

    op.create_table(
        "usage_counter",
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "questions",
                "tokens",
                "documents",
                "storage_bytes",
                "members",
                name="kind",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"], ["tenant.id"], name=op.f("fk_usage_counter_organisation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organisation", "month", "kind", name=op.f("usage_counter_pkey")),
        info={"guarded": True},
    )
    op.create_table(
        "usage_event",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.String(length=16), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "questions",
                "tokens",
                "documents",
                "storage_bytes",
                "members",
                name="kind",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation"], ["tenant.id"], name=op.f("fk_usage_event_organisation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("usage_event_pkey")),
        info={"guarded": True},
    )
    with op.batch_alter_table("usage_event", schema=None) as batch_op:
        batch_op.create_index("usage_event_by_day", ["organisation", "day", "kind", "quantity"], unique=False)
        batch_op.create_index(
            "usage_event_unreported",
            ["organisation", "happened_at"],
            unique=False,
            sqlite_where=sa.text("reported_at IS NULL AND kind = 'questions'"),
            postgresql_where=sa.text("reported_at IS NULL AND kind = 'questions'"),
        )

    op.create_table(
        "user_session",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("user", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["user_account.id"], name=op.f("fk_user_session_user")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("user_session_pkey")),
        sa.UniqueConstraint("id", name=op.f("uq_user_session_id")),
    )
    with op.batch_alter_table("user_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_session_user"), ["user"], unique=False)
