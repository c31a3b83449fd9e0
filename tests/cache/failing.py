"""File operations that fail: the n-th of a run, or all from the n-th on."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pypi_lite.cache import hits, holds, opening, store
from tests.cache.interleaving import OPERATIONS, SteppingOS

Step = Callable[[str], None]


class Failure:
    """Fails operation number *first*, counted from 0; with *lasting* all that come after it as well."""

    def __init__(self, first: int, error: int, *, lasting: bool = False) -> None:
        self._first = first
        self._error = error
        self._lasting = lasting
        self.operations: list[str] = []

    @property
    def happened(self) -> bool:
        """Whether there were so many operations."""
        return len(self.operations) > self._first

    def __call__(self, name: str) -> None:
        """Called before each operation. Raises OSError."""
        number = len(self.operations)
        self.operations.append(name)
        if number == self._first or (self._lasting and number > self._first):
            raise OSError(self._error, os.strerror(self._error), f"operation {number}, {name}")


class FailingOS(SteppingOS):
    """`os`, whose operations may fail one by one."""

    operations = OPERATIONS | {"fsync", "mkdir"}

    def makedirs(self, path: str, mode: int = 0o777, exist_ok: bool = False) -> None:
        """As `os.makedirs`, one operation for each folder that is not there."""
        parent = os.path.dirname(path)
        if not os.path.exists(parent):
            self.makedirs(parent, mode, exist_ok=True)
        try:
            self.mkdir(path, mode)
        except FileExistsError:
            if not exist_ok or not os.path.isdir(path):
                raise

    def close(self, descriptor: int) -> None:
        """A close that fails has closed all the same (Linux)."""
        try:
            self._step("close")
        finally:
            os.close(descriptor)


class _Fcntl:
    def __init__(self, step: Step) -> None:
        self._step = step

    def __getattr__(self, name: str) -> Any:
        return getattr(fcntl, name)

    def flock(self, file: Any, operation: int) -> None:
        self._step("flock")
        fcntl.flock(file, operation)


class FailingPath(type(Path())):  # type: ignore[misc]
    """A path below which what `opening` does may fail; set `step` before."""

    step: Step = staticmethod(lambda _name: None)

    def mkdir(self, *args: Any, **keywords: Any) -> None:
        type(self).step("mkdir")
        Path(self).mkdir(*args, **keywords)

    def read_text(self, *args: Any, **keywords: Any) -> str:
        type(self).step("read")
        return Path(self).read_text(*args, **keywords)

    def write_text(self, *args: Any, **keywords: Any) -> int:
        """In three operations, as it is: an empty file, the text, and a close."""
        type(self).step("open")
        Path(self).touch()
        os.truncate(self, 0)
        type(self).step("write")
        return Path(self).write_text(*args, **keywords)

    def open(self, *args: Any, **keywords: Any) -> Any:
        type(self).step("open")
        return Path(self).open(*args, **keywords)

    def touch(self, *args: Any, **keywords: Any) -> None:
        type(self).step("open")
        Path(self).touch(*args, **keywords)

    def rename(self, target: Any) -> Any:
        type(self).step("rename")
        return Path(self).rename(target)


@contextmanager
def failing(step: Step) -> Iterator[None]:
    """Let the cache's modules call *step*, which may raise OSError, before each file operation."""

    def open_stepping(*args: Any, **keywords: Any) -> Any:
        step("open")
        return open(*args, **keywords)

    with pytest.MonkeyPatch.context() as patch:
        for module in (store, holds, hits, opening):
            patch.setattr(module, "os", FailingOS(step))
        for module in (store, holds, opening):
            patch.setattr(module, "fcntl", _Fcntl(step))
        patch.setattr(hits, "open", open_stepping, raising=False)
        patch.setattr(opening, "Path", FailingPath)
        patch.setattr(FailingPath, "step", staticmethod(step))
        yield
