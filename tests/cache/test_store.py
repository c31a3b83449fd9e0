"""The cache's folder and its holds."""

import contextlib
import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pypi_lite.cache.pages import Facts, Page, with_keys_above
from pypi_lite.cache.store import GZIP, Cache, Generation, compress

PAGE = Page(key="project/sample", name="page.html", content_type="text/html")
FACTS = Facts(serial=7, changed=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(str(tmp_path), "build", is_over=lambda transaction: transaction != "running")


def begin(cache: Cache, page: Page = PAGE) -> Generation:
    generation = cache.begin(page)
    assert generation is not None
    return generation


def read(cache: Cache, suffix: str = "") -> bytes | None:
    descriptor = cache.open(PAGE, suffix)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_a_page_and_its_twin_are_published_with_their_facts(cache: Cache, tmp_path: Path) -> None:
    generation = begin(cache)
    assert read(cache) is None
    assert generation.publish(b"body", FACTS)
    generation.close()
    assert read(cache) == b"body"
    assert read(cache, GZIP) == compress(b"body")
    assert files(tmp_path) == [
        "pages/project/sample/build/page.html",
        "pages/project/sample/build/page.html.gz",
    ]
    for name in files(tmp_path):
        assert (tmp_path / name).stat().st_mtime_ns == FACTS.mtime_ns


def test_nothing_is_left_of_a_generation_without_a_page(cache: Cache, tmp_path: Path) -> None:
    generation = begin(cache)
    generation.close()
    generation.close()
    assert list((tmp_path / "pages" / "project").iterdir()) == []


def test_a_generation_that_was_swept_publishes_nothing(cache: Cache, tmp_path: Path) -> None:
    generation = begin(cache)
    cache.sweep(PAGE.key)
    other = begin(cache)  # a new folder of the same name
    assert not generation.publish(b"old", FACTS)
    generation.close()
    assert read(cache) is None
    assert other.publish(b"new", FACTS)
    other.close()
    assert read(cache) == b"new"


def test_a_generation_whose_folder_was_removed_publishes_nothing(cache: Cache) -> None:
    generation = begin(cache)
    cache.sweep(PAGE.key)
    cache.empty_trash()
    assert not generation.publish(b"old", FACTS)
    generation.close()
    assert read(cache) is None


def test_one_at_a_time_makes_a_page(cache: Cache) -> None:
    first = begin(cache)
    assert cache.begin(PAGE) is None
    other_page = Page(key=PAGE.key, name="other.html", content_type="text/html")
    begin(cache, other_page).close()
    first.close()
    begin(cache).close()


def test_a_dead_generations_temps_are_removed_by_the_next(cache: Cache, tmp_path: Path) -> None:
    generation = begin(cache)
    # As the death of its process would: the lock goes, the files stay.
    os.close(generation._lock)  # type: ignore[arg-type]
    generation._lock = None
    assert any(name.endswith(".new") for name in files(tmp_path))
    successor = begin(cache)
    successor.publish(b"body", FACTS)
    successor.close()
    assert files(tmp_path) == [
        "pages/project/sample/build/page.html",
        "pages/project/sample/build/page.html.gz",
    ]


def test_a_sweep_takes_the_pages_of_every_build(cache: Cache, tmp_path: Path) -> None:
    other = Cache(str(tmp_path), "older", is_over=lambda _: True)
    for each in (cache, other):
        generation = begin(each)
        generation.publish(b"body", FACTS)
        generation.close()
    cache.sweep(PAGE.key)
    assert read(cache) is None
    assert read(other) is None


def test_a_sweep_of_nothing_is_fine_and_one_that_fails_says_so(
    cache: Cache, tmp_path: Path
) -> None:
    cache.sweep("project/unknown")
    generation = begin(cache)
    generation.publish(b"body", FACTS)
    generation.close()
    (tmp_path / "trash").rmdir() if (tmp_path / "trash").exists() else None
    (tmp_path / "trash").write_text("not a folder")
    with pytest.raises(OSError, match="trash"):
        cache.sweep(PAGE.key)
    assert read(cache) == b"body"


def test_the_trash_is_made_again(cache: Cache, tmp_path: Path) -> None:
    for _ in range(2):
        generation = begin(cache)
        generation.publish(b"body", FACTS)
        generation.close()
        cache.sweep(PAGE.key)
        assert read(cache) is None
        cache.empty_trash()
        (tmp_path / "trash").rmdir()
    generation = begin(cache)
    generation.publish(b"body", FACTS)
    generation.close()
    cache.sweep_all()
    assert read(cache) is None


def test_a_hold_is_locked_and_names_its_transaction(cache: Cache, tmp_path: Path) -> None:
    hold = cache.place(PAGE.key, "4711")
    [name] = files(tmp_path / "holds")
    assert name.startswith("project:sample=")
    path = tmp_path / "holds" / name
    assert path.read_text() == "4711"
    with path.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not cache.holds.recover(PAGE.key)
    hold.release()
    assert cache.holds.recover(PAGE.key)
    assert files(tmp_path / "holds") == []


def test_a_hold_is_on_its_key_and_those_below_alone(cache: Cache) -> None:
    """However alike the names are: one that begins with the other, one that is shortened."""
    names = ["project", "project/a", "project/a-b", "project/ab", "project/" + "a" * 300]
    for name in names:
        hold = cache.place(name, "")
        below = [other for other in names if name in with_keys_above(other)]
        assert [other for other in names if not cache.holds.recover(other)] == below
        hold.abandon()
        [abandoned] = cache.holds.abandoned()
        assert cache.holds.recover(abandoned)
        assert list(cache.holds.abandoned()) == []


def test_recovery_sweeps_and_waits_for_the_transaction(cache: Cache, tmp_path: Path) -> None:
    for transaction, is_over in (("running", False), ("4711", True)):
        hold = cache.place(PAGE.key, transaction)
        generation = begin(cache)
        generation.publish(b"body", FACTS)  # past the hold, as the code never does
        generation.close()
        hold.abandon()
        assert cache.holds.recover(PAGE.key) is is_over
        assert (read(cache) is None) is is_over
        for path in (tmp_path / "holds").rglob("*"):
            if path.is_file():
                path.unlink()


def test_two_holds_are_both_waited_for(cache: Cache) -> None:
    living, dead = cache.place(PAGE.key, "1"), cache.place(PAGE.key, "2")
    dead.abandon()
    assert not cache.holds.recover(PAGE.key)
    living.release()
    assert cache.holds.recover(PAGE.key)


def test_litter_of_writers_that_died_before_their_hold_was_seen_goes(
    cache: Cache, tmp_path: Path
) -> None:
    folder = tmp_path / "holds"
    folder.mkdir()
    for name, age in ((".old", 3600), (".new", 0), ("hold", 3600)):
        (folder / name).touch()
        moment = (folder / name).stat().st_mtime - age
        os.utime(folder / name, (moment, moment))
    cache.holds.remove_litter()
    assert sorted(p.name for p in folder.iterdir()) == [".new", "hold"]


def test_a_time_that_the_file_system_cannot_keep_is_never_published(cache: Cache) -> None:
    """Most keep 34 bits of seconds; a time cut off would give two versions one tag."""
    facts = Facts(serial=10**15, changed=FACTS.changed)
    generation = begin(cache)
    with contextlib.suppress(OSError):
        generation.publish(b"body", facts)
    generation.close()
    found = cache.read(PAGE)
    assert found is None or found[0] == facts.mtime_ns
