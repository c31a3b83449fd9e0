"""Trusted publishing: issuers of publishers, pending ones, their tokens, and what has been used."""

import sqlalchemy as sa
from alembic import op
from pypi_lite.migrations.actions import add_actions, remove_actions

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ACTIONS = ("publisher.mint",)
_IDENTITY = ["issuer", "repository", "workflow", "environment"]
_OF_PROJECT = "uq_publishers_project_id_issuer_repository_workflow_environment"
_OF_PENDING = "uq_publishers_pending"
_OLD_OF_PROJECT = "uq_publishers_project_id_kind_repository_workflow_environment"
_PENDING = (
    "(project_id IS NULL) = (pending_name IS NOT NULL)"
    " AND (project_id IS NULL) = (pending_by IS NOT NULL)"
)


def upgrade() -> None:
    """Go to this revision. A publisher that is there is one of the public GitHub or GitLab."""
    op.add_column("publishers", sa.Column("issuer", sa.String(length=255)))
    op.execute(
        "UPDATE publishers SET issuer = CASE kind WHEN 'GitHub'"
        " THEN 'https://token.actions.githubusercontent.com' ELSE 'https://gitlab.com' END"
    )
    # Nothing refers to the table yet, so that SQLite may replace it.
    with op.batch_alter_table("publishers") as batch_op:
        batch_op.alter_column("issuer", existing_type=sa.String(length=255), nullable=False)
        batch_op.alter_column("project_id", existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column("pending_name", sa.String(length=200)))
        batch_op.add_column(sa.Column("pending_by", sa.Integer()))
        batch_op.add_column(sa.Column("owner_id", sa.String(length=64)))
        batch_op.create_foreign_key(
            op.f("fk_publishers_pending_by"), "users", ["pending_by"], ["id"], ondelete="CASCADE"
        )
        batch_op.drop_constraint(op.f(_OLD_OF_PROJECT), type_="unique")
        batch_op.create_unique_constraint(op.f(_OF_PROJECT), ["project_id", *_IDENTITY])
        batch_op.create_unique_constraint(op.f(_OF_PENDING), ["pending_name", *_IDENTITY])
        batch_op.drop_constraint(op.f("ck_publishers_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_publishers_kind"), "kind IN ('GitHub', 'GitLab', 'other')"
        )
        batch_op.create_check_constraint(op.f("ck_publishers_issuer"), "issuer <> ''")
        batch_op.drop_constraint(op.f("ck_publishers_repository"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_publishers_repository"), "(repository = '') = (kind = 'other')"
        )
        batch_op.create_check_constraint(op.f("ck_publishers_pending"), _PENDING)
    _create_tokens()
    op.create_table(
        "used_assertions",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_used_assertions_sha256")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_used_assertions")),
    )
    add_actions(ACTIONS)


def _create_tokens() -> None:
    op.create_table(
        "publisher_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_publisher_tokens_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publisher_tokens")),
        sa.UniqueConstraint("sha256", name=op.f("uq_publisher_tokens_sha256")),
    )
    op.create_table(
        "publisher_token_publishers",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("publisher_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["publisher_tokens.id"],
            name=op.f("fk_publisher_token_publishers_token_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["publisher_id"],
            ["publishers.id"],
            name=op.f("fk_publisher_token_publishers_publisher_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "token_id", "publisher_id", name=op.f("pk_publisher_token_publishers")
        ),
    )
    op.create_index(
        op.f("ix_publisher_token_publishers_publisher_id"),
        "publisher_token_publishers",
        ["publisher_id"],
    )


def downgrade() -> None:
    """Go back. Publishers that were not known go: pending ones, those of other issuers."""
    remove_actions(ACTIONS)
    for table in ("used_assertions", "publisher_token_publishers", "publisher_tokens"):
        op.drop_table(table)
    op.execute(
        "DELETE FROM publishers WHERE project_id IS NULL OR issuer NOT IN"
        " ('https://token.actions.githubusercontent.com', 'https://gitlab.com')"
        " OR kind = 'other'"
    )
    with op.batch_alter_table("publishers") as batch_op:
        batch_op.drop_constraint(op.f("ck_publishers_pending"), type_="check")
        batch_op.drop_constraint(op.f("ck_publishers_issuer"), type_="check")
        batch_op.drop_constraint(op.f("ck_publishers_kind"), type_="check")
        batch_op.drop_constraint(op.f("ck_publishers_repository"), type_="check")
        batch_op.drop_constraint(op.f(_OF_PENDING), type_="unique")
        batch_op.drop_constraint(op.f(_OF_PROJECT), type_="unique")
        batch_op.drop_constraint(op.f("fk_publishers_pending_by"), type_="foreignkey")
        batch_op.alter_column("project_id", existing_type=sa.Integer(), nullable=False)
        for column in ("issuer", "pending_name", "pending_by", "owner_id"):
            batch_op.drop_column(column)
        batch_op.create_check_constraint(op.f("ck_publishers_kind"), "kind IN ('GitHub', 'GitLab')")
        batch_op.create_check_constraint(op.f("ck_publishers_repository"), "repository <> ''")
        batch_op.create_unique_constraint(
            op.f(_OLD_OF_PROJECT), ["project_id", "kind", "repository", "workflow", "environment"]
        )
