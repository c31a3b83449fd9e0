"""A disk that can be full and read-only: a small file system in memory, seen by this run alone."""

import contextlib
import ctypes
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_CLONE_NEWNS = 0x20000  # linux/sched.h
_SIZE = 128 * 1024**2
_BLOCK = 4096


def unshare_mounts() -> bool:
    """Give this process mounts of its own, which end with it and its children; whether it may.

    For a program's beginning: it concerns all that the process does from then on.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
        return False
    return _runs("mount", "--make-rprivate", "/")


class Disk:
    """The file system at *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"

    def mount(self) -> bool:
        """Put a small file system there; False where that is not permitted."""
        options = f"size={_SIZE},mode=755"
        return _runs("mount", "-t", "tmpfs", "-o", options, "none", str(self._folder))

    def unmount(self) -> None:
        """Let go of it, whoever uses it still."""
        _runs("umount", "--lazy", str(self._folder))

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Not one block is free in this block."""
        descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT)
        try:
            self._fill(descriptor)
            yield
        finally:
            os.close(descriptor)
            self._ballast.unlink()

    def _fill(self, descriptor: int) -> None:
        size = 0
        step = _SIZE
        while step >= _BLOCK:
            try:
                os.posix_fallocate(descriptor, size, step)
                size += step
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                step //= 2

    @contextlib.contextmanager
    def read_only(self, folder: Path) -> Iterator[bool]:
        """What is opened in *folder* by its path can't be changed in this block; whether that works."""
        if not _runs("mount", "--bind", str(folder), str(folder)):
            yield False
            return
        try:
            yield _runs("mount", "-o", "remount,bind,ro", str(folder))
        finally:
            _runs("umount", "--lazy", str(folder))


def _runs(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
