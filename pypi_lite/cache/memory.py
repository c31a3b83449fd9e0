"""Bodies of small pages, kept in memory: reading a file takes calls that let other threads in.

Each use is justified by a look at the published file in the very request: the same inode, time and
size is the same page, since two versions never share a serial, and so never a time. Memory is as
current as the file, and a page that has been swept can't be found here.
"""

import os

#: What makes a file the same one.
Identity = tuple[int, int, int]


def identity(stat: os.stat_result) -> Identity:
    """Inode, modification time in nanoseconds, size."""
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


class Memory:
    """Bodies by path, up to *most* bytes; 0 remembers nothing. Threads may share it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._bodies: dict[str, tuple[Identity, bytes]] = {}

    def recall(self, path: str, wanted: Identity) -> bytes | None:
        """The body of the file that is at *path* now, if it is remembered."""
        found = self._bodies.get(path)
        return found[1] if found is not None and found[0] == wanted else None

    def keep(self, path: str, stands_for: Identity, body: bytes) -> None:
        """Remember *body*. When there is no more room everything is forgotten: simpler than
        choosing, and hot pages are back at once."""
        if len(body) > self._most:
            return
        if self._size + len(body) > self._most:
            self._bodies.clear()
            self._size = 0
        self._bodies[path] = (stands_for, body)
        self._size += len(body)  # of a replaced body as well: the bound holds all the same
