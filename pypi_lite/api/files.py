"""Files and their ``.metadata`` siblings: immutable, in ranges, never run by a browser.

They are pages of the cache: the first request publishes a link to the file, and the project's next
change sweeps it away. Core metadata beside the file: PEP 658, 714.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.cache.pages import Page
from pypi_lite.names import is_normalized_name
from pypi_lite.repository import keys, pages

_METADATA = ".metadata"
_PREFIX = "/files/"
# No file's name has other characters (`pypi_lite.distributions.filename`).
_ADDRESS = re.compile(
    r"/files/(?P<project>[a-z0-9-]+)/(?P<sha256>[0-9a-f]{64})/(?P<filename>[A-Za-z0-9._+!-]+)\Z"
)


def includeme(config: Any) -> None:
    """Add the route and the pages."""
    config.add_route(
        "api.file", "/files/{project}/{sha256}/{filename}", request_method=("GET", "HEAD")
    )
    config.add_page_rule(_PREFIX, page_of)
    config.scan(__name__)


def page_of(environ: Mapping[str, Any]) -> Page | None:
    """The page of a file's address."""
    return _page(environ["PATH_INFO"])


@lru_cache(maxsize=4096)
def _page(path: str) -> Page | None:
    found = _ADDRESS.match(path)
    if found is None or not is_normalized_name(found["project"]):
        return None
    return Page(
        key=keys.project_key(found["project"]),
        name=f"{found['sha256']}-{found['filename']}",
        content_type="application/octet-stream",
        headers=(
            ("Content-Disposition", f'attachment; filename="{found["filename"]}"'),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
            ("Referrer-Policy", "no-referrer"),
            ("Access-Control-Allow-Origin", "*"),
        ),
        is_link=True,
    )


@view_config(route_name="api.file", permission=Permission.READ)
def file(request: Any) -> Response:
    """A file, or the metadata beside it. What is not in the index any more is not found."""
    project, digest, filename = (request.matchdict[n] for n in ("project", "sha256", "filename"))
    is_metadata = filename.endswith(_METADATA)
    stored = pages.stored_file(request.reader, filename.removesuffix(_METADATA), request.reach)
    if (
        request.page is None
        or stored is None
        or (stored.project, stored.sha256) != (project, digest)
    ):
        raise HTTPNotFound(detail=f"There is no file {filename!r} here.")
    if stored.is_quarantined:
        raise HTTPNotFound(detail=f"{project!r} is in quarantine: its files are not offered.")
    sha256 = stored.metadata_sha256 if is_metadata else stored.sha256
    if sha256 is None:
        raise HTTPNotFound(detail=f"{filename!r} is not offered here.")
    request.offer_file(stored, str(request.index.blobs.path(sha256)))
    return Response()
