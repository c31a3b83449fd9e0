"""Holds: while one is on a key, no page of that key is published.

A hold is a file that its writer keeps locked (flock). Its content names the writer's transaction, so
that whoever finds the lock free can ask whether that transaction is over. All lie in one folder, each
named after its key: few are there at a time, and one folder has to be on the disk before a commit.
This module is the small interface behind which several hosts could share holds one day.
"""

import contextlib
import fcntl
import itertools
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pypi_lite.cache.pages import key_path, with_keys_above

# A hold that was never made visible is litter once its maker can't be at work on it any more.
_LITTER_SECONDS = 60
# Stands for "/", and between the key and the hold's own part: neither is in any key.
_SLASH, _END = ":", "="


@dataclass(slots=True)
class Hold:
    """A hold that this process has placed."""

    key: str
    path: str
    descriptor: int

    def release(self) -> None:
        """Take the hold away; pages of the key may be published again."""
        try:
            _unlink(self.path)
        finally:
            os.close(self.descriptor)

    def abandon(self) -> None:
        """Leave the hold as a dead process would: the next to meet it decides (`Holds.recover`)."""
        os.close(self.descriptor)


class Holds:
    """The holds in one folder."""

    def __init__(
        self,
        folder: str,
        *,
        is_over: Callable[[str], bool],
        sweep: Callable[[str], None],
    ) -> None:
        """*is_over* tells of a transaction, as a hold names it, whether it can commit no more."""
        self._folder = folder
        self._is_over = is_over
        self._sweep = sweep

    def place(self, key: str, transaction: str) -> Hold:
        """A hold on *key* for *transaction*. Raises OSError where it can't be placed.

        It is locked before it can be seen, or a recovery would take a living writer for a dead one.
        """
        name = _prefix(key) + uuid.uuid4().hex
        private, path = os.path.join(self._folder, f".{name}"), os.path.join(self._folder, name)
        try:
            descriptor = _create(private)
        except FileNotFoundError:  # the first hold, or somebody has removed the folder
            os.makedirs(self._folder, exist_ok=True)
            _flush_folder(os.path.dirname(self._folder))
            descriptor = _create(private)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, transaction.encode())
            os.rename(private, path)
        except BaseException:
            os.close(descriptor)
            for made in (private, path):
                with contextlib.suppress(OSError):
                    os.unlink(made)
            raise
        return Hold(key, path, descriptor)

    def flush(self, holds: Iterable[Hold]) -> None:
        """Return when *holds*, and the folder they are in, are on the disk. Raises OSError.

        Needed before a commit that can outlive this machine: a power cut here could lose a hold, and
        the commit come to pass elsewhere. All at the same time, for which a disk takes no longer.
        """
        holds = list(holds)
        with ThreadPoolExecutor(len(holds) + 1) as threads:
            files = threads.map(os.fsync, [hold.descriptor for hold in holds])
            list(itertools.chain(files, threads.map(_flush_folder, [self._folder])))

    def recover(self, key: str) -> bool:
        """Whether no hold is on *key*, or on a key above it, any more, after finishing the work of
        dead writers.

        A dead writer's hold may go only when its transaction is over, and only after a sweep: until
        then, what was published could be older than what that transaction committed.
        """
        names = self._names()
        # All are tried, and not only up to the first that is not free yet.
        free = [
            self._recover_one(each, os.path.join(self._folder, name))
            for each in with_keys_above(key)
            for name in names
            if name.startswith(_prefix(each))
        ]
        return all(free)

    def _recover_one(self, key: str, path: str) -> bool:
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return True
        # Closed once and in one place: a second time would close what another thread has opened since,
        # the folder of a generation, say, which then publishes into the folder of the next one.
        try:
            return self._finish(key, path, descriptor)
        finally:
            os.close(descriptor)

    def _finish(self, key: str, path: str, descriptor: int) -> bool:
        """Do what the writer of the open hold would have done, if it is dead; whether the hold is gone."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if os.fstat(descriptor).st_nlink == 0:
            return True  # released or recovered since it was opened
        if not self._is_over(os.read(descriptor, 1000).decode()):
            return False
        self._sweep(key)
        _unlink(path)
        return True

    def abandoned(self) -> Iterator[str]:
        """The keys, as paths that will do as keys, on which a hold is that nobody keeps locked."""
        for name in self._names():
            if not name.startswith(".") and _is_free(os.path.join(self._folder, name)):
                yield name.partition(_END)[0].replace(_SLASH, "/")

    def remove_litter(self) -> None:
        """Remove the private files of writers that died before their hold could be seen."""
        before = time.time() - _LITTER_SECONDS
        for name in self._names():
            path = os.path.join(self._folder, name)
            with contextlib.suppress(OSError):
                if name.startswith(".") and os.stat(path).st_mtime < before:
                    os.unlink(path)

    def _names(self) -> list[str]:
        try:
            return os.listdir(self._folder)
        except FileNotFoundError:
            return []


def _prefix(key: str) -> str:
    """What the names of the holds on *key* begin with, and no others'."""
    return key_path(key).replace("/", _SLASH) + _END


def _create(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)


def _unlink(path: str) -> None:
    """Take a hold away that is locked; somebody may have removed the folder."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _is_free(path: str) -> bool:
    try:
        with open(path, "rb") as hold:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _flush_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
