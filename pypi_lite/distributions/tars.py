"""Gzip compressed tar archives, listed strictly from front to back in one go; nothing is extracted.

Refused is what two readers could take for different things: a second gzip stream, which some readers
don't go on to; extended headers that resize a member behind the back of those that do not know them, or
that are damaged; a damaged header, which some take for the archive's end; and data behind that end.

Standards: RFC 1952 for gzip; ustar and pax in POSIX.1-2001 (``pax``, "Extended Description"); GNU tar's
manual, "Basic Tar Format", for its long names.
"""

import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

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
_BLOCK = 512

# Where a header has what, and what kind of member its type says.
_NAME, _SIZE, _CHECKSUM, _TYPE = slice(0, 100), slice(124, 136), slice(148, 156), slice(156, 157)
_TARGET, _MAGIC, _PREFIX = slice(157, 257), slice(257, 263), slice(345, 500)
_USTAR = b"ustar\0"
_KINDS = {
    **dict.fromkeys((b"0", b"\0", b"7"), Kind.FILE),
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMBOLIC_LINK,
    b"5": Kind.FOLDER,
}
_PAX, _PAX_FOR_ALL, _LONG_NAME, _LONG_TARGET = (b"x", b"X"), b"g", b"L", b"K"
#: Pax records that make a file one with holes.
_SPARSE = "GNU.sparse."


@dataclass
class _Extended:
    """What extended headers say of the member behind them."""

    #: Pax records by keyword; those that GNU tar's long names stand for too.
    records: dict[str, str] = field(default_factory=dict)
    #: Bytes of them, which are held in memory.
    length: int = 0


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
        self.listing = Listing(self._members())
        self._unpacked.check_end()

    def read(self, path: str, most: int) -> bytes:
        """The regular file at *path*, which was the one that was looked for."""
        self.listing.the_file(path)
        return self._found[path]

    def _members(self) -> Iterator[Member]:
        names = 0
        extended = _Extended()
        while header := self._unpacked.header():
            size = _number(header[_SIZE])
            if _is_extension(header):
                extended.length += _BLOCK + size
                if extended.length > bounds.MAX_TAR_HEADER:
                    raise too_large("a member's header is too long")
                _extend(extended.records, header, self._unpacked.content(size))
                continue
            member = _member(header, size, extended.records)
            extended = _Extended()
            names += len(member.path)
            if names > bounds.MAX_DIRECTORY:
                raise too_large("the names of its members are too long")
            # The listing checks it before it asks for the next one, and before it is read.
            yield member
            # A second one has a second top folder or is a duplicate: both are refused later.
            if member.is_file and member.parts[1:] == (self._wanted,) and not self._found:
                chunks = self._unpacked.chunks(size)
                content = read_bounded(chunks, member, bounds.MAX_METADATA)
                self._found[member.clean_path] = content
            else:
                self._unpacked.skip(size)
        if extended.length:
            raise damaged("its last header is for a member that is not there")


class _Unpacked:
    """The unpacked bytes of a tar, from front to back, *total* at most, in whole blocks."""

    def __init__(self, file: BinaryIO, total: int) -> None:
        self._file = file
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._total = total
        self._ready = b""
        self._at = 0

    def header(self) -> bytes:
        """The next header, or nothing behind the last one; what follows that is zeros."""
        block = self._read(_BLOCK)
        if block.strip(b"\0"):
            _check_header(block)
            return block
        # The end is two blocks of zeros, and more as they fill up a tape's record. Some leave them out.
        while block:
            block = self._some(_CHUNK)
            if block.strip(b"\0"):
                raise damaged("it goes on behind its end")
        return b""

    def content(self, size: int) -> bytes:
        """A member's content, all of it."""
        return b"".join(self.chunks(size))

    def skip(self, size: int) -> None:
        """Go on behind a member's content."""
        for _ in self.chunks(size):
            pass

    def chunks(self, size: int) -> Iterator[bytes]:
        """A member's content; behind it stands the next header."""
        if size > self._total:
            raise too_large("it unpacks to too many bytes")
        left = size
        while left:
            chunk = self._some(min(left, _CHUNK))
            if not chunk:
                raise damaged("it ends too early")
            left -= len(chunk)
            yield chunk
        padding = -size % _BLOCK
        if len(self._read(padding)) < padding:
            raise damaged("it ends too early")

    def check_end(self) -> None:
        """The stream has ended, with its checksum; at most zeros follow, as old tapes have them."""
        rest = self._stream.unused_data
        while rest:
            if rest.strip(b"\0"):
                raise ambiguous("there are data behind the end of its gzip stream")
            rest = self._file.read(_CHUNK)

    def _read(self, size: int) -> bytes:
        """As many bytes, or none at the end."""
        found = b""
        while len(found) < size:
            chunk = self._some(size - len(found))
            if not chunk:
                if found:
                    raise damaged("it ends too early")
                return b""
            found += chunk
        return found

    def _some(self, most: int) -> bytes:
        """Some bytes, or none at the end."""
        if self._at == len(self._ready):
            self._ready, self._at = self._inflate(), 0
            self._total -= len(self._ready)
            if self._total < 0:
                raise too_large("it unpacks to too many bytes")
        chunk = self._ready[self._at : self._at + most]
        self._at += len(chunk)
        return chunk

    def _inflate(self) -> bytes:
        while not self._stream.eof:
            packed = self._stream.unconsumed_tail or self._file.read(_CHUNK)
            chunk = self._stream.decompress(packed, _CHUNK)
            if chunk:
                return chunk
            if not packed:
                raise damaged("it ends too early")
        return b""


# -- headers


def _check_header(header: bytes) -> None:
    """The checksum: the sum of all bytes with blanks in its own place, signed in some old archives."""
    counted = header[: _CHECKSUM.start] + b" " * 8 + header[_CHECKSUM.stop :]
    said = _number(header[_CHECKSUM])
    if said != sum(counted) and said != sum(byte - (byte >> 7 << 8) for byte in counted):
        raise damaged("a member's header is damaged")


def _number(digits: bytes) -> int:
    """Octal digits; or, as GNU tar has large numbers, the bytes behind a first bit that is set."""
    if digits[0] & 0x80:
        # With the second bit set too it is negative, which no size is.
        value = int.from_bytes(digits, "big") - (0x80 << 8 * (len(digits) - 1))
        if digits[0] & 0x40:
            raise damaged("a member has a negative size")
        return value
    text = digits.partition(b"\0")[0].strip(b" ")
    if text.strip(b"01234567"):
        raise damaged("a member's header has no number where one should be")
    return int(text or b"0", 8)


def _is_extension(header: bytes) -> bool:
    return header[_TYPE] in (*_PAX, _PAX_FOR_ALL, _LONG_NAME, _LONG_TARGET)


def _extend(records: dict[str, str], header: bytes, content: bytes) -> None:
    """Add what an extended header says to *records*."""
    kind = header[_TYPE]
    if kind == _LONG_NAME:
        records["path"] = _text(content)
        return
    if kind == _LONG_TARGET:
        records["linkpath"] = _text(content)
        return
    found = dict(_pax_records(content))
    for keyword in ("size", "path", "linkpath"):
        # Nobody needs a size there below eight gigabytes, and no two members have one name.
        if keyword in found and (kind == _PAX_FOR_ALL or keyword == "size"):
            raise ambiguous(f"an extended header gives a {keyword}")
    if kind != _PAX_FOR_ALL:
        records.update(found)


def _pax_records(content: bytes) -> Iterator[tuple[str, str]]:
    """Keyword and value of each ``length keyword=value\\n``."""
    at = 0
    while at < len(content):
        blank = content.find(b" ", at, at + 20)
        digits = content[at : max(blank, at)]
        length = int(digits) if digits.isdigit() else 0
        record = content[blank + 1 : at + length]
        keyword, equals, value = record.partition(b"=")
        if at + length > len(content) or not equals or not value.endswith(b"\n"):
            raise damaged("an extended header has a record that is none")
        yield keyword.decode(errors="surrogateescape"), value[:-1].decode(errors="surrogateescape")
        at += length


def _member(header: bytes, size: int, records: dict[str, str]) -> Member:
    path = _text(header[_NAME])
    prefix = _text(header[_PREFIX]) if header[_MAGIC] == _USTAR else ""
    path = records.get("path", f"{prefix}/{path}" if prefix else path)
    kind = _KINDS.get(header[_TYPE], Kind.SPECIAL)
    if any(keyword.startswith(_SPARSE) for keyword in records):
        kind = Kind.SPECIAL
    # Archives older than folders have such paths.
    if kind is Kind.FILE and path.endswith("/"):
        kind = Kind.FOLDER
    if size and kind in (Kind.FOLDER, Kind.SYMBOLIC_LINK, Kind.HARD_LINK):
        raise ambiguous(f"{shown(path)} is no file, and has content")
    return Member(path, kind, size, records.get("linkpath", _text(header[_TARGET])))


def _text(value: bytes) -> str:
    """*value* up to its NUL. What is no UTF-8 gets surrogates, which are refused later."""
    return value.partition(b"\0")[0].decode(errors="surrogateescape")


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
