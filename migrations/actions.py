"""Steps that several revisions take."""

import re
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op


def add_actions(actions: Iterable[str]) -> None:
    """Let the journal know *actions* beside those that it knows by now."""
    _set(_known() | set(actions))


def remove_actions(actions: Iterable[str]) -> None:
    """Let the journal forget *actions*, and what it says of them."""
    journal = sa.table("journal", sa.column("action"))
    op.execute(sa.delete(journal).where(journal.c.action.in_(list(actions))))
    _set(_known() - set(actions))


def _known() -> set[str]:
    checks = sa.inspect(op.get_bind()).get_check_constraints("journal")
    (text,) = [check["sqltext"] for check in checks if check["name"] == "ck_journal_action"]
    return set(re.findall(r"'([a-z.]+)'", text))


def _set(actions: set[str]) -> None:
    listed = ", ".join(f"'{action}'" for action in sorted(actions))
    name = op.f("ck_journal_action")
    with op.batch_alter_table("journal") as batch_op:
        batch_op.drop_constraint(name, type_="check")
        batch_op.create_check_constraint(name, f"action IN ({listed})")
