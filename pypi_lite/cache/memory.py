"""Small pages, kept in memory with their headers: reading a file takes calls that let other threads in.

Each use is justified by a look at the published file in the very request: the same inode, time and
size is the same page, since two versions never share a serial, and so never a time. Memory is as
current as the file, and a page that has been swept can't be found here.
"""

import os
from typing import NamedTuple

from pypi_lite.cache.representation import Representation


class Remembered(NamedTuple):
    """What was last found at a path."""

    inode: int
    representation: Representation
    #: None: too large to keep.
    body: bytes | None


class Memory:
    """Pages by path, their bodies up to *most* bytes; 0 remembers nothing. Threads may share it."""

    # What is kept beside a body takes about so many bytes.
    _BESIDE = 2000

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._pages: dict[str, Remembered] = {}

    def recall(self, path: str, stat: os.stat_result) -> Remembered | None:
        """What is known of the file that is at *path* now, as *stat* shows it."""
        found = self._pages.get(path)
        if found is None or found.inode != stat.st_ino:
            return None
        shown = found.representation
        same = shown.mtime_ns == stat.st_mtime_ns and shown.size == stat.st_size
        return found if same else None

    def keep(self, path: str, page: Remembered) -> None:
        """Remember *page*. When there is no more room everything is forgotten: simpler than
        choosing, and hot pages are back at once."""
        size = self._BESIDE + len(page.body or b"")
        if size > self._most:
            return
        if self._size + size > self._most:
            self._pages = {}
            self._size = 0
        self._pages[path] = page
        self._size += size  # of a page that is replaced as well: the bound holds all the same
