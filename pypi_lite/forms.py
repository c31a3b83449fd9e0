"""Multipart bodies, read as a stream in constant memory (RFC 7578).

WebOb's own form parser reads a body line by line and keeps all of it; uploads never touch it.
"""

from collections.abc import Iterator
from typing import Any

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

_CHUNK = 256 * 1024
#: Parts of one body. A distribution's form repeats fields: each classifier, each requirement.
_MOST_PARTS = 20_000
#: Bytes of one field that is read into memory.
LONGEST_FIELD = 64 * 1024


class FormError(ValueError):
    """The body is not the form that it should be; the text says in which way."""


class Part:
    """One part of a form, to be read before the next one is asked for."""

    def __init__(self, segment: MultipartSegment, events: Iterator[Any]) -> None:
        self.name: str = segment.name or ""
        #: None for a plain field.
        self.filename: str | None = segment.filename
        self._events = events
        self._is_read = False

    def chunks(self) -> Iterator[bytes]:
        """The part's content, as it arrives. Raises FormError."""
        if self._is_read:
            return
        for event in self._events:
            if event is None:
                self._is_read = True
                return
            yield event

    def text(self) -> str:
        """The content of a plain field. Raises FormError if it is no text, or very long."""
        content = bytearray()
        for chunk in self.chunks():
            content += chunk
            if len(content) > LONGEST_FIELD:
                raise FormError(f"the field {self.name!r} is longer than {LONGEST_FIELD} bytes")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise FormError(f"the field {self.name!r} is not UTF-8") from None


def read_parts(environ: dict[str, Any]) -> Iterator[Part]:
    """The parts of a request's multipart body, one after the other. Raises FormError."""
    kind, options = parse_options_header(environ.get("CONTENT_TYPE") or "")
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise FormError("send a multipart/form-data body, as twine and uv do")
    events = _events(environ, options["boundary"])
    for event in events:
        if not isinstance(event, MultipartSegment):
            raise FormError("a part has no header")
        part = Part(event, events)
        yield part
        for _ in part.chunks():
            pass


def drain(environ: dict[str, Any]) -> None:
    """Read what is left of the body: an answer before its end looks to clients like a broken
    connection, and they don't show it."""
    while environ["wsgi.input"].read(_CHUNK):
        pass


def _events(environ: dict[str, Any], boundary: str) -> Iterator[Any]:
    source = environ["wsgi.input"]
    try:
        with PushMultipartParser(boundary, max_segment_count=_MOST_PARTS) as parser:
            while not parser.closed:
                yield from parser.parse(source.read(_CHUNK))
    except MultipartError as error:
        raise FormError(f"the multipart body can't be read: {error}") from error
