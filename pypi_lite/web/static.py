"""The stylesheet, the scripts and the icon, under addresses that change with their content."""

import hashlib
from importlib.resources import files
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.web.headers import SECURITY_HEADERS

_TYPES = {
    "style.css": "text/css",
    "copy.js": "text/javascript",
    "passkey.js": "text/javascript",
    "upload.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_CONTENT, _DIGEST = "pypi_lite.static.content", "pypi_lite.static.digest"
_FOR_EVER = "public, max-age=31536000, immutable"


def includeme(config: Any) -> None:
    """Read the files and add their route."""
    folder = files("pypi_lite.templates")
    content = {name: folder.joinpath(name).read_bytes() for name in _TYPES}
    config.registry[_CONTENT] = content
    config.registry[_DIGEST] = hashlib.sha256(b"\0".join(content.values())).hexdigest()[:16]
    config.add_route("web.static", "/static/{digest}/{name}", request_method=("GET", "HEAD"))
    config.scan(__name__)


def static_path(registry: Any) -> str:
    """The folder of the files, relative to the home page."""
    return f"static/{registry[_DIGEST]}/"


@view_config(route_name="web.static", permission=Permission.ANYBODY)
def static(request: Any) -> Response:
    """One of the files; for ever only under its own address."""
    name = request.matchdict["name"]
    content = request.registry[_CONTENT].get(name)
    if content is None:
        raise HTTPNotFound
    response = Response(content, content_type=_TYPES[name], charset="UTF-8")
    response.headers.update(SECURITY_HEADERS)
    # Another build's page asks another build's address, and gets what there is, for the moment.
    is_own = request.matchdict["digest"] == request.registry[_DIGEST]
    response.headers["Cache-Control"] = _FOR_EVER if is_own else "no-cache"
    return response
