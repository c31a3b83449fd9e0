"""Somebody takes the cache's folders away, or puts links in their places, while it is in use."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cache.world import PAGE, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One row, one page, on SQLite."""
    world = World(tmp_path / "cache", f"sqlite:///{tmp_path / 'world.sqlite'}", wait=1.0)
    world.create()
    return world


def remove(world: World) -> None:
    shutil.rmtree(world.folder)


def replace_by_link(world: World) -> None:
    """Another folder, empty."""
    other = world.folder.with_name("other")
    other.mkdir()
    world.folder.rename(world.folder.with_name("away"))
    world.folder.symlink_to(other)


def move_behind_link(world: World) -> None:
    """The same folder, elsewhere."""
    other = world.folder.with_name("other")
    world.folder.rename(other)
    world.folder.symlink_to(other)


def move_key_behind_link(world: World) -> None:
    """The folder of the key is elsewhere, with all that is in it."""
    key = world.folder / "pages" / PAGE.key
    key.mkdir(parents=True, exist_ok=True)
    key.rename(world.folder.with_name("key"))
    key.symlink_to(world.folder.with_name("key"))


@pytest.mark.parametrize("moment", ["before", "hold placed", "committed", "after"])
@pytest.mark.parametrize("harm", [remove, replace_by_link, move_behind_link, move_key_behind_link])
def test_what_was_acknowledged_is_shown(
    world: World, harm: Callable[[World], None], moment: str
) -> None:
    """Whatever is done to the folders, and whoever reads right afterwards.

    More can't be promised where a hold is taken away: a page may be old until the change is
    acknowledged (`test_protocol.test_the_second_sweep_alone_is_the_guarantee_of_2007`).
    """
    moments = iter(["hold placed", "committed"])

    def strike(now: str) -> None:
        if now == moment:
            world.step = lambda: None
            harm(world)
            world.get()

    world.get()
    strike("before")
    if moment in ("hold placed", "committed"):
        world.step = lambda: strike(next(moments))
    world.write()
    world.step = lambda: None
    strike("after")
    assert world.get().text == "version 2 end"
    world.get()
    assert world.get().headers["Cache-Status"] == "pypi_lite; hit"
    world.write()
    assert world.get().text == "version 3 end"
    assert world.get().headers["Cache-Status"] == "pypi_lite; hit"
    assert world.litter() == []


def test_a_link_that_was_swept_goes_and_what_it_leads_to_stays(world: World) -> None:
    world.get()
    move_key_behind_link(world)
    world.write()
    assert list((world.folder / "trash").iterdir()) == []
    assert (world.folder.with_name("key") / "build" / PAGE.name).exists()
