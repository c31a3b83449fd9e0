"""Project status (PEP 792); scopes of tokens that yank and manage."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATUSES = "'active', 'archived', 'deprecated', 'quarantined'"
_OLD_ACTIONS = (
    "'index.create', 'project.create', 'project.rename', 'project.delete', 'release.create',"
    " 'release.delete', 'release.yank', 'release.unyank', 'file.add', 'file.delete',"
    " 'user.create', 'token.create', 'token.revoke', 'role.grant'"
)
_ACTIONS = f"{_OLD_ACTIONS}, 'project.status'"
_OLD_SCOPES = "'read', 'upload'"
_SCOPES = f"{_OLD_SCOPES}, 'yank', 'manage'"


def upgrade() -> None:
    """Go to this revision."""
    # Not with Alembic's batches: they replace the table on SQLite, where dropping the old one would
    # delete every release along with it.
    op.execute(
        "ALTER TABLE projects ADD COLUMN status VARCHAR(20) DEFAULT 'active' NOT NULL"
        f" CONSTRAINT ck_projects_status CHECK (status IN ({_STATUSES}))"
    )
    op.execute(
        "ALTER TABLE projects ADD COLUMN status_reason TEXT CONSTRAINT ck_projects_reason_unless_active"
        " CHECK (status <> 'active' OR status_reason IS NULL)"
    )
    _replace_check("journal", "action", _ACTIONS)
    _replace_check("token_scopes", "scope", _SCOPES)


def downgrade() -> None:
    """Go back; the journal refuses once a status has been set, since serials are for ever."""
    op.execute("DELETE FROM token_scopes WHERE scope IN ('yank', 'manage')")
    _replace_check("token_scopes", "scope", _OLD_SCOPES)
    _replace_check("journal", "action", _OLD_ACTIONS)
    op.execute("ALTER TABLE projects DROP COLUMN status_reason")
    op.execute("ALTER TABLE projects DROP COLUMN status")


def _replace_check(table: str, column: str, values: str) -> None:
    """Let *column* of *table*, which no other table refers to, hold *values*."""
    name = op.f(f"ck_{table}_{column}")
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(name, type_="check")
        batch.create_check_constraint(name, f"{column} IN ({values})")
