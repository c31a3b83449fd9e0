"""The metadata file out of a wheel or an sdist, read where the archive lies; nothing is extracted.

An archive is first listed, then checked, then its metadata file is read. The checks are the small
functions in `MEMBER_CHECKS` (each sees one member, as it is met), `WHEEL_CHECKS` and `SDIST_CHECKS`
(each sees the whole listing): another check is another function in one of these tuples.

Whatever the archive's bytes are, the work is bounded. The bounds are far above what published files
need:

- the metadata file: `MAX_METADATA`;
- members: `MAX_MEMBERS`, each with a path of at most `MAX_PATH`;
- a zip's central directory: `MAX_DIRECTORY`, since it is held in memory as a whole;
- what a tar unpacks to while it is listed: `MAX_UNPACKED`, and beyond `RATIO_FREE` no more than
  `MAX_RATIO` times its compressed size;
- a tar member's headers, which may carry extended ones that are held in memory: `MAX_TAR_HEADER`.

Standards: the packaging user guide's "Binary distribution format" (PEP 427, "File contents") and
"Source distribution format" (PEP 517, PEP 643); APPNOTE.TXT for zip, pax in POSIX.1-2001 for tar.
"""

import gzip
import io
import os
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

from pypi_lite.distributions.errors import DistributionFault, InvalidDistribution, shown
from pypi_lite.distributions.filename import (
    DistributionFilename,
    PackageType,
    Reading,
    stem_readings,
)

KIB, MIB, GIB = 2**10, 2**20, 2**30

MAX_METADATA = 16 * MIB
MAX_MEMBERS = 100_000
MAX_PATH = 1024
MAX_DIRECTORY = 16 * MIB
MAX_UNPACKED = 4 * GIB
MAX_RATIO = 100
RATIO_FREE = 64 * MIB
MAX_TAR_HEADER = MIB

_CHUNK = 64 * KIB
_TAR_BLOCK = 512
_ZIP_MAGIC = b"PK\x03\x04"
_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_ENCRYPTED = 0x1
_ZIP_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DRIVE = re.compile(r"[A-Za-z]:")
_DIST_INFO = ".dist-info"
_DIST_INFO_FILES = ("METADATA", "WHEEL", "RECORD")


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive, as the archive gives it; *size* is in bytes, unpacked."""

    path: str
    is_file: bool
    size: int
    encrypted: bool = False
    known_compression: bool = True

    @property
    def parts(self) -> tuple[str, ...]:
        """The path in pieces, without those that mean nothing: ``./a//b/`` is a, b."""
        return tuple(part for part in self.path.split("/") if part not in ("", "."))


Members = Sequence[Member]
MemberCheck = Callable[[Member], None]
ListingCheck = Callable[[Members, DistributionFilename], None]


def read_metadata(path: str | os.PathLike[str], filename: DistributionFilename) -> bytes:
    """The content of METADATA or PKG-INFO in the archive at *path*, which is called *filename*.

    Raises InvalidDistribution for an archive that is not what its name says, that fails a check or
    that exceeds a bound, and OSError only if the file itself cannot be opened.
    """
    with open(path, "rb") as file, _hostile_input():
        if filename.filename.endswith(".tar.gz"):
            return _read_tar_gz(file, filename)
        return _read_zip(file, filename)


@contextmanager
def _hostile_input() -> Iterator[None]:
    """Turn whatever broken bytes make the standard library raise into InvalidDistribution.

    Its parsers promise no set of exceptions: besides their own errors, fuzzing found EOFError,
    zlib.error, OSError, NotImplementedError and IndexError.
    """
    try:
        yield
    except InvalidDistribution:
        raise
    except Exception as error:
        raise InvalidDistribution(
            DistributionFault.ARCHIVE_BROKEN,
            f"The archive is damaged ({shown(str(error))}); build and upload it again.",
        ) from error


# -- checks on one member


def check_path(member: Member) -> None:
    """A path stays below the folder that the archive is unpacked to, on every system."""
    path = member.path
    pieces = path.replace("\\", "/").split("/")
    if (
        not member.parts
        or len(path) > MAX_PATH
        or _CONTROL.search(path)
        or pieces[0] == ""
        or ".." in pieces
        or _DRIVE.match(path)
    ):
        raise InvalidDistribution(
            DistributionFault.MEMBER_UNSAFE,
            f"The archive has a member called {shown(path)}: paths must be relative, without"
            f' ".." and control characters, and of at most {MAX_PATH} characters.',
        )


def check_not_encrypted(member: Member) -> None:
    """Nobody asks an installer for a password."""
    if member.encrypted:
        raise InvalidDistribution(
            DistributionFault.MEMBER_ENCRYPTED,
            f"The archive's member {shown(member.path)} is encrypted; pack it without a password.",
        )


def check_compression(member: Member) -> None:
    """Installers read stored and deflated members only."""
    if not member.known_compression:
        raise InvalidDistribution(
            DistributionFault.MEMBER_COMPRESSION,
            f"The archive's member {shown(member.path)} is neither stored nor deflated;"
            " pack it with deflate.",
        )


MEMBER_CHECKS: tuple[MemberCheck, ...] = (check_path, check_not_encrypted, check_compression)


# -- checks on a wheel's listing


def check_one_dist_info(members: Members, filename: DistributionFilename) -> None:
    """One ``{name}-{version}.dist-info`` at the top, and it is the filename's (PEP 427)."""
    folder = _dist_info(members)
    if Reading(filename.project, filename.version) not in stem_readings(
        folder.removesuffix(_DIST_INFO)
    ):
        raise InvalidDistribution(
            DistributionFault.DIST_INFO_INVALID,
            f"The wheel's folder {shown(folder)} does not agree with its filename"
            f" {shown(filename.filename)}; do not rename wheels, build them again.",
        )


def check_dist_info_files(members: Members, filename: DistributionFilename) -> None:
    """The dist-info folder has the files that every wheel must have, each once (PEP 427)."""
    folder = _dist_info(members)
    for name in _DIST_INFO_FILES:
        _the_file(members, f"{folder}/{name}")


WHEEL_CHECKS: tuple[ListingCheck, ...] = (check_one_dist_info, check_dist_info_files)


# -- checks on an sdist's listing


def check_one_top_folder(members: Members, filename: DistributionFilename) -> None:
    """Everything lies in one folder (PEP 517, "Source distributions")."""
    _top_folder(members)


def check_pkg_info(members: Members, filename: DistributionFilename) -> None:
    """That folder has one PKG-INFO; those in egg-info folders below it do not count."""
    _the_file(members, f"{_top_folder(members)}/PKG-INFO")


SDIST_CHECKS: tuple[ListingCheck, ...] = (check_one_top_folder, check_pkg_info)


# -- what checks and readers both ask of a listing


def _dist_info(members: Members) -> str:
    folders = {m.parts[0] for m in members if m.parts[0].endswith(_DIST_INFO)}
    if len(folders) != 1:
        found = ", ".join(shown(folder) for folder in sorted(folders)[:2]) or "none"
        raise InvalidDistribution(
            DistributionFault.DIST_INFO_INVALID,
            f"A wheel has exactly one .dist-info folder at its top, this one has {len(folders)}"
            f" ({found}); build the wheel again.",
        )
    return folders.pop()


def _top_folder(members: Members) -> str:
    tops = {member.parts[0] for member in members}
    loose = any(len(member.parts) == 1 and member.is_file for member in members)
    if len(tops) != 1 or loose:
        found = ", ".join(shown(top) for top in sorted(tops)[:2]) or "nothing"
        raise InvalidDistribution(
            DistributionFault.TOP_FOLDER_INVALID,
            "A source distribution has exactly one folder, name-version, at its top, this one has"
            f" {found}; build it with a PEP 517 tool.",
        )
    return tops.pop()


def _the_file(members: Members, path: str) -> Member:
    """The one regular file at *path*: of two, installers may take either."""
    wanted = tuple(path.split("/"))
    found = [member for member in members if member.parts == wanted]
    if len(found) != 1 or not found[0].is_file:
        raise InvalidDistribution(
            DistributionFault.METADATA_MISSING,
            f"The archive must have one file {shown(path)}, it has {len(found) or 'none'}"
            f"{' that is no regular file' if len(found) == 1 else ''}; build it again.",
        )
    return found[0]


def _metadata_file(members: Members, filename: DistributionFilename) -> Member:
    if filename.packagetype is PackageType.BDIST_WHEEL:
        return _the_file(members, f"{_dist_info(members)}/METADATA")
    return _the_file(members, f"{_top_folder(members)}/PKG-INFO")


def _check_member(member: Member, number: int) -> None:
    if number > MAX_MEMBERS:
        raise _too_large(f"it has more than {MAX_MEMBERS} members")
    for check in MEMBER_CHECKS:
        check(member)


def _check_listing(members: Members, filename: DistributionFilename) -> None:
    is_wheel = filename.packagetype is PackageType.BDIST_WHEEL
    for check in WHEEL_CHECKS if is_wheel else SDIST_CHECKS:
        check(members, filename)


def _too_large(what: str) -> InvalidDistribution:
    return InvalidDistribution(
        DistributionFault.ARCHIVE_TOO_LARGE,
        f"The archive is too large: {what}; remove what is not needed and build it again.",
    )


def _read_bounded(file: IO[bytes], member: Member) -> bytes:
    """All of the metadata file *member*, opened as *file*, to its end and thus past its CRC."""
    content = bytearray()
    while chunk := file.read(_CHUNK):
        content += chunk
        if len(content) > MAX_METADATA:
            raise InvalidDistribution(
                DistributionFault.METADATA_TOO_LARGE,
                f"The metadata file {shown(member.path)} is too large:"
                f" {MAX_METADATA // MIB} MiB are allowed; shorten the description.",
            )
    if len(content) != member.size:
        raise InvalidDistribution(
            DistributionFault.ARCHIVE_BROKEN,
            f"The metadata file {shown(member.path)} ends too early; build and upload it again.",
        )
    return bytes(content)


# -- zip


class _CappedReads(io.RawIOBase):
    """A seekable file that refuses to hand out much at once.

    zipfile takes the central directory's size from the archive and reads that much in one go.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        if size > MAX_DIRECTORY:
            raise _too_large("its directory of members is too long")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _read_zip(file: BinaryIO, filename: DistributionFilename) -> bytes:
    _check_only_zip(file)
    with zipfile.ZipFile(_CappedReads(file)) as archive:
        members: list[Member] = []
        for info in archive.infolist():
            members.append(_zip_member(info))
            _check_member(members[-1], len(members))
        _check_listing(members, filename)
        wanted = _metadata_file(members, filename)
        with archive.open(archive.infolist()[members.index(wanted)]) as content:
            return _read_bounded(content, wanted)


def _zip_member(info: zipfile.ZipInfo) -> Member:
    return Member(
        # The name before zipfile cuts it at a NUL.
        path=info.orig_filename,
        is_file=not info.is_dir(),
        size=info.file_size,
        encrypted=bool(info.flag_bits & _ZIP_ENCRYPTED),
        known_compression=info.compress_type in _ZIP_COMPRESSIONS,
    )


def _check_only_zip(file: BinaryIO) -> None:
    """A zip from its first byte, and no tar: readers that go by content must not see another."""
    head = file.read(_TAR_BLOCK)
    if not head.startswith(_ZIP_MAGIC):
        raise InvalidDistribution(
            DistributionFault.ARCHIVE_WRONG_FORMAT,
            "The file is not a zip archive, as its name says; build and upload it again.",
        )
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return
    raise _ambiguous()


def _ambiguous() -> InvalidDistribution:
    return InvalidDistribution(
        DistributionFault.ARCHIVE_AMBIGUOUS,
        "The file can be read as a zip and as a tar archive; build it again as one of them.",
    )


# -- tar


class _Budget(io.RawIOBase):
    """The unpacked bytes of a tar, from front to back, as far as `allow` lets them out.

    tarfile reads a whole extended header into memory, however long it says it is. It therefore gets
    no more at a time than one member's content and one reasonable header.
    """

    def __init__(self, unpacked: gzip.GzipFile, total: int) -> None:
        self._unpacked = unpacked
        self._total = total
        self._allowed = 0

    def allow(self, size: int) -> None:
        """Let out *size* bytes from here on, whatever was left."""
        self._allowed = size

    def read(self, size: int = -1, /) -> bytes:
        if self._total <= 0:
            raise _too_large("it unpacks to too many bytes")
        if self._allowed <= 0:
            raise _too_large("a member's header is too long")
        chunk = self._unpacked.read(min(size, self._allowed, self._total))
        self._allowed -= len(chunk)
        self._total -= len(chunk)
        return chunk

    def readable(self) -> bool:
        return True


def _read_tar_gz(file: BinaryIO, filename: DistributionFilename) -> bytes:
    _check_only_gzip(file)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
        budget = _Budget(unpacked, min(MAX_UNPACKED, max(RATIO_FREE, MAX_RATIO * size)))
        budget.allow(MAX_TAR_HEADER)
        # "r|" goes forward only: tarfile's other modes may step back, and a step back in a gzip
        # stream is a new start.
        with tarfile.open(fileobj=budget, mode="r|") as archive:
            members, content = _list_tar(archive, budget)
            budget.allow(MAX_UNPACKED)
            _check_padding(archive)
    _check_listing(members, filename)
    return content[members.index(_metadata_file(members, filename))]


def _list_tar(archive: tarfile.TarFile, budget: _Budget) -> tuple[list[Member], dict[int, bytes]]:
    """The members, and the content of those that may be the metadata file by their number."""
    members: list[Member] = []
    content: dict[int, bytes] = {}
    while (info := archive.next()) is not None:
        member = Member(info.name, info.isreg() and not info.issparse(), info.size)
        _check_member(member, len(members) + 1)
        budget.allow(_ahead(archive) + MAX_TAR_HEADER)
        # A second one of these has a second top folder or is a duplicate: both are refused later.
        if member.is_file and member.parts[1:] == ("PKG-INFO",) and not content:
            content[len(members)] = _read_bounded(_opened(archive, info), member)
        members.append(member)
        _forget(archive)
    return members, content


def _ahead(archive: tarfile.TarFile) -> int:
    """How many bytes the next header lies ahead.

    It is checked here, since tarfile skips by reading block after block, also behind the end of the
    file: a header that claims some exabytes would keep it busy for years.
    """
    assert archive.fileobj is not None
    ahead = archive.offset - archive.fileobj.tell()
    if not 0 <= ahead <= MAX_UNPACKED:
        raise _too_large("a member claims an impossible size")
    return ahead


def _opened(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    opened = archive.extractfile(info)
    if opened is None:
        raise tarfile.ReadError("not a regular file")
    return opened


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
            raise InvalidDistribution(
                DistributionFault.ARCHIVE_BROKEN,
                "The archive is damaged: it goes on behind its end; build and upload it again.",
            )


def _check_only_gzip(file: BinaryIO) -> None:
    """A gzip stream and no zip. pip, for one, unpacks any file as a zip that zipfile accepts."""
    if file.read(len(_GZIP_MAGIC)) != _GZIP_MAGIC:
        raise InvalidDistribution(
            DistributionFault.ARCHIVE_WRONG_FORMAT,
            "The file is not a gzip compressed tar archive, as its name says;"
            " build and upload it again.",
        )
    if zipfile.is_zipfile(file):
        raise _ambiguous()
