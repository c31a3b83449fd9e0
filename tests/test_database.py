"""The database's two doors."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pypi_lite.database import SQLITE_TIMEOUT, Database, DatabaseBusyError
from pypi_lite.models import BurnedFilename, Project
from pypi_lite.repository import Index
from tests.distributions.build import wheel
from tests.web.helpers import put


def burn(index: Index, name: str) -> None:
    with index.database.write() as session:
        session.add(BurnedFilename(filename=name, sha256="0" * 64))


def test_a_reading_session_sees_one_snapshot(index: Index) -> None:
    """However many queries it asks while others commit."""
    put(index, wheel("one", "1.0"))
    count = select(func.count()).select_from(Project)
    with index.database.read() as session:
        assert session.scalar(count) == 1
        put(index, wheel("two", "1.0"))
        assert session.scalar(count) == 1
        assert session.scalar(select(func.count()).select_from(BurnedFilename)) == 1
        with index.database.read() as other:
            assert other.scalar(count) == 2
    with index.database.read() as session:
        assert session.scalar(count) == 2


def test_a_reading_session_cannot_write(index: Index) -> None:
    """Neither through objects, nor past them."""
    with index.database.read() as session:
        session.add(BurnedFilename(filename="x", sha256="0" * 64))
        with pytest.raises(TypeError, match="nothing to write"):
            session.flush()
        with pytest.raises(TypeError, match="nothing to write"):
            session.commit()
    statements = (
        insert(BurnedFilename).values(filename="x", sha256="0" * 64),
        text("DELETE FROM journal"),
        text("CREATE TABLE x (id INTEGER)"),
    )
    for statement in statements:
        with index.database.read() as session, pytest.raises(DBAPIError):
            session.execute(statement)
    with index.database.read() as session:
        assert session.scalar(select(func.count()).select_from(BurnedFilename)) == 0


def test_a_connection_that_failed_to_write_still_reads(index: Index) -> None:
    for _ in range(20):  # more than the pool has
        with index.database.read() as session, pytest.raises(SQLAlchemyError):
            session.execute(text("DELETE FROM journal"))
    with index.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Project)) == 0


def test_what_is_not_worth_waiting_for_is_refused_while_others_write(index: Index) -> None:
    """And its connection waits as ever when it is used the next time."""
    failed: list[Exception] = []

    def write() -> None:
        try:
            burn(index, "third")
        except Exception as error:
            failed.append(error)

    for _ in range(2):
        with index.database.write_at_once() as session:
            session.add(BurnedFilename(filename=f"first-{_}", sha256="0" * 64))
    with index.database.write() as session:
        session.add(BurnedFilename(filename="second", sha256="0" * 64))
        session.flush()  # now the transaction has begun
        for _ in range(20):  # more than the pool has
            with pytest.raises(DatabaseBusyError), index.database.write_at_once() as other:
                other.scalar(select(func.count()).select_from(Project))
        writer = threading.Thread(target=write)
        writer.start()
        writer.join(timeout=0.5)
        assert writer.is_alive()
    writer.join(timeout=SQLITE_TIMEOUT)
    assert failed == []
    with index.database.read() as session:
        names = session.scalars(select(BurnedFilename.filename)).all()
    assert set(names) == {"first-0", "first-1", "second", "third"}


def test_writers_write_one_after_the_other(index: Index) -> None:
    """The second one's transaction begins when the first one's has ended, and sees what it did."""
    began, order = threading.Event(), []

    def second() -> None:
        began.wait(10)
        with index.database.write() as session:
            order.append(session.scalar(select(func.count()).select_from(BurnedFilename)))

    thread = threading.Thread(target=second)
    thread.start()
    with index.database.write() as session:
        session.add(BurnedFilename(filename="x", sha256="0" * 64))
        session.flush()
        began.set()
        time.sleep(0.2)
        order.append("first")
    thread.join(30)
    assert order == ["first", 1]


def test_readers_do_not_wait_for_a_writer(index: Index) -> None:
    with index.database.write() as session:
        session.add(BurnedFilename(filename="x", sha256="0" * 64))
        session.flush()
        with index.database.read() as reader:
            assert reader.scalar(select(func.count()).select_from(BurnedFilename)) == 0


def test_an_exception_rolls_back(index: Index) -> None:
    with pytest.raises(ZeroDivisionError), index.database.write() as session:  # noqa: PT012
        session.add(BurnedFilename(filename="x", sha256="0" * 64))
        session.flush()
        raise ZeroDivisionError
    burn(index, "x")  # nobody holds the lock, and the name is free


def test_sqlite_keeps_what_it_has_acknowledged(tmp_path: Path) -> None:
    """Write-ahead log, every commit flushed, foreign keys enforced, readers that can't write."""
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    for door, query_only in ((database.reader, 1), (database.writer, 0)):
        with door() as session:
            found = {
                name: session.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "query_only")
            }
            assert found == {
                "journal_mode": "wal",
                "synchronous": 2,
                "foreign_keys": 1,
                "query_only": query_only,
            }
            assert (
                session.execute(text("PRAGMA busy_timeout")).scalar_one() == SQLITE_TIMEOUT * 1000
            )
    database.dispose()


def test_sqlite_locks_when_a_writer_begins(tmp_path: Path) -> None:
    """Not at its first write: two that read first and write then would refuse each other."""
    path = tmp_path / "x.sqlite"
    database = Database(f"sqlite:///{path}")
    with database.writer() as session:
        session.execute(text("SELECT 1"))
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    database.dispose()


def test_a_transaction_is_over_when_it_has_ended(index: Index) -> None:
    """What a hold asks before it lets a dead writer's key go."""
    database = index.database
    assert database.is_over("")
    if database.dialect == "sqlite":
        assert database.is_over("12345")
        return
    query = text("SELECT CAST(pg_current_xact_id() AS text)")
    for end in ("commit", "rollback"):
        with database.writer() as session:
            number = str(session.connection().execute(query).scalar_one())
            assert not database.is_over(number)
            getattr(session, end)()
        assert database.is_over(number)
    assert database.is_over("999999999999")
