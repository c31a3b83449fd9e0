"""What people see when there is nothing at an address, or a form can't be trusted."""

from typing import Any

from pyramid.exceptions import BadCSRFOrigin, BadCSRFToken, PredicateMismatch
from pyramid.response import Response
from pyramid.view import exception_view_config, forbidden_view_config, notfound_view_config

from pypi_lite.errors import plain
from pypi_lite.forms import drain
from pypi_lite.security import ask, asks, is_known
from pypi_lite.web.rendering import answer

#: Addresses that programs ask, and get a line of text from.
_PROGRAMS = (
    "/simple",
    "/files/",
    "/pypi/",
    "/legacy",
    "/rss/",
    "/mirror/",
    "/packages/",
    "/api/",
    "/_/",
)


def includeme(config: Any) -> None:
    """Add the views."""
    config.scan(__name__)


@notfound_view_config()
def not_found(error: Any, request: Any) -> Response:
    """404: a page for browsers, a line of text for programs.

    What is there, but beyond the reach of somebody who has not said who they are, has them asked.
    """
    if asks(request):
        return ask(request)
    if _is_browser(request):
        response = answer(request, "error/not_found.html", status=404)
    else:
        response = plain(404, _detail(error, request))
    response.headers["Vary"] = "Accept"
    return response


@forbidden_view_config()
def forbidden(request: Any) -> Response:
    """403 for who is known, and may not do that; who is not is asked who they are. Routes of programs
    that say more have views of their own."""
    if not is_known(request):
        return ask(request)
    if _is_browser(request):
        return answer(request, "error/forbidden.html", status=403)
    return plain(403, "You may not do that.")


@exception_view_config(BadCSRFToken)
@exception_view_config(BadCSRFOrigin)
def stale_form(_error: Any, request: Any) -> Response:
    """400: the form is not one that this browser got from here lately."""
    drain(request.environ)
    if not _is_browser(request):  # the upload form's script, for one
        return plain(400, "The form is too old: reload the page and try again.")
    return answer(request, "error/stale_form.html", status=400)


def _detail(error: Any, request: Any) -> str:
    """What a view says is missing. Pyramid's own texts are its workings, or the path again."""
    if isinstance(error, PredicateMismatch) or error.detail in (None, request.path_info):
        return "There is nothing here."
    return str(error.detail)


def _is_browser(request: Any) -> bool:
    if request.path_info.startswith(_PROGRAMS):
        return False
    offers = request.accept.acceptable_offers(["text/plain", "text/html"])
    return bool(offers) and offers[0][0] == "text/html"
