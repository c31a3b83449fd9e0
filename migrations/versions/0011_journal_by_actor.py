"""The journal by who acted: what somebody has done is read without the rest."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_index(op.f("ix_journal_actor_serial"), "journal", ["actor", "serial"])


def downgrade() -> None:
    """Go back."""
    op.drop_index(op.f("ix_journal_actor_serial"), table_name="journal")
