"""PyPI's JSON API: no standard, but what many tools ask an index for.

Addresses of files are absolute here, from the setting ``url``: these clients resolve nothing.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.addresses import Addresses
from pypi_lite.cache.pages import Page
from pypi_lite.headers import CLOSED_HEADERS
from pypi_lite.repository import keys, pages
from pypi_lite.repository.pages import FileEntry, ProjectEntry, ReleaseEntry, ReleaseMetadata

_HEADERS = (*CLOSED_HEADERS, ("Access-Control-Allow-Origin", "*"))
_ADDRESSES = Addresses("/pypi/", "json")
_CONTENT_TYPE = "application/json"
#: Scalars of ``info`` that are core metadata under the same name.
_SCALARS = (
    "author",
    "author_email",
    "download_url",
    "home_page",
    "license",
    "license_expression",
    "maintainer",
    "maintainer_email",
    "requires_python",
    "summary",
)
_as_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
#: The same, for what most files of a project share.
_as_json_again = lru_cache(maxsize=1024)(_as_json)
#: Where a file is, as an absolute address.
AddressOf = Callable[[FileEntry], str]
_NO_DOWNLOADS = {"last_day": -1, "last_week": -1, "last_month": -1}


def includeme(config: Any) -> None:
    """Add the routes and the pages."""
    get = {"request_method": ("GET", "HEAD")}
    config.add_route("api.json.project", "/pypi/{name}/json", **get)
    config.add_route("api.json.project.slash", "/pypi/{name}/json/", **get)
    config.add_route("api.json.release", "/pypi/{name}/{version}/json", **get)
    config.add_route("api.json.release.slash", "/pypi/{name}/{version}/json/", **get)
    config.add_page_rule("/pypi/", page_of)
    config.scan(__name__)


def page_of(environ: Mapping[str, Any]) -> Page | None:
    """The page of a canonical URL below ``/pypi/``."""
    named = _ADDRESSES.canonical(environ["PATH_INFO"])
    if named is None:
        return None
    name, version = named
    return Page(
        key=keys.project_key(name),
        name="pypi.json" if version is None else f"pypi.{version}.json",
        content_type=_CONTENT_TYPE,
        headers=_HEADERS,
    )


@view_config(route_name="api.json.project", permission=Permission.READ)
@view_config(route_name="api.json.project.slash", permission=Permission.READ)
@view_config(route_name="api.json.release", permission=Permission.READ)
@view_config(route_name="api.json.release.slash", permission=Permission.READ)
def document(request: Any) -> Response:
    """A project, or one of its releases, as PyPI's JSON."""
    project, release, is_release = _ADDRESSES.look_up(request)
    request.offer_project(project)
    base = request.index.settings.url
    return Response(
        text_of(
            request,
            project,
            release,
            lambda file: base + file.path,
            has_releases=not is_release,
        )
    )


def text_of(
    request: Any,
    project: ProjectEntry,
    release: ReleaseEntry | None,
    address_of: AddressOf,
    *,
    has_releases: bool,
) -> str:
    """The document of *project*, for which *release* speaks; *has_releases*: with the others' files."""
    metadata = pages.release_metadata(request.reader, release) if release else None
    roles = [
        {"role": role.capitalize(), "user": user}
        for role, user in pages.roles(request.reader, project.id)
    ]
    members = {
        "info": [_as_json(_info(project, release, metadata, request.index.settings.url))],
        "last_serial": [_as_json(project.facts.serial)],
        "ownership": [_as_json({"organization": None, "roles": roles})],
        "urls": [_files(release, address_of) if release else "[]"],
        "vulnerabilities": ["[]"],
    }
    if has_releases:
        files = {str(r.version): [_files(r, address_of)] for r in project.releases}
        members["releases"] = _object(files)
    return "".join(_object(members))


def _object(members: dict[str, list[str]]) -> list[str]:
    """The pieces of an object, from the pieces of its members, which are JSON already.

    Each piece is copied once, in the end: they are a megabyte for a thousand files. No name needs
    escaping.
    """
    pieces = ["{"]
    for name in sorted(members):
        pieces += [f'"{name}":', *members[name], ","]
    if members:
        pieces.pop()
    pieces.append("}")
    return pieces


def _info(
    project: ProjectEntry,
    release: ReleaseEntry | None,
    metadata: ReleaseMetadata | None,
    base: str,
) -> dict[str, Any]:
    fields = metadata.fields if metadata else {}
    page = f"{base}project/{project.normalized_name}/"
    return {
        **{name: fields.get(name) for name in _SCALARS},
        "bugtrack_url": None,
        "classifiers": fields.get("classifiers", []),
        "description": (metadata and metadata.description) or "",
        "description_content_type": metadata and metadata.description_content_type,
        "docs_url": None,
        "downloads": _NO_DOWNLOADS,
        "dynamic": fields.get("dynamic"),
        "keywords": ",".join(fields.get("keywords", [])) or None,
        "license_files": fields.get("license_files"),
        "name": project.name,
        "package_url": page,
        "platform": ",".join(fields.get("platforms", [])) or None,
        "project_url": page,
        "project_urls": fields.get("project_urls"),
        "provides_extra": fields.get("provides_extra"),
        "release_url": f"{page}{release.version}/" if release else page,
        "requires_dist": fields.get("requires_dist"),
        "version": str(release.version) if release else None,
        "yanked": bool(release and release.yanked),
        "yanked_reason": release and release.yanked_reason,
    }


def _files(release: ReleaseEntry, address_of: AddressOf) -> str:
    reason = "null" if release.yanked_reason is None else _as_json(release.yanked_reason)
    yanked = f'"yanked":{"true" if release.yanked else "false"},"yanked_reason":{reason}'
    return f"[{','.join([_file(file, address_of(file), yanked) for file in release.files])}]"


def _file(file: FileEntry, address: str, yanked: str) -> str:
    """A file as JSON, put together by hand, in less than a third of the time; what may be anybody's
    text is encoded. *yanked* is what all files of the release share."""
    metadata = f'{{"sha256":"{file.metadata_sha256}"}}' if file.metadata_sha256 else "false"
    name = _as_json(file.filename)
    md5, sha256, moment = file.md5, file.sha256, file.upload_time
    return (
        f'{{"comment_text":null,"core-metadata":{metadata},"digests":{{'
        f'"blake2b_256":"{file.blake2_256}","md5":"{md5}","sha256":"{sha256}"}},'
        f'"downloads":-1,"filename":{name},"has_sig":false,'
        f'"md5_digest":"{md5}","packagetype":"{file.packagetype}",'
        f'"python_version":{_as_json_again(file.python_version)},'
        f'"requires_python":{_as_json_again(file.requires_python)},'
        f'"size":{file.size},"upload_time":"{moment[:19]}","upload_time_iso_8601":"{moment}",'
        f'"url":{_as_json(address)},{yanked}}}'
    )
