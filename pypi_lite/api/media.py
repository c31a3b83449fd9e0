"""Media types of the simple API, and which of them a client would like best.

Simple repository API, "Version + format selection" (PEP 691): quality values decide; the versioned
types are answered as themselves, the ``latest`` ones as the version that they stand for.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from webob.acceptparse import create_accept_header

#: The simple API's version (PEP 792); HTML is frozen at it (PEP 833).
API_VERSION = "1.4"
#: The version of its JSON while there are namespaces (PEP 752).
NAMESPACES_API_VERSION = "1.5"
#: JSON lines: an object on each line.
JSON_LINES = "application/x-ndjson"


class Media(StrEnum):
    """What the simple API answers with."""

    TEXT_HTML = "text/html"
    HTML = "application/vnd.pypi.simple.v1+html"
    JSON = "application/vnd.pypi.simple.v1+json"

    @property
    def content_type(self) -> str:
        """The Content-Type header. Only text/html has a charset."""
        return f"{self.value}; charset=UTF-8" if self is Media.TEXT_HTML else self.value


# In the server's own order, for clients that have no preference: browsers and ``*/*`` get HTML.
_OFFERS = {
    "text/html": Media.TEXT_HTML,
    "application/vnd.pypi.simple.v1+html": Media.HTML,
    "application/vnd.pypi.simple.v1+json": Media.JSON,
    "application/vnd.pypi.simple.latest+html": Media.HTML,
    "application/vnd.pypi.simple.latest+json": Media.JSON,
}


def choose(environ: Mapping[str, Any]) -> Media | None:
    """The representation that the request wants, or None: nothing acceptable (406).

    ``?format=`` with one exact type wins over the header.
    """
    query = environ.get("QUERY_STRING")
    if query:
        wanted = dict(parse_qsl(query, keep_blank_values=True)).get("format")
        if wanted is not None:
            return _OFFERS.get(wanted)
    return _negotiate(environ.get("HTTP_ACCEPT") or "*/*")


@lru_cache(maxsize=1024)
def _negotiate(accept: str) -> Media | None:
    offers = create_accept_header(accept).acceptable_offers(list(_OFFERS))
    return _OFFERS[offers[0][0]] if offers else None
