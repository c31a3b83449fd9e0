"""The page where people find projects."""

import re
from typing import Any
from urllib.parse import urlencode

from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.repository import search
from pypi_lite.repository.errors import Refusal
from pypi_lite.web.rendering import answer

# Nine digits are more pages than any index has.
_NUMBER = re.compile(r"[1-9][0-9]{0,8}\Z", re.ASCII)


def includeme(config: Any) -> None:
    """Add the route."""
    config.add_route("web.search", "/search/")
    config.scan(__name__)


@view_config(route_name="web.search", request_method="GET", permission=Permission.READ)
def show(request: Any) -> Response:
    """The projects that hold the words, or all."""
    text = request.GET.get("q", "").strip()
    try:
        words = search.read_words(text)
    except Refusal as refusal:
        return _answer(request, text, error=refusal)
    return _answer(
        request, text, search.search(request.reader, request.reach, words, _page(request))
    )


def _answer(
    request: Any, text: str, part: search.Part | None = None, error: Refusal | None = None
) -> Response:
    return answer(
        request,
        "search.html",
        status=error.status if error else 200,
        text=text,
        query=urlencode({"q": text}) if text else "",
        part=part,
        error=error.text if error else None,
    )


def _page(request: Any) -> int:
    """The number of the page that is asked for; what is none is the first."""
    number = request.GET.get("page", "")
    return int(number) if _NUMBER.match(number) else 1
