"""Publishers of projects, attestations of files, and what the journal says of them."""

import sqlalchemy as sa
from alembic import op
from pypi_lite.migrations.actions import add_actions, remove_actions

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ACTIONS = ("publisher.add", "publisher.remove")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "publishers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("repository", sa.String(length=255), nullable=False),
        sa.Column("workflow", sa.String(length=255), nullable=False),
        sa.Column("environment", sa.String(length=255), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('GitHub', 'GitLab')", name=op.f("ck_publishers_kind")),
        sa.CheckConstraint("repository <> ''", name=op.f("ck_publishers_repository")),
        sa.CheckConstraint("workflow <> ''", name=op.f("ck_publishers_workflow")),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_publishers_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publishers")),
        sa.UniqueConstraint(
            "project_id",
            "kind",
            "repository",
            "workflow",
            "environment",
            name=op.f("uq_publishers_project_id_kind_repository_workflow_environment"),
        ),
    )
    op.create_table(
        "file_attestations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("predicate_type", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("repository", sa.String(length=255), nullable=False),
        sa.Column("workflow", sa.String(length=255), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.CheckConstraint("kind IN ('GitHub', 'GitLab')", name=op.f("ck_file_attestations_kind")),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["files.id"],
            name=op.f("fk_file_attestations_file_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_attestations")),
        sa.UniqueConstraint(
            "file_id", "predicate_type", name=op.f("uq_file_attestations_file_id_predicate_type")
        ),
    )
    add_actions(ACTIONS)


def downgrade() -> None:
    """Go back."""
    remove_actions(ACTIONS)
    op.drop_table("file_attestations")
    op.drop_table("publishers")
