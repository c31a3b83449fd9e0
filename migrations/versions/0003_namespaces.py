"""Namespaces, and what the journal says of them."""

import sqlalchemy as sa
from alembic import op
from pypi_lite.migrations.actions import add_actions, remove_actions

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ACTIONS = ("namespace.grant", "namespace.revoke")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "namespaces",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("normalized_name", sa.String(length=200), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "normalized_name <> ''", name=op.f("ck_namespaces_normalized_is_not_empty")
        ),
        sa.CheckConstraint(
            "normalized_name = lower(normalized_name)",
            name=op.f("ck_namespaces_normalized_is_lower"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_namespaces")),
        sa.UniqueConstraint("normalized_name", name=op.f("uq_namespaces_normalized_name")),
    )
    op.create_table(
        "namespace_owners",
        sa.Column("namespace_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace_id"],
            ["namespaces.id"],
            name=op.f("fk_namespace_owners_namespace_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_namespace_owners_user_id")
        ),
        sa.PrimaryKeyConstraint("namespace_id", "user_id", name=op.f("pk_namespace_owners")),
    )
    add_actions(ACTIONS)


def downgrade() -> None:
    """Go back."""
    remove_actions(ACTIONS)
    op.drop_table("namespace_owners")
    op.drop_table("namespaces")
