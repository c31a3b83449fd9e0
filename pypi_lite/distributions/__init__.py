"""What an uploaded file is: its name, its archive, and the metadata that the archive carries.

`read_distribution` is the way in. Nothing here knows of HTTP or of a database.
"""

import os
from dataclasses import dataclass

from pypi_lite.distributions import bounds, sdists, wheels
from pypi_lite.distributions.archive import Archive, opened, read_metadata
from pypi_lite.distributions.errors import DistributionFault, InvalidDistribution, shown
from pypi_lite.distributions.filename import (
    DistributionFilename,
    PackageType,
    parse_filename,
)
from pypi_lite.distributions.metadata import (
    CoreMetadata,
    metadata_version_number,
    parse_metadata,
)
from pypi_lite.distributions.zips import Zip
from pypi_lite.names import normalize_name

__all__ = [
    "CoreMetadata",
    "Distribution",
    "DistributionFault",
    "DistributionFilename",
    "InvalidDistribution",
    "PackageType",
    "parse_filename",
    "parse_metadata",
    "read_distribution",
]


@dataclass(frozen=True, slots=True)
class Distribution:
    """An acceptable file.

    *metadata_bytes* are METADATA or PKG-INFO as they are in the archive. *has_metadata_file* says
    whether the index may offer them beside the file (PEP 658, PEP 714): a build of an sdist before
    Metadata-Version 2.2 may change everything in them (PEP 643).
    """

    filename: DistributionFilename
    metadata: CoreMetadata
    metadata_bytes: bytes
    has_metadata_file: bool
    #: Of the file, in bytes.
    size: int


def read_distribution(
    path: str | os.PathLike[str], filename: str, *, hashed: int = bounds.MAX_HASHED
) -> Distribution:
    """Inspect the file at *path*, uploaded as *filename*.

    The members of a wheel are compared with the digests in its RECORD if they have no more than
    *hashed* bytes. Raises InvalidDistribution if the filename, the archive or the metadata is not
    acceptable, or if filename and metadata speak of different projects or versions; OSError only if
    the file cannot be opened.
    """
    parsed = parse_filename(filename)
    with opened(path, parsed) as archive:
        metadata_bytes = read_metadata(archive, parsed)
        metadata = parse_metadata(metadata_bytes)
        agreeing = _agreeing(parsed, metadata)
        _check_contents(archive, agreeing, metadata, hashed)
    return Distribution(
        filename=agreeing,
        metadata=metadata,
        metadata_bytes=metadata_bytes,
        has_metadata_file=_has_metadata_file(parsed, metadata),
        size=os.path.getsize(path),
    )


def _check_contents(
    archive: Archive, filename: DistributionFilename, metadata: CoreMetadata, hashed: int
) -> None:
    if filename.packagetype is PackageType.BDIST_WHEEL:
        assert isinstance(archive, Zip), "a wheel is a zip"
        wheel = wheels.Wheel(archive, filename, metadata, hashed)
        for check_wheel in wheels.CONTENT_CHECKS:
            check_wheel(wheel)
        return
    for check_sdist in sdists.CONTENT_CHECKS:
        check_sdist(archive.listing, filename, metadata)


def _agreeing(filename: DistributionFilename, metadata: CoreMetadata) -> DistributionFilename:
    """*filename* as the metadata has it: the metadata decides where an old sdist's is ambiguous."""
    project = normalize_name(metadata.name)
    agreeing = filename.read_as(project, metadata.version)
    if agreeing is not None:
        return agreeing
    versions = [reading.version for reading in filename.readings if reading.project == project]
    if versions:
        raise InvalidDistribution(
            DistributionFault.VERSION_MISMATCH,
            f"The filename says version {shown(str(versions[0]))}, the metadata says"
            f" {shown(metadata.raw_version)}; build the file again and do not rename it.",
        )
    raise InvalidDistribution(
        DistributionFault.NAME_MISMATCH,
        f"The filename says project {shown(filename.project)}, the metadata says"
        f" {shown(metadata.name)}; build the file again and do not rename it.",
    )


def _has_metadata_file(filename: DistributionFilename, metadata: CoreMetadata) -> bool:
    if filename.packagetype is PackageType.BDIST_WHEEL:
        return True
    return metadata_version_number(metadata.metadata_version) >= (2, 2)
