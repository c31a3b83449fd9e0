"""The write side: whatever is flushed through a session sweeps the pages that it alters.

Attached to the session class, so that no write path can forget it. Before the commit a hold is placed
on each key and the key is swept; after it each key is swept again and its hold released. A commit
whose outcome is unknown (the connection broke in the middle) leaves its holds as a dead process
would: the next to meet them asks the database.
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from pypi_lite.cache.holds import Hold
from pypi_lite.cache.pages import Change, KeyRegistry
from pypi_lite.cache.store import Cache
from pypi_lite.cache.trash import A_LITTLE

log = logging.getLogger(__name__)

#: Execution option of a statement that flushes no object: the keys that it alters.
KEYS_OPTION = "cache_keys"
_STATE = "pypi_lite.cache.writing"


class ChangeRefused(Exception):
    """A change was not committed, because the pages that it alters could not be swept."""


class KeysNotNamed(TypeError):
    """A statement changes rows past the session's objects and does not name the keys it alters."""


@dataclass(slots=True)
class _Writing:
    """What one transaction of a session has done to the cache so far."""

    keys: set[str] = field(default_factory=set)
    holds: list[Hold] = field(default_factory=list)
    placed: bool = False
    committed: bool = False

    def add(self, keys: frozenset[str]) -> None:
        if self.placed and not keys <= self.keys:
            raise ChangeRefused("a change came after the holds of its transaction were placed")
        self.keys |= keys


def attach(
    session_class: type[Session],
    cache: Cache | None,
    registry: KeyRegistry,
    transaction_id: Callable[[Session], str],
) -> None:
    """Make each session of *session_class* sweep what it changes.

    *transaction_id* names a session's transaction as `Cache`'s ``is_over`` understands it. With no
    cache the keys are collected all the same, so that a forgotten one shows.
    """
    side = _WriteSide(cache, registry, transaction_id)
    event.listen(session_class, "after_flush", side.after_flush)
    event.listen(session_class, "do_orm_execute", side.do_orm_execute)
    event.listen(session_class, "before_commit", side.before_commit)
    event.listen(session_class, "after_commit", side.after_commit)
    event.listen(session_class, "after_transaction_end", side.after_transaction_end)


class _WriteSide:
    def __init__(
        self,
        cache: Cache | None,
        registry: KeyRegistry,
        transaction_id: Callable[[Session], str],
    ) -> None:
        self._cache = cache
        self._registry = registry
        self._transaction_id = transaction_id

    def after_flush(self, session: Session, _context: Any) -> None:
        writing = _writing(session)
        for change, rows in (
            (Change.NEW, session.new),
            (Change.MODIFIED, [row for row in session.dirty if session.is_modified(row)]),
            (Change.DELETED, session.deleted),
        ):
            for row in rows:
                writing.add(self._registry.keys_of(row, change))

    def do_orm_execute(self, execution: ORMExecuteState) -> None:
        if execution.is_select:
            return
        try:
            keys = execution.execution_options[KEYS_OPTION]
        except KeyError:
            raise KeysNotNamed(
                f"a statement that changes rows in bulk must name the keys that it alters, as"
                f" execution option {KEYS_OPTION!r}"
            ) from None
        _writing(execution.session).add(frozenset(keys))

    def before_commit(self, session: Session) -> None:
        if session.in_nested_transaction():
            return
        session.flush()  # SQLAlchemy's own last flush comes after this event
        writing = _writing(session)
        if self._cache is None or not writing.keys:
            return
        try:
            transaction = self._transaction_id(session)
            for key in sorted(writing.keys):
                writing.holds.append(self._cache.place(key, transaction))
            if transaction:  # it has a name because it can outlive this machine, and so must they
                self._cache.holds.flush(writing.holds)
        except Exception as error:
            for hold in writing.holds:
                with contextlib.suppress(OSError):  # what stays is recovered by the next reader
                    hold.release()
            writing.holds.clear()
            # Why is for the log: clients are told of this, and the server's paths are not for them.
            raise ChangeRefused("the cached pages it alters could not be swept") from error
        writing.placed = True

    def after_commit(self, session: Session) -> None:
        # A savepoint's commit comes here too, but never with holds placed.
        writing = _writing(session)
        writing.committed = writing.placed

    def after_transaction_end(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is not None:
            return
        writing: _Writing | None = session.info.pop(_STATE, None)
        if self._cache is None or writing is None or not writing.holds:
            return
        for hold in writing.holds:
            try:
                self._settle(hold, writing.committed)
            except Exception:
                # The hold is still there: nothing stale is shown, and the next reader recovers.
                log.exception("the key %s could not be swept after the commit", hold.key)
        self._cache.empty_trash(A_LITTLE)

    def _settle(self, hold: Hold, committed: bool) -> None:
        assert self._cache is not None
        if not committed:
            hold.abandon()
            self._cache.holds.recover(hold.key)
            return
        try:
            self._cache.sweep(hold.key)
        except BaseException:
            hold.abandon()
            raise
        hold.release()


def _writing(session: Session) -> _Writing:
    state: _Writing = session.info.setdefault(_STATE, _Writing())
    return state
