"""The simple repository API: the root list and the projects' pages, in HTML and JSON.

Simple repository API specification (PEP 503, 592, 629, 658, 691, 700, 714, 792).
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pyramid.httpexceptions import HTTPNotAcceptable, HTTPNotFound
from pyramid.renderers import render
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.addresses import moved
from pypi_lite.api.media import API_VERSION, Media, choose
from pypi_lite.cache.pages import Page
from pypi_lite.names import is_normalized_name, is_valid_name, normalize_name
from pypi_lite.repository import keys, pages
from pypi_lite.repository.pages import FileEntry, ProjectEntry, ReleaseEntry
from pypi_lite.security import Permission

_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; sandbox allow-top-navigation"),
    ("Referrer-Policy", "no-referrer"),
    ("Access-Control-Allow-Origin", "*"),
)
_PREFIX = "/simple/"
# From a project's page to the index's root: the page's bytes know neither host nor prefix.
_ROOT = "../../"
_NAMES = {Media.TEXT_HTML: "simple.html", Media.HTML: "simple.v1.html", Media.JSON: "simple.json"}


def includeme(config: Any) -> None:
    """Add the routes and the pages."""
    get = {"request_method": ("GET", "HEAD")}
    config.add_route("api.simple.index", "/simple/", **get)
    config.add_route("api.simple.index.noslash", "/simple", **get)
    config.add_route("api.simple.project", "/simple/{name}/", **get)
    config.add_route("api.simple.project.noslash", "/simple/{name}", **get)
    config.add_page_rule(_PREFIX, page_of)
    config.scan(__name__)


def page_of(environ: Mapping[str, Any]) -> Page | None:
    """The page of a canonical URL below ``/simple/``, in the representation that is wanted."""
    path = environ["PATH_INFO"].removeprefix(_PREFIX)
    name = path.removesuffix("/")
    if path and (not path.endswith("/") or not is_normalized_name(name)):
        return None
    media = choose(environ)
    return None if media is None else _page(name, media)


@lru_cache(maxsize=4096)
def _page(name: str, media: Media) -> Page:
    """The page of the project *name*, or with an empty name of the root list."""
    return Page(
        key=keys.project_key(name) if name else keys.INDEX,
        name=_NAMES[media],
        content_type=media.content_type,
        vary="Accept, Accept-Encoding",
        headers=_HEADERS,
    )


@view_config(route_name="api.simple.index", permission=Permission.READ)
def index(request: Any) -> Response:
    """The root list."""
    media = _acceptable(request)
    request.page_facts, names = pages.names(request.reader)
    if media is not Media.JSON:
        return _html(request, "index.html", {"names": names})
    return _json({"projects": [{"name": name} for _, name in names]})


@view_config(route_name="api.simple.project", permission=Permission.READ)
def project(request: Any) -> Response:
    """A project's page."""
    name = request.matchdict["name"]
    if not is_normalized_name(name):
        return _canonical(request, name)
    media = _acceptable(request)
    found = pages.project(request.reader, name)
    if found is None:
        raise HTTPNotFound(detail=f"There is no project {name!r} here.")
    request.page_facts = found.facts
    if media is not Media.JSON:
        context = {"project": found, "files": _files(found), "root": _ROOT}
        return _html(request, "project.html", context)
    return _json(_project_json(found))


@view_config(route_name="api.simple.index.noslash", permission=Permission.READ)
@view_config(route_name="api.simple.project.noslash", permission=Permission.READ)
def add_slash(request: Any) -> Response:
    """The address with its slash."""
    return _canonical(request, request.matchdict.get("name", ""))


def _canonical(request: Any, name: str) -> Response:
    """301 to the canonical address; the query goes along. What can be no name is not found."""
    if name and not is_valid_name(name):
        raise HTTPNotFound(detail=f"{name!r} can't be a project's name.")
    return moved(request, f"{_PREFIX}{normalize_name(name)}{'/' if name else ''}")


def _acceptable(request: Any) -> Media:
    media = choose(request.environ)
    if media is None:
        raise HTTPNotAcceptable(detail=f"This page comes as {', '.join(Media)}.")
    return media


def _files(found: ProjectEntry) -> list[tuple[ReleaseEntry, FileEntry]]:
    """All files, the oldest version first, as installers have always had them."""
    return [(release, file) for release in reversed(found.releases) for file in release.files]


def _project_json(found: ProjectEntry) -> dict[str, Any]:
    return {
        "name": found.normalized_name,
        "project-status": {"status": "active"},
        "versions": [str(release.version) for release in reversed(found.releases)],
        "files": [_file_json(release, file) for release, file in _files(found)],
    }


def _file_json(release: ReleaseEntry, file: FileEntry) -> dict[str, Any]:
    """A file's entry. No value is null: uv refuses the page for some of them."""
    entry: dict[str, Any] = {
        "filename": file.filename,
        "url": _ROOT + file.path,
        # No other algorithm: pip and uv refuse files or pages for what they don't know.
        "hashes": {"sha256": file.sha256},
        "size": file.size,
        "upload-time": file.uploaded.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "yanked": release.yanked and (release.yanked_reason or True),
    }
    if file.requires_python:
        entry["requires-python"] = file.requires_python
    if file.metadata_sha256:
        # The standard's name, PEP 658's first one, and the one that PyPI's pages have.
        for key in ("core-metadata", "dist-info-metadata", "data-dist-info-metadata"):
            entry[key] = {"sha256": file.metadata_sha256}
    return entry


def _html(request: Any, template: str, context: dict[str, Any]) -> Response:
    context = {"api": API_VERSION, **context}
    return Response(render(f"pypi_lite.templates:simple/{template}", context, request))


def _json(content: dict[str, Any]) -> Response:
    document = {"meta": {"api-version": API_VERSION}, **content}
    return Response(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
