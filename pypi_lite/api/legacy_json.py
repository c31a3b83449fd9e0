"""PyPI's JSON API: no standard, but what many tools ask an index for.

Addresses of files are absolute here, from the setting ``url``: these clients resolve nothing.
"""

import json
from collections.abc import Mapping
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.addresses import Addresses
from pypi_lite.cache.pages import Page
from pypi_lite.repository import keys, pages
from pypi_lite.repository.pages import FileEntry, ProjectEntry, ReleaseEntry, ReleaseMetadata
from pypi_lite.security import Permission

_HEADERS = (("X-Content-Type-Options", "nosniff"), ("Access-Control-Allow-Origin", "*"))
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
    request.page_facts = project.facts
    metadata = pages.release_metadata(request.reader, release) if release else None
    base = request.index.settings.url
    content: dict[str, Any] = {
        "info": _info(project, release, metadata, base),
        "last_serial": project.facts.serial,
        "ownership": {"organization": None, "roles": []},
        "urls": [_file(release, file, base) for file in release.files] if release else [],
        "vulnerabilities": [],
    }
    if not is_release:
        content["releases"] = {
            str(r.version): [_file(r, file, base) for file in r.files] for r in project.releases
        }
    return Response(json.dumps(content, ensure_ascii=False, sort_keys=True))


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


def _file(release: ReleaseEntry, file: FileEntry, base: str) -> dict[str, Any]:
    return {
        "comment_text": None,
        "core-metadata": {"sha256": file.metadata_sha256} if file.metadata_sha256 else False,
        "digests": {"blake2b_256": file.blake2_256, "md5": file.md5, "sha256": file.sha256},
        "downloads": -1,
        "filename": file.filename,
        "has_sig": False,
        "md5_digest": file.md5,
        "packagetype": file.packagetype,
        "python_version": file.python_version,
        "requires_python": file.requires_python,
        "size": file.size,
        "upload_time": file.uploaded.strftime("%Y-%m-%dT%H:%M:%S"),
        "upload_time_iso_8601": file.uploaded.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "url": base + file.path,
        "yanked": release.yanked,
        "yanked_reason": release.yanked_reason,
    }
