"""Holds: while one is on a key, no page of that key is published.

A hold is a file that its writer keeps locked (flock). Its content names the writer's transaction, so
that whoever finds the lock free can ask whether that transaction is over. This module is the small
interface behind which several hosts could share holds one day.
"""

import contextlib
import errno
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
_TRIES = 100


@dataclass(slots=True)
class Hold:
    """A hold that this process has placed."""

    key: str
    path: str
    descriptor: int

    def release(self) -> None:
        """Take the hold away; pages of the key may be published again."""
        try:
            os.unlink(self.path)
        finally:
            os.close(self.descriptor)
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(self.path))

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
        folder = os.path.join(self._folder, key_path(key))
        for _ in range(_TRIES):
            name = uuid.uuid4().hex
            private, path = os.path.join(folder, f".{name}"), os.path.join(folder, name)
            try:
                os.makedirs(folder, exist_ok=True)
                descriptor = os.open(private, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            except (FileNotFoundError, FileExistsError):
                continue  # another writer has just removed the empty folder; makedirs says EEXIST
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.write(descriptor, transaction.encode())
                os.rename(private, path)
            except BaseException:
                os.close(descriptor)
                for name in (private, path):
                    with contextlib.suppress(OSError):
                        os.unlink(name)
                raise
            return Hold(key, path, descriptor)
        raise OSError(errno.EAGAIN, "the folder of the hold is removed again and again", folder)

    def flush(self, holds: Iterable[Hold]) -> None:
        """Return when *holds*, and the folders above them, are on the disk. Raises OSError.

        Needed before a commit that can outlive this machine: a power cut here could lose a hold, and
        the commit come to pass elsewhere. All at the same time, for which a disk takes no longer.
        """
        holds = list(holds)
        folders = {folder for hold in holds for folder in self._folders_above(hold)}
        with ThreadPoolExecutor(len(holds) + len(folders)) as threads:
            files = threads.map(os.fsync, [hold.descriptor for hold in holds])
            list(itertools.chain(files, threads.map(_flush_folder, folders)))

    def _folders_above(self, hold: Hold) -> Iterator[str]:
        """The hold's own, and those above it up to that of all holds."""
        folder = hold.path
        while folder != self._folder:
            folder = os.path.dirname(folder)
            yield folder

    def recover(self, key: str) -> bool:
        """Whether no hold is on *key*, or on a key above it, any more, after finishing the work of
        dead writers.

        A dead writer's hold may go only when its transaction is over, and only after a sweep: until
        then, what was published could be older than what that transaction committed.
        """
        # All are tried, and not only up to the first that is not free yet.
        free = [self._recover_key(each) for each in with_keys_above(key)]
        return all(free)

    def _recover_key(self, key: str) -> bool:
        folder = os.path.join(self._folder, key_path(key))
        try:
            names = [name for name in os.listdir(folder) if not name.startswith(".")]
        except FileNotFoundError:
            return True
        free = [self._recover_one(key, os.path.join(folder, name)) for name in names]
        return all(free)

    def _recover_one(self, key: str, path: str) -> bool:
        try:
            descriptor = os.open(path, os.O_RDWR)
        except (FileNotFoundError, IsADirectoryError):
            return True  # a folder is that of a key below, which the holds in it are on
        hold = Hold(key, path, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink == 0:
                free = True  # released or recovered since it was opened
                hold.abandon()
            elif self._is_over(os.read(descriptor, 1000).decode()):
                self._sweep(key)
                hold.release()
                free = True
            else:
                hold.abandon()
                free = False
        except BlockingIOError:
            hold.abandon()
            return False
        except BaseException:
            with contextlib.suppress(OSError):  # where release itself failed it is closed already
                os.close(descriptor)
            raise
        return free

    def abandoned(self) -> Iterator[str]:
        """The keys, as paths that will do as keys, on which a hold is that nobody keeps locked."""
        for folder, _, names in os.walk(self._folder):
            for name in names:
                if not name.startswith(".") and _is_free(os.path.join(folder, name)):
                    yield os.path.relpath(folder, self._folder)

    def remove_litter(self) -> None:
        """Remove the private files of writers that died before their hold could be seen."""
        before = time.time() - _LITTER_SECONDS
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = os.path.join(folder, name)
                with contextlib.suppress(OSError):
                    if name.startswith(".") and os.stat(path).st_mtime < before:
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
