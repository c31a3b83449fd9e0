"""Blobs."""

import contextlib
import errno
import hashlib
import os
from pathlib import Path

import pytest

from pypi_lite.storage import Blobs, Digests

CONTENT = b"some bytes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "new" / "blobs")


def keep(blobs: Blobs, *contents: bytes) -> str:
    """Keep *contents* together; the SHA-256 of the first."""
    with contextlib.ExitStack() as stack:
        arrived = {}
        for content in contents:
            incoming = stack.enter_context(blobs.receive())
            incoming.write(content)
            arrived[incoming.finish().sha256] = incoming
        with blobs.keeping(arrived) as finish:
            finish()
    return next(iter(arrived))


def files(tmp_path: Path) -> list[str]:
    return sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())


def test_what_arrives_is_hashed(blobs: Blobs) -> None:
    with blobs.receive() as incoming:
        for piece in (b"some", bytearray(b" "), memoryview(b"bytes")):
            incoming.write(piece)
        assert incoming.finish() == Digests(
            size=len(CONTENT),
            md5=hashlib.md5(CONTENT).hexdigest(),
            sha256=SHA256,
            blake2_256=hashlib.blake2b(CONTENT, digest_size=32).hexdigest(),
        )
        assert incoming.path.read_bytes() == CONTENT


def test_a_blob_lies_where_its_digest_says(blobs: Blobs, tmp_path: Path) -> None:
    with blobs.receive() as incoming:
        incoming.write(CONTENT)
        incoming.finish()
        with blobs.keeping({SHA256: incoming}) as finish:
            finish()
    assert blobs.path(SHA256).read_bytes() == CONTENT
    assert files(tmp_path) == [f"new/blobs/{SHA256[:2]}/{SHA256}"]


def test_bytes_are_kept_under_their_digest(blobs: Blobs, tmp_path: Path) -> None:
    assert keep(blobs, CONTENT) == SHA256
    assert keep(blobs, CONTENT) == SHA256  # the same again is the same
    assert blobs.path(SHA256).read_bytes() == CONTENT
    assert len(files(tmp_path)) == 1


def test_what_is_not_kept_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    with blobs.receive() as incoming:
        incoming.write(CONTENT)
    with pytest.raises(ZeroDivisionError), blobs.receive() as incoming:  # noqa: PT012
        incoming.write(CONTENT)
        raise ZeroDivisionError
    assert files(tmp_path) == []


def test_two_arrive_at_once(blobs: Blobs) -> None:
    with blobs.receive() as one, blobs.receive() as other:
        assert one.path != other.path
        one.write(b"1")
        other.write(b"2")
        assert (one.finish().sha256, other.finish().sha256) == (
            hashlib.sha256(b"1").hexdigest(),
            hashlib.sha256(b"2").hexdigest(),
        )


def test_a_crash_leaves_no_half_blob(blobs: Blobs, tmp_path: Path) -> None:
    """A process that dies while a file arrives leaves it where no row looks."""
    keep(blobs, b"another")  # the folders are there
    if (child := os.fork()) == 0:
        incoming = blobs.receive()
        incoming.write(CONTENT)
        incoming.finish()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert not blobs.path(SHA256).exists()
    (left,) = [name for name in files(tmp_path) if "incoming" in name]
    assert left.startswith("new/blobs/incoming/")


def test_a_blob_is_on_the_disk_before_it_has_its_path(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of the system's calls: bytes flushed, moved, the folders flushed."""
    calls: list[tuple[str, Path]] = []
    fsync, replace = os.fsync, Path.replace

    def tell_fsync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)
        calls.append(("flushed", path))

    def tell_replace(self: Path, target: Path) -> Path:
        moved = replace(self, target)
        calls.append(("moved", target))
        origin[target] = self
        return moved

    origin: dict[Path, Path] = {}
    monkeypatch.setattr(os, "fsync", tell_fsync)
    monkeypatch.setattr(Path, "replace", tell_replace)
    contents = CONTENT, b"other bytes"
    keep(blobs, *contents)
    for content in contents:
        path = blobs.path(hashlib.sha256(content).hexdigest())
        order = [("flushed", origin[path]), ("moved", path), ("flushed", path.parent)]
        assert [call for call in calls if call in order] == order
    folder = blobs.path(SHA256).parents[1]
    assert ("flushed", folder) in calls  # the parents of new folders as well
    assert ("flushed", folder.parent) in calls
    calls.clear()
    keep(Blobs(folder), CONTENT)
    assert ("flushed", folder) in calls  # another process can't know whether they were


def test_a_disk_that_is_full_is_told_of_before_the_commit(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "fsync", fail)
    with blobs.receive() as incoming:
        incoming.write(CONTENT)
        incoming.finish()
        with blobs.keeping({SHA256: incoming}) as finish, pytest.raises(OSError, match="no room"):
            finish()
    assert files(tmp_path) == []


def test_a_large_chunk_is_hashed_as_a_small_one_is(blobs: Blobs) -> None:
    """Two threads share the work."""
    content = bytes(range(256)) * 4096
    with blobs.receive() as whole, blobs.receive() as pieces:
        for incoming, size in ((whole, len(content)), (pieces, 10_000)):
            for first in range(0, len(content), size):
                incoming.write(memoryview(content)[first : first + size])
        assert whole.finish() == pieces.finish()
        assert whole.finish().sha256 == hashlib.sha256(content).hexdigest()
        assert whole.path.read_bytes() == pieces.path.read_bytes() == content
