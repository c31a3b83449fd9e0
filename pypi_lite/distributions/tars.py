"""Gzip compressed tar archives, listed from front to back in one go; nothing is extracted.

Refused is what two readers could take for different things: a second gzip stream, which some readers
don't go on to; extended headers that move or resize a member behind the back of those that do not
know them; and data behind the archive's end.

Standards: RFC 1952 for gzip; ustar and pax in POSIX.1-2001; GNU tar's manual for its extensions.
"""

import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from pypi_lite.distributions import bounds
from pypi_lite.distributions.errors import DistributionFault, InvalidDistribution, shown
from pypi_lite.distributions.members import (
    Kind,
    Listing,
    Member,
    ambiguous,
    damaged,
    read_bounded,
    too_large,
)

_CHUNK = 64 * bounds.KIB
_GZIP_MAGIC = b"\x1f\x8b"
#: Pax records that change which bytes a member has; of one for all members even what it is called.
_RESIZING = frozenset({"size"})
_FOR_ALL = frozenset({"size", "path", "linkpath"})


class TarGz:
    """A listed tar, with the content of one file that was looked for in the top folder."""

    def __init__(self, file: BinaryIO, wanted: str) -> None:
        """List the archive in *file* and keep the file *wanted*. Raises InvalidDistribution."""
        _check_only_gzip(file)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self._wanted = wanted
        self._found: dict[str, bytes] = {}
        self._unpacked = _Unpacked(file, min(bounds.MAX_UNPACKED, bounds.most_unpacked(size)))
        # "r|" goes forward only: tarfile's other modes may step back, which a stream can't.
        with tarfile.open(fileobj=self._unpacked, mode="r|", bufsize=_CHUNK) as archive:
            self.listing = Listing(self._members(archive))
            self._unpacked.allow(bounds.MAX_UNPACKED)
            _check_padding(archive)
        self._unpacked.check_end()

    def read(self, path: str, most: int) -> bytes:
        """The regular file at *path*, which was the one that was looked for."""
        self.listing.the_file(path)
        return self._found[path]

    def _members(self, archive: tarfile.TarFile) -> Iterator[Member]:
        names = 0
        while (info := archive.next()) is not None:
            member = Member(info.name, _kind(info), info.size, info.linkname)
            names += len(member.path)
            if names > bounds.MAX_DIRECTORY:
                raise too_large("the names of its members are too long")
            _check_extended(archive, info)
            # The listing checks it before it asks for the next one, and before it is read.
            yield member
            self._unpacked.allow(_ahead(archive) + bounds.MAX_TAR_HEADER)
            # A second one has a second top folder or is a duplicate: both are refused later.
            if member.is_file and member.parts[1:] == (self._wanted,) and not self._found:
                content = read_bounded(_chunks(archive, info), member, bounds.MAX_METADATA)
                self._found[member.clean_path] = content
            _forget(archive)


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a tar, from front to back, as far as `allow` lets them out.

    tarfile reads a whole extended header into memory, however long it says it is. It therefore gets
    no more at a time than one member's content and one reasonable header.
    """

    def __init__(self, file: BinaryIO, total: int) -> None:
        self._file = file
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._total = total
        self._allowed = bounds.MAX_TAR_HEADER

    def allow(self, size: int) -> None:
        """Let out *size* bytes from here on, whatever was left."""
        self._allowed = size

    def read(self, size: int = -1, /) -> bytes:
        if self._total <= 0:
            raise too_large("it unpacks to too many bytes")
        if self._allowed <= 0:
            raise too_large("a member's header is too long")
        chunk = self._inflate(min(size, self._allowed, self._total))
        self._allowed -= len(chunk)
        self._total -= len(chunk)
        return chunk

    def _inflate(self, size: int) -> bytes:
        while not self._stream.eof:
            packed = self._stream.unconsumed_tail or self._file.read(_CHUNK)
            chunk = self._stream.decompress(packed, size)
            if chunk:
                return chunk
            if not packed:
                raise damaged("it ends too early")
        return b""

    def check_end(self) -> None:
        """The stream has ended, with its checksum; at most zeros follow, as old tapes have them."""
        rest = self._stream.unused_data
        while rest:
            if rest.strip(b"\0"):
                raise ambiguous("there are data behind the end of its gzip stream")
            rest = self._file.read(_CHUNK)

    def readable(self) -> bool:
        return True


def _check_only_gzip(file: BinaryIO) -> None:
    """A gzip stream and no zip. pip, for one, unpacks any file as a zip that zipfile accepts."""
    if file.read(len(_GZIP_MAGIC)) != _GZIP_MAGIC:
        raise InvalidDistribution(
            DistributionFault.ARCHIVE_WRONG_FORMAT,
            "The file is not a gzip compressed tar archive, as its name says;"
            " build and upload it again.",
        )
    if zipfile.is_zipfile(file):
        raise ambiguous("it is a tar.gz and a zip archive")


def _kind(info: tarfile.TarInfo) -> Kind:
    if info.issym():
        return Kind.SYMBOLIC_LINK
    if info.islnk():
        return Kind.HARD_LINK
    if info.isdir():
        return Kind.FOLDER
    # tarfile takes an unknown type for a regular file; others skip it, or stop.
    is_plain = info.isreg() and info.type in tarfile.SUPPORTED_TYPES and not info.issparse()
    return Kind.FILE if is_plain else Kind.SPECIAL


def _check_extended(archive: tarfile.TarFile, info: tarfile.TarInfo) -> None:
    """No extended header gives a size, which nobody needs below eight gigabytes, and none is for all
    members what only one can be."""
    forbidden = _RESIZING & info.pax_headers.keys() | _FOR_ALL & archive.pax_headers.keys()
    for record in forbidden:
        raise ambiguous(f"an extended header at {shown(info.name)} gives a {record}")


def _ahead(archive: tarfile.TarFile) -> int:
    """How many bytes the next header lies ahead.

    It is checked here, since tarfile skips by reading block after block, also behind the end of the
    file: a header that claims some exabytes would keep it busy for years.
    """
    assert archive.fileobj is not None
    ahead = archive.offset - archive.fileobj.tell()
    if not 0 <= ahead <= bounds.MAX_UNPACKED:
        raise too_large("a member claims an impossible size")
    return ahead


def _chunks(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    """The content of a regular file."""
    content = archive.extractfile(info)
    if content is None:
        raise tarfile.ReadError("not a regular file")
    while chunk := content.read(_CHUNK):
        yield chunk


def _forget(archive: tarfile.TarFile) -> None:
    """Drop the members that tarfile remembers: with their headers they may be gigabytes."""
    remembered: Any = archive
    remembered.members.clear()


def _check_padding(archive: tarfile.TarFile) -> None:
    """Only zeros follow the last member, up to the end of the gzip stream and its checksum.

    tarfile takes a damaged header for the archive's end; other readers go on behind it.
    """
    assert archive.fileobj is not None
    while chunk := archive.fileobj.read(_CHUNK):
        if any(chunk):
            raise damaged("it goes on behind its end")
