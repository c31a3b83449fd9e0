"""The pages of projects and of their releases."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.addresses import Addresses
from pypi_lite.cache.answer import Headers
from pypi_lite.cache.pages import Page
from pypi_lite.distributions import PackageType
from pypi_lite.repository import keys, pages
from pypi_lite.repository.pages import FileEntry, ProjectEntry, ReleaseEntry
from pypi_lite.web.about import about
from pypi_lite.web.headers import HTML, security_headers
from pypi_lite.web.rendering import page

_PREFIX = "/project/"
_ADDRESSES = Addresses(_PREFIX)
#: Releases that are listed at once; the older ones are unfolded.
_RELEASES_SHOWN = 20
_HEADINGS = {PackageType.BDIST_WHEEL: "Wheels", PackageType.SDIST: "Source distributions"}


def includeme(config: Any) -> None:
    """Add the routes and the pages. Without their last slash the addresses are found as well."""
    for ending, pattern in (("", "/"), (".noslash", "")):
        methods = {"request_method": ("GET", "HEAD")}
        config.add_route(f"web.project{ending}", f"{_PREFIX}{{name}}{pattern}", **methods)
        config.add_route(
            f"web.release{ending}", f"{_PREFIX}{{name}}/{{version}}{pattern}", **methods
        )
    # Descriptions alone have pictures from elsewhere.
    sources = config.registry["pypi_lite.settings"].image_sources
    config.add_page_rule(_PREFIX, partial(page_of, security_headers(sources)))
    config.scan(__name__)


def page_of(headers: Headers, environ: Mapping[str, Any]) -> Page | None:
    """The page of a canonical URL below ``/project/``."""
    named = _ADDRESSES.canonical(environ["PATH_INFO"])
    if named is None:
        return None
    name, version = named
    return Page(
        key=keys.project_key(name),
        name="project.html" if version is None else f"project.{version}.html",
        content_type=HTML,
        headers=headers,
    )


@view_config(route_name="web.project", permission=Permission.READ)
@view_config(route_name="web.project.noslash", permission=Permission.READ)
@view_config(route_name="web.release", permission=Permission.READ)
@view_config(route_name="web.release.noslash", permission=Permission.READ)
def project(request: Any) -> Response:
    """A project, by its latest release, or one of its releases."""
    found, release, is_pinned = _ADDRESSES.look_up(request)
    request.offer_project(found)
    return _show(request, found, release, is_pinned=is_pinned)


def _show(
    request: Any, found: ProjectEntry, release: ReleaseEntry | None, *, is_pinned: bool
) -> Response:
    metadata = pages.release_metadata(request.reader, release) if release else None
    return page(
        request,
        "project.html",
        project=found,
        release=release,
        about=about(metadata),
        file_groups=_file_groups(release.files if release else ()),
        newer=_newer(found, release),
        requirement=f"{found.name}=={release.version}" if is_pinned and release else found.name,
        # The project's own page, seen from this one.
        home="../" if is_pinned else "./",
        shown=_RELEASES_SHOWN,
    )


def _file_groups(files: tuple[FileEntry, ...]) -> list[tuple[str, list[FileEntry]]]:
    """The files under headings; none of them is empty."""
    groups = [
        (heading, [file for file in files if file.packagetype == packagetype])
        for packagetype, heading in _HEADINGS.items()
    ]
    return [(heading, members) for heading, members in groups if members]


def _newer(found: ProjectEntry, release: ReleaseEntry | None) -> ReleaseEntry | None:
    """The release to take in place of *release*, where that is a newer one."""
    latest = found.latest
    if release is None or latest is None or latest.yanked or latest.version <= release.version:
        return None
    return latest
