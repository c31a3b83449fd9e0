"""Blobs in a folder: written once, never changed, found by the SHA-256 of their content.

A blob is written to a temporary file, flushed to the disk, moved to its path, and the folder flushed:
only then may a row name it. A crash leaves at most a blob that no row names.
"""

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType


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

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._file = path.open("xb")
        # MD5 because clients send it and old tools show it; nothing here rests on it.
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._blake2 = hashlib.blake2b(digest_size=32)

    def __enter__(self) -> "Incoming":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()  # after `Blobs.keep` there is nothing left to remove

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append *chunk*."""
        self._file.write(chunk)
        self.size += len(chunk)
        self._md5.update(chunk)
        self._sha256.update(chunk)
        self._blake2.update(chunk)

    def finish(self) -> Digests:
        """All has arrived: the bytes can be read from `path`, and these are their digests."""
        self._file.flush()
        return Digests(
            size=self.size,
            md5=self._md5.hexdigest(),
            sha256=self._sha256.hexdigest(),
            blake2_256=self._blake2.hexdigest(),
        )

    def flush_to_disk(self) -> None:
        """Return when the bytes are on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())


class Blobs:
    """The blobs below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._flushed: set[Path] = set()

    def receive(self) -> Incoming:
        """A file to write what arrives into."""
        self._incoming.mkdir(parents=True, exist_ok=True)
        return Incoming(self._incoming / uuid.uuid4().hex)

    def keep(self, incoming: Incoming, sha256: str) -> None:
        """Make *incoming* the blob *sha256*. When this returns, a power cut can't take it away."""
        path = self.path(sha256)
        incoming.flush_to_disk()
        self._make_folder(path.parent)
        incoming.path.replace(path)
        _flush_folder(path.parent)

    def keep_bytes(self, content: bytes) -> str:
        """Keep *content* as a blob; its SHA-256."""
        with self.receive() as incoming:
            incoming.write(content)
            sha256 = incoming.finish().sha256
            self.keep(incoming, sha256)
        return sha256

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
