"""What the name of an uploaded file says about it: project, version, kind.

Only wheels and source distributions are files of an index (PEP 527, PEP 715). Their names follow
the packaging user guide's "Binary distribution format" (PEP 427, PEP 491) and "Source distribution
format" (PEP 625); the names of older files are read too, as far as they can be.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from pypi_lite.distributions.errors import DistributionFault, InvalidDistribution, shown
from pypi_lite.names import is_valid_name, normalize_name, parse_version

# A file system takes 255 bytes, and files such as "<filename>.metadata" lie beside this one.
MAX_FILENAME_BYTES = 200

WHEEL_EXTENSION = ".whl"
SDIST_EXTENSIONS = (".tar.gz", ".zip")
ACCEPTED = "upload a wheel (.whl) or a source distribution (.tar.gz)"

# Names, versions (PEP 440: "!" for epochs, "+" for local versions) and tags need no more than this.
_ALLOWED = re.compile(r"[A-Za-z0-9._+!-]+\Z", re.ASCII)


class PackageType(StrEnum):
    """The kinds of files, as upload forms and the JSON API call them."""

    SDIST = "sdist"
    BDIST_WHEEL = "bdist_wheel"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the stem of a filename: normalized project name, version."""

    project: str
    version: Version


@dataclass(frozen=True, slots=True)
class DistributionFilename:
    """A parsed filename.

    *project* is normalized; *python_tag* is the wheel's compressed tag as spelled (``py2.py3``),
    and ``source`` for sdists. *readings* has every project and version that the name can stand for:
    one, save for old sdists, where ``a-1-2.tar.gz`` is ``a-1`` 2 or ``a`` 1.post2. *project* and
    *version* are the first of them.
    """

    filename: str
    project: str
    version: Version
    packagetype: PackageType
    python_tag: str
    readings: tuple[Reading, ...]

    def read_as(self, project: str, version: Version) -> "DistributionFilename | None":
        """This filename as one of *project* (normalized) and *version*; None if it is not that."""
        if Reading(project, version) not in self.readings:
            return None
        return replace(self, project=project, version=version)


def parse_filename(filename: str) -> DistributionFilename:
    """Read *filename*, a bare name without folders.

    Raises InvalidDistribution for names that are unsafe as a path or in a page, that are too long,
    of a kind that is not accepted, or that follow no standard.
    """
    _check_safe(filename)
    if filename.endswith(WHEEL_EXTENSION):
        return _parse_wheel(filename)
    for extension in SDIST_EXTENSIONS:
        if filename.endswith(extension):
            return _parse_sdist(filename, filename.removesuffix(extension))
    raise InvalidDistribution(
        DistributionFault.FILE_TYPE_REFUSED,
        f"Files such as {shown(filename)} are not accepted: {ACCEPTED}.",
    )


def stem_readings(stem: str) -> tuple[Reading, ...]:
    """Every way to read *stem*, ``{name}-{version}``; the one with the longest name comes first.

    A version may have dashes of its own (PEP 440, "Implicit post releases" and the separators of
    pre-, post- and local versions), and a name before PEP 625 as well.
    """
    readings = []
    for dash in reversed([match.start() for match in re.finditer("-", stem)]):
        name, version = stem[:dash], parse_version(stem[dash + 1 :])
        if version is not None and is_valid_name(name):
            readings.append(Reading(normalize_name(name), version))
    return tuple(readings)


def _check_safe(filename: str) -> None:
    if len(filename.encode("utf-8", "surrogatepass")) > MAX_FILENAME_BYTES:
        raise InvalidDistribution(
            DistributionFault.FILENAME_TOO_LONG,
            f"The filename {shown(filename)} is too long: {MAX_FILENAME_BYTES} bytes are allowed.",
        )
    if not _ALLOWED.match(filename) or filename.startswith("."):
        raise InvalidDistribution(
            DistributionFault.FILENAME_UNSAFE,
            f"The filename {shown(filename)} is not allowed: use ASCII letters, digits and"
            " . _ - + ! only, and no dot in front.",
        )


def _parse_wheel(filename: str) -> DistributionFilename:
    try:
        project, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise _invalid_wheel(filename) from error
    parts = filename.removesuffix(WHEEL_EXTENSION).split("-")
    if not is_valid_name(parts[0]):
        raise _invalid_wheel(filename)
    return DistributionFilename(
        filename=filename,
        project=project,
        version=version,
        packagetype=PackageType.BDIST_WHEEL,
        python_tag=parts[-3],
        readings=(Reading(project, version),),
    )


def _invalid_wheel(filename: str) -> InvalidDistribution:
    return InvalidDistribution(
        DistributionFault.FILENAME_INVALID,
        f"{shown(filename)} is not the name of a wheel:"
        " it should be name-version[-build]-python-abi-platform.whl; build the wheel again.",
    )


def _parse_sdist(filename: str, stem: str) -> DistributionFilename:
    readings = stem_readings(stem)
    if not readings:
        raise InvalidDistribution(
            DistributionFault.FILENAME_INVALID,
            f"{shown(filename)} is not the name of a source distribution: it should be"
            " name-version.tar.gz with a version that follows PEP 440; build the sdist again.",
        )
    return DistributionFilename(
        filename=filename,
        project=readings[0].project,
        version=readings[0].version,
        packagetype=PackageType.SDIST,
        python_tag="source",
        readings=readings,
    )
