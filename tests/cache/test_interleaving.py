"""The real code on a real file system, through the interleavings of a writer and of readers.

The protocol is searched exhaustively in `test_protocol`; here its code is run, one file operation a
step, with the invariants looked at after each step.
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from pypi_lite.cache import store
from pypi_lite.cache.holds import Hold, Holds
from pypi_lite.cache.pages import Facts
from pypi_lite.cache.store import Cache, Generation
from pypi_lite.cache.writing import _WriteSide
from tests.cache.interleaving import Interleaving
from tests.cache.world import PAGE, World
from tests.faults import broken

READER, WRITER, SECOND = 0, 1, 2
#: More than any actor has.
ALL = 60


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One row, one page, on SQLite."""
    return new_world(tmp_path)


def new_world(tmp_path: Path, written: str | None = None) -> World:
    url = f"sqlite:///{tmp_path / 'world.sqlite'}"
    world = World(tmp_path / "cache", url, written=written)
    world.create()
    return world


def run(world: World, schedule: list[int], *, readers: int = 1, commit: bool = True) -> None:
    """One interleaving from an empty cache, and what must hold after it."""
    shutil.rmtree(world.folder, ignore_errors=True)
    actors: list[Callable[[], object]] = [world.get, lambda: world.write(commit)]
    actors += [world.get] * (readers - 1)
    interleaving = Interleaving(*actors)
    world.step = interleaving.step
    try:
        interleaving.run(schedule, world.check)
    finally:
        world.step = lambda: None
    world.get()
    response = world.get()
    assert response.headers["Cache-Status"] == "pypi_lite; hit"  # alive
    assert world.published() == world.version()
    assert world.litter() == []


def run_from_a_published_page(world: World, schedule: list[int]) -> None:
    """One interleaving of a writer and of a reader where the page is there at the beginning."""
    shutil.rmtree(world.folder, ignore_errors=True)
    world.get()
    interleaving = Interleaving(world.get, world.write)
    world.step = interleaving.step
    try:
        interleaving.run(schedule, world.check)
    finally:
        world.step = lambda: None


def two_switches(first: int, second: int, step: int = 1) -> Iterator[list[int]]:
    """*first* a few steps, *second* a few steps or all, *first* to its end, *second* to its end."""
    for one in range(0, 34, step):
        for other in (*range(0, 34, step), ALL):
            yield [first] * one + [second] * other + [first] * ALL


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_no_interleaving_with_two_switches_shows_an_old_page(world: World, step: int) -> None:
    for schedule in two_switches(READER, WRITER, step):
        run(world, schedule)
    for schedule in two_switches(WRITER, READER, step):
        run(world, schedule)


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_no_interleaving_from_a_published_page_shows_an_old_one(world: World, step: int) -> None:
    for schedule in two_switches(WRITER, READER, step):
        run_from_a_published_page(world, schedule)


def test_random_interleavings_with_two_readers(world: World) -> None:
    chance = random.Random(20261123)
    for number in range(60):
        schedule = chance.choices([READER, WRITER, SECOND], k=120)
        run(world, schedule, readers=2, commit=number % 4 != 0)


def test_a_rollback_leaves_no_hold_and_no_old_page(world: World) -> None:
    for steps in range(0, 30, 3):
        run(world, [WRITER] * steps + [READER] * ALL, commit=False)


# Each of these takes one step out of the code. The search above has to notice, or it proves nothing.


def no_hold(patch: pytest.MonkeyPatch) -> None:
    def place(self: Cache, key: str, transaction: str) -> Hold:
        hold = self.holds.place("elsewhere", transaction)
        hold.key = key
        self.sweep(key)
        return hold

    patch.setattr(Cache, "place", place)
    patch.setattr(_WriteSide, "_settle", lambda self, hold, committed: hold.release())


def no_sweep_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Cache, "place", lambda self, key, transaction: self.holds.place(key, transaction))


def no_sweeps(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Cache, "sweep", lambda self, key: None)


def holds_not_looked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Holds, "recover", lambda self, key: True)


def renamed_from_the_root(patch: pytest.MonkeyPatch) -> None:
    """A generation that publishes by path, wherever the path leads by then."""

    def publish(
        self: Generation, body: bytes, facts: Facts, _twin: object = None, page: object = None
    ) -> bool:
        path = Path(self._path, self._page)
        path.parent.mkdir(parents=True, exist_ok=True)
        store.os.stat(".")  # a step: the two look-ups of rename(2) are not one
        path.write_bytes(body)
        os.utime(path, ns=(facts.mtime_ns, facts.mtime_ns))
        return True

    patch.setattr(Generation, "publish", publish)


def hold_after_the_commit(patch: pytest.MonkeyPatch) -> None:
    for name in ("before_commit", "after_transaction_end"):
        patch.setattr(_WriteSide, name, getattr(_WriteSide, name))  # what is to be put back
    broken.FAULTS["late-hold"]()


def snapshot_before_the_temp(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Generation, "publish", Generation.publish)
    broken.FAULTS["late-folder"]()


@pytest.mark.parametrize(
    "mutate",
    [
        no_sweep_before_the_commit,
        no_sweeps,
        no_hold,
        holds_not_looked_for,
        renamed_from_the_root,
        hold_after_the_commit,
        snapshot_before_the_temp,
    ],
)
def test_the_search_notices_a_step_that_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mutate: Callable[[pytest.MonkeyPatch], None]
) -> None:
    mutate(monkeypatch)  # before there is a session class that it could be attached to
    world = new_world(tmp_path)
    with pytest.raises(AssertionError, match=r"committed is|pypi_lite; hit"):
        search(world)


def search(world: World) -> None:
    """One actor goes all its way at some moment of the other's."""
    for steps in range(34):
        run_from_a_published_page(world, [WRITER] * steps + [READER] * ALL + [WRITER] * ALL)
        run(world, [READER] * steps + [WRITER] * ALL + [READER] * ALL)


def dead_writer_commits(world: World) -> None:
    """A writer's process is dead, its transaction is not; readers come before and after its commit."""
    world.get()
    with world.database._writing.connect() as connection:
        connection.execute(text("UPDATE projects SET last_serial = last_serial + 1"))
        query = text("SELECT CAST(pg_current_xact_id() AS text)")
        world.cache.place(PAGE.key, connection.execute(query).scalar_one()).abandon()
        for _ in range(3):
            world.get()
            world.check()
        connection.commit()
        world.check()
    for _ in range(3):
        assert world.get().text == f"version {world.version()} end"
    assert world.published() == world.version()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_recovery_waits_for_the_transactions_end(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And does so for a reason: else what it lets be published is old as soon as that commits."""
    world = World(tmp_path / "cache", database_url)
    world.create()
    dead_writer_commits(world)
    monkeypatch.setattr(world.cache.holds, "_is_over", lambda _transaction: True)
    with pytest.raises(AssertionError, match="committed is"):
        dead_writer_commits(world)
