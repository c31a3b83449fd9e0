"""Sessions that end with their request's transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pyramid_tm import explicit_manager
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pypi_lite.cache.store import Cache
from pypi_lite.cache.writing import ChangeRefused
from pypi_lite.joining import join
from pypi_lite.models import Project, now
from pypi_lite.opening import Opened


@contextmanager
def begun(session: Session) -> Iterator[Any]:
    """A transaction manager whose transaction *session* has joined, to commit or abort."""
    manager = explicit_manager(None)
    manager.begin()
    join(session, manager)
    yield manager
    assert not session.in_transaction()


def new_project(name: str = "sample") -> Project:
    moment = now()
    return Project(normalized_name=name, name=name, created=moment, last_serial=1, changed=moment)


def projects(opened: Opened) -> int:
    """How many there are; this waits for ever where the write lock is still held."""
    with opened.index.database.write() as session:
        return session.scalar(select(func.count()).select_from(Project)) or 0


def test_a_commit_commits_and_an_abort_does_not(opened: Opened) -> None:
    for end, there in (("abort", 0), ("commit", 1)):
        session, project = opened.index.database.writer(), new_project()
        with begun(session) as manager:
            session.add(project)
            session.flush()
            getattr(manager, end)()
        assert project not in session  # or asking it for more would begin another one, unnoticed
        assert projects(opened) == there


def test_what_is_not_flushed_is_committed_too(opened: Opened) -> None:
    session = opened.index.database.writer()
    with begun(session) as manager:
        session.add(new_project())
        manager.commit()
    assert projects(opened) == 1


def test_nothing_is_left_of_a_commit_that_fails(opened: Opened) -> None:
    session = opened.index.database.writer()
    with begun(session) as manager:
        session.add_all([new_project(), new_project()])
        with pytest.raises(IntegrityError):
            manager.commit()
        manager.abort()
    assert projects(opened) == 0


def test_nothing_is_left_of_a_change_that_the_cache_refuses(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Cache, "place", fail)
    session = opened.index.database.writer()
    with begun(session) as manager:
        session.add(new_project())
        with pytest.raises(ChangeRefused):
            manager.commit()
        manager.abort()
    assert projects(opened) == 0


def test_a_reader_and_a_writer_end_together(opened: Opened) -> None:
    """The reader's snapshot is over then: the same connection shows the writer's change."""
    reader, writer = opened.index.database.reader(), opened.index.database.writer()
    count = select(func.count()).select_from(Project)
    with begun(reader) as manager:
        join(writer, manager)
        assert reader.scalar(count) == 0
        writer.add(new_project())
        manager.commit()
    assert not writer.in_transaction()
    with opened.index.database.read() as session:
        assert session.scalar(count) == 1


def test_a_reader_commits_nothing(opened: Opened) -> None:
    reader = opened.index.database.reader()
    with begun(reader) as manager:
        reader.add(new_project())
        with pytest.raises(TypeError, match="nothing to write"):
            manager.commit()
        manager.abort()
    assert projects(opened) == 0
