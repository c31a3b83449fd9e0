"""Blobs in a folder: written once, never changed, found by the SHA-256 of their content.

A blob is written to a temporary file, flushed to the disk, moved to its path, and the folder flushed:
only then may a row that names it be committed. A crash leaves at most a blob that no row names. What
belongs to one upload is flushed at the same time, since a disk takes no longer for two flushes than for
one, and while the rows are written, since neither has to wait for the other before the commit.
"""

import contextlib
import hashlib
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

#: Bytes from which on a chunk is worth a second thread: hashing lets go of the interpreter's lock.
_LARGE = 128 * 1024
#: Threads that hash and flush beside those of the requests, of which each has two blobs.
_THREADS = 8


@dataclass(frozen=True, slots=True)
class Digests:
    """Lower-case hexadecimal digests of a file, and its size in bytes."""

    size: int
    md5: str
    sha256: str
    #: BLAKE2b with 32 bytes.
    blake2_256: str


class Incoming:
    """A file that is arriving, hashed as it does. As a context manager it leaves nothing behind."""

    def __init__(self, path: Path, threads: ThreadPoolExecutor) -> None:
        """*threads* do what need not be waited for at once."""
        self.path = path
        self.size = 0
        self._file = path.open("xb")
        # MD5 because clients send it and old tools show it; nothing here rests on it.
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._blake2 = hashlib.blake2b(digest_size=32)
        self._threads = threads
        self._flush: Future[None] | None = None

    def __enter__(self) -> "Incoming":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._flush is not None:
            wait([self._flush])
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()  # after `Blobs.keeping` there is nothing left to remove

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append *chunk*."""
        beside: Future[None] | None = None
        if len(chunk) < _LARGE:
            self._hash(chunk)
        else:
            beside = self._threads.submit(self._hash, chunk)
        self._file.write(chunk)
        self.size += len(chunk)
        # By itself it takes as long as the other two.
        self._md5.update(chunk)
        if beside is not None:
            beside.result()

    def _hash(self, chunk: bytes | bytearray | memoryview) -> None:
        self._sha256.update(chunk)
        self._blake2.update(chunk)

    def finish(self) -> Digests:
        """All has arrived: the bytes can be read from `path`, and these are their digests.

        From here on they are on their way to the disk, while they are looked at.
        """
        self._file.flush()
        self._flush = self._threads.submit(os.fsync, self._file.fileno())
        return Digests(
            size=self.size,
            md5=self._md5.hexdigest(),
            sha256=self._sha256.hexdigest(),
            blake2_256=self._blake2.hexdigest(),
        )

    def wait_for_disk(self) -> None:
        """Return when the bytes are on the disk. Raises OSError, and ValueError before `finish`."""
        if self._flush is None:
            raise ValueError("the file has not arrived yet")
        self._flush.result()


class Blobs:
    """The blobs below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._flushed: set[Path] = set()
        self._threads = ThreadPoolExecutor(_THREADS)

    def receive(self) -> Incoming:
        """A file to write what arrives into."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        return Incoming(self._incoming / uuid.uuid4().hex, self._threads)

    @contextlib.contextmanager
    def keeping(self, arrived: Mapping[str, Incoming]) -> Iterator[Callable[[], None]]:
        """Make each, by its SHA-256, a blob, while the block does something else.

        The block gets a function that returns when a power cut can't take any of them away; it raises
        OSError. Nothing may be committed that names them before.
        """
        kept = [
            self._threads.submit(self._keep, incoming, self.path(sha256))
            for sha256, incoming in arrived.items()
        ]

        def finish() -> None:
            for one in kept:
                one.result()

        try:
            yield finish
        finally:
            wait(kept)  # an `Incoming` is not taken away from under its flush

    def _keep(self, incoming: Incoming, path: Path) -> None:
        incoming.wait_for_disk()  # begun before this, by the same threads: it can't be stuck behind it
        self._make_folder(path.parent)
        incoming.path.replace(path)
        _flush_folder(path.parent)

    def path(self, sha256: str) -> Path:
        """Where the blob *sha256* is, or would be."""
        return self._folder / self.relative_path(sha256)

    def relative_path(self, sha256: str) -> str:
        """`path`, below the blobs' folder."""
        # One level of 256 folders: a new folder costs a flush of its parent as well.
        return f"{sha256[:2]}/{sha256}"

    def all_paths(self) -> Iterator[Path]:
        """Every file below the folder, what is just arriving included."""
        yield from (path for path in self._folder.rglob("*") if path.is_file())

    def _make_folder(self, folder: Path) -> None:
        """Make *folder*, its entry in its parent flushed to the disk, up to the blobs' own folder.

        Each process flushes once even what it finds: whoever made it may not have done so yet.
        """
        if folder in self._flushed:
            return
        if folder == self._folder:
            folder.mkdir(parents=True, exist_ok=True)
        else:
            self._make_folder(folder.parent)
            folder.mkdir(exist_ok=True)
        _flush_folder(folder.parent)
        self._flushed.add(folder)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
