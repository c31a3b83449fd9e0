"""The members of an archive, and what is checked of each of them and of all, whatever packed them.

The checks are the small functions in `MEMBER_CHECKS`; each sees one member, as it is met.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from pypi_lite.distributions import bounds
from pypi_lite.distributions.errors import DistributionFault, InvalidDistribution, shown

# Control characters, and what is no UTF-8: the parsers make lone surrogates of that.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")


class Kind(Enum):
    """What a member is once it is unpacked."""

    FILE = auto()
    FOLDER = auto()
    SYMBOLIC_LINK = auto()
    HARD_LINK = auto()
    #: A device, a pipe, a file with holes, or of a type that no standard has.
    SPECIAL = auto()


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive, as the archive gives it; *size* is in bytes, unpacked."""

    path: str
    kind: Kind
    size: int
    #: Where a link leads.
    target: str = ""

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return self.kind is Kind.FILE

    @property
    def parts(self) -> tuple[str, ...]:
        """The path in pieces, without those that mean nothing: ``./a//b/`` is a, b."""
        return _parts(self.path)

    @property
    def clean_path(self) -> str:
        """The one spelling of its path."""
        return "/".join(self.parts)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part not in ("", "."))


MemberCheck = Callable[[Member], None]


# -- checks on one member


def check_path(member: Member) -> None:
    """A path stays below the folder that the archive is unpacked to, on every system."""
    path = member.path
    pieces = path.replace("\\", "/").split("/")
    if (
        len(path) > bounds.MAX_PATH
        or len(pieces) > bounds.MAX_DEPTH
        or not (member.parts or member.kind is Kind.FOLDER)
        or _UNPRINTABLE.search(path)
        or pieces[0] == ""
        or ".." in pieces
        or _DRIVE.match(path)
    ):
        raise InvalidDistribution(
            DistributionFault.MEMBER_UNSAFE,
            f"The archive has a member called {shown(path)}: paths must be relative UTF-8, without"
            f' ".." and control characters, of at most {bounds.MAX_PATH} characters and'
            f" {bounds.MAX_DEPTH} folders.",
        )


def check_kind(member: Member) -> None:
    """Files, folders and links; nothing else has a place in a distribution."""
    if member.kind is Kind.SPECIAL:
        raise InvalidDistribution(
            DistributionFault.MEMBER_KIND,
            f"The archive's member {shown(member.path)} is a device, a pipe, a sparse file or of an"
            " unknown type; pack regular files only.",
        )


def check_link(member: Member) -> None:
    """A link leads to a place within its own top folder, and says so without a detour.

    A symbolic link's target is relative to its own folder, a hard link's to the archive's.
    """
    if member.kind not in (Kind.SYMBOLIC_LINK, Kind.HARD_LINK):
        return
    here = member.parts[:-1] if member.kind is Kind.SYMBOLIC_LINK else ()
    way = _parts(member.target)
    up = next((number for number, part in enumerate(way) if part != ".."), len(way))
    place = here[: max(0, len(here) - up)] + way[up:]
    stays = (
        up <= len(here)
        and place[:1] == member.parts[:1]
        # Behind another link ".." is not the folder above.
        and ".." not in place
        and len(member.target) <= bounds.MAX_PATH
        and not member.target.startswith("/")
        and "\\" not in member.target
        and not _DRIVE.match(member.target)
        and not _UNPRINTABLE.search(member.target)
    )
    if not stays:
        raise InvalidDistribution(
            DistributionFault.MEMBER_KIND,
            f"The archive's link {shown(member.path)} leads to {shown(member.target)}: links must"
            " stay within the archive's own folder; pack the file itself.",
        )


MEMBER_CHECKS: tuple[MemberCheck, ...] = (check_path, check_kind, check_link)


class Listing:
    """All members of an archive, checked one by one, and found by their path."""

    def __init__(self, members: Iterable[Member]) -> None:
        """Check *members* as they come. Raises InvalidDistribution."""
        self.members: list[Member] = []
        #: By `Member.clean_path`. Of several the last: it is what unpacking leaves.
        self.by_path: dict[str, Member] = {}
        #: Paths that more than one member has, folders aside.
        self.repeated: set[str] = set()
        for member in members:
            self._add(member)
        self._check_ancestors()

    def _add(self, member: Member) -> None:
        if len(self.members) >= bounds.MAX_MEMBERS:
            raise too_large(f"it has more than {bounds.MAX_MEMBERS} members")
        for check in MEMBER_CHECKS:
            check(member)
        self.members.append(member)
        path = member.clean_path
        known = self.by_path.get(path)
        if known is not None and not (known.kind is member.kind is Kind.FOLDER):
            self.repeated.add(path)
        self.by_path[path] = member

    def _check_ancestors(self) -> None:
        """What is packed below a path is packed below a folder: below a link it could lead out."""
        for path in self.by_path:
            for folder in _ancestors(path):
                if folder in self.by_path and self.by_path[folder].kind is not Kind.FOLDER:
                    raise InvalidDistribution(
                        DistributionFault.MEMBER_UNSAFE,
                        f"The archive's member {shown(path)} lies below {shown(folder)}, which is"
                        " no folder; build it again.",
                    )

    @property
    def files(self) -> dict[str, Member]:
        """The regular files."""
        return {path: member for path, member in self.by_path.items() if member.is_file}

    @property
    def unpacked(self) -> int:
        """Bytes of all members."""
        return sum(member.size for member in self.members)

    def the_file(self, path: str) -> Member:
        """The one regular file at *path*: of two, installers may take either."""
        member = self.by_path.get(path)
        if path in self.repeated:
            raise repeated(path)
        if member is None or not member.is_file:
            found = "it has none" if member is None else "what it has there is no regular file"
            raise InvalidDistribution(
                DistributionFault.METADATA_MISSING,
                f"The archive must have a file {shown(path)}, {found}; build it again.",
            )
        return member


def check_unpacked(unpacked: int, size: int) -> None:
    """An archive of *size* bytes does not pretend to be *unpacked* bytes, or it is a bomb."""
    if unpacked > bounds.most_unpacked(size):
        raise too_large(
            f"its {size} bytes unpack to {unpacked}, more than {bounds.MAX_RATIO} times as many"
        )


def too_large(what: str) -> InvalidDistribution:
    """The error for an archive that exceeds a bound."""
    return InvalidDistribution(
        DistributionFault.ARCHIVE_TOO_LARGE,
        f"The archive is too large: {what}; remove what is not needed and build it again.",
    )


def repeated(path: str) -> InvalidDistribution:
    """The error for two members with one path."""
    return InvalidDistribution(
        DistributionFault.MEMBER_DUPLICATE,
        f"The archive has {shown(path)} more than once, and nobody knows which one counts;"
        " build it again.",
    )


def ambiguous(what: str) -> InvalidDistribution:
    """The error for bytes of which two readers may see different things."""
    return InvalidDistribution(
        DistributionFault.ARCHIVE_AMBIGUOUS,
        f"The archive can be read in more than one way: {what}; build it again.",
    )


def damaged(what: str) -> InvalidDistribution:
    """The error for bytes that nobody can read."""
    return InvalidDistribution(
        DistributionFault.ARCHIVE_BROKEN,
        f"The archive is damaged ({what}); build and upload it again.",
    )


def read_bounded(chunks: Iterable[bytes], member: Member, most: int) -> bytes:
    """All of *member*, which is no more than *most* bytes. Raises InvalidDistribution."""
    content = bytearray()
    if member.size <= most:
        for chunk in chunks:
            content += chunk
            if len(content) > most:
                break
    if max(len(content), member.size) > most:
        raise InvalidDistribution(
            DistributionFault.METADATA_TOO_LARGE,
            f"The file {shown(member.path)} in the archive is too large: {most // bounds.MIB} MiB"
            " are allowed; make it shorter.",
        )
    if len(content) != member.size:
        raise damaged(f"{shown(member.path)} ends too early")
    return bytes(content)


def _ancestors(path: str) -> Iterator[str]:
    """``a/b`` and ``a`` of ``a/b/c``."""
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)
