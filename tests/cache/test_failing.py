"""The n-th file operation fails, for each n: nothing old is shown, nothing is lost, nothing is left."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pypi_lite.cache import opening
from pypi_lite.cache.opening import open_cache
from pypi_lite.cache.writing import ChangeRefused
from tests.cache.failing import FailingPath, Failure, failing
from tests.cache.world import PAGE, World, publish_in

#: More operations than a request has.
MOST = 80
#: What fails, and whether all that comes after it fails too: a moment's fault, and a disk that stays full
#: or read-only for the rest of the request.
faults = pytest.mark.parametrize(
    ("error", "lasting"),
    [
        pytest.param(errno.ENOSPC, False, id="no space once"),
        pytest.param(errno.EROFS, True, id="read-only from then on"),
        pytest.param(errno.EIO, False, id="error once", marks=pytest.mark.slow),
        pytest.param(errno.EACCES, True, id="no access from then on", marks=pytest.mark.slow),
    ],
)

#: PostgreSQL knows nothing of the cache's files; what differs is in the changes.
databases = pytest.mark.parametrize(
    "database_url",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)],
    indirect=True,
)


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """One row, one page, on both databases."""
    world = World(tmp_path / "cache", database_url, memory=1_000_000)
    world.create()
    yield world
    world.database.dispose()


def each_failure(error: int, lasting: bool, least: int) -> Iterator[Failure]:
    """A failure for each operation of what the caller does, which has *least* of them or more."""
    for number in range(MOST):
        failure = Failure(number, error, lasting=lasting)
        yield failure
        if not failure.happened:
            assert number >= least, f"only {number} operations: {failure.operations}"
            return
    pytest.fail("it never came to its end")


def checked(world: World, failure: Failure) -> Callable[[str], None]:
    """The invariants hold before each operation, too."""

    def step(name: str) -> None:
        world.check()
        failure(name)

    return step


def expect_alive_and_current(world: World) -> None:
    """The next request shows what is committed; caching works; nothing is left that lasts."""
    world.check()
    assert world.get().text == f"version {world.version()} end"
    world.get()
    assert world.get().headers["Cache-Status"] == "pypi_lite; hit"
    assert world.published() == world.version()
    # What a failed unlink has left goes with the next reader of the other key, the next change, and
    # in time (a hold that was never seen) with the next process.
    assert world.cache.holds.recover("home")
    assert world.cache.holds.recover(PAGE.key)
    world.write()
    world.get()
    for path in (world.folder / "holds").rglob(".*"):
        os.utime(path, (0, 0))
    world.cache.holds.remove_litter()
    assert world.litter() == []
    assert list((world.folder / "trash").iterdir()) == []


@databases
@faults
def test_a_page_is_made_whatever_fails(world: World, error: int, lasting: bool) -> None:
    """The reader gets it all the same, and if it can't be published now, the next one is."""
    for failure in each_failure(error, lasting, least=20):
        world.cache.sweep(PAGE.key)
        with failing(checked(world, failure)):
            response = world.get()
        assert response.text == f"version {world.version()} end"
        expect_alive_and_current(world)


@databases
@faults
def test_a_page_is_served_whatever_fails(world: World, error: int, lasting: bool) -> None:
    for failure in each_failure(error, lasting, least=2):
        world.get()
        world.hits._memory.__init__(0)  # type: ignore[misc]  as in a process that has just begun
        with failing(checked(world, failure)):
            response = world.get()
        assert response.text == f"version {world.version()} end"
        expect_alive_and_current(world)


@faults
def test_a_change_is_refused_or_shown_whatever_fails(
    world: World, error: int, lasting: bool
) -> None:
    refused = committed = 0
    for failure in each_failure(error, lasting, least=15):
        world.get()
        before = world.version()
        try:
            with failing(checked(world, failure)):
                world.write()
            committed += 1
            assert world.version() == before + 1
        except ChangeRefused:
            refused += 1
            assert world.version() == before
        expect_alive_and_current(world)
    assert refused > 5
    assert committed > 5


@databases
@faults
def test_a_rollback_leaves_nothing_whatever_fails(world: World, error: int, lasting: bool) -> None:
    """PostgreSQL's or a disk's word at the COMMIT: the holds are there, and nothing is committed."""

    def refuse() -> None:
        raise RuntimeError("the COMMIT fails")

    for failure in each_failure(error, lasting, least=10):
        world.get()
        before = world.version()
        world.step = refuse
        with failing(checked(world, failure)), pytest.raises((RuntimeError, ChangeRefused)):
            world.write()
        world.step = lambda: None
        assert world.version() == before
        expect_alive_and_current(world)


@databases
@faults
def test_a_recovery_may_fail_anywhere(world: World, error: int, lasting: bool) -> None:
    for failure in each_failure(error, lasting, least=12):
        world.cache.place(PAGE.key, "").abandon()  # as the death of its process would
        with failing(checked(world, failure)):
            response = world.get()
        assert response.text == f"version {world.version()} end"
        expect_alive_and_current(world)


@faults
@pytest.mark.parametrize("is_new_boot", [True, False])
def test_a_cache_is_opened_or_not_whatever_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, lasting: bool, is_new_boot: bool
) -> None:
    """Where it can't be opened the process does not go on: its changes would sweep nothing."""
    boot = tmp_path / "boot"
    monkeypatch.setattr(opening, "_BOOT_ID", boot)
    folder = tmp_path / "cache"
    for failure in each_failure(error, lasting, least=20 if is_new_boot else 3):
        boot.write_text("one")
        shutil.rmtree(folder, ignore_errors=True)
        publish_in(folder)
        boot.write_text("two" if is_new_boot else "one")
        with failing(failure):
            try:
                cache = open_cache(FailingPath(folder), "build", is_over=lambda _: True)
                assert cache is not None, "what fails now is not what the file system lacks"
            except OSError:
                cache = None
        if is_new_boot and cache is not None:
            assert cache.open(PAGE) is None, "a page of another boot is served"
        later = open_cache(folder, "build", is_over=lambda _: True)
        assert later is not None
        assert (later.open(PAGE) is None) == is_new_boot
        left = {path.name for path in folder.iterdir()}
        assert left <= {"boot", "lock", "pages", "trash", "holds"} | probes(left)
        assert list((folder / "trash").glob("*")) == []


def probes(names: set[str]) -> set[str]:
    """The folders of probes that could not even be removed."""
    return {name for name in names if name.startswith("probe-")}
