"""Zip archives, read strictly: what two readers could take for different things is refused.

A zip says everything twice, in its central directory and in a header before each member, and
readers differ in which they believe, and in where they look for the directory. Here the members lie
one behind the other from the first byte on, then comes the directory, then its end, and nothing
else; both descriptions of each member agree; a member's data are exactly as long as they say.

The standard is APPNOTE.TXT, whose sections are named below.
"""

import os
import stat
import struct
import tarfile
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
    check_unpacked,
    damaged,
    read_bounded,
    repeated,
    too_large,
)

_CHUNK = 128 * bounds.KIB
_TAR_BLOCK = 512

# 4.3.7, 4.3.12, 4.3.16, 4.3.14, 4.3.15, 4.3.9: what the records are, without what varies in length.
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_LOCAL_MAGIC, _CENTRAL_MAGIC, _END_MAGIC = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_END_64_MAGIC, _LOCATOR_64_MAGIC, _DESCRIPTOR_MAGIC = b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08"

# 4.4.4: bits of the general purpose flag.
_ENCRYPTED, _STREAMED, _STRONGLY_ENCRYPTED, _UTF8 = 0x1, 0x8, 0x40, 0x800
_MASKED_HEADERS = 0x2000
_AGREEING_FLAGS = _ENCRYPTED | _STREAMED | _UTF8
_STORED, _DEFLATED = 0, 8
# 4.4.2: the systems whose attributes are a Unix mode.
_UNIX = (3, 19)
_LONGEST_DESCRIPTOR = 24
# 4.5.3 and 4.6.9: the fields that change what a header says.
_EXTRA_64, _EXTRA_NAME = 0x0001, 0x7075
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ZipMember(Member):
    """A member as the central directory has it; sizes and offsets in bytes."""

    raw_name: bytes = field(default=b"", repr=False)
    flags: int = 0
    method: int = _STORED
    crc: int = 0
    packed: int = 0
    offset: int = 0


class Zip:
    """A zip in an open file, whose structure and listing are in order."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the directory and all headers. Raises InvalidDistribution."""
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        _check_only_zip(_read_at(file, 0, _TAR_BLOCK))
        count, start, length = _find_directory(file, self._size)
        directory = _read_at(file, start, length)
        self.listing = Listing(_central_members(directory, count))
        for path in self.listing.repeated:
            raise repeated(path)
        check_unpacked(self.listing.unpacked, self._size)
        self._data = _check_layout(file, self.listing, start)

    def read(self, path: str, most: int) -> bytes:
        """The regular file at *path*, of no more than *most* bytes. Raises InvalidDistribution."""
        member = self.listing.the_file(path)
        return read_bounded(self.chunks(path), member, most)

    def chunks(self, path: str) -> Iterator[bytes]:
        """The content of the regular file at *path*, with its size and checksum verified at the end."""
        member = self.listing.the_file(path)
        assert isinstance(member, ZipMember)
        size, crc = 0, 0
        self._file.seek(self._data[path])
        for chunk in _inflated(self._file, member):
            size += len(chunk)
            if size > member.size:
                raise ambiguous(f"{shown(member.path)} is longer than the archive says")
            crc = zlib.crc32(chunk, crc)
            yield chunk
        if size != member.size:
            raise damaged(f"{shown(member.path)} ends too early")
        if crc != member.crc:
            raise damaged(f"{shown(member.path)} has a wrong checksum")


# -- the directory


def _check_only_zip(head: bytes) -> None:
    """A zip from its first byte, and no tar: readers that go by content must not see another."""
    if not head.startswith(_LOCAL_MAGIC):
        raise InvalidDistribution(
            DistributionFault.ARCHIVE_WRONG_FORMAT,
            "The file is not a zip archive, as its name says; build and upload it again.",
        )
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return
    raise ambiguous("it is a zip and a tar archive")


def _find_directory(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """How many members the directory has, where it starts, and its length (4.3.16).

    The end record is the file's last 22 bytes: a comment behind it is where readers find a second.
    """
    at = size - _END.size
    if at < 0:
        raise damaged("it is too short")
    magic, disk, first_disk, here, count, length, start, comment = _END.unpack(
        _read_at(file, at, _END.size)
    )
    if magic != _END_MAGIC or comment:
        raise ambiguous("its directory's end is not at its end, without a comment or other data")
    end = at
    locator = _read_at(file, max(0, at - _LOCATOR_64.size), _LOCATOR_64.size)
    if locator.startswith(_LOCATOR_64_MAGIC):
        end, fields = _end_64(file, at - _LOCATOR_64.size, locator)
        for short, full, most in zip(
            (disk, first_disk, here, count, length, start),
            fields,
            (_FULL_16, _FULL_16, _FULL_16, _FULL_16, _FULL_32, _FULL_32),
            strict=True,
        ):
            if short not in (full, most):
                raise ambiguous("the two records of its directory's end disagree")
        disk, first_disk, here, count, length, start = fields
    if disk or first_disk or here != count:
        raise damaged("it is a part of an archive")
    if start + length != end:
        raise ambiguous("its directory is not where it says")
    if length > bounds.MAX_DIRECTORY:
        raise too_large("its directory of members is too long")
    if count > bounds.MAX_MEMBERS:
        raise too_large(f"it has more than {bounds.MAX_MEMBERS} members")
    return count, start, length


def _end_64(file: BinaryIO, locator_at: int, locator: bytes) -> tuple[int, tuple[int, ...]]:
    """Where the zip64 end record (4.3.14) starts, and the fields that it has in place of the other's."""
    _, _, at, disks = _LOCATOR_64.unpack(locator)
    if at + _END_64.size != locator_at or disks > 1:
        raise ambiguous("its large directory's end is not where it says")
    magic, rest, _, _, *fields = _END_64.unpack(_read_at(file, at, _END_64.size))
    if magic != _END_64_MAGIC or rest != _END_64.size - 12:
        raise damaged("its large directory's end is none")
    return at, tuple(fields)


def _central_members(directory: bytes, count: int) -> Iterator[ZipMember]:
    """The members, as the central directory (4.3.12) has them."""
    at = 0
    for _ in range(count):
        if at + _CENTRAL.size > len(directory):
            raise damaged("its directory ends too early")
        (
            magic, made_by, _, flags, method, _, _, crc, packed, size,
            name_length, extra_length, comment_length, disk, _, attributes, offset,
        ) = _CENTRAL.unpack_from(directory, at)  # fmt: skip
        if magic != _CENTRAL_MAGIC:
            raise damaged("its directory has an entry that is none")
        at += _CENTRAL.size
        raw_name = directory[at : at + name_length]
        extra = directory[at + name_length : at + name_length + extra_length]
        at += name_length + extra_length + comment_length
        if at > len(directory):
            raise damaged("its directory ends too early")
        name = _name(raw_name, flags, extra)
        if comment_length:
            raise ambiguous(f"{shown(name)} has a comment")
        size, packed, offset, disk = _large(extra, size, packed, offset, disk)
        if disk:
            raise damaged("it is a part of an archive")
        _check_method(name, flags, method)
        yield ZipMember(
            path=name,
            kind=_kind(name, made_by >> 8, attributes >> 16),
            size=size,
            raw_name=raw_name,
            flags=flags,
            method=method,
            crc=crc,
            packed=packed,
            offset=offset,
        )
    if at != len(directory):
        raise ambiguous("its directory has more entries than it says")


def _name(raw: bytes, flags: int, extra: bytes) -> str:
    """The name (4.4.17): ASCII, or UTF-8 that says so (bit 11), and no other name beside it."""
    name = raw.decode("utf-8" if flags & _UTF8 else "ascii", "surrogateescape")
    for kind, content in _extra_fields(extra):
        # 4.6.9: a version, a checksum of the name, and then the name that counts.
        if kind == _EXTRA_NAME and content[5:] != raw:
            raise ambiguous(f"{shown(name)} has a second name")
    return name


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """The extra fields (4.5.1); less than a field's head at the end is padding."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4 + length
        if at > len(extra):
            raise damaged("a header's extra field is too long")
        yield kind, extra[at - length : at]


def _large(extra: bytes, *fields: int) -> tuple[int, ...]:
    """*fields*, in which those that are full are replaced by what the zip64 field has (4.5.3)."""
    found = [content for kind, content in _extra_fields(extra) if kind == _EXTRA_64]
    if len(found) > 1:
        raise ambiguous("a header has two fields of large sizes")
    content, at = (found[0] if found else b""), 0
    values = []
    for number, value in enumerate(fields):
        # Size, packed size and offset have eight bytes, the disk's number has four.
        form, full = ("<L", _FULL_16) if number == 3 else ("<Q", _FULL_32)
        if value == full and found:
            if at + struct.calcsize(form) > len(content):
                raise damaged("a header's large sizes are missing")
            values.append(struct.unpack_from(form, content, at)[0])
            at += struct.calcsize(form)
        else:
            values.append(value)
    return tuple(values)


def _check_method(name: str, flags: int, method: int) -> None:
    """Installers ask nobody for a password, and read stored and deflated members only."""
    if flags & (_ENCRYPTED | _STRONGLY_ENCRYPTED | _MASKED_HEADERS):
        raise InvalidDistribution(
            DistributionFault.MEMBER_ENCRYPTED,
            f"The archive's member {shown(name)} is encrypted; pack it without a password.",
        )
    if method not in (_STORED, _DEFLATED):
        raise InvalidDistribution(
            DistributionFault.MEMBER_COMPRESSION,
            f"The archive's member {shown(name)} is neither stored nor deflated;"
            " pack it with deflate.",
        )


def _kind(name: str, system: int, mode: int) -> Kind:
    """A folder's name ends with a slash. A link's content is its target, which no installer follows:
    a link, as everything else that is no file, is special."""
    if name.endswith("/"):
        return Kind.FOLDER
    if system in _UNIX and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return Kind.SPECIAL
    return Kind.FILE


# -- the members


def _check_layout(file: BinaryIO, listing: Listing, end: int) -> dict[str, int]:
    """Each member starts where the one before it ends, and the last one ends at *end*; where the
    data begin, by path. So nothing lies between them, before them, or in two of them."""
    members = [member for member in listing.members if isinstance(member, ZipMember)]
    members.sort(key=lambda member: member.offset)
    if not members or members[0].offset:
        raise ambiguous("there are data before its first member")
    data: dict[str, int] = {}
    nexts = [*(member.offset for member in members[1:]), end]
    for member, following in zip(members, nexts, strict=True):
        start = _check_local(file, member, following)
        _check_descriptor(file, member, start + member.packed, following)
        data[member.clean_path] = start
    return data


def _check_local(file: BinaryIO, member: ZipMember, end: int) -> int:
    """Where the data of *member* begin; its local header (4.3.7) says what the directory says."""
    header = _read_at(file, member.offset, _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(_LOCAL_MAGIC):
        raise damaged(f"{shown(member.path)} has no header")
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(header)
    rest = _read_at(file, member.offset + _LOCAL.size, name_length + extra_length)
    name, extra = rest[:name_length], rest[name_length:]
    _name(name, flags, extra)
    size, packed = _large(extra, size, packed)
    found = (name, method, flags & _AGREEING_FLAGS, crc, packed, size)
    expected = (
        member.raw_name, member.method, member.flags & _AGREEING_FLAGS,
        member.crc, member.packed, member.size,
    )  # fmt: skip
    # 4.4.4: of a streamed member sizes and checksum were not known yet.
    later = (*expected[:3], 0, 0, 0)
    if found != expected and not (flags & _STREAMED and found == later):
        raise ambiguous(f"the header of {shown(member.path)} and the directory disagree")
    start = member.offset + _LOCAL.size + len(rest)
    if start + member.packed > end:
        raise ambiguous(f"{shown(member.path)} reaches into what follows it")
    if member.method == _STORED and member.packed != member.size:
        raise ambiguous(f"{shown(member.path)} is stored, and has two sizes")
    if member.kind is Kind.FOLDER and member.size:
        raise ambiguous(f"{shown(member.path)} is a folder, and has content")
    return start


def _check_descriptor(file: BinaryIO, member: ZipMember, start: int, end: int) -> None:
    """From *start* to *end* there is nothing, or a streamed member's data descriptor (4.3.9)."""
    if not member.flags & _STREAMED:
        if start != end:
            raise ambiguous(f"there are data behind {shown(member.path)}")
        return
    found = _read_at(file, start, min(end - start, _LONGEST_DESCRIPTOR + 1))
    values = (member.crc, member.packed, member.size)
    # Its magic is optional, and its sizes have four bytes or eight.
    for form in ("<3L", "<L2Q"):
        try:
            descriptor = struct.pack(form, *values)
        except struct.error:
            continue  # a size of more than four bytes
        if found in (descriptor, _DESCRIPTOR_MAGIC + descriptor):
            return
    raise ambiguous(f"what follows {shown(member.path)} and the directory disagree")


def _inflated(file: BinaryIO, member: ZipMember) -> Iterator[bytes]:
    """The unpacked data, from where *file* stands; at most a chunk at a time, however well packed."""
    left = member.packed
    if member.method == _STORED:
        while left:
            chunk = file.read(min(left, _CHUNK))
            if not chunk:
                raise damaged("it ends too early")
            left -= len(chunk)
            yield chunk
        return
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    while not stream.eof:
        packed = stream.unconsumed_tail
        if not packed:
            packed = file.read(min(left, _CHUNK))
            left -= len(packed)
        chunk = stream.decompress(packed, _CHUNK)
        if chunk:
            yield chunk
        elif not packed:
            raise damaged(f"{shown(member.path)} ends too early")
    if left or stream.unused_data:
        raise ambiguous(f"there are data behind the end of {shown(member.path)}")


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
