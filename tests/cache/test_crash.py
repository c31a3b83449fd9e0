"""Writers and readers that die: the real code in a real process, killed before its n-th operation."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pypi_lite.cache import opening
from pypi_lite.cache.opening import open_cache
from tests.cache.failing import FailingPath, failing
from tests.cache.interleaving import stepping
from tests.cache.world import PAGE, World, publish_in

#: More operations than a writer or a reader has.
MOST = 60


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    """One row, one page, on both databases."""
    world = World(tmp_path / "cache", database_url, memory=1_000_000)
    world.create()
    return world


def die_at(world: World, number: int, act: Callable[[World], object]) -> bool:
    """Run *act* in a process that kills itself before its *number*-th step; whether it did."""
    world.database.dispose()  # no connection crosses the fork

    def run(step: Callable[[str], None]) -> None:
        world.step = lambda: step("")
        with stepping(step):
            act(world)

    return die(number, run)


def die(number: int, run: Callable[[Callable[[str], None]], object]) -> bool:
    """The same of *run*, which gets what it has to call before each of its steps."""
    child = os.fork()
    if child == 0:
        steps = iter(range(MOST * 2))

        def step(_name: str) -> None:
            if next(steps) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        status = 1
        try:
            run(step)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def expect_alive_and_current(world: World) -> None:
    """No page is old now; the next requests make one, and caching works. Nothing is left over."""
    world.check()
    world.get()  # may have met the hold of the dead
    world.get()
    response = world.get()
    assert response.headers["Cache-Status"] == "pypi_lite; hit"
    assert world.published() == world.version()


def test_a_writer_may_die_anywhere(world: World) -> None:
    """Whether it has committed or not, no reader gets an old page afterwards, not even the first."""
    deaths, versions = 0, set()
    for number in range(MOST):
        world.get()  # a page is published
        before = world.version()
        died = die_at(world, number, World.write)
        after = world.version()
        versions.add(after - before)
        first = world.get()
        assert f"version {world.version()} end" == first.text
        expect_alive_and_current(world)
        # Who died before the sweep leaves a hold beside a current page; the next miss meets it.
        world.cache.sweep(PAGE.key)
        world.get()
        holds = [name for name in world.litter() if name.startswith(f"holds/{PAGE.key}/")]
        assert not [name for name in holds if "/." not in name]
        if not died:
            break
        deaths += 1
    else:
        pytest.fail("the writer never came to its end")
    assert deaths > 8
    assert versions == {0, 1}  # some died before their commit, some after it


def test_a_reader_may_die_anywhere(world: World) -> None:
    """What it leaves is no page in pieces, and keeps nobody from making the page."""
    deaths = 0
    for number in range(MOST):
        world.cache.sweep(PAGE.key)
        died = die_at(world, number, World.get)
        expect_alive_and_current(world)
        if not died:
            break
        deaths += 1
    else:
        pytest.fail("the reader never came to its end")
    assert deaths > 12


def test_a_recovering_reader_may_die_anywhere(world: World) -> None:
    """What a dead writer has left is finished by the next who comes."""
    deaths = 0
    for number in range(MOST):
        world.cache.place(PAGE.key, "").abandon()  # as the death of its process would
        died = die_at(world, number, World.get)
        expect_alive_and_current(world)
        assert not [name for name in world.litter() if name.startswith("holds/")]
        if not died:
            break
        deaths += 1
    else:
        pytest.fail("the reader never came to its end")
    assert deaths > 20


def open_in(folder: Path) -> Callable[[Callable[[str], None]], object]:
    def run(step: Callable[[str], None]) -> None:
        with failing(step):
            open_cache(FailingPath(folder), "build", is_over=bool)

    return run


def test_the_first_process_of_a_boot_may_die_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one sweeps what the last boot has left, unless that was done."""
    boot = tmp_path / "boot"
    monkeypatch.setattr(opening, "_BOOT_ID", boot)
    for number in range(MOST):
        boot.write_text("one")
        publish_in(tmp_path / "cache")
        boot.write_text("two")
        died = die(number, open_in(tmp_path / "cache"))
        cache = open_cache(tmp_path / "cache", "build", is_over=bool)
        assert cache is not None
        assert cache.open(PAGE) is None
        if not died:
            break
    else:
        pytest.fail("it never came to its end")
    assert number > 20


def test_a_reader_that_dies_leaves_no_temp_for_long(world: World) -> None:
    for number in range(MOST):
        world.cache.sweep(PAGE.key)
        if not die_at(world, number, World.get):
            break
        world.get()
        assert not [name for name in world.litter() if name.endswith(".new")]


def test_a_living_writers_hold_is_not_recovered(world: World) -> None:
    """While a writer is between its hold and its commit, readers are served without the cache."""
    seen = []

    def look() -> None:
        world.step = lambda: None
        response = world.get()
        seen.append((response.headers["Cache-Status"], response.text))

    world.get()
    world.step = look
    world.write()
    assert seen == [("pypi_lite; fwd=bypass; detail=hold", "version 1 end")]
    assert world.published() is None
    assert world.get().text == "version 2 end"
    expect_alive_and_current(world)


def test_a_hold_outlives_its_process_while_the_transaction_does(world: World) -> None:
    """PostgreSQL may commit for a client that is dead: its hold stays until that is decided."""
    running = {"over": False}
    world.cache.holds._is_over = lambda _transaction: running["over"]
    hold = world.cache.place(PAGE.key, "4711")
    hold.abandon()  # as the death of its process would
    assert world.get().headers["Cache-Status"] == "pypi_lite; fwd=bypass; detail=hold"
    assert world.published() is None
    running["over"] = True
    world.get()
    expect_alive_and_current(world)
    assert world.litter() == []


def test_the_database_knows_whether_a_transaction_is_over(world: World) -> None:
    database = world.database
    with database.writer() as session:
        session.connection()
        transaction = database._transaction_id(session)
        if database.dialect == "postgresql":
            assert transaction.isdigit()
            assert not database.is_over(transaction)
        else:
            assert transaction == ""
    assert database.is_over(transaction)
    assert database.is_over("")
