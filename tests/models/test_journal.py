"""The journal: one row a change, its number the change's serial, in the order of the commits."""

import threading

from sqlalchemy import select

from pypi_lite.models import Action, JournalEntry
from pypi_lite.models.journal import append
from pypi_lite.repository import Index
from tests.conftest import acting


def write(index: Index, note: str, count: int = 1) -> list[int]:
    with index.database.write() as session:
        return [
            append(session, Action.FILE_ADD, by=acting("t"), note=note).serial for _ in range(count)
        ]


def test_serials_follow_each_other(index: Index) -> None:
    first = write(index, "a", 3)
    assert first == list(range(first[0], first[0] + 3))
    assert write(index, "b") == [first[-1] + 1]


def test_a_change_that_is_not_made_takes_no_serial(index: Index) -> None:
    with index.database.writer() as session:
        lost = append(session, Action.FILE_ADD, by=acting("t")).serial
        session.rollback()
    assert write(index, "a") == [lost]


def test_serials_are_in_the_order_of_the_commits(index: Index) -> None:
    """A reader who sees a serial sees every one before it, also while many write at once."""
    stop, gaps = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            with index.database.read() as session:
                serials = session.scalars(select(JournalEntry.serial)).all()
                if sorted(serials) != list(range(1, len(serials) + 1)):
                    gaps.append(serials)

    reader = threading.Thread(target=read)
    reader.start()
    writers = [
        threading.Thread(target=lambda n=n: [write(index, str(n), 2) for _ in range(5)])
        for n in range(6)
    ]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join(60)
    stop.set()
    reader.join(60)
    assert gaps == []
    with index.database.read() as session:
        entries = session.scalars(select(JournalEntry).order_by(JournalEntry.serial)).all()
    assert [e.serial for e in entries] == list(range(1, len(entries) + 1))
    notes = [e.note for e in entries if e.note]
    assert len(notes) == 60
    assert all(notes[n] == notes[n + 1] for n in range(0, 60, 2))  # nobody wrote in between
    assert [e.moment for e in entries] == sorted(e.moment for e in entries)
