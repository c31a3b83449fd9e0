"""What nginx in front sends in place of the application: X-Accel-Redirect.

The application decides and says which file; nginx sends its bytes. ``deploy/`` has both of nginx's
configurations, whose internal locations are named here.
"""

from collections.abc import Container, Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from pypi_lite.cache.answer import Answer

#: The answer's header. One with it has no body.
HEADER = "X-Accel-Redirect"
#: The request's: what nginx is ready to send. nginx replaces whatever a client says in it.
_REQUEST_HEADER = "HTTP_X_PYPI_LITE_ACCEL"
_FILES, _ALL = "files", "all"
# nginx would judge these by the file's own time and size, which are not our tags.
_CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE")


class Place(StrEnum):
    """nginx's internal locations."""

    #: Published pages, below the cache's folder of pages.
    PAGES = "/.pypi_lite/pages/"
    #: Whole blobs, below the blobs' folder; whatever range is asked for.
    WHOLE = "/.pypi_lite/whole/"
    #: The part of a blob that the request asks for.
    PART = "/.pypi_lite/part/"


def redirect(answer: Answer, place: Place, path: str, *, without: Container[str]) -> Answer:
    """*answer* without its bytes, which nginx sends: those of the file *path* in *place*.

    Headers in *without* are nginx's to tell.
    """
    answer.close()
    kept = (header for header in answer.headers if header[0] not in without)
    location = quote(place + path, safe="/+!")
    return Answer(200, (*kept, ("Content-Length", "0"), (HEADER, location)), b"", 0)


def sends_files(environ: Mapping[str, Any]) -> bool:
    """Whether nginx is to send the file that this request gets."""
    return environ.get(_REQUEST_HEADER) in (_FILES, _ALL) and _is_unconditional(environ)


def sends_pages(environ: Mapping[str, Any]) -> bool:
    """Whether nginx is to send the published page that this request gets."""
    return environ.get(_REQUEST_HEADER) == _ALL and _is_unconditional(environ)


def _is_unconditional(environ: Mapping[str, Any]) -> bool:
    return not any(header in environ for header in _CONDITIONS)
