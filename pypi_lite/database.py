"""The database's two doors: sessions that read one snapshot, and sessions that write, one at a time.

Every page is made in one snapshot: ``REPEATABLE READ, READ ONLY`` on PostgreSQL, and on SQLite a
transaction that the engine begins itself, since Python's driver would give each SELECT a snapshot of
its own. A writer takes the index's one write lock when its transaction begins (``BEGIN IMMEDIATE``,
an advisory lock on PostgreSQL), so that serials are in commit order and no two changes can deadlock
or overtake each other; write transactions are short.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DataError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from pypi_lite.cache.pages import KeyRegistry
from pypi_lite.cache.store import Cache
from pypi_lite.cache.writing import attach
from pypi_lite.settings import DATABASE_URL, SettingsError

#: Seconds that a SQLite connection waits for another's write transaction.
SQLITE_TIMEOUT = 60
_IS_VISIBLE = text("SELECT pg_visible_in_snapshot(CAST(:id AS xid8), pg_current_snapshot())")
_CURRENT_ID = text("SELECT CAST(pg_current_xact_id() AS text)")
_STATUS = text("SELECT pg_xact_status(CAST(:id AS xid8))")
# Any number will do that nothing else in the same database locks.
_WRITE_LOCK = 0x7079_7069_6C69
_SUPPORTED = ("sqlite", "postgresql")
# Execution option: a writing transaction does not wait for another one's end.
_AT_ONCE = "pypi_lite_at_once"


class DatabaseBusyError(Exception):
    """Somebody else writes at this moment."""


class ReadSession(Session):
    """A session on one snapshot, which can't write."""


class Database:
    """The index's database."""

    def __init__(self, url: str) -> None:
        """Raises SettingsError for what is no address of a database."""
        self.url = url
        self.dialect = _parsed(url).get_dialect().name
        self._reading = _engine(url, writes=False)
        self._writing = _engine(url, writes=True)
        self.reader = sessionmaker(self._reading, class_=ReadSession, autoflush=False)
        event.listen(self.reader, "before_flush", _refuse_flush)
        # A class of this database's own: the cache attaches itself to it, once and for all.
        self._write_session: type[Session] = type("WriteSession", (Session,), {})
        self.writer = sessionmaker(self._writing, class_=self._write_session)

    def attach(self, cache: Cache | None, keys: KeyRegistry) -> None:
        """Let every change that is written through this database sweep the pages it alters."""
        attach(self._write_session, cache, keys, self._transaction_id)

    def listen(self, name: str, listener: Callable[..., None]) -> None:
        """Call *listener* at each event *name* of the sessions that write."""
        event.listen(self._write_session, name, listener)

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one snapshot, for code outside a request."""
        with self.reader() as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A session that is committed at the end, or rolled back by an exception."""
        with self.writer() as session:
            yield session
            session.commit()

    def make_private(self) -> None:
        """Make the file of a new SQLite database, which nobody but its owner may read (mode 600).

        One that is there keeps its mode. SQLite gives its log the mode of the database.
        """
        url = make_url(self.url)
        path = url.database
        if self.dialect != "sqlite" or not path or path.startswith((":", "file:")):
            return
        with contextlib.suppress(OSError):  # it is there, or SQLite says why it can't be
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    @contextlib.contextmanager
    def write_at_once(self) -> Iterator[Session]:
        """The same for what is not worth waiting for: raises DatabaseBusyError while others write."""
        with self.writer(bind=self._writing.execution_options(**{_AT_ONCE: True})) as session:
            yield session
            session.commit()

    @contextlib.contextmanager
    def begin_schema_change(self) -> Iterator[Connection]:
        """A connection in a writing transaction, past the sessions: for migrations alone."""
        with self._writing.begin() as connection:
            yield connection

    @property
    def is_over(self) -> Callable[[str], bool]:
        """Whether a transaction, as a hold names it, can commit no more. It raises SQLAlchemyError.

        It does not hold this database, nor may anything that listens to the sessions that write:
        SQLAlchemy keeps a class and its listeners for ever if they lead back to the class.
        """
        if self.dialect != "postgresql":
            # The transaction is over when its process is, and no longer locks the hold.
            return lambda _transaction: True
        return partial(_is_over, self._reading)

    def dispose(self) -> None:
        """Close all connections."""
        self._reading.dispose()
        self._writing.dispose()

    @staticmethod
    def _transaction_id(session: Session) -> str:
        """What `is_over` can be asked about later; on SQLite nothing has to be."""
        if session.get_bind().dialect.name != "postgresql":
            return ""
        return str(session.connection().execute(_CURRENT_ID).scalar_one())


def _is_over(reading: Engine, transaction: str) -> bool:
    """PostgreSQL goes on without the client, so it is asked whether new snapshots see the end.

    Its commit log alone knows of the end before they do.
    """
    if not transaction:
        return True
    parameters = {"id": transaction}
    with reading.connect() as connection:
        if connection.execute(_IS_VISIBLE, parameters).scalar_one():
            return True
        try:
            connection.execute(_STATUS, parameters)
        except DataError:
            # An id that was never given out: the database is an older one, from a backup.
            return True
    return False


def _parsed(url: str) -> URL:
    """Errors of what reads it after this would show a part of a password that is not written right."""
    try:
        parsed = make_url(url)
        is_read = "@" not in (parsed.host or "")
    except (ArgumentError, ValueError):
        is_read = False
    if is_read and parsed.get_backend_name() in _SUPPORTED:
        return parsed
    if is_read:
        raise SettingsError(
            f"{DATABASE_URL}: SQLite (sqlite:///path) and PostgreSQL (postgresql+psycopg2://...) are"
            f" supported, not {parsed.get_backend_name()}"
        )
    raise SettingsError(
        f"{DATABASE_URL} is no address of a database: postgresql+psycopg2://user:password@host/name,"
        " with what is neither letter nor digit in the password as %40 and so on"
    ) from None


def _refuse_flush(*_: Any) -> None:
    raise TypeError("a reading session has nothing to write")


def _engine(url: str, *, writes: bool) -> Engine:
    engine = _new_engine(url, writes=writes)
    event.listen(engine, "checkin", _roll_back)
    return engine


def _roll_back(connection: Any, record: Any) -> None:
    """End what a COMMIT that failed has left open, or its lock would keep every writer out.

    SQLAlchemy takes a transaction whose commit raised for one that is over.
    """
    if connection is None:
        return
    try:
        connection.rollback()  # asks nobody where no transaction is open
    except Exception:
        record.invalidate()


def _new_engine(url: str, *, writes: bool) -> Engine:
    # Their parameters are hidden from logs and errors: hashes of passwords and tokens are among them.
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": SQLITE_TIMEOUT}, hide_parameters=True)
        event.listen(engine, "connect", _sqlite_connect(writes))
        event.listen(engine, "begin", _begin_immediate if writes else _begin)
        return engine
    if writes:
        engine = create_engine(
            url, pool_pre_ping=True, isolation_level="READ COMMITTED", hide_parameters=True
        )
        event.listen(engine, "begin", _lock_writes)
        return engine
    engine = create_engine(
        url, pool_pre_ping=True, isolation_level="REPEATABLE READ", hide_parameters=True
    )
    return engine.execution_options(postgresql_readonly=True)


def _sqlite_connect(writes: bool) -> Callable[[Any, Any], None]:
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        # FULL: what was acknowledged survives a power cut. WAL's usual NORMAL may lose it.
        connection.execute("PRAGMA synchronous = FULL")
        if not writes:
            connection.execute("PRAGMA query_only = ON")

    return connect


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    if not connection.get_execution_options().get(_AT_ONCE):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
            raise
        raise DatabaseBusyError from error
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {SQLITE_TIMEOUT * 1000}")


def _lock_writes(connection: Connection) -> None:
    if not connection.get_execution_options().get(_AT_ONCE):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")
        return
    query = f"SELECT pg_try_advisory_xact_lock({_WRITE_LOCK})"
    if not connection.exec_driver_sql(query).scalar_one():
        raise DatabaseBusyError
