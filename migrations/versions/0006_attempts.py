"""Log-ins that failed, and the addresses from which an account has been entered."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "failed_attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(account) = 64", name=op.f("ck_failed_attempts_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_attempts")),
    )
    op.create_index("ix_failed_attempts_account_moment", "failed_attempts", ["account", "moment"])
    op.create_index("ix_failed_attempts_address_moment", "failed_attempts", ["address", "moment"])
    op.create_index(op.f("ix_failed_attempts_moment"), "failed_attempts", ["moment"])
    op.create_table(
        "known_addresses",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("last_used", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_known_addresses_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "address", name=op.f("pk_known_addresses")),
    )


def downgrade() -> None:
    """Go back: nothing is counted any more."""
    op.drop_table("known_addresses")
    op.drop_table("failed_attempts")
