"""A key that stands above others: a change of it takes their pages too, whoever is making one.

The protocol is that of one key. What is new is that the writer's hold and sweep are of another folder
than the page's own, so that the real code goes through the interleavings and deaths once more.
"""

import os
from pathlib import Path

import pytest

from pypi_lite.cache import holds
from pypi_lite.cache.pages import Facts, Page, with_keys_above
from pypi_lite.cache.store import Cache
from pypi_lite.models import now
from tests.cache.test_crash import MOST, die_at, expect_alive_and_current
from tests.cache.test_interleaving import (
    READER,
    SECOND,
    WRITER,
    new_world,
    run,
    run_from_a_published_page,
    search,
    two_switches,
)
from tests.cache.world import PAGE, World

ABOVE = "project"


def test_the_keys_above() -> None:
    assert with_keys_above("index") == ["index"]
    assert with_keys_above("project/foo") == ["project", "project/foo"]


def test_a_sweep_takes_the_pages_below_and_no_others(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path), "build", is_over=lambda _: True)
    pages = [Page(key, "page", "text/plain") for key in ("project/foo", "project/bar", "index")]
    for page in pages:
        generation = cache.begin(page)
        assert generation is not None
        assert generation.publish(b"body", Facts(serial=1, changed=now()))
        generation.close()
    making = cache.begin(Page("project/foo", "other", "text/plain"))
    assert making is not None
    cache.sweep(ABOVE)
    assert not making.publish(b"old", Facts(serial=1, changed=now()))
    making.close()
    assert list(cache.published()) == [("index", "page")]
    cache.empty_trash()
    assert os.listdir(tmp_path / "trash") == []


def test_a_hold_above_is_one_on_each_key_below(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path), "build", is_over=lambda _: True)
    above = cache.place(ABOVE, "")
    below = cache.place("project/foo", "")
    for key in ("project/foo", "project/bar", ABOVE):
        assert not cache.holds.recover(key)
    assert cache.holds.recover("index")
    above.release()
    assert not cache.holds.recover("project/foo")
    assert cache.holds.recover("project/bar")
    assert cache.holds.recover(ABOVE)  # the hold below is none on it
    below.release()
    assert cache.holds.recover("project/foo")


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_no_interleaving_shows_an_old_page(tmp_path: Path, step: int) -> None:
    world = new_world(tmp_path, ABOVE)
    for schedule in two_switches(READER, WRITER, step):
        run(world, schedule)
    for schedule in two_switches(WRITER, READER, step):
        run(world, schedule)
        run_from_a_published_page(world, schedule)


def test_two_readers_and_a_rollback(tmp_path: Path) -> None:
    world = new_world(tmp_path, ABOVE)
    for number in range(0, 34, 3):
        schedule = [READER, SECOND] * number + [WRITER] * number
        run(world, schedule, readers=2, commit=number % 2 == 0)


def test_the_search_notices_that_holds_above_are_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "with_keys_above", lambda key: [key])
    with pytest.raises(AssertionError, match="committed is"):
        search(new_world(tmp_path, ABOVE))


def test_a_writer_may_die_anywhere(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path / "cache", database_url, written=ABOVE)
    world.create()
    versions = set()
    for number in range(MOST):
        world.get()
        before = world.version()
        died = die_at(world, number, World.write)
        versions.add(world.version() - before)
        assert world.get().text == f"version {world.version()} end"
        expect_alive_and_current(world)
        world.cache.sweep(PAGE.key)
        world.get()  # meets the hold, if there is one
        assert not [n for n in world.litter() if n.startswith("holds/") and "/." not in n]
        if not died:
            break
    else:
        pytest.fail("the writer never came to its end")
    assert number > 8
    assert versions == {0, 1}
