"""One-time links: invitations, registrations, resets; and who wants to be told by mail."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "one_time_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("user_id", sa.Integer()),
        sa.Column("email", sa.String(length=254)),
        sa.Column("address", sa.String(length=64)),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_one_time_links_sha256")),
        sa.CheckConstraint(
            "purpose IN ('invite', 'register', 'reset', 'email')",
            name=op.f("ck_one_time_links_purpose"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_one_time_links_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_links")),
        sa.UniqueConstraint("sha256", name=op.f("uq_one_time_links_sha256")),
    )
    op.create_index(op.f("ix_one_time_links_user_id"), "one_time_links", ["user_id"])
    wants = sa.Column("wants_mail", sa.Boolean(), nullable=False, server_default=sa.true())
    op.add_column("users", wants)


def downgrade() -> None:
    """Go back."""
    op.drop_column("users", "wants_mail")
    op.drop_table("one_time_links")
