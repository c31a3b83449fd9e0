"""Opening a wheel or an sdist where it lies, without extracting anything.

`opened` reads the archive's listing, checks it, and gives what is needed to read and to check the
rest. Which archive is read by whom: `pypi_lite.distributions.zips`, `pypi_lite.distributions.tars`;
what is asked of all members: `pypi_lite.distributions.members`; of the two kinds of distributions:
`pypi_lite.distributions.wheels`, `pypi_lite.distributions.sdists`; what it may cost:
`pypi_lite.distributions.bounds`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pypi_lite.distributions import bounds, sdists, wheels
from pypi_lite.distributions.errors import InvalidDistribution, shown
from pypi_lite.distributions.filename import DistributionFilename, PackageType
from pypi_lite.distributions.members import damaged
from pypi_lite.distributions.tars import TarGz
from pypi_lite.distributions.zips import Zip

Archive = Zip | TarGz


@contextmanager
def opened(path: str | os.PathLike[str], filename: DistributionFilename) -> Iterator[Archive]:
    """The archive at *path*, which is called *filename*; its listing is in order.

    Raises InvalidDistribution, also for whatever is found to be broken within the block, and OSError
    only if the file itself cannot be opened.
    """
    with open(path, "rb") as file, _hostile_input():
        if filename.filename.endswith(".tar.gz"):
            archive: Archive = TarGz(file, sdists.PKG_INFO)
        else:
            archive = Zip(file)
        is_wheel = filename.packagetype is PackageType.BDIST_WHEEL
        for check in wheels.LISTING_CHECKS if is_wheel else sdists.LISTING_CHECKS:
            check(archive.listing, filename)
        yield archive


def read_metadata(archive: Archive, filename: DistributionFilename) -> bytes:
    """The content of METADATA or PKG-INFO. Raises InvalidDistribution."""
    if filename.packagetype is PackageType.BDIST_WHEEL:
        path = wheels.metadata_path(archive.listing)
    else:
        path = sdists.metadata_path(archive.listing)
    return archive.read(path, bounds.MAX_METADATA)


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
        raise damaged(shown(str(error))) from error
