"""The reads of those who copy the index: the serial of each project, and the journal."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from pypi_lite.models import Action, JournalEntry, Project
from pypi_lite.repository import pages
from pypi_lite.repository.reach import Reach


@dataclass(frozen=True, slots=True)
class ChangeEntry:
    """A change of a project, without who made it."""

    serial: int
    moment: datetime
    action: str
    #: Normalized.
    project: str
    version: str | None
    filename: str | None

    def as_json(self) -> dict[str, Any]:
        """The same with the moment as text, in UTC."""
        moment = self.moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
        return {**asdict(self), "moment": moment}


def last_serial(session: Session) -> int:
    """The number of the index's last change, of whatever kind."""
    return session.scalar(select(func.max(JournalEntry.serial))) or 0


def serials(session: Session, reach: Reach) -> Sequence[tuple[str, int]]:
    """Each readable project's normalized name, in order, and the serial of its last change."""
    columns = Project.__table__.c
    query = (
        select(columns.normalized_name, columns.last_serial)
        .where(reach.condition())
        .order_by(columns.normalized_name)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def changes_since(session: Session, reach: Reach, serial: int, limit: int) -> list[ChangeEntry]:
    """The changes of projects after *serial*, the oldest first, at most *limit* of them.

    Of a project that may not be read there is none; of one that is no longer there, if everybody could
    read it when it went, whatever has its name now.
    """
    end = _end()
    shown = or_(and_(end.is_(None), pages.is_of_reach(reach)), _was_public(end))
    query = (
        select(
            JournalEntry.serial,
            JournalEntry.moment,
            JournalEntry.action,
            JournalEntry.project,
            JournalEntry.version,
            JournalEntry.filename,
        )
        .where(
            JournalEntry.serial > serial,
            JournalEntry.project.is_not(None),
            true() if reach.is_admin else shown,
        )
        .order_by(JournalEntry.serial)
        .limit(limit)
    )
    # None of them is without a project, as asked for.
    return [ChangeEntry(*row) for row in session.execute(query)]  # type: ignore[arg-type]


def _end() -> ScalarSelect[int | None]:
    """Of journal rows: the serial by which their project was deleted; none: it is there."""
    deletion = aliased(JournalEntry)
    return (
        select(func.min(deletion.serial))
        .where(
            deletion.project == JournalEntry.project,
            deletion.action == Action.PROJECT_DELETE,
            deletion.serial >= JournalEntry.serial,
        )
        .correlate(JournalEntry)
        .scalar_subquery()
    )


def _was_public(end: ScalarSelect[int | None]) -> ColumnElement[bool]:
    """Whether the deletion with that serial was one of a project that everybody could read."""
    deletion = aliased(JournalEntry)
    return exists().where(deletion.serial == end, deletion.note.is_(None))
