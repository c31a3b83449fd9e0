"""What a wheel has to have beside its metadata: WHEEL, RECORD, and what they and METADATA promise.

`LISTING_CHECKS` need the names alone, `CONTENT_CHECKS` read files too and come last: another check is
another function in one of these tuples. The standards are the packaging user guide's "Binary
distribution format" (PEP 427), "Recording installed projects" (PEP 376, PEP 627) and "Entry points".
Real wheels decide where it is kept loosely:

- Platform tags in WHEEL are not compared with the filename's: people rename wheels when they know
  that one serves on more systems, and so did auditwheel once. Interpreter and ABI have to agree.
- RECORD may leave out folders and the signatures of itself, and pad or leave out what has no use:
  sizes, and the padding of base64.
"""

import base64
import binascii
import configparser
import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pypi_lite.distributions import bounds
from pypi_lite.distributions.errors import DistributionFault, InvalidDistribution, shown
from pypi_lite.distributions.filename import DistributionFilename, Reading, stem_readings
from pypi_lite.distributions.members import Kind, Listing
from pypi_lite.distributions.metadata import CoreMetadata, metadata_version_number
from pypi_lite.distributions.zips import Zip

_DIST_INFO = ".dist-info"
_REQUIRED_FILES = ("METADATA", "WHEEL", "RECORD")
#: RECORD can't have its own digest, and what signs it is made after it.
_UNRECORDED = ("RECORD", "RECORD.jws", "RECORD.p7s")
#: PEP 427: SHA-256 or better.
_ALGORITHMS = ("sha256", "sha384", "sha512")
_SCRIPTS = ("console_scripts", "gui_scripts")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel whose listing is in order, for the checks that read it."""

    archive: Zip
    filename: DistributionFilename
    metadata: CoreMetadata
    #: Bytes that a wheel may unpack to for every member to be hashed.
    hashed: int

    @property
    def listing(self) -> Listing:
        """Its members."""
        return self.archive.listing

    @property
    def dist_info(self) -> str:
        """The folder of its metadata."""
        return dist_info(self.listing)

    def text(self, name: str, most: int, fault: DistributionFault) -> str:
        """The file *name* in `dist_info`, of at most *most* bytes; *fault* if it is no UTF-8."""
        path = f"{self.dist_info}/{name}"
        content = self.archive.read(path, most)
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise InvalidDistribution(
                fault, f"The wheel's {shown(path)} is not UTF-8; build the wheel again."
            ) from error


# -- of the listing


def dist_info(listing: Listing) -> str:
    """The one .dist-info folder at the top."""
    tops = {path.partition("/")[0] for path in listing.by_path}
    folders = sorted(top for top in tops if top.endswith(_DIST_INFO))
    if len(folders) != 1:
        found = ", ".join(shown(folder) for folder in folders[:2]) or "none"
        raise InvalidDistribution(
            DistributionFault.DIST_INFO_INVALID,
            f"A wheel has exactly one .dist-info folder at its top, this one has {len(folders)}"
            f" ({found}); build the wheel again.",
        )
    return folders[0]


def metadata_path(listing: Listing) -> str:
    """Where METADATA is."""
    return f"{dist_info(listing)}/METADATA"


def check_dist_info(listing: Listing, filename: DistributionFilename) -> None:
    """The ``{name}-{version}.dist-info`` is the filename's (PEP 427)."""
    folder = dist_info(listing)
    if Reading(filename.project, filename.version) not in stem_readings(
        folder.removesuffix(_DIST_INFO)
    ):
        raise InvalidDistribution(
            DistributionFault.DIST_INFO_INVALID,
            f"The wheel's folder {shown(folder)} does not agree with its filename"
            f" {shown(filename.filename)}; do not rename wheels, build them again.",
        )


def check_dist_info_files(listing: Listing, filename: DistributionFilename) -> None:
    """The dist-info folder has the files that every wheel must have (PEP 427)."""
    for name in _REQUIRED_FILES:
        listing.the_file(f"{dist_info(listing)}/{name}")


ListingCheck = Callable[[Listing, DistributionFilename], None]
LISTING_CHECKS: tuple[ListingCheck, ...] = (check_dist_info, check_dist_info_files)


# -- of the contents


def check_wheel_file(wheel: Wheel) -> None:
    """WHEEL has a version that installers know, and tags that are the filename's, platforms aside."""
    text = wheel.text("WHEEL", bounds.MAX_SMALL_FILE, DistributionFault.WHEEL_FILE_INVALID)
    versions = list(_values(text, "wheel-version"))
    if len(versions) != 1 or versions[0].partition(".")[0] != "1":
        found = shown(versions[0]) if versions else "missing"
        raise InvalidDistribution(
            DistributionFault.WHEEL_FILE_INVALID,
            f"WHEEL's Wheel-Version is {found}, and not one that begins with 1 and stands there once;"
            " build the wheel with a tool of today.",
        )
    written = list(_values(text, "tag"))
    named = "-".join(wheel.filename.filename.removesuffix(".whl").split("-")[-3:])
    agreeing = [tag for tag in written if _agree(tag, named)]
    if written and not agreeing:
        raise InvalidDistribution(
            DistributionFault.WHEEL_FILE_INVALID,
            f"The filename says {shown(named)}, WHEEL says {shown(', '.join(written[:4]))};"
            " do not rename wheels, build them again.",
        )


def _values(text: str, name: str) -> Iterator[str]:
    """The values of the field *name*, which is in lower case."""
    for line in text.splitlines():
        field, colon, value = line.partition(":")
        if colon and field.strip().lower() == name:
            yield value.strip()


def _agree(written: str, named: str) -> bool:
    """Whether two compressed tags have an interpreter and an ABI in common (PEP 425)."""
    parts = [[set(tag.split(".")) for tag in tags.lower().split("-")] for tags in (written, named)]
    if len(parts[0]) != 3:
        raise InvalidDistribution(
            DistributionFault.WHEEL_FILE_INVALID,
            f"WHEEL has a Tag {shown(written)}, which is none: python-abi-platform;"
            " build it again.",
        )
    return all(ours & theirs for ours, theirs in list(zip(*parts, strict=True))[:2])


def check_record(wheel: Wheel) -> None:
    """RECORD lists every file, and what it says of each is true.

    Names and sizes are always compared. Digests are of all files where the wheel unpacks to no more
    than `Wheel.hashed`, and else of those in `Wheel.dist_info`: unpacking takes ten times as long as
    hashing the wheel itself does.
    """
    files = wheel.listing.files
    folder = f"{wheel.dist_info}/"
    own = {folder + name for name in _UNRECORDED}
    hash_all = sum(member.size for member in files.values()) <= wheel.hashed
    listed: set[str] = set()
    for path, digest, size in _record_rows(wheel):
        if path in listed:
            raise _record_invalid(f"lists {shown(path)} twice")
        listed.add(path)
        if path in own:
            continue
        if path not in files:
            _check_folder(wheel.listing, path)
            continue
        if size not in ("", str(files[path].size)):
            raise _record_invalid(
                f"says that {shown(path)} has {shown(size)} bytes, it has {files[path].size}"
            )
        expected = _digest(path, digest)
        if hash_all or path.startswith(folder):
            _check_digest(wheel.archive, path, *expected)
    for path in files.keys() - listed - own:
        raise _record_invalid(f"does not list {shown(path)}")


def _record_rows(wheel: Wheel) -> Iterator[tuple[str, str, str]]:
    """RECORD's lines (PEP 376): path, ``algorithm=digest``, size; the latter two may be empty."""
    text = wheel.text("RECORD", bounds.MAX_RECORD, DistributionFault.RECORD_INVALID)
    try:
        # Line by line: a list of them would be many times as large as the text.
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if not row:
                continue
            if len(row) != 3:
                raise _record_invalid(f"has a line of {len(row)} values, for {shown(row[0])}")
            yield row[0], row[1], row[2]
    except csv.Error as error:
        raise _record_invalid("is no list of comma-separated values") from error


def _check_folder(listing: Listing, path: str) -> None:
    """A folder may be listed, for what it is worth."""
    member = listing.by_path.get(path.rstrip("/"))
    if member is None or member.kind is not Kind.FOLDER:
        raise _record_invalid(f"lists {shown(path)}, which the wheel does not have")


def _digest(path: str, value: str) -> tuple[str, bytes]:
    """The algorithm and the digest of ``algorithm=digest``, in URL-safe base64 without padding."""
    algorithm, _, encoded = value.partition("=")
    if algorithm not in _ALGORITHMS:
        raise _record_invalid(
            f"has no digest for {shown(path)} that counts ({', '.join(_ALGORITHMS)})"
        )
    encoded = encoded.rstrip("=")
    try:
        digest = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError) as error:
        raise _record_invalid(f"has a digest for {shown(path)} that is no base64") from error
    return algorithm, digest


def _check_digest(archive: Zip, path: str, algorithm: str, expected: bytes) -> None:
    found = hashlib.new(algorithm)
    for chunk in archive.chunks(path):
        found.update(chunk)
    if found.digest() != expected:
        raise _record_invalid(f"has another {algorithm} for {shown(path)} than the file itself")


def _record_invalid(what: str) -> InvalidDistribution:
    return InvalidDistribution(
        DistributionFault.RECORD_INVALID,
        f"The wheel's RECORD {what}; do not change wheels, build them again.",
    )


def check_entry_points(wheel: Wheel) -> None:
    """entry_points.txt can be read, and a script stays in the folder of scripts."""
    if f"{wheel.dist_info}/entry_points.txt" not in wheel.listing.by_path:
        return
    fault = DistributionFault.ENTRY_POINTS_INVALID
    text = wheel.text("entry_points.txt", bounds.MAX_SMALL_FILE, fault)
    parser = configparser.ConfigParser(
        delimiters=("=",), interpolation=None, strict=False, default_section=""
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise InvalidDistribution(
            fault, "The wheel's entry_points.txt cannot be read; correct it and build it again."
        ) from error
    for section in filter(parser.has_section, _SCRIPTS):
        for name in parser.options(section):
            if name in (".", "..") or not name.isprintable() or any(c in name for c in "/\\:"):
                raise InvalidDistribution(
                    fault,
                    f"The wheel's script {shown(name)} is called like a path; give it a plain name.",
                )


def check_licences(wheel: Wheel) -> None:
    """Each License-File is there (PEP 639)."""
    if metadata_version_number(wheel.metadata.metadata_version) < (2, 4):
        return
    for name in wheel.metadata.fields.get("license_files", ()):
        check_licence(wheel.listing, f"{wheel.dist_info}/licenses/{name}")


def check_licence(listing: Listing, path: str) -> None:
    """The licence's text lies at *path*."""
    member = listing.by_path.get(path)
    if member is None or member.kind is Kind.FOLDER:
        raise InvalidDistribution(
            DistributionFault.LICENCE_MISSING,
            f"The metadata name a License-File, but the archive has no {shown(path)};"
            " build it with an up-to-date tool.",
        )


ContentCheck = Callable[[Wheel], None]
#: The cheapest first.
CONTENT_CHECKS: tuple[ContentCheck, ...] = (
    check_wheel_file,
    check_licences,
    check_entry_points,
    check_record,
)
