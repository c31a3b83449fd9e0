"""Who may read what: visibility, roles of groups and readers, sessions, and by which means."""

import sqlalchemy as sa
from alembic import op
from pypi_lite.migrations.actions import add_actions, remove_actions

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ACTIONS = (
    "factor.add",
    "factor.remove",
    "group.add",
    "group.create",
    "group.delete",
    "group.remove",
    "password.change",
    "project.visibility",
    "role.revoke",
    "session.begin",
    "session.end",
    "user.change",
    "user.disable",
    "user.enable",
    "user.invite",
    "user.reset",
)
_ROLES = "role IN ('owner', 'maintainer', 'uploader', 'reader')"
_OLD_ROLES = "role IN ('owner', 'maintainer')"
_OF_ONE = "(user_id IS NULL) <> (group_id IS NULL)"


def upgrade() -> None:
    """Go to this revision."""
    _create_groups()
    _create_web_sessions()
    # Not with Alembic's batches: they replace the table on SQLite, where dropping the old one would
    # delete what refers to it.
    op.execute(
        "ALTER TABLE projects ADD COLUMN visibility VARCHAR(20) DEFAULT 'public' NOT NULL"
        " CONSTRAINT ck_projects_visibility CHECK"
        " (visibility IN ('public', 'internal', 'private'))"
    )
    disabled = sa.Column("is_disabled", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("users", disabled)
    op.add_column("users", sa.Column("email", sa.String(length=254)))
    name = sa.Column("name", sa.String(length=100), nullable=False, server_default="")
    op.add_column("tokens", name)
    op.add_column("tokens", sa.Column("last_used", sa.DateTime(timezone=True)))
    op.add_column("journal", sa.Column("means", sa.String(length=64)))
    op.add_column("journal", sa.Column("address", sa.String(length=64)))
    with op.batch_alter_table("roles") as batch_op:
        batch_op.alter_column("user_id", existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column("group_id", sa.Integer()))
        batch_op.create_foreign_key(
            op.f("fk_roles_group_id"), "groups", ["group_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_unique_constraint(
            op.f("uq_roles_group_id_project_id"), ["group_id", "project_id"]
        )
        batch_op.create_check_constraint(op.f("ck_roles_of_one"), _OF_ONE)
        batch_op.drop_constraint(op.f("ck_roles_role"), type_="check")
        batch_op.create_check_constraint(op.f("ck_roles_role"), _ROLES)
    add_actions(ACTIONS)


def _create_groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("name = lower(name)", name=op.f("ck_groups_name_is_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_groups_name")),
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("is_synced", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_group_members_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_group_members_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_group_members")),
    )
    op.create_index(op.f("ix_group_members_user_id"), "group_members", ["user_id"])


def _create_web_sessions() -> None:
    op.create_table(
        "web_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_web_sessions_sha256")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_web_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_sessions")),
        sa.UniqueConstraint("sha256", name=op.f("uq_web_sessions_sha256")),
    )
    op.create_index(op.f("ix_web_sessions_user_id"), "web_sessions", ["user_id"])


def downgrade() -> None:
    """Go back. Roles of groups, and those that were not known, go."""
    remove_actions(ACTIONS)
    roles = sa.table("roles", sa.column("user_id"), sa.column("role"))
    known = roles.c.role.in_(["owner", "maintainer"])
    op.execute(sa.delete(roles).where(sa.or_(roles.c.user_id.is_(None), sa.not_(known))))
    with op.batch_alter_table("roles") as batch_op:
        batch_op.drop_constraint(op.f("ck_roles_role"), type_="check")
        batch_op.drop_constraint(op.f("ck_roles_of_one"), type_="check")
        batch_op.drop_constraint(op.f("uq_roles_group_id_project_id"), type_="unique")
        batch_op.drop_constraint(op.f("fk_roles_group_id"), type_="foreignkey")
        batch_op.drop_column("group_id")
        batch_op.alter_column("user_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_check_constraint(op.f("ck_roles_role"), _OLD_ROLES)
    op.drop_column("journal", "address")
    op.drop_column("journal", "means")
    op.drop_column("tokens", "last_used")
    op.drop_column("tokens", "name")
    op.drop_column("users", "email")
    op.drop_column("users", "is_disabled")
    op.drop_column("projects", "visibility")
    for table in ("web_sessions", "group_members", "groups"):
        op.drop_table(table)
