"""Provenance: what has been signed about a file, for programs (PEP 740; PyPI's Integrity API).

``/integrity/<project>/<version>/<filename>/provenance``, a page of the cache as those of the simple API.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from pyramid.httpexceptions import HTTPNotAcceptable, HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config
from webob.acceptparse import create_accept_header

from pypi_lite.accounts.permissions import Permission
from pypi_lite.addresses import moved
from pypi_lite.cache.pages import Page
from pypi_lite.headers import CLOSED_HEADERS
from pypi_lite.names import is_normalized_name, is_valid_name, normalize_name
from pypi_lite.repository import attestations, keys, pages

MEDIA = "application/vnd.pypi.integrity.v1+json"
_PREFIX = "/integrity/"
_ADDRESS = re.compile(
    r"/integrity/(?P<project>[a-z0-9-]+)/(?P<version>[a-z0-9.+!]+)/(?P<filename>[A-Za-z0-9._+!-]+)"
    r"/provenance\Z"
)


def includeme(config: Any) -> None:
    """Add the route and the pages."""
    config.add_route(
        "api.provenance",
        "/integrity/{project}/{version}/{filename}/provenance",
        request_method=("GET", "HEAD"),
    )
    config.add_page_rule(_PREFIX, page_of)
    config.scan(__name__)


def address(project: str, version: str, filename: str) -> str:
    """The path of a file's provenance, below `Settings.provenance_url`."""
    return f"{project}/{quote(version, safe='+!')}/{filename}/provenance"


def page_of(environ: Mapping[str, Any]) -> Page | None:
    """The page of an address; the view knows which spelling of a version is its own."""
    if not _is_acceptable(environ.get("HTTP_ACCEPT") or "*/*"):
        return None
    return _page(environ["PATH_INFO"])


@lru_cache(maxsize=4096)
def _page(path: str) -> Page | None:
    found = _ADDRESS.match(path)
    if found is None or not is_normalized_name(found["project"]):
        return None
    return Page(
        key=keys.project_key(found["project"]),
        # No version has a hyphen in it.
        name=f"provenance-{found['version']}-{found['filename']}",
        content_type=MEDIA,
        vary="Accept, Accept-Encoding",
        headers=(*CLOSED_HEADERS, ("Access-Control-Allow-Origin", "*")),
    )


@lru_cache(maxsize=1024)
def _is_acceptable(accept: str) -> bool:
    return bool(create_accept_header(accept).acceptable_offers([MEDIA]))


@view_config(route_name="api.provenance", permission=Permission.READ)
def provenance(request: Any) -> Response:
    """A file's provenance. Other spellings of the project and the version lead to it."""
    name, version, filename = (request.matchdict[n] for n in ("project", "version", "filename"))
    if not _is_acceptable(request.environ.get("HTTP_ACCEPT") or "*/*"):
        raise HTTPNotAcceptable(detail=f"Provenance comes as {MEDIA}.")
    # The door through which the project's pages come: a file that they don't show has no provenance.
    project = (
        pages.project(request.reader, normalize_name(name), request.reach)
        if is_valid_name(name)
        else None
    )
    release = project.release(version) if project else None
    files = release.files if release else ()
    file = next((f for f in files if f.filename == filename and f.is_attested), None)
    if project is None or release is None or file is None:
        raise HTTPNotFound(detail=f"There is no provenance of {filename!r} here.")
    path = f"/integrity/{project.normalized_name}/{release.version}/{filename}/provenance"
    if request.path_info != path:
        raise moved(request, path)
    request.offer_project(project)
    document = attestations.provenance(request.reader, file.id)
    text = json.dumps(document, separators=(",", ":"))
    return Response(text, content_type=MEDIA, charset="UTF-8")
