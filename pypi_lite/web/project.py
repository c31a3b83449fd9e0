"""The pages of projects and of their releases."""

import re
from typing import Any
from urllib.parse import quote

from pyramid.httpexceptions import HTTPMovedPermanently, HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.cache.pages import Page
from pypi_lite.distributions import PackageType
from pypi_lite.names import is_normalized_name, is_valid_name, normalize_name, parse_version
from pypi_lite.repository import keys, pages
from pypi_lite.repository.pages import FileEntry, ProjectEntry, ReleaseEntry
from pypi_lite.security import Permission
from pypi_lite.web.about import about
from pypi_lite.web.headers import HTML, SECURITY_HEADERS
from pypi_lite.web.rendering import page

_PREFIX = "/project/"
_PATH = re.compile(r"/project/([^/]+)/(?:([^/]+)/)?\Z")
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
    config.add_page_rule(_PREFIX, page_of)
    config.scan(__name__)


def page_of(request: Any) -> Page | None:
    """The page of a canonical URL below ``/project/``."""
    match = _PATH.match(request.environ["PATH_INFO"])
    if match is None or not is_normalized_name(match[1]):
        return None
    version = match[2]
    if version is not None and str(parse_version(version)) != version:
        return None
    return Page(
        key=keys.project_key(match[1]),
        name="project.html" if version is None else f"project.{version}.html",
        content_type=HTML,
        headers=SECURITY_HEADERS,
    )


@view_config(route_name="web.project", permission=Permission.READ)
@view_config(route_name="web.project.noslash", permission=Permission.READ)
@view_config(route_name="web.release", permission=Permission.READ)
@view_config(route_name="web.release.noslash", permission=Permission.READ)
def project(request: Any) -> Response:
    """A project, by its latest release, or one of its releases."""
    name, version = request.matchdict["name"], request.matchdict.get("version")
    found = pages.project(request.reader, normalize_name(name)) if is_valid_name(name) else None
    if found is None:
        raise HTTPNotFound(detail="There is no such project here.")
    release = found.latest if version is None else found.release(version)
    if release is None and version is not None:
        raise HTTPNotFound(detail="There is no such version here.")
    canonical = _canonical_path(found, release if version is not None else None)
    if request.path_info != canonical:
        return _moved(request, canonical)
    request.page_facts = found.facts
    return _show(request, found, release, is_pinned=version is not None)


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


def _canonical_path(found: ProjectEntry, release: ReleaseEntry | None) -> str:
    version = f"{release.version}/" if release else ""
    return f"{_PREFIX}{found.normalized_name}/{version}"


def _moved(request: Any, path: str) -> Response:
    """301 to *path*; the query goes along."""
    query = f"?{request.query_string}" if request.query_string else ""
    return HTTPMovedPermanently(location=request.application_url + quote(path, safe="/!+") + query)
