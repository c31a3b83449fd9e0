"""The namespaces of the index, for programs: PEP 752, "Namespace List" and "Namespace Detail".

The standard puts them below the simple API's address, and without a last slash. So ``/simple/namespaces``
is the list, and never the way to the page of a project called ``namespaces``, which is at
``/simple/namespaces/`` as any other. An index without a grant has neither address: that is how clients
tell whether it knows namespaces. Neither is a page of the cache: they are small, and seldom asked for.
"""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.addresses import moved
from pypi_lite.api.media import Media
from pypi_lite.names import is_normalized_name, is_valid_name, normalize_name
from pypi_lite.repository import namespaces

_ABSENT = "There are no namespaces here."


def includeme(config: Any) -> None:
    """Add the routes, before those of projects of these names."""
    get = {"request_method": ("GET", "HEAD")}
    config.add_route("api.namespaces", "/simple/namespaces", **get)
    config.add_route("api.namespace", "/simple/namespace/{name}", **get)
    config.scan(__name__)


@view_config(route_name="api.namespaces", permission=Permission.READ)
def list_all(request: Any) -> Response:
    """All namespaces."""
    names = namespaces.names(request.reader)
    if not names:
        raise HTTPNotFound(detail=_ABSENT)
    return _json([{"name": name} for name in names])


@view_config(route_name="api.namespace", permission=Permission.READ)
def show(request: Any) -> Response:
    """One namespace. ``owner`` is there where one alone owns it; ``_owners`` is our own."""
    name = request.matchdict["name"]
    if is_valid_name(name) and not is_normalized_name(name):
        return moved(request, f"/simple/namespace/{normalize_name(name)}")
    found = namespaces.detail(request.reader, name)
    if found is None:
        raise HTTPNotFound(detail=f"There is no namespace {name!r} here.")
    content = {"name": found.name, "parent": found.parent, "children": found.children}
    if len(found.owners) == 1:
        content["owner"] = found.owners[0]
    return _json({**content, "_owners": found.owners})


def _json(content: Any) -> Response:
    response = Response(json_body=content, content_type=Media.JSON.content_type)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "no-cache"
    return response
