"""The journal as an audit trail: who did what, by which means, from where, when (docs/audit.md).

Rows are never changed and serials are in commit order, so that each batch of a long reading may have a
snapshot of its own: nothing is missed between two of them, and no connection waits for a slow client.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.permissions import Permission
from pypi_lite.database import Database
from pypi_lite.models import Action, JournalEntry, Scope
from pypi_lite.names import normalize_name
from pypi_lite.repository.authority import permitted
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.pages import moment_text

#: Entries on a page for people.
A_PAGE = 50
#: Entries that are in memory at once while all are read.
_BATCH = 1000
#: Characters of a filter; no name in the journal has more.
_LONGEST = 255
# Any database's serials have room for eighteen digits.
_SERIAL = re.compile(r"[0-9]{1,18}\Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]", re.ASCII)


class Entry(NamedTuple):
    """A row of the journal; the names are those of the export, and stay (docs/audit.md)."""

    serial: int
    moment: datetime
    action: str
    actor: str
    means: str | None
    address: str | None
    project: str | None
    version: str | None
    filename: str | None
    note: str | None

    def as_json(self) -> dict[str, Any]:
        """The same with the moment as text, in UTC."""
        return {**self._asdict(), "moment": moment_text(self.moment)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; None: all, in this respect."""

    #: Normalized.
    project: str | None = None
    actor: str | None = None
    action: Action | None = None
    #: Those with higher serials.
    after: int | None = None
    since: datetime | None = None
    #: Included.
    until: datetime | None = None


class Part(NamedTuple):
    """Some entries, the newest first."""

    entries: Sequence[Entry]
    #: What to ask for those *before*; None: there are none.
    older: int | None


def read_wanted(
    *, project: str = "", actor: str = "", action: str = "", since: str = "", until: str = ""
) -> Wanted:
    """What a person or program asks for, in text; empty: all.

    *since* is a serial, and means those after it, or a day or moment (ISO 8601, in UTC where it does
    not say), and means those from then on. *until* is a day, the end of it, or a moment. Raises Refusal.
    """
    for text in (project, actor, action, since, until):
        if len(text) > _LONGEST or not text.isprintable():
            raise _unfit("A filter is one line of text, and no longer than a name.")
    if action and action not in list(Action):
        raise _unfit(f"There is no action {action!r}: use one of {', '.join(Action)}.")
    is_serial = bool(_SERIAL.match(since))
    return Wanted(
        project=normalize_name(project) if project else None,
        actor=actor or None,
        action=Action(action) if action else None,
        after=int(since) if is_serial else None,
        since=_moment(since, time.min) if since and not is_serial else None,
        until=_moment(until, time.max) if until else None,
    )


def read_serial(text: str) -> int | None:
    """A serial that a page's link names; None: it names none. Raises Refusal."""
    if text and not _SERIAL.match(text):
        raise _unfit("A serial is a number.")
    return int(text) if text else None


def part(session: Session, wanted: Wanted, before: int | None = None, most: int = A_PAGE) -> Part:
    """The newest entries, or the newest *before* a serial."""
    query = _query(wanted).order_by(JournalEntry.serial.desc()).limit(most + 1)
    if before is not None:
        query = query.where(JournalEntry.serial < before)
    found = [Entry(*row) for row in session.execute(query)]
    entries = found[:most]
    return Part(entries, entries[-1].serial if len(found) > most else None)


def lines(database: Database, wanted: Wanted) -> Iterator[str]:
    """JSON lines, some at a time, the oldest first: the entries up to this moment."""
    with database.read() as session:
        newest = session.scalar(select(func.max(JournalEntry.serial))) or 0
    last = wanted.after or 0
    while True:
        query = _query(wanted).where(JournalEntry.serial > last, JournalEntry.serial <= newest)
        with database.read() as session:
            rows = session.execute(query.order_by(JournalEntry.serial).limit(_BATCH)).all()
        if rows:
            yield "".join(f"{_as_line(Entry(*row))}\n" for row in rows)
        if len(rows) < _BATCH:
            return
        last = rows[-1].serial


def readable(session: Session, identity: Identity, wanted: Wanted) -> Wanted:
    """As much of what is *wanted* as *identity* may read. Raises Refusal: that is nothing.

    An administrator may read all, of projects too that are gone; whoever manages a project the entries of
    that project, and not of another one that had its name before.
    """
    if identity.is_admin:
        _check_token(identity, wanted.project)
        return wanted
    if wanted.project is None:
        raise Refusal(
            Code.NOT_ALLOWED,
            "Only an administrator may read all of the journal: name a project of yours.",
        )
    permitted(session, identity, wanted.project, Permission.MANAGE)
    gone = select(func.max(JournalEntry.serial)).where(
        JournalEntry.project == wanted.project, JournalEntry.action == Action.PROJECT_DELETE
    )
    return replace(wanted, after=max(wanted.after or 0, session.scalar(gone) or 0))


def _check_token(identity: Identity, normalized_name: str | None) -> None:
    reaches = (
        identity.projects is None if normalized_name is None else identity.reaches(normalized_name)
    )
    if not (reaches and identity.has_scope(Scope.MANAGE)):
        raise Refusal(
            Code.NOT_ALLOWED,
            f"This token may not do that: make one with the scope {Scope.MANAGE.value}, for"
            f" {normalized_name or 'all projects'}.",
        )


def _query(wanted: Wanted) -> Select[Any]:
    query = select(*(getattr(JournalEntry, name) for name in Entry._fields))
    if wanted.project is not None:
        query = query.where(JournalEntry.project == wanted.project)
    if wanted.actor is not None:
        query = query.where(JournalEntry.actor == wanted.actor)
    if wanted.action is not None:
        query = query.where(JournalEntry.action == wanted.action)
    if wanted.after is not None:
        query = query.where(JournalEntry.serial > wanted.after)
    if wanted.since is not None:
        query = query.where(JournalEntry.moment >= wanted.since)
    if wanted.until is not None:
        query = query.where(JournalEntry.moment <= wanted.until)
    return query


def _as_line(entry: Entry) -> str:
    return json.dumps(entry.as_json(), separators=(",", ":"))


def _moment(text: str, of_day: time) -> datetime:
    try:
        if _DAY.match(text):
            return datetime.combine(date.fromisoformat(text), of_day, UTC)
        if _MOMENT.match(text):
            moment = datetime.fromisoformat(text)
            return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # such as the 31st of February
    raise _unfit(f"{text!r} is no day and no moment: write 2026-01-31, or 2026-01-31T12:00:00Z.")


def _unfit(text: str) -> Refusal:
    return Refusal(Code.BAD_VALUE, text)
