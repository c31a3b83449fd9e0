"""Addresses of projects and releases: which spelling is canonical, and what stands behind one."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pyramid.httpexceptions import HTTPMovedPermanently, HTTPNotFound

from pypi_lite.names import is_normalized_name, is_valid_name, normalize_name, parse_version
from pypi_lite.repository import pages
from pypi_lite.repository.pages import ProjectEntry, ReleaseEntry


@dataclass(frozen=True, slots=True)
class Addresses:
    """``<prefix><project>/<ending>`` and ``<prefix><project>/<version>/<ending>``."""

    prefix: str
    ending: str = ""

    def canonical(self, path: str) -> tuple[str, str | None] | None:
        """Project and version that *path* names, if it names them as only one address does."""
        match = re.fullmatch(rf"{self.prefix}([^/]+)/(?:([^/]+)/)?{self.ending}", path)
        if match is None or not is_normalized_name(match[1]):
            return None
        version: str | None = match[2]
        if version is not None and str(parse_version(version)) != version:
            return None
        return match[1], version

    def look_up(self, request: Any) -> tuple[ProjectEntry, ReleaseEntry | None, bool]:
        """The project, its release (the latest where none is named), and whether one is named.

        Raises HTTPNotFound; HTTPMovedPermanently where another spelling is the canonical one.
        """
        name, version = request.matchdict["name"], request.matchdict.get("version")
        found = None
        if is_valid_name(name):
            found = pages.project(request.reader, normalize_name(name), request.reach)
        if found is None:
            raise HTTPNotFound(detail=f"There is no project {name!r} here.")
        release = found.latest if version is None else found.release(version)
        if release is None and version is not None:
            raise HTTPNotFound(detail=f"{name} has no version {version!r} here.")
        wanted = f"{release.version}/" if release and version is not None else ""
        path = f"{self.prefix}{found.normalized_name}/{wanted}{self.ending}"
        if request.path_info != path:
            raise moved(request, path)
        return found, release, version is not None


def moved(request: Any, path: str) -> HTTPMovedPermanently:
    """301 to *path* below the index; the query goes along."""
    query = f"?{request.query_string}" if request.query_string else ""
    return HTTPMovedPermanently(
        location=f"{request.application_url}{quote(path, safe='/!+')}{query}"
    )
