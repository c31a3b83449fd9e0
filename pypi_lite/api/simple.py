"""The simple repository API: the root list and the projects' pages, in HTML and JSON.

Simple repository API specification (PEP 503, 592, 629, 658, 691, 700, 714, 752, 792).
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape
from pyramid.httpexceptions import HTTPNotAcceptable, HTTPNotFound
from pyramid.renderers import render
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.addresses import moved
from pypi_lite.api import integrity
from pypi_lite.api.media import API_VERSION, NAMESPACES_API_VERSION, Media, choose
from pypi_lite.cache.pages import Page
from pypi_lite.names import is_normalized_name, is_valid_name, normalize_name
from pypi_lite.repository import keys, namespaces, pages
from pypi_lite.repository.namespaces import Standing
from pypi_lite.repository.pages import FileEntry, ProjectEntry, ReleaseEntry

_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    (
        "Content-Security-Policy",
        "default-src 'none'; frame-ancestors 'none'; sandbox allow-top-navigation",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("Access-Control-Allow-Origin", "*"),
)
_PREFIX = "/simple/"
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
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
        is_personal=not name,
    )


@view_config(route_name="api.simple.index", permission=Permission.READ)
def index(request: Any) -> Response:
    """The root list."""
    media = _acceptable(request)
    facts, names = pages.names(request.reader, request.reach)
    if media is not Media.JSON:
        request.offer_list(facts)
        links = [f'<a href="{normalized}/">{escape(name)}</a>' for normalized, name in names]
        return _html(request, "index.html", {"links": _lines(links)})
    standing = namespaces.standing(request.reader)
    request.offer_list(standing.shown_beside(facts))
    entries = [f'{{"name":{_as_json(name)}}}' for _, name in names]
    return _json(standing, {}, "projects", entries)


@view_config(route_name="api.simple.project", permission=Permission.READ)
def project(request: Any) -> Response:
    """A project's page."""
    name = request.matchdict["name"]
    if not is_normalized_name(name):
        return _canonical(request, name)
    media = _acceptable(request)
    found = pages.project(request.reader, name, request.reach)
    if found is None:
        raise HTTPNotFound(detail=f"There is no project {name!r} here.")
    base = request.index.settings.provenance_url
    if media is not Media.JSON:
        request.offer_project(found)
        links = [_link(release, file, base) for release, file in _files(found)]
        return _html(request, "project.html", {"project": found, "links": _lines(links)})
    standing = namespaces.standing(request.reader)
    request.offer_project(found, standing.shown_beside(found.facts))
    content = {
        "name": found.normalized_name,
        "project-status": _status(found),
        "versions": [str(release.version) for release in reversed(found.releases)],
        **_namespaces(request, standing, found),
    }
    return _json(
        standing,
        content,
        "files",
        [_file_json(release, file, base) for release, file in _files(found)],
    )


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


def _status(found: ProjectEntry) -> dict[str, str]:
    """The project's status marker (PEP 792)."""
    marker = {"status": found.status.value}
    return {**marker, "reason": found.status_reason} if found.status_reason else marker


def _link(release: ReleaseEntry, file: FileEntry, base: str | None) -> str:
    """A file's element. Digests and names of blobs need no escaping; all else is anybody's text.

    *base* is where provenance is, None where it is not to be shown.
    """
    attributes = ""
    if file.requires_python:
        attributes += f' data-requires-python="{escape(file.requires_python)}"'
    if release.yanked:
        attributes += f' data-yanked="{escape(release.yanked_reason or "")}"'
    if digest := file.metadata_sha256:
        attributes += (
            f' data-dist-info-metadata="sha256={digest}" data-core-metadata="sha256={digest}"'
        )
    if base and file.is_attested:
        attributes += f' data-provenance="{escape(_provenance(release, file, base))}"'
    name = escape(file.filename)
    address = f"{_ROOT}files/{file.project}/{file.sha256}/{name}#sha256={file.sha256}"
    return f'<a href="{address}"{attributes}>{name}</a>'


def _lines(links: list[str]) -> Markup:
    """The lines of a page. A loop in its template takes nearly four times as long."""
    return Markup("".join([f"    {link}<br>\n" for link in links]))  # noqa: S704  escaped above


def _file_json(release: ReleaseEntry, file: FileEntry, base: str | None) -> str:
    """A file's entry. No value is null: uv refuses the page for some of them.

    Put together by hand, in less than half the time of dictionaries and an encoder; what may be
    anybody's text is encoded.
    Of digests only SHA-256: pip and uv refuse files or pages for what they don't know.
    """
    name = _as_json(file.filename)
    yanked = _as_json(release.yanked_reason or True) if release.yanked else "false"
    entry = (
        f'{{"filename":{name},"url":"{_ROOT}files/{file.project}/{file.sha256}/{name[1:]},'
        f'"hashes":{{"sha256":"{file.sha256}"}},"size":{file.size},'
        f'"upload-time":"{file.upload_time}","yanked":{yanked}'
    )
    if file.requires_python:
        entry += f',"requires-python":{_as_json(file.requires_python)}'
    if file.metadata_sha256:
        # The standard's name, and the one that PyPI's pages have and pdm looks for. Not PEP 658's first
        # one, "dist-info-metadata": pip 22.3 can't install from a page with it (PEP 714).
        for key in ("core-metadata", "data-dist-info-metadata"):
            entry += f',"{key}":{{"sha256":"{file.metadata_sha256}"}}'
    if base and file.is_attested:
        entry += f',"provenance":{_as_json(_provenance(release, file, base))}'
    return entry + "}"


def _provenance(release: ReleaseEntry, file: FileEntry, base: str) -> str:
    """The address of a file's provenance, which has to be absolute (PEP 740)."""
    return base + integrity.address(file.project, str(release.version), file.filename)


def _namespaces(request: Any, standing: Standing, found: ProjectEntry) -> dict[str, Any]:
    """The key of PEP 752, which an index without namespaces must not have."""
    if not standing.are_granted:
        return {}
    matches = namespaces.matches(request.reader, found.id, found.normalized_name)
    return {"namespaces": [{"name": m.name, "owned": m.owned} for m in matches] or None}


def _html(request: Any, template: str, context: dict[str, Any]) -> Response:
    context = {"api": API_VERSION, **context}
    return Response(render(f"pypi_lite.templates:simple/{template}", context, request))


def _json(
    standing: Standing, content: dict[str, Any], last: str, entries: Iterable[str]
) -> Response:
    """A document whose *last* value is the list of *entries*, which are JSON already."""
    version = NAMESPACES_API_VERSION if standing.are_granted else API_VERSION
    document = _as_json({"meta": {"api-version": version}, **content})
    return Response(f'{document[:-1]},"{last}":[{",".join(entries)}]}}')
