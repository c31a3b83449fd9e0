"""The cache's folder: published pages, sweeps, generations."""

import contextlib
import errno
import fcntl
import gzip
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

from pypi_lite.cache.holds import Hold, Holds
from pypi_lite.cache.pages import Facts, Page, file_name, key_path
from pypi_lite.cache.trash import remove

#: What a page's compressed twin has behind its name.
GZIP = ".gz"
_NEW = ".new"
_TRIES = 100


class Cache:
    """One folder of pages, for one build of the program. Its processes share it without a master."""

    def __init__(self, folder: str, build: str, *, is_over: Callable[[str], bool]) -> None:
        """*build* is the fingerprint of all that shapes a page beside the rows.

        *is_over* tells of a transaction whether it can commit no more.
        """
        self.build = build
        self._pages = os.path.join(folder, "pages")
        self._trash = os.path.join(folder, "trash")
        self.holds = Holds(os.path.join(folder, "holds"), is_over=is_over, sweep=self.sweep)

    def path(self, page: Page, suffix: str = "") -> str:
        """Where the page is while it is published (with *suffix* `GZIP`: its twin)."""
        return f"{self._pages}/{self.relative_path(page, suffix)}"

    def relative_path(self, page: Page, suffix: str = "") -> str:
        """`path`, below the folder of the pages."""
        return f"{key_path(page.key)}/{self.build}/{file_name(page.name)}{suffix}"

    def open(self, page: Page, suffix: str = "") -> int | None:
        """A descriptor of the published page, or None."""
        try:
            return os.open(self.path(page, suffix), os.O_RDONLY)
        except OSError:
            return None

    def read(self, page: Page, suffix: str = "") -> tuple[int, bytes] | None:
        """Modification time (ns) and bytes of the published page, or None."""
        descriptor = self.open(page, suffix)
        if descriptor is None:
            return None
        with os.fdopen(descriptor, "rb") as file:
            return os.fstat(descriptor).st_mtime_ns, file.read()

    def location(self, page: Page) -> tuple[str, str]:
        """Where `published` finds *page*: its key's path, and its file name."""
        return key_path(page.key), file_name(page.name)

    def published(self) -> Iterator[tuple[str, str]]:
        """What this build has published: each page's key, as a path that will do as a key, and its
        file name."""
        for folder, _, names in os.walk(self._pages):
            key, _, build = os.path.relpath(folder, self._pages).rpartition("/")
            if build == self.build:
                pages = [n for n in names if not n.startswith(".") and not _is_twin(n, names)]
                yield from ((key, page) for page in pages)

    def sweep(self, key: str) -> None:
        """Unpublish all pages of *key* and of the keys below it, of every build, with one rename.

        Whoever is making one has its folder open, and publishes into the trash. Raises OSError.
        """
        folder = os.path.join(self._pages, key_path(key))
        for _ in range(_TRIES):
            try:
                os.rename(folder, os.path.join(self._trash, uuid.uuid4().hex))
            except FileNotFoundError:
                if not os.path.lexists(folder):
                    return  # nothing was published
                os.makedirs(self._trash, exist_ok=True)
            else:
                return
        raise FileNotFoundError(f"{folder} can't be moved into {self._trash}")

    def sweep_all(self) -> None:
        """Unpublish every page of every key. Raises OSError."""
        os.makedirs(self._trash, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.rename(self._pages, os.path.join(self._trash, uuid.uuid4().hex))
        os.makedirs(self._pages, exist_ok=True)

    def empty_trash(self, most: float = inf) -> None:
        """Remove what was swept, *most* files and folders. The others, and what can't be removed now,
        are removed by a later sweep."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._trash):
                most = remove(os.path.join(self._trash, name), most)
                if most <= 0:
                    return

    def place(self, key: str, transaction: str) -> Hold:
        """A hold on *key*, which is swept. Raises OSError; then no hold of this call is left."""
        hold = self.holds.place(key, transaction)
        try:
            self.sweep(key)
        except BaseException:
            hold.release()
            raise
        return hold

    def begin(self, page: Page) -> "Generation | None":
        """Begin to make *page*; None while another is making it. Raises OSError."""
        return Generation.begin(self._folder(page), page)

    def _folder(self, page: Page) -> str:
        return f"{self._pages}/{key_path(page.key)}/{self.build}"


def _is_twin(name: str, beside: list[str]) -> bool:
    return name.endswith(GZIP) and name.removesuffix(GZIP) in beside


def compress(body: bytes) -> bytes:
    """The compressed twin of *body*: no name and no time in it, so that equal pages have equal ones."""
    # Level 6 takes twice the time and saves 3 percent: pages are hashes for the most part.
    return gzip.compress(body, compresslevel=4, mtime=0)


@dataclass(slots=True)
class _Temp:
    name: str
    descriptor: int | None

    def close(self) -> None:
        """Raises OSError: some file systems tell only now that the bytes could not be written."""
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class Generation:
    """One making of one page, within the folder that was open when it began.

    The open folder is the lease: ``rename(2)`` looks its two paths up one after the other, so that
    with paths from the root a sweep between the two could carry an old page into a new folder.
    """

    def __init__(self, path: str, page: Page, folder: int) -> None:
        self._path = path
        self._key = page.key
        self._page = self._published = file_name(page.name)
        self._folder = folder
        self._lock: int | None = None
        #: By suffix: of the page itself and of its twin.
        self._temps: dict[str, _Temp] = {}
        self._closed = False

    @classmethod
    def begin(cls, path: str, page: Page) -> "Generation | None":
        """Open the folder *path* and create a temp in it, or return None: another is making *page*.

        Raises OSError where the file system refuses; no page is cached then.
        """
        for _ in range(_TRIES):
            # While the folder was made (EEXIST then, from makedirs, or ENOENT), or before a temp was
            # in it, it was swept, or removed by another generation that left it empty.
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                return cls._begin(path, page)
        raise FileNotFoundError(f"{path} is swept again and again")

    @classmethod
    def _begin(cls, path: str, page: Page) -> "Generation | None":
        generation = cls(path, page, _open_folder(path))
        try:
            if generation._take_lock():
                generation._remove_dead_temps()
                generation._create_temp("")
                return generation
        except BaseException:
            generation.close()
            raise
        generation.close()
        return None

    def publish(
        self, body: bytes, facts: Facts, twin: bytes | None = None, *, page: Page | None = None
    ) -> bool:
        """Write the page and its *twin* (made here, if need be) and rename them into place.

        The twin first: where the page is, its twin is. False if the folder has been swept meanwhile,
        so that nothing was published. *page* is what has come of it where that is another one, of the
        same key. Raises OSError.
        """
        self._name(page)
        try:
            self._write_and_rename(body, facts, twin or compress(body))
        except FileNotFoundError:
            return False  # the trash was emptied with the temp in it
        return not self.is_swept()

    def publish_link(self, path: str, *, page: Page | None = None) -> bool:
        """Publish a link to the file *path*; otherwise as `publish`."""
        self._name(page)
        temp = _Temp(self._temp_name(), None)
        try:
            os.symlink(path, temp.name, dir_fd=self._folder)
            self._temps["link"] = temp
            self._rename("link", self._published)
        except FileNotFoundError:
            return False
        return not self.is_swept()

    def is_swept(self) -> bool:
        """Whether the folder is no longer the one that readers find."""
        try:
            return not os.path.samestat(os.stat(self._path), os.fstat(self._folder))
        except OSError:
            return True

    def _write_and_rename(self, body: bytes, facts: Facts, twin: bytes) -> None:
        self._create_temp(GZIP)
        self._write(GZIP, twin, facts)
        self._write("", body, facts)
        for suffix in (GZIP, ""):
            self._rename(suffix, self._published + suffix)

    def _name(self, page: Page | None) -> None:
        if page is not None:
            assert page.key == self._key, f"{page} is of another key"
            self._published = file_name(page.name)

    def _rename(self, temp: str, name: str) -> None:
        os.rename(self._temps[temp].name, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        del self._temps[temp]

    def close(self) -> None:
        """Leave nothing of this generation behind but what it published. May be called again."""
        if self._closed:
            return
        self._closed = True
        for temp in self._temps.values():
            with contextlib.suppress(OSError):
                temp.close()
            self._unlink(temp.name)
        self._temps.clear()
        if self._lock is not None:
            self._unlink(self._lock_name)
            _close(self._lock)
        _close(self._folder)
        # A flood of unknown names leaves no folders: these two go when nothing else is in them.
        with contextlib.suppress(OSError):
            os.rmdir(self._path)
            os.rmdir(os.path.dirname(self._path))

    @property
    def _lock_name(self) -> str:
        return f".{self._page}.lock"

    def _take_lock(self) -> bool:
        """Whether this generation is the only one at this page.

        It spares work and proves nothing: a lock file is unlinked when its owner is done, so that two
        may hold "the" lock for a moment. Safety rests on the folder and the holds alone.
        """
        lock = os.open(self._lock_name, os.O_RDWR | os.O_CREAT, 0o600, dir_fd=self._folder)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _close(lock)
            return False
        self._lock = lock
        return True

    def _remove_dead_temps(self) -> None:
        """Remove the temps of generations of this page that died; the lock was theirs."""
        for name in os.listdir(self._folder):
            if name.startswith(f".{self._page}.") and name.endswith(_NEW):
                self._unlink(name)

    def _temp_name(self) -> str:
        return f".{self._page}.{uuid.uuid4().hex}{_NEW}"

    def _create_temp(self, suffix: str) -> None:
        name = self._temp_name()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        self._temps[suffix] = _Temp(name, os.open(name, flags, 0o644, dir_fd=self._folder))

    def _write(self, suffix: str, content: bytes, facts: Facts) -> None:
        temp = self._temps[suffix]
        descriptor = temp.descriptor
        assert descriptor is not None
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.utime(descriptor, ns=(facts.mtime_ns, facts.mtime_ns))
        if os.fstat(descriptor).st_mtime_ns != facts.mtime_ns:
            # Most keep 34 bits of seconds: 379,999,999 changes.
            raise OSError(errno.EOVERFLOW, f"the file system has no time for serial {facts.serial}")
        temp.close()

    def _unlink(self, name: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=self._folder)


def _close(descriptor: int) -> None:
    """Close what nothing depends on any more."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


def _open_folder(path: str) -> int:
    """A descriptor of the folder *path*, made if need be. ENOENT, EEXIST: swept meanwhile."""
    os.makedirs(path, exist_ok=True)
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
