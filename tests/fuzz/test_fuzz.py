"""The short form of the fuzzers, and that they would find something."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pypi_lite.distributions import bounds
from tests.distributions import build
from tests.fuzz import targets, wild
from tests.fuzz.mutating import mutated
from tests.fuzz.targets import Archives, Finding, Uploads, Watch

SEED = 20070701


@pytest.fixture
def uploads(tmp_path: Path) -> Iterator[Uploads]:
    uploads = Uploads(tmp_path, SEED)
    yield uploads
    uploads.close()


def test_archives(tmp_path: Path) -> None:
    archives = Archives(tmp_path, SEED)
    for _ in range(1500):
        archives.run()
    assert archives.outcomes["taken"] > 10
    assert len(archives.outcomes) > 10


def test_bodies(uploads: Uploads) -> None:
    for _ in range(150):
        uploads.run()
    assert uploads.outcomes.keys() >= {"400"}


def test_wild_metadata(uploads: Uploads) -> None:
    wild.run(uploads, SEED, 40)
    assert uploads.outcomes["200"] > 0


def test_a_traceback_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("planted")

    archives, uploads = Archives(tmp_path, SEED), Uploads(tmp_path, SEED)
    monkeypatch.setattr(targets, "read_distribution", fail)
    with pytest.raises(Finding, match="planted"):
        archives.run()
    monkeypatch.setattr("pypi_lite.repository.upload.read_distribution", fail)
    good = build.wheel("foo", "1.0")
    with pytest.raises(Finding, match="answered with 500"):
        uploads.send(targets.form_of(*good, {}))
    uploads.close()


def test_memory_is_that_of_one_input(tmp_path: Path) -> None:
    """What earlier ones have left behind, a process of an hour, is not counted; what it takes is."""
    watch, kept = Watch(), []
    for _ in range(4):
        with watch.watching(b"some"):
            kept.append(b"x" * (bounds.MAX_MEMORY // 3))
    with pytest.raises(Finding, match="memory"), watch.watching(b"much"):
        assert b"x" * (2 * bounds.MAX_MEMORY)


def test_what_is_left_would_be_found(uploads: Uploads) -> None:
    body = targets.form_of("foo-1.0-py3-none-any.whl", b"no archive", {})
    uploads.send(body)
    folder = uploads._settings.blobs / "incoming"
    (folder / "left").touch()
    with pytest.raises(Finding, match="left"):
        uploads.send(body)


def test_mutations_are_the_same_again() -> None:
    def some() -> list[bytes]:
        chance = random.Random(SEED)
        return [mutated(chance, b"content " * 100, [b"other"]) for _ in range(100)]

    assert some() == some()
    assert len(set(some())) > 90
