"""Holds, and what becomes of their descriptors."""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pypi_lite.cache.holds import Holds


def remove_all(folder: str) -> None:
    """As somebody does who removes the cache."""
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))


def refuse(_folder: str) -> None:
    raise PermissionError("no sweep")


@pytest.mark.parametrize(
    ("is_over", "sweep"),
    [
        (lambda _: True, remove_all),
        (lambda _: True, lambda folder: None),
        (lambda _: False, lambda folder: None),
        (lambda _: True, refuse),
    ],
    ids=["the hold is removed", "it is recovered", "its transaction runs", "nothing can be swept"],
)
def test_a_descriptor_is_closed_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_over: Callable[[str], bool],
    sweep: Callable[[str], None],
) -> None:
    """A number that is free again is another thread's at once: a generation's folder, say, which would
    publish into the folder of the next one if it were closed under its feet."""
    folder = str(tmp_path / "holds")
    holds = Holds(folder, is_over=is_over, sweep=lambda _key: sweep(folder))
    holds.place("home", "transaction").abandon()
    close, taken = os.close, []

    def close_and_open_elsewhere(descriptor: int) -> None:
        close(descriptor)
        taken.append(os.open(os.devnull, os.O_RDONLY))

    monkeypatch.setattr("pypi_lite.cache.holds.os.close", close_and_open_elsewhere)
    with contextlib.suppress(OSError):
        holds.recover("home")
    monkeypatch.undo()
    assert len(taken) == 1
    os.fstat(taken[0])
    close(taken[0])


def test_a_hold_that_somebody_has_removed_is_released(tmp_path: Path) -> None:
    folder = tmp_path / "holds"
    holds = Holds(str(folder), is_over=lambda _: True, sweep=lambda _: None)
    hold = holds.place("home", "")
    shutil.rmtree(folder)
    hold.release()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(hold.descriptor)
    assert holds.recover("home")
