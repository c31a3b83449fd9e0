"""What a source distribution has to have beside its metadata.

`LISTING_CHECKS` need no metadata, `CONTENT_CHECKS` do: another check is another function in one of these
tuples. The standard is the packaging user guide's "Source distribution format" (PEP 517, PEP 625, PEP
643, PEP 721). What it asks of the archive is asked of those that say that they follow it, with
Metadata-Version 2.2 or later; what was made before keeps its folder's name, and is built with setup.py.
"""

from collections.abc import Callable

from pypi_lite.distributions.errors import DistributionFault, InvalidDistribution, shown
from pypi_lite.distributions.filename import DistributionFilename, Reading, stem_readings
from pypi_lite.distributions.members import Kind, Listing
from pypi_lite.distributions.metadata import CoreMetadata, metadata_version_number
from pypi_lite.distributions.wheels import check_licence

PKG_INFO = "PKG-INFO"
_BUILDABLE = ("pyproject.toml", "setup.py")


def top_folder(listing: Listing) -> str:
    """The one folder that everything lies in."""
    tops = {path.partition("/")[0] for path in listing.by_path if path}
    loose = {top for top in tops & listing.by_path.keys() if not _is_folder(listing, top)}
    if len(tops) != 1 or loose:
        found = ", ".join(shown(top) for top in sorted(tops)[:2]) or "nothing"
        raise InvalidDistribution(
            DistributionFault.TOP_FOLDER_INVALID,
            "A source distribution has exactly one folder, name-version, at its top, this one has"
            f" {found}; build it with a PEP 517 tool.",
        )
    return tops.pop()


def _is_folder(listing: Listing, path: str) -> bool:
    return listing.by_path[path].kind is Kind.FOLDER


def metadata_path(listing: Listing) -> str:
    """Where PKG-INFO is; those in egg-info folders below do not count."""
    return f"{top_folder(listing)}/{PKG_INFO}"


# -- of the listing


def check_pkg_info(listing: Listing, filename: DistributionFilename) -> None:
    """The top folder has a PKG-INFO."""
    listing.the_file(metadata_path(listing))


ListingCheck = Callable[[Listing, DistributionFilename], None]
LISTING_CHECKS: tuple[ListingCheck, ...] = (check_pkg_info,)


# -- of the contents


def check_folder_name(
    listing: Listing, filename: DistributionFilename, metadata: CoreMetadata
) -> None:
    """The top folder is called ``{name}-{version}`` (PEP 625)."""
    folder = top_folder(listing)
    if not _is_modern(metadata):
        return
    if Reading(filename.project, filename.version) not in stem_readings(folder):
        raise InvalidDistribution(
            DistributionFault.TOP_FOLDER_INVALID,
            f"The archive's folder {shown(folder)} does not agree with its filename"
            f" {shown(filename.filename)}; do not rename archives, build them again.",
        )


def check_can_be_built(
    listing: Listing, filename: DistributionFilename, metadata: CoreMetadata
) -> None:
    """There is something to build it with (PEP 517; setuptools packs no pyproject.toml of its own)."""
    folder = top_folder(listing)
    if _is_modern(metadata) and not any(f"{folder}/{n}" in listing.by_path for n in _BUILDABLE):
        raise InvalidDistribution(
            DistributionFault.BUILD_MISSING,
            f"The archive has neither of {' and '.join(_BUILDABLE)} in its folder {shown(folder)},"
            " so that nobody can build it; build it with a PEP 517 tool.",
        )


def check_licences(
    listing: Listing, filename: DistributionFilename, metadata: CoreMetadata
) -> None:
    """Each License-File is there (PEP 639)."""
    if metadata_version_number(metadata.metadata_version) < (2, 4):
        return
    for name in metadata.fields.get("license_files", ()):
        check_licence(listing, f"{top_folder(listing)}/{name}")


def _is_modern(metadata: CoreMetadata) -> bool:
    return metadata_version_number(metadata.metadata_version) >= (2, 2)


ContentCheck = Callable[[Listing, DistributionFilename, CoreMetadata], None]
CONTENT_CHECKS: tuple[ContentCheck, ...] = (check_folder_name, check_can_be_built, check_licences)
