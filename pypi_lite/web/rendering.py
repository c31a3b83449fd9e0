"""From a template to a page: for the cache, or for one request alone."""

from typing import Any

from pyramid.csrf import get_csrf_token
from pyramid.renderers import render
from pyramid.response import Response

from pypi_lite.web.headers import UNCACHED_HEADERS
from pypi_lite.web.static import static_path


def page(request: Any, template: str, **values: Any) -> Response:
    """A page that may be kept: its template learns of the request only how deep its path is."""
    root = root_of(request.path_info)
    context = {
        "settings": request.index.settings,
        "root": root,
        "static": root + static_path(request.registry),
        # A page that is kept is for readers alone.
        "may_search": True,
        **values,
    }
    return Response(render(f"pypi_lite.templates:{template}", context))


def answer(request: Any, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page for this request alone; its template has *values* and ``identity``."""
    identity = request.identity
    may_search = request.index.settings.is_open or identity is not None
    response = page(request, template, identity=identity, may_search=may_search, **values)
    response.status_int = status
    response.headers.update(UNCACHED_HEADERS)
    return response


def form(request: Any, template: str, *, status: int = 200, **values: Any) -> Response:
    """An `answer` with forms in it: its template has ``csrf_token`` too, and ``error``."""
    values = {"error": None, "csrf_token": get_csrf_token(request), **values}
    return answer(request, template, status=status, **values)


def root_of(path: str) -> str:
    """The relative way from the page at *path*, below the application, to the home page."""
    return "../" * path.count("/", 1) or "./"
