"""The journal: one row a change, for ever."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pypi_lite.models.base import Base, UTCDateTime, now, one_of


class Action(StrEnum):
    """What a change did."""

    INDEX_CREATE = "index.create"
    PROJECT_CREATE = "project.create"
    PROJECT_RENAME = "project.rename"
    PROJECT_DELETE = "project.delete"
    PROJECT_STATUS = "project.status"
    RELEASE_CREATE = "release.create"
    RELEASE_DELETE = "release.delete"
    RELEASE_YANK = "release.yank"
    RELEASE_UNYANK = "release.unyank"
    FILE_ADD = "file.add"
    FILE_DELETE = "file.delete"
    USER_CREATE = "user.create"
    TOKEN_CREATE = "token.create"  # noqa: S105
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    ROLE_GRANT = "role.grant"
    ROLE_REVOKE = "role.revoke"
    PROJECT_VISIBILITY = "project.visibility"
    USER_CHANGE = "user.change"
    USER_DISABLE = "user.disable"
    USER_ENABLE = "user.enable"
    USER_INVITE = "user.invite"
    USER_RESET = "user.reset"
    PASSWORD_CHANGE = "password.change"  # noqa: S105
    FACTOR_ADD = "factor.add"
    FACTOR_REMOVE = "factor.remove"
    SESSION_BEGIN = "session.begin"
    SESSION_END = "session.end"
    GROUP_CREATE = "group.create"
    GROUP_DELETE = "group.delete"
    GROUP_ADD = "group.add"
    GROUP_REMOVE = "group.remove"
    NAMESPACE_GRANT = "namespace.grant"
    NAMESPACE_REVOKE = "namespace.revoke"
    PUBLISHER_ADD = "publisher.add"
    PUBLISHER_REMOVE = "publisher.remove"
    PUBLISHER_MINT = "publisher.mint"


class JournalEntry(Base):
    """A change. Its number is the change's serial, and serials are in commit order.

    Names, not foreign keys: the journal outlives what it speaks of.
    """

    __tablename__ = "journal"
    __table_args__ = (
        CheckConstraint(one_of("action", Action), name="action"),
        CheckConstraint("serial > 0", name="serial"),
        # The newest change of the set of names, and of any project: the serials of two pages.
        Index("ix_journal_action_serial", "action", "serial"),
        Index("ix_journal_project_serial", "project", "serial"),
        # What somebody has done, for themselves to read.
        Index("ix_journal_actor_serial", "actor", "serial"),
    )

    # BigInteger and not SQLite's own row number: the serial is never chosen by the database.
    serial: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    moment: Mapped[datetime] = mapped_column(UTCDateTime)
    action: Mapped[str] = mapped_column(String(20))
    #: Who did it: an account's name, or what else acted (``command line``).
    actor: Mapped[str] = mapped_column(String(64))
    #: By which means: ``token 7``, ``session 3``, ``password``; nothing: the actor itself.
    means: Mapped[str | None] = mapped_column(String(64))
    #: From which network address; nothing: from this machine, by no request.
    address: Mapped[str | None] = mapped_column(String(64))
    project: Mapped[str | None] = mapped_column(String(200))
    version: Mapped[str | None] = mapped_column(String(200))
    filename: Mapped[str | None] = mapped_column(String(255))
    #: More for a person to read, nothing secret: a yank's reason, an account's name.
    note: Mapped[str | None] = mapped_column(Text)


class Actor(Protocol):
    """Who does something, as the journal keeps it (`pypi_lite.accounts.identity.Identity`)."""

    @property
    def name(self) -> str: ...
    @property
    def means(self) -> str | None: ...
    @property
    def address(self) -> str | None: ...


def append(
    session: Session,
    action: Action,
    *,
    by: Actor,
    project: str | None = None,
    version: str | None = None,
    filename: str | None = None,
    note: str | None = None,
) -> JournalEntry:
    """Write a change into the journal, with the next serial.

    A writing session holds the index's one write lock (`pypi_lite.database`), so that nobody else
    can take the same serial, and serials are in commit order. *project* is a normalized name.
    """
    entry = JournalEntry(
        serial=next_serial(session),
        moment=now(),
        action=action,
        actor=by.name,
        means=by.means,
        address=by.address,
        project=project,
        version=version,
        filename=filename,
        note=note,
    )
    session.add(entry)
    return entry


def next_serial(session: Session) -> int:
    """The serial of the change that is appended next: a number for the row that this change begins.

    No other row gets it, ever. A database gives the number of a row that is gone to another one (SQLite
    does), and then somebody who still acts by a token would be somebody else.
    """
    return _newest_serial(session) + 1


def _newest_serial(session: Session) -> int:
    """The serial of the last change, whether it is in the database yet or still in *session*."""
    unwritten = [row.serial for row in session.new if isinstance(row, JournalEntry)]
    if unwritten:
        return max(unwritten)
    with session.no_autoflush:  # one flush at the end costs less than one for each change
        return session.scalar(select(func.max(JournalEntry.serial))) or 0
