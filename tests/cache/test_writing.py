"""The write side: whatever is flushed is swept, or is not committed."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import delete, event, select, text, update
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import DBAPIError

from pypi_lite.cache.writing import KEYS_OPTION, ChangeRefused, KeysNotNamed
from pypi_lite.models import Project, now
from tests.cache.world import PAGE, World

HIT, STORED = "pypi_lite; hit", "pypi_lite; fwd=uri-miss; stored"


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    """One row, one page, on both databases."""
    world = World(tmp_path / "cache", database_url, memory=1_000_000)
    world.create()
    return world


def status(world: World) -> str:
    return world.get().headers["Cache-Status"]


def test_a_commit_sweeps_the_keys_of_what_was_flushed(world: World) -> None:
    assert (status(world), status(world)) == (STORED, HIT)
    world.write()
    assert world.published() is None
    assert world.get().text == "version 2 end"
    assert status(world) == HIT
    assert world.litter() == []


def test_a_rollback_leaves_pages_alone(world: World) -> None:
    status(world)
    world.write(commit=False)
    assert status(world) == HIT


def test_a_change_of_other_rows_leaves_pages_alone(world: World) -> None:
    status(world)
    with world.database.write() as session:
        session.add(
            Project(
                name="other", normalized_name="other", created=now(), changed=now(), last_serial=1
            )
        )
    assert status(world) == HIT


@pytest.mark.parametrize(
    "statement",
    [
        update(Project).values(last_serial=7),
        delete(Project),
        text("UPDATE projects SET last_serial = 7"),
    ],
)
def test_a_bulk_statement_that_names_no_keys_is_refused(world: World, statement: object) -> None:
    with pytest.raises(KeysNotNamed, match=KEYS_OPTION), world.database.write() as session:
        session.execute(statement)
    assert world.version() == 1


def test_a_bulk_statement_sweeps_the_keys_that_it_names(world: World) -> None:
    status(world)
    with world.database.write() as session:
        session.execute(
            text("UPDATE projects SET last_serial = 7"), execution_options={KEYS_OPTION: [PAGE.key]}
        )
    assert world.published() is None
    assert world.get().text == "version 7 end"


def test_a_change_whose_pages_cant_be_swept_is_not_committed(world: World) -> None:
    status(world)
    trash = world.folder / "trash"
    trash.rmdir() if trash.exists() else None
    trash.write_text("not a folder")
    with pytest.raises(ChangeRefused):
        world.write()
    assert world.version() == 1
    trash.unlink()
    world.write()
    assert world.get().text == "version 2 end"
    status(world)
    assert status(world) == HIT


def test_a_change_whose_hold_cant_be_placed_is_not_committed(world: World) -> None:
    shutil.rmtree(world.folder / "holds")
    (world.folder / "holds").write_text("not a folder")
    with pytest.raises(ChangeRefused):
        world.write()
    assert world.version() == 1


def test_a_sweep_that_fails_after_the_commit_leaves_the_hold(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The change stands, no old page is shown, and the next reader finishes the work."""
    status(world)
    sweeps = iter([True, True])  # before the commit, for two keys; those after it fail
    real = world.cache.sweep

    def sweep(key: str) -> None:
        if next(sweeps, False):
            real(key)
        else:
            raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(world.cache, "sweep", sweep)
        world.write()
    assert "could not be swept after the commit" in caplog.text
    assert world.version() == 2
    assert world.published() is None
    assert world.get().text == "version 2 end"
    status(world)
    assert status(world) == HIT


def test_a_commit_without_an_answer_leaves_its_hold_to_a_recovery(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome of a COMMIT that raised is unknown: the hold goes only when it is known."""
    status(world)
    if world.database.dialect == "postgresql":
        world.step = lambda: terminate_writers(world)
    else:
        monkeypatch.setattr(DefaultDialect, "do_commit", disk_error)
    with pytest.raises(DBAPIError):
        world.write()
    monkeypatch.undo()
    world.step = lambda: None
    assert world.version() == 1
    assert world.get().text == "version 1 end"
    status(world)
    assert status(world) == HIT
    world.write()
    assert world.get().text == "version 2 end"


def terminate_writers(world: World) -> None:
    """End the server's side of every writing connection: the client finds out at its COMMIT."""
    query = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND backend_xid IS NOT NULL"
    )
    with world.database._reading.connect() as connection:
        assert connection.execute(text(query)).all() == [(True,)]


def disk_error(_dialect: object, _connection: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


def test_a_savepoint_places_no_hold(world: World) -> None:
    status(world)
    with world.database.write() as session:
        with session.begin_nested():
            project = session.scalars(select(Project)).one()
            project.last_serial = 9
        assert [p for p in (world.folder / "holds").rglob("*") if p.is_file()] == []
        assert world.published() == 1
    assert world.get().text == "version 9 end"


def test_holds_of_a_transaction_name_it_on_postgresql(world: World) -> None:
    seen = []

    def look() -> None:
        for folder, _, names in os.walk(world.folder / "holds"):
            seen.extend(Path(folder, name).read_text() for name in names)

    world.step = look
    world.write()
    world.step = lambda: None
    assert seen
    if world.database.dialect == "postgresql":
        assert all(name.isdigit() for name in seen)
    else:
        assert set(seen) == {""}


def test_the_same_session_may_write_again(world: World) -> None:
    with world.database.writer() as session:
        for version in (2, 3):
            session.scalars(select(Project)).one().last_serial = version
            session.commit()
            assert world.get().text == f"version {version} end"
            assert status(world) == HIT


def test_a_hold_is_on_the_disk_before_a_commit_that_can_outlive_the_machine(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its folder; SQLite's transactions end with their process."""
    flushed: list[str] = []
    fsync = os.fsync

    def tell(descriptor: int) -> None:
        flushed.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", tell)
    with world.database.writer() as session:
        session.execute(select(Project)).scalar_one().last_serial = 2
        at_commit: list[str] = []
        seen: list[Path] = []

        def look(_: object) -> None:
            at_commit.extend(flushed)
            seen.extend((world.folder / "holds").iterdir())

        event.listen(session.get_bind(), "commit", look)
        session.commit()
    holds = world.folder / "holds"
    if world.database.dialect != "postgresql":
        assert at_commit == []
        return
    assert {str(holds), *(str(hold) for hold in seen)} == set(at_commit)
    assert seen
