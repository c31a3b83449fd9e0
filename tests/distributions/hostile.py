"""Archives that want something, by name: each with the fault that is found, or None where it is taken.

What is taken is harmless, and its comment says why. `CASES` has functions, since some are large.
"""

import gzip
import hashlib
import struct
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from pypi_lite.distributions import DistributionFault as Fault
from pypi_lite.distributions import bounds
from tests.distributions import build
from tests.distributions.rawzip import (
    FULL,
    STORED,
    STREAMED,
    UTF8,
    Entry,
    deflate,
    end_64,
    entries,
    extra,
    pack,
)

WHEEL, SDIST, ZIP = "foo-1.0-py3-none-any.whl", "foo-1.0.tar.gz", "foo-1.0.zip"
METADATA = build.metadata("foo", "1.0", metadata_version="2.2")
INFO, INIT = "foo-1.0.dist-info", "foo/__init__.py"
FILES = build.wheel_files("foo", "1.0", METADATA)
SDIST_FILES = build.sdist_files("foo", "1.0", METADATA)
TAR = build.pack_tar(SDIST_FILES)
#: A tar without the zeros at its end, to go on with.
OPEN_TAR = TAR.rstrip(b"\0") + bytes(-len(TAR.rstrip(b"\0")) % 512)
TAR_END = bytes(1024)
#: More zeros than an archive that is as small as they pack to may unpack to.
ZEROS = bounds.RATIO_FREE + bounds.MIB


@dataclass(frozen=True)
class Case:
    """A file, and the fault that it is refused for, if it is."""

    filename: str
    content: Callable[[], bytes]
    fault: Fault | None


# -- zips


def wheel(*more: Entry, **keywords: object) -> bytes:
    """A good wheel with *more* members, which its RECORD has; *keywords* are for `pack`."""
    files = {path: content for path, content in FILES.items() if path != f"{INFO}/RECORD"}
    listed = files | {
        m.raw_name.decode(errors="replace"): m.content for m in more if m.in_directory
    }
    record = build.record(listed, f"{INFO}/RECORD")
    members = [*entries(files), *more, Entry(f"{INFO}/RECORD", record)]
    return pack(members, **keywords)  # type: ignore[arg-type]


def changed(**keywords: object) -> bytes:
    """A good wheel, with one member whose `Entry` has been given these."""
    return wheel(Entry("foo/x.py", b"content " * 8, **keywords))  # type: ignore[arg-type]


def overlapping() -> bytes:
    """Two members with the same data, as a bomb of a few kilobytes has thousands."""
    second = Entry("foo/y.py", b"", in_directory=False)
    good = wheel(Entry("foo/x.py", b"x", STORED), second)
    offset = good.index(b"PK\3\4", good.index(b"foo/__init__.py") + 1)
    return wheel(
        Entry("foo/x.py", b"x", STORED), Entry("foo/y.py", b"", central={"offset": offset})
    )


def quoted() -> bytes:
    """A member whose data are another member, header included: both are said to be there."""
    inner = pack([Entry("foo/y.py", b"y" * 100, STORED)])
    header = inner[: inner.index(b"PK\1\2")]
    outer = Entry("foo/x.py", header, STORED)
    at = wheel(outer).index(header)
    hidden = Entry("foo/y.py", b"y" * 100, STORED, central={"offset": at})
    return wheel(outer, hidden)


def zip64(**keywords: int) -> bytes:
    """A good wheel whose last record sends readers to a second one; *keywords* make that one wrong."""
    members = entries(FILES)
    plain = pack(members)
    start = plain.index(b"PK\1\2")
    length = len(plain) - 22 - start
    values = {"count": len(members), "length": length, "start": start, "at": len(plain) - 22}
    second = end_64(**(values | keywords))
    return pack(
        members,
        before_end=second,
        end={"start": FULL, "length": FULL, "count": 0xFFFF, "here": 0xFFFF},
    )


def zip64_member(size: int | None = None, field: bytes | None = None) -> bytes:
    """A member whose sizes are in a field of their own, which large archives need."""
    content = b"content " * 8
    packed = deflate(content)
    sizes = struct.pack("<2Q", size or len(content), len(packed))
    full = {"size": FULL, "packed": FULL}
    member = Entry("foo/x.py", content, local=full, central=full)
    member.extra = member.local_extra = extra(1, sizes if field is None else field)
    return wheel(member)


def second_name() -> bytes:
    """The field in which Info-ZIP puts a name in UTF-8: some readers believe it."""
    name = b"foo/y.py"
    content = b"\1" + struct.pack("<L", zlib.crc32(b"foo/x.py")) + name
    return changed(extra=extra(0x7075, content), local_extra=extra(0x7075, content))


def descriptor(form: str, *, magic: bool = True, crc: int | None = None) -> bytes:
    """A streamed member: its sizes follow its data."""
    content = b"content " * 8
    found = zlib.crc32(content) if crc is None else crc
    behind = struct.pack(form, found, len(deflate(content)), len(content))
    unknown = {"crc": 0, "size": 0, "packed": 0}
    return changed(flags=STREAMED, local=unknown, behind=(b"PK\7\x08" if magic else b"") + behind)


def zip_and_tar() -> bytes:
    """A tar whose first member's name makes it a zip's header too."""
    return build.pack_tar({"PK\x03\x04": b""}) + wheel()


def bomb_member(path: str = "foo/zeros", **keywords: object) -> bytes:
    """One member of very many zeros."""
    return wheel(Entry(path, bytes(ZEROS), **keywords))  # type: ignore[arg-type]


def bomb_that_lies() -> bytes:
    """Its headers say that it is small."""
    return wheel(Entry("foo/zeros", bytes(1000), data=deflate(bytes(ZEROS))))


def many_members(number: int) -> bytes:
    """Members as small as can be."""
    return pack([Entry(f"foo/{n}", b"", STORED) for n in range(number)])


def longest_metadata() -> bytes:
    """A description of empty lines."""
    most = bounds.MAX_METADATA
    return with_file(f"{INFO}/METADATA", (METADATA + b"\n" * most)[:most])


def most_members() -> bytes:
    """As many members as may be, all of them in RECORD."""
    more = {f"foo/{number}": b"" for number in range(bounds.MAX_MEMBERS - len(FILES))}
    return pack(entries(build.wheel_files("foo", "1.0", METADATA, extra_files=more)))


def long_directory() -> bytes:
    """A central directory of padding."""
    padding = extra(0xCAFE, bytes(60_000))
    number = bounds.MAX_DIRECTORY // 60_000 + 1
    return pack([*entries(FILES), *(Entry(f"foo/{n}", extra=padding) for n in range(number))])


def nested() -> bytes:
    """A bomb in a wheel in a wheel: nobody unpacks what is in it."""
    bomb = bytes(10 * bounds.MIB)
    for depth in range(3):
        bomb = pack([Entry(f"{depth}.zip", bomb)])
    return wheel(Entry("foo/data.zip", bomb))


def with_file(path: str, content: bytes | None, *, record: bool = True) -> bytes:
    """A good wheel with this file in place of its own, or without it."""
    files = FILES | {path: content or b""}
    if content is None:
        del files[path]
    if record and not path.endswith("RECORD"):
        del files[f"{INFO}/RECORD"]
        files[f"{INFO}/RECORD"] = build.record(files, f"{INFO}/RECORD")
    return pack(entries(files))


def recorded(old: str, new: str) -> bytes:
    """A wheel with a change in its RECORD."""
    text = FILES[f"{INFO}/RECORD"].decode()
    assert old in text
    return with_file(f"{INFO}/RECORD", text.replace(old, new, 1).encode())


def scripts(line: str) -> bytes:
    """A wheel with this script."""
    return with_file(f"{INFO}/entry_points.txt", f"[console_scripts]\n{line}\n".encode())


def named(name: str | bytes, flags: int = UTF8) -> bytes:
    """A wheel with a member of this name."""
    return wheel(Entry(name, b"x", flags=flags))


def of_mode(mode: int) -> bytes:
    """A wheel with a member of this file type."""
    return wheel(Entry("foo/x.py", b"/etc/passwd", central={"external": mode << 16}))


# -- tars


def tar_gz(*members: tuple[tarfile.TarInfo, bytes] | bytes, level: int = 9) -> bytes:
    """A good sdist with *members* behind its own; bytes stand as they are."""
    body = bytearray(OPEN_TAR)
    for member in members:
        if isinstance(member, bytes):
            body += member + bytes(-len(member) % 512)
            continue
        info, content = member
        info.size = info.size or len(content)
        body += info.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % 512)
    return gzip.compress(bytes(body + TAR_END), level, mtime=0)


def member(
    name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0
) -> tarfile.TarInfo:
    """A member's header."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


def link(path: str, target: str, kind: bytes = tarfile.SYMTYPE) -> bytes:
    """An sdist with a link."""
    return tar_gz((member(path, kind, target), b""))


def of_type(kind: bytes) -> bytes:
    """An sdist with a member of this type."""
    return tar_gz((member("foo-1.0/x", kind), b""))


def raw_header(info: tarfile.TarInfo, **fields: tuple[int, bytes]) -> bytes:
    """A header with bytes put at offsets, and its checksum made right."""
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT)[-512:])
    for offset, value in fields.values():
        header[offset : offset + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def pax(records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """An extended header of these records."""
    info = member("pax", kind, size=len(records))
    return info.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512)


def pax_record(key: str, value: bytes) -> bytes:
    """One record, which begins with its own length."""
    rest = b" " + key.encode() + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


def extended(key: str, value: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """An sdist with a member that has this record."""
    return tar_gz(pax(pax_record(key, value), kind), (member("foo-1.0/x"), b"content"))


def long_names() -> bytes:
    """Names as long as they may be, of very many members."""
    one = b""
    for number in range(8):
        info = member(f"foo-1.0/{number}/" + "x" * (bounds.MAX_PATH - 20))
        one += info.tobuf(tarfile.GNU_FORMAT)
    return tar_gz(one * (bounds.MAX_DIRECTORY // (8 * (bounds.MAX_PATH - 20)) + 1))


def gnu_long_names(number: int) -> bytes:
    """Extended headers one behind the other, of which tarfile reads each within the one before."""
    info = member("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=1)
    return tar_gz((info.tobuf(tarfile.GNU_FORMAT) + bytes(512)) * number)


def with_gzip_name(length: int) -> bytes:
    """A gzip header with a long name in it."""
    packed = gzip.compress(TAR, mtime=0)
    return packed[:3] + b"\x08" + packed[4:10] + b"x" * length + b"\0" + packed[10:]


def pkg_info_twice() -> bytes:
    """Of two, readers take the first or the last."""
    return tar_gz((member("foo-1.0/PKG-INFO"), METADATA))


def bad_checksum() -> bytes:
    """tarfile takes such a header for the archive's end; others go on behind it."""
    header = bytearray(member("foo-1.0/x").tobuf())
    header[0] ^= 1
    return tar_gz(bytes(header), (member("foo-1.0/y"), b"hidden"))


def replaced(content: bytes, at: int, new: bytes) -> bytes:
    """*content* with *new* at an offset, which may be negative."""
    at %= len(content)
    return content[:at] + new + content[at + len(new) :]


def _sha256(content: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


CASES: dict[str, Case] = {}


def _case(name: str, filename: str, fault: Fault | None, content: Callable[[], bytes]) -> None:
    assert name not in CASES
    CASES[name] = Case(filename, content, fault)


def _zips() -> None:
    def case(name: str, fault: Fault | None, content: Callable[[], bytes]) -> None:
        _case(f"zip {name}", WHEEL, fault, content)

    case("good", None, wheel)
    # What other readers find, and this one would not
    case("script in front", Fault.ARCHIVE_WRONG_FORMAT, lambda: b"#!/bin/sh\n" + wheel())
    case("zip in front", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel() + wheel())
    case("zip in front, offsets made right", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel(before=wheel()))
    case("data behind", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel(behind=b"x"))
    case("zeros behind", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel(behind=bytes(22)))
    case("comment", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel(comment=b"hello"))
    case("zip in the comment", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel(comment=pack(entries(FILES))))
    case("comment of a member", Fault.ARCHIVE_AMBIGUOUS, lambda: changed(comment=b"PK\5\6"))
    case("data between", Fault.ARCHIVE_AMBIGUOUS, lambda: changed(behind=b"x"))
    case("data before the directory", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel(before_directory=b"x"))
    case("data before the end", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel(before_end=b"x"))
    case(
        "member not in the directory", Fault.ARCHIVE_AMBIGUOUS, lambda: changed(in_directory=False)
    )
    case("two members, same data", Fault.ARCHIVE_AMBIGUOUS, overlapping)
    case("member within a member", Fault.ARCHIVE_AMBIGUOUS, quoted)
    case("tar too", Fault.ARCHIVE_AMBIGUOUS, zip_and_tar)
    case("second name in a field", Fault.ARCHIVE_AMBIGUOUS, second_name)
    # The directory against the members' own headers
    case("other name", Fault.ARCHIVE_AMBIGUOUS, lambda: changed(local_name=b"foo/y.py"))
    for field in ("size", "packed", "crc", "method"):
        case(
            f"other {field}", Fault.ARCHIVE_AMBIGUOUS, lambda field=field: changed(local={field: 5})
        )
    case("other flags", Fault.ARCHIVE_AMBIGUOUS, lambda: changed(local={"flags": STREAMED}))
    case("no header", Fault.ARCHIVE_BROKEN, lambda: changed(local={"magic": b"PK\3\5"}))
    case("no entry", Fault.ARCHIVE_BROKEN, lambda: changed(central={"magic": b"PK\1\3"}))
    case("stored, two sizes", Fault.ARCHIVE_AMBIGUOUS,
         lambda: changed(method=STORED, local={"size": 5}, central={"size": 5}))  # fmt: skip
    case("streamed", None, lambda: descriptor("<3L"))
    case("streamed, no magic", None, lambda: descriptor("<3L", magic=False))
    case("streamed, large", None, lambda: descriptor("<L2Q"))
    case("streamed, wrong", Fault.ARCHIVE_AMBIGUOUS, lambda: descriptor("<3L", crc=1))
    case("streamed, nothing follows", Fault.ARCHIVE_AMBIGUOUS, lambda: changed(flags=STREAMED))
    # Offsets and counts
    for name, offset in ({"behind the end": 10**6, "negative": FULL, "of another": 0}).items():
        case(
            f"offset {name}",
            Fault.ARCHIVE_AMBIGUOUS,
            lambda o=offset: changed(central={"offset": o}),
        )
    case("directory elsewhere", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel(end={"start": 0}))
    case("directory longer", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel(end={"length": 1}))
    case("fewer entries said", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel(end={"count": 2, "here": 2}))
    case("more entries said", Fault.ARCHIVE_BROKEN, lambda: wheel(end={"count": 9, "here": 9}))
    case("second disk", Fault.ARCHIVE_BROKEN, lambda: wheel(end={"disk": 1, "first_disk": 1}))
    case("member on a second disk", Fault.ARCHIVE_BROKEN, lambda: changed(central={"disk": 1}))
    case("field too long", Fault.ARCHIVE_BROKEN, lambda: changed(extra=b"\1\0\xff\xff1234"))
    case("empty", Fault.ARCHIVE_WRONG_FORMAT, lambda: pack([]))
    # zip64
    case("large end", None, zip64)
    case("large end, other count", Fault.ARCHIVE_AMBIGUOUS, lambda: zip64(count=3))
    case("large end, endless count", Fault.ARCHIVE_TOO_LARGE, lambda: zip64(count=2**63))
    case("large end, other start", Fault.ARCHIVE_AMBIGUOUS, lambda: zip64(start=0))
    case("large end elsewhere", Fault.ARCHIVE_AMBIGUOUS, lambda: zip64(at=0))
    case("large end, longer", Fault.ARCHIVE_BROKEN, lambda: zip64(rest=45))
    case("large end, disks", Fault.ARCHIVE_AMBIGUOUS, lambda: zip64(disks=2))
    case("two ends disagree", Fault.ARCHIVE_AMBIGUOUS,
         lambda: wheel(before_end=end_64(3, 0, 0, at=len(wheel()) - 22)))  # fmt: skip
    case("large member", None, zip64_member)
    case("large member, endless", Fault.ARCHIVE_TOO_LARGE, lambda: zip64_member(2**63))
    case("large member, no sizes", Fault.ARCHIVE_BROKEN, lambda: zip64_member(field=b""))
    case("large member, sizes twice", Fault.ARCHIVE_AMBIGUOUS,
         lambda: changed(extra=extra(1, bytes(16)) * 2))  # fmt: skip
    # Data
    case("wrong checksum", Fault.ARCHIVE_BROKEN,
         lambda: changed(local={"crc": 5}, central={"crc": 5}))  # fmt: skip
    data = deflate(b"content " * 8)
    case("data cut short", Fault.ARCHIVE_BROKEN, lambda: changed(data=data[:-3]))
    case("data damaged", Fault.ARCHIVE_BROKEN, lambda: changed(data=b"\xff" * 20))
    case("data behind the data", Fault.ARCHIVE_AMBIGUOUS, lambda: changed(data=data + b"x"))
    case(
        "member longer",
        Fault.ARCHIVE_AMBIGUOUS,
        lambda: wheel(Entry("foo/x.py", b"content " * 7, data=data)),
    )
    case(
        "member shorter",
        Fault.ARCHIVE_BROKEN,
        lambda: wheel(Entry("foo/x.py", b"content " * 9, data=data)),
    )
    case("cut short", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel()[:-1])
    # What installers can't read
    for name, flag in {"encrypted": 1, "strongly encrypted": 0x40, "hidden": 0x2000}.items():
        case(name, Fault.MEMBER_ENCRYPTED, lambda flag=flag: changed(flags=flag))
    for name, method in {"bzip2": 12, "lzma": 14, "deflate64": 9, "unknown": 99}.items():
        case(f"method {name}", Fault.MEMBER_COMPRESSION, lambda m=method: changed(method=m))
    # Names
    names = {
        "traversal": "../x.py", "traversal within": "foo/../../x.py", "absolute": "/etc/x",
        "drive": "C:/x", "drive, relative": "c:x", "backslashes": "a\\..\\..\\x",
        "share": "\\\\host\\x", "control": "foo/\x1b[1m", "more control": "foo/\x85", "nul": "foo/x\0.py",
        "too long": "foo/" + "x" * 1024, "too deep": "d/" * 70 + "x",
    }  # fmt: skip
    for name, path in names.items():
        case(f"name: {name}", Fault.MEMBER_UNSAFE, lambda path=path: named(path))
    case("name: not UTF-8", Fault.MEMBER_UNSAFE, lambda: named(b"foo/\xff.py"))
    case("name: some other encoding", Fault.MEMBER_UNSAFE, lambda: named(b"foo/\xe4.py", 0))
    case("name: UTF-8", None, lambda: named("foo/ä.py"))
    case("name below a file", Fault.MEMBER_UNSAFE, lambda: named(f"{INIT}/x.py"))
    case("name twice", Fault.MEMBER_DUPLICATE, lambda: named(INIT))
    case(
        "name twice, spelled otherwise", Fault.MEMBER_DUPLICATE, lambda: named("foo/./__init__.py")
    )
    case("name as a file and as a folder", Fault.MEMBER_DUPLICATE,
         lambda: pack([*entries(FILES), Entry(f"{INIT}/")]))  # fmt: skip
    # Taken: data files differ in case alone on systems that can, and people ship them.
    case("name twice but for case", None, lambda: named("foo/__INIT__.py"))
    # Taken, for the same reason.
    case("name twice but for its normal form", None,
         lambda: wheel(Entry("foo/\xe4", flags=UTF8), Entry("foo/a\u0308", flags=UTF8)))  # fmt: skip
    case("link", Fault.MEMBER_KIND, lambda: of_mode(0o120777))
    case("device", Fault.MEMBER_KIND, lambda: of_mode(0o020666))
    case("pipe", Fault.MEMBER_KIND, lambda: of_mode(0o010666))
    case("folder with content", Fault.ARCHIVE_AMBIGUOUS, lambda: wheel(Entry("foo/d/", b"x")))
    # Bombs
    case("bomb: one member", Fault.ARCHIVE_TOO_LARGE, bomb_member)
    case("bomb: metadata", Fault.METADATA_TOO_LARGE,
         lambda: with_file(f"{INFO}/METADATA", bytes(bounds.MAX_METADATA + 1)))  # fmt: skip
    case("bomb: record", Fault.METADATA_TOO_LARGE,
         lambda: with_file(f"{INFO}/RECORD", b"\n" * (bounds.MAX_RECORD + 1)))  # fmt: skip
    case("bomb: lines of a record", Fault.RECORD_INVALID,
         lambda: with_file(f"{INFO}/RECORD", b",\n" * (bounds.MAX_RECORD // 2)))  # fmt: skip
    # Taken: the description is long, and that is all.
    case("bomb: longest metadata", None, longest_metadata)
    case("bomb: wheel file", Fault.METADATA_TOO_LARGE,
         lambda: with_file(f"{INFO}/WHEEL", bytes(bounds.MAX_SMALL_FILE + 1)))  # fmt: skip
    case("bomb: entry points", Fault.METADATA_TOO_LARGE,
         lambda: with_file(f"{INFO}/entry_points.txt", bytes(bounds.MAX_SMALL_FILE + 1)))  # fmt: skip
    case("bomb: sections of entry points", None,
         lambda: with_file(f"{INFO}/entry_points.txt",
                           b"".join(b"[%d]\na=b\n" % n for n in range(60_000))))  # fmt: skip
    case("bomb: it lies", Fault.ARCHIVE_AMBIGUOUS, bomb_that_lies)
    case("bomb: many members", Fault.ARCHIVE_TOO_LARGE,
         lambda: many_members(bounds.MAX_MEMBERS + 1))  # fmt: skip
    # Taken: it is within all bounds.
    case("bomb: most members", None, most_members)
    case("bomb: long directory", Fault.ARCHIVE_TOO_LARGE, long_directory)
    # Taken: nothing here unpacks an archive within an archive, nor does an installer.
    case("bomb: nested", None, nested)


def _wheels() -> None:
    def case(name: str, fault: Fault | None, content: Callable[[], bytes]) -> None:
        _case(f"wheel {name}", WHEEL, fault, content)

    record = f"{INFO}/RECORD"
    init = _sha256(FILES[INIT])
    case("no record", Fault.METADATA_MISSING, lambda: with_file(record, None))
    case("empty record", Fault.RECORD_INVALID, lambda: with_file(record, b""))
    case("record lacks a member", Fault.RECORD_INVALID,
         lambda: with_file("foo/evil.pth", b"import os", record=False))  # fmt: skip
    case("record has too much", Fault.RECORD_INVALID, lambda: recorded(INIT, "foo/gone.py"))
    case("record with a path", Fault.RECORD_INVALID, lambda: recorded(INIT, f"../{INIT}"))
    case("record with another digest", Fault.RECORD_INVALID,
         lambda: recorded(init, _sha256(b"other")))  # fmt: skip
    case("record with a weak digest", Fault.RECORD_INVALID, lambda: recorded("sha256=", "md5="))
    case("record without a digest", Fault.RECORD_INVALID, lambda: recorded(f"sha256={init}", ""))
    case("record with another size", Fault.RECORD_INVALID, lambda: recorded(",20\n", ",21\n"))
    case("record with no number", Fault.RECORD_INVALID, lambda: recorded(",20\n", ",-1\n"))
    case("record with a line twice", Fault.RECORD_INVALID,
         lambda: with_file(record, FILES[record] * 2))  # fmt: skip
    case("record of quotes", Fault.RECORD_INVALID, lambda: with_file(record, b'"' * 100_001))
    case("record of one line", Fault.RECORD_INVALID, lambda: with_file(record, b"x" * 10**6))
    case("record not UTF-8", Fault.RECORD_INVALID, lambda: with_file(record, b"\xff\xfe"))
    case("record is a folder", Fault.METADATA_MISSING,
         lambda: pack([*entries({p: c for p, c in FILES.items() if p != record}),
                       Entry(f"{record}/x", b"")]))  # fmt: skip
    case("two folders", Fault.DIST_INFO_INVALID,
         lambda: pack(entries(FILES | {"bar-1.0.dist-info/METADATA": METADATA})))  # fmt: skip
    case("no folder", Fault.DIST_INFO_INVALID, lambda: pack([Entry(INIT)]))
    case("of the next version", Fault.WHEEL_FILE_INVALID,
         lambda: with_file(f"{INFO}/WHEEL", b"Wheel-Version: 2.0\n"))  # fmt: skip
    case("of many tags", Fault.WHEEL_FILE_INVALID,
         lambda: with_file(f"{INFO}/WHEEL", b"Wheel-Version: 1.0\nTag: "
                           + b"-".join([b".".join([b"a"] * 60_000)] * 3)))  # fmt: skip
    case("script with a path", Fault.ENTRY_POINTS_INVALID, lambda: scripts("../../bin/sh = foo:x"))
    case("script, absolute", Fault.ENTRY_POINTS_INVALID, lambda: scripts("/bin/sh = foo:x"))
    case("script with backslashes", Fault.ENTRY_POINTS_INVALID, lambda: scripts("..\\sh = foo:x"))
    case("entry points that are none", Fault.ENTRY_POINTS_INVALID, lambda: scripts("nothing"))


def _tars() -> None:
    def case(name: str, fault: Fault | None, content: Callable[[], bytes]) -> None:
        _case(f"tar {name}", SDIST, fault, content)

    case("good", None, tar_gz)
    names = {
        "traversal": "foo-1.0/../../x", "absolute": "/etc/x", "drive": "C:/x",
        "backslashes": "foo-1.0\\..\\..\\x", "control": "foo-1.0/\x1b", "not UTF-8": "foo-1.0/\udcff",
        "too long": "foo-1.0/" + "x" * 1024, "too deep": "foo-1.0/" + "d/" * 70 + "x",
    }  # fmt: skip
    for name, path in names.items():
        header = member(path).tobuf(tarfile.GNU_FORMAT, errors="surrogateescape")
        case(f"name: {name}", Fault.MEMBER_UNSAFE, lambda header=header: tar_gz(header))
    case("name: NUL in a record", Fault.MEMBER_UNSAFE, lambda: extended("path", b"foo-1.0/x\0y"))
    links = {
        "absolute": "/etc/passwd", "out": "../x", "far out": "../../../x", "detour": "d/../../x",
        "inner detour": "d/..", "drive": "C:x", "backslashes": "..\\x", "control": "x\x1b",
        "too long": "x" * 1025,
    }  # fmt: skip
    for name, target in links.items():
        case(f"link: {name}", Fault.MEMBER_KIND, lambda target=target: link("foo-1.0/l", target))
    case("link: empty", None, lambda: link("foo-1.0/l", "."))
    case("link for the top folder", Fault.MEMBER_UNSAFE, lambda: link("foo-1.0", "foo-1.0"))
    case("link within", None, lambda: link("foo-1.0/d/l", "../PKG-INFO"))
    case("link to another top", Fault.MEMBER_KIND, lambda: link("foo-1.0/l", "../bar-1.0/x"))
    for name, target in {"out": "../x", "absolute": "/etc/passwd", "elsewhere": "bar/x"}.items():
        case(f"hard link: {name}", Fault.MEMBER_KIND,
             lambda target=target: link("foo-1.0/l", target, tarfile.LNKTYPE))  # fmt: skip
    case("member below a link", Fault.MEMBER_UNSAFE,
         lambda: tar_gz((member("foo-1.0/l", tarfile.SYMTYPE, "d"), b""),
                        (member("foo-1.0/l/x"), b"x")))  # fmt: skip
    case("member below a file", Fault.MEMBER_UNSAFE,
         lambda: tar_gz((member("foo-1.0/PKG-INFO/x"), b"x")))  # fmt: skip
    types = {
        "character device": tarfile.CHRTYPE, "block device": tarfile.BLKTYPE,
        "pipe": tarfile.FIFOTYPE, "unknown": b"Z", "dump": b"D", "volume": b"V",
    }  # fmt: skip
    for name, kind in types.items():
        case(f"type: {name}", Fault.MEMBER_KIND, lambda kind=kind: of_type(kind))
    sparse = raw_header(member("foo-1.0/x", tarfile.GNUTYPE_SPARSE),
                        magic=(257, b"ustar  \0"), real=(483, b"00000001000\0"))  # fmt: skip
    case("type: sparse", Fault.MEMBER_KIND, lambda: tar_gz(sparse))
    case("type: sparse by a record", Fault.MEMBER_KIND,
         lambda: tar_gz(pax(pax_record("GNU.sparse.major", b"0")
                            + pax_record("GNU.sparse.minor", b"1")
                            + pax_record("GNU.sparse.map", b"0,1")
                            + pax_record("GNU.sparse.size", b"99999999999")),
                        (member("foo-1.0/x"), b"x")))  # fmt: skip
    # Records of extended headers
    case("record: comment", None, lambda: extended("comment", b"hello"))
    case("record: size", Fault.ARCHIVE_AMBIGUOUS, lambda: extended("size", b"7"))
    case("record: other size", Fault.ARCHIVE_AMBIGUOUS, lambda: extended("size", b"0"))
    case("record: no size", Fault.ARCHIVE_AMBIGUOUS, lambda: extended("size", b"x"))
    for key in ("path", "linkpath", "size"):
        case(f"record for all: {key}", Fault.ARCHIVE_AMBIGUOUS,
             lambda key=key: extended(key, b"512" if key == "size" else b"foo-1.0/x",
                                      tarfile.XGLTYPE))  # fmt: skip
    # Taken: git archive writes one.
    case("record for all: comment", None, lambda: extended("comment", b"0" * 40, tarfile.XGLTYPE))
    case("record: too long", Fault.ARCHIVE_TOO_LARGE,
         lambda: extended("comment", b"x" * (2 * bounds.MAX_TAR_HEADER)))  # fmt: skip
    case("record: length is none", Fault.ARCHIVE_BROKEN,
         lambda: tar_gz(pax(b"zz path=x\n"), (member("foo-1.0/x"), b"")))  # fmt: skip
    case("record: length of zero", Fault.ARCHIVE_BROKEN,
         lambda: tar_gz(pax(b"0 path=x\n"), (member("foo-1.0/x"), b"")))  # fmt: skip
    case("record: length too long", Fault.ARCHIVE_BROKEN,
         lambda: tar_gz(pax(b"99999 path=x\n"), (member("foo-1.0/x"), b"")))  # fmt: skip
    # Structure
    case("empty", Fault.TOP_FOLDER_INVALID, lambda: gzip.compress(bytes(10240)))
    case("two tops", Fault.TOP_FOLDER_INVALID, lambda: tar_gz((member("bar-1.0/x"), b"")))
    case("loose file", Fault.TOP_FOLDER_INVALID, lambda: tar_gz((member("x"), b"")))
    case("metadata twice", Fault.MEMBER_DUPLICATE, pkg_info_twice)
    case("metadata is a link", Fault.MEMBER_DUPLICATE, lambda: link("foo-1.0/PKG-INFO", "x"))
    # Taken: tools pack files twice, and everybody unpacks the last one.
    case("member twice", None, lambda: tar_gz((member("foo-1.0/pyproject.toml"), b"")))
    case("damaged header", Fault.ARCHIVE_BROKEN, bad_checksum)
    case("second tar behind the end", Fault.ARCHIVE_BROKEN, lambda: gzip.compress(TAR + TAR))
    case("cut short", Fault.ARCHIVE_BROKEN, lambda: gzip.compress(OPEN_TAR[:-700]))
    # Sizes
    for name, octal in {"exabytes": b"\x80" + b"\0" * 3 + b"\x7f" * 8, "negative": b"\xff" * 12,
                        "8 GiB": b"77777777777\0"}.items():  # fmt: skip
        fault = Fault.ARCHIVE_BROKEN if name == "negative" else Fault.ARCHIVE_TOO_LARGE
        header = raw_header(member("foo-1.0/x"), size=(124, octal))
        case(f"size: {name}", fault, lambda header=header: tar_gz(header))
    case("size: no number", Fault.ARCHIVE_BROKEN,
         lambda: tar_gz(raw_header(member("foo-1.0/x"), size=(124, b"no number"))))  # fmt: skip
    # The gzip stream
    case("gzip: two streams", Fault.ARCHIVE_AMBIGUOUS,
         lambda: gzip.compress(TAR) + gzip.compress(TAR))  # fmt: skip
    case("gzip: one stream in two parts", Fault.ARCHIVE_BROKEN,
         lambda: gzip.compress(TAR[:1000]) + gzip.compress(TAR[1000:]))  # fmt: skip
    case("gzip: data behind", Fault.ARCHIVE_AMBIGUOUS, lambda: tar_gz() + b"x")
    # Taken: tapes have blocks, and gzip itself takes zeros behind the end.
    case("gzip: zeros behind", None, lambda: tar_gz() + bytes(1000))
    case("gzip: cut short", Fault.ARCHIVE_BROKEN, lambda: tar_gz()[:-20])
    case("gzip: without its end", Fault.ARCHIVE_BROKEN, lambda: tar_gz()[:-8])
    case("gzip: wrong checksum", Fault.ARCHIVE_BROKEN, lambda: replaced(tar_gz(), -8, b"\1\2\3\4"))
    case("gzip: wrong length", Fault.ARCHIVE_BROKEN, lambda: replaced(tar_gz(), -4, b"\1\2\3\4"))
    case("gzip: unknown method", Fault.ARCHIVE_BROKEN, lambda: replaced(tar_gz(), 2, b"\7"))
    case("gzip: unknown flags", Fault.ARCHIVE_BROKEN, lambda: replaced(tar_gz(), 3, b"\xe0"))
    # Taken: nobody looks at the name in there.
    case("gzip: a long name", None, lambda: with_gzip_name(10**6))
    case("gzip: no tar in it", Fault.ARCHIVE_BROKEN, lambda: gzip.compress(b"text" * 1000))
    case("gzip: a zip too", Fault.ARCHIVE_AMBIGUOUS, lambda: tar_gz() + wheel())
    # Bombs
    case("bomb: one member", Fault.ARCHIVE_TOO_LARGE,
         lambda: tar_gz((member("foo-1.0/zeros"), bytes(ZEROS))))  # fmt: skip
    case("bomb: metadata", Fault.METADATA_TOO_LARGE,
         lambda: build.pack_tar_gz(
             build.sdist_files("foo", "1.0", bytes(bounds.MAX_METADATA + 1))))  # fmt: skip
    case("bomb: behind the end", Fault.ARCHIVE_TOO_LARGE, lambda: gzip.compress(TAR + bytes(ZEROS)))
    case("bomb: many members", Fault.ARCHIVE_TOO_LARGE,
         lambda: tar_gz(member("foo-1.0/x").tobuf() * (bounds.MAX_MEMBERS + 1), level=1))  # fmt: skip
    case("bomb: long names", Fault.ARCHIVE_TOO_LARGE, long_names)
    case("bomb: headers of headers", Fault.ARCHIVE_TOO_LARGE, lambda: gnu_long_names(5000))
    case("bomb: fewer headers of headers", Fault.ARCHIVE_BROKEN, lambda: gnu_long_names(900))
    # Taken: nothing here unpacks it.
    case("bomb: nested", None,
         lambda: tar_gz((member("foo-1.0/x.gz"), gzip.compress(bytes(ZEROS)))))  # fmt: skip


_zips()
_wheels()
_tars()
