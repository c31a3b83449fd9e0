"""Zips of which every byte can be wrong: what `zipfile` would never write.

>>> pack([Entry("foo/a.py", b"x"), Entry("foo/b.py", b"y", local={"size": 7})])
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

LOCAL = "<4s5H3L2H"
CENTRAL = "<4s6H3L5H2L"
END = "<4s4H2LH"
FULL = 0xFFFFFFFF
UTF8, STREAMED = 0x800, 0x8
DEFLATED, STORED = 8, 0

_LOCAL_FIELDS = (
    *("magic", "needed", "flags", "method", "time", "date", "crc", "packed", "size"),
    *("name_length", "extra_length"),
)
_CENTRAL_FIELDS = (
    *("magic", "made_by", "needed", "flags", "method", "time", "date", "crc", "packed", "size"),
    *("name_length", "extra_length", "comment_length", "disk", "internal", "external", "offset"),
)


@dataclass
class Entry:
    """A member. *local* and *central* override fields of its two headers, by their names above."""

    name: str | bytes
    content: bytes = b""
    method: int = DEFLATED
    flags: int = 0
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)
    local_name: bytes | None = None
    local_extra: bytes = b""
    extra: bytes = b""
    comment: bytes = b""
    #: The packed data, if they are not the content's.
    data: bytes | None = None
    #: What follows the data: a data descriptor, or what has no place there.
    behind: bytes = b""
    in_directory: bool = True

    @property
    def raw_name(self) -> bytes:
        """The name as it is in the archive."""
        return self.name if isinstance(self.name, bytes) else self.name.encode()

    @property
    def packed(self) -> bytes:
        """The data as they are in the archive."""
        if self.data is not None:
            return self.data
        return self.content if self.method == STORED else deflate(self.content)

    @property
    def values(self) -> dict[str, Any]:
        """What both headers say."""
        return {
            "needed": 20,
            "flags": self.flags,
            "method": self.method,
            "time": 0,
            "date": 33,
            "crc": zlib.crc32(self.content),
            "packed": len(self.packed),
            "size": len(self.content),
            "name_length": len(self.raw_name),
        }


def deflate(content: bytes) -> bytes:
    """The raw deflated stream."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return stream.compress(content) + stream.flush()


def entries(files: dict[str, bytes]) -> list[Entry]:
    """Good ones."""
    return [Entry(path, content) for path, content in files.items()]


def pack(
    members: Sequence[Entry],
    *,
    before: bytes = b"",
    before_directory: bytes = b"",
    before_end: bytes = b"",
    behind: bytes = b"",
    comment: bytes = b"",
    end: dict[str, int] | None = None,
) -> bytes:
    """The zip; *end* overrides disk, first_disk, here, count, length, start of its last record."""
    body, offsets = bytearray(before), []
    for entry in members:
        offsets.append(len(body))
        body += _local(entry) + entry.packed + entry.behind
    body += before_directory
    start = len(body)
    listed = [pair for pair in zip(members, offsets, strict=True) if pair[0].in_directory]
    for entry, offset in listed:
        body += _central(entry, offset)
    values = {"disk": 0, "first_disk": 0, "here": len(listed), "count": len(listed)}
    values |= {"length": len(body) - start, "start": start}
    values |= end or {}
    if len(listed) >= 0xFFFF:
        before_end = end_64(len(listed), values["length"], start, at=len(body))
        values |= {"here": 0xFFFF, "count": 0xFFFF}
    body += before_end
    body += struct.pack(END, b"PK\5\6", *(min(v, FULL) for v in values.values()), len(comment))
    return bytes(body + comment + behind)


def _local(entry: Entry) -> bytes:
    name = entry.raw_name if entry.local_name is None else entry.local_name
    values = {"magic": b"PK\3\4", **entry.values, "name_length": len(name)}
    values |= {"extra_length": len(entry.local_extra), **entry.local}
    return _packed(LOCAL, _LOCAL_FIELDS, values) + name + entry.local_extra


def _central(entry: Entry, offset: int) -> bytes:
    values = {"magic": b"PK\1\2", "made_by": 3 << 8 | 20, **entry.values}
    values |= {"extra_length": len(entry.extra), "comment_length": len(entry.comment), "disk": 0}
    values |= {"internal": 0, "external": 0o100644 << 16, "offset": offset, **entry.central}
    return _packed(CENTRAL, _CENTRAL_FIELDS, values) + entry.raw_name + entry.extra + entry.comment


def _packed(form: str, names: Iterable[str], values: dict[str, Any]) -> bytes:
    return struct.pack(form, *(values[name] for name in names))


def extra(kind: int, content: bytes) -> bytes:
    """An extra field."""
    return struct.pack("<2H", kind, len(content)) + content


def end_64(
    count: int, length: int, start: int, *, at: int, disks: int = 1, rest: int = 44
) -> bytes:
    """A zip64 end record and its locator, which says that the record is at *at*."""
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", rest, 45, 45, 0, 0, count, count, length, start)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, at, disks)
