"""Runs several actors of the real code in an order that a test decides, one file operation a step.

Each actor is a thread. It stops before each file operation of the cache, and at each step that it
names itself, until the schedule lets it go on: so that the interleavings of real code on a real file
system can be gone through one by one.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pypi_lite.cache import holds, store

#: Functions of `os` that touch the file system's state, in the modules of the protocol.
OPERATIONS = frozenset(
    {
        *("open", "close", "rename", "unlink", "rmdir", "makedirs", "write", "utime"),
        *("listdir", "stat", "fstat", "read"),
    }
)
_LONG = 20.0


class SteppingOS:
    """`os`, with a call of *step* before each operation."""

    operations = OPERATIONS

    def __init__(self, step: Callable[[str], None]) -> None:
        self._step = step

    def __getattr__(self, name: str) -> Any:
        function = getattr(os, name)
        if name not in self.operations:
            return function

        def stepping(*args: Any, **keywords: Any) -> Any:
            self._step(name)
            return function(*args, **keywords)

        return stepping


@contextmanager
def stepping(step: Callable[[str], None]) -> Iterator[None]:
    """Let the protocol's modules call *step* before each of their file operations."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (store, holds):
            patch.setattr(module, "os", SteppingOS(step))
        yield


class Interleaving:
    """The actors of one run."""

    def __init__(self, *actors: Callable[[], object]) -> None:
        self._threads = [
            threading.Thread(target=self._run, args=(number, actor), daemon=True)
            for number, actor in enumerate(actors)
        ]
        self._go = [threading.Semaphore(0) for _ in actors]
        self._stopped = [threading.Semaphore(0) for _ in actors]
        self._done = [False for _ in actors]
        self._numbers: dict[int, int] = {}
        self.errors: list[BaseException] = []

    def step(self, _name: str = "") -> None:
        """Called by actors: stop here until the schedule says go. Others go through."""
        number = self._numbers.get(threading.get_ident())
        if number is not None:
            self._stopped[number].release()
            assert self._go[number].acquire(timeout=_LONG)

    def run(self, schedule: Iterable[int], after_each: Callable[[], None]) -> None:
        """Let the actors take a step each in the order of *schedule*, then each to its end.

        *after_each* is called while all actors stand still.
        """
        with stepping(self.step):
            for number, thread in enumerate(self._threads):
                thread.start()
                self._wait(number)
            for number in schedule:
                self._advance(number, after_each)
            for number in range(len(self._threads)):
                while not self._done[number]:
                    self._advance(number, after_each)
        assert not self.errors, self.errors

    def _advance(self, number: int, after_each: Callable[[], None]) -> None:
        if not self._done[number]:
            self._go[number].release()
            self._wait(number)
            after_each()

    def _wait(self, number: int) -> None:
        assert self._stopped[number].acquire(timeout=_LONG), f"actor {number} hangs"

    def _run(self, number: int, actor: Callable[[], object]) -> None:
        self._numbers[threading.get_ident()] = number
        try:
            self.step()
            actor()
        except BaseException as error:
            self.errors.append(error)
        finally:
            self._done[number] = True
            del self._numbers[threading.get_ident()]
            self._stopped[number].release()
