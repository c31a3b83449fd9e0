"""The home page: what the index is, how to use it, and what is new."""

from collections.abc import Mapping
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.cache.pages import Page
from pypi_lite.repository import keys, pages
from pypi_lite.web.headers import HTML, SECURITY_HEADERS
from pypi_lite.web.rendering import page

_NEWEST = 20
_PAGE = Page(
    key=keys.HOME,
    name="home.html",
    content_type=HTML,
    headers=SECURITY_HEADERS,
    is_personal=True,
)


def includeme(config: Any) -> None:
    """Add the route and the page."""
    config.add_route("web.home", "/", request_method=("GET", "HEAD"))
    config.add_page_rule("/", page_of)
    config.scan(__name__)


def page_of(environ: Mapping[str, Any]) -> Page | None:
    """The home page; every path begins with a slash, so that others come here too."""
    return _PAGE if environ["PATH_INFO"] == "/" else None


@view_config(route_name="web.home", permission=Permission.READ)
def home(request: Any) -> Response:
    """The home page."""
    facts, releases = pages.newest_releases(request.reader, request.reach, _NEWEST)
    request.offer_list(facts)
    return page(request, "home.html", releases=releases)
