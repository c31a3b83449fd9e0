"""A connection, and the requests that come over it.

Most requests to an index are hits: they wait for nothing but one look at a file. A connection answers
those at once, in the thread of waitress's loop. Handing a request to a thread and its answer back to
the loop costs more than all else about it: both threads want the one interpreter.
"""

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import build_http_date

from pypi_lite.cache.answer import Answer
from pypi_lite.server.limits import Pace

#: What answers a request, as a WSGI environment with method, path, query and headers alone, without
#: waiting for anything; None: it is the application's.
AtOnce = Callable[[Mapping[str, str]], Answer | None]

_FIRST_REQUEST_SECONDS = 1.0  # a stop lets a new connection send its first request for so long
_REFUSED_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
)
_STATUS = {
    200: "200 OK",
    206: "206 Partial Content",
    304: "304 Not Modified",
    416: "416 Range Not Satisfiable",
}


class Task(WSGITask):  # type: ignore[misc] # waitress has no types
    """A request; one that is answered after the stop tells the client not to send another."""

    def set_close_on_finish(self) -> None:
        # waitress would close after each 304 and 204, for want of a Content-Length. They end with
        # their header (RFC 9112, 6.3), and revalidating is most of what installers do.
        wants_close = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or wants_close or self.version != "1.1":
            super().set_close_on_finish()

    def build_response_header(self) -> Any:
        if not self.channel.server.accepting:
            self.request.headers["CONNECTION"] = "close"
        return super().build_response_header()


class Parser(HTTPRequestParser):  # type: ignore[misc] # waitress has no types
    """What reads a request."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.version not in ("1.0", "1.1"):
            raise ParsingError("HTTP/1.0 and HTTP/1.1 are spoken here")
        # Whoever sends these wants two readers to disagree (RFC 9112, 6.1). waitress takes the chunks of
        # the first and goes on with the connection; of HTTP/1.0 it takes the length.
        is_both = self.chunked and "CONTENT_LENGTH" in self.headers
        if is_both or "TRANSFER_ENCODING" in self.headers:
            raise ParsingError("Transfer-Encoding with Content-Length, or in HTTP/1.0")


class Refused(ErrorTask):  # type: ignore[misc] # waitress has no types
    """What is no request, is too large or has failed: a line of text, and nothing to do with it."""

    def build_response_header(self) -> Any:
        self.response_headers += _REFUSED_HEADERS
        return super().build_response_header()


class Channel(HTTPChannel):  # type: ignore[misc] # waitress has no types
    """A connection."""

    parser_class = Parser
    task_class = Task
    error_task_class = Refused

    #: Bytes of answers that the socket has taken, and how it was when it was looked at (`limits`).
    sent = 0
    pace: Pace | None = None

    def send(self, data: bytes, do_close: bool = True) -> int:
        count: int = super().send(data, do_close=do_close)
        self.sent += count
        return count

    def is_unused(self) -> bool:
        """Whether nothing has come or gone yet."""
        return bool(self.last_activity == self.creation_time)

    def is_idle(self) -> bool:
        """Whether nothing is running, arriving or leaving; for the thread of the loop only."""
        # In this order: a task hands over its output before it leaves the list.
        if self.requests or self.request is not None or self.total_outbufs_len:
            return False
        if not self.is_unused():
            return True
        # Nothing has come yet: whoever connects is about to send a request.
        return bool(time.time() > self.creation_time + _FIRST_REQUEST_SECONDS)

    def handle_expt(self) -> None:
        # Urgent data (RFC 6093) means nothing in HTTP. waitress only logs it, and since it stays
        # there, one byte of it would keep the loop busy and fill the log.
        self.handle_close()

    def answer_at_once(self, at_once: AtOnce) -> bool:
        """Answer the request that has just arrived, if *at_once* can; whether it has.

        Called by the loop's thread while the connection's list of requests is locked. What is not
        plain (a body, an older HTTP, a client that reads slowly, a stop) is left to a thread.
        """
        request = self.requests[0]
        if (
            request.error
            or request.version != "1.1"
            or request.connection_close
            or request.content_length
            or request.chunked
            or request.expect_continue
            or self.total_outbufs_len
            or not self.server.accepting
        ):
            return False
        answer = at_once(_environ(request))
        if answer is None:
            return False
        self.requests.clear()
        request.close()
        head = _head(answer.code, answer.headers) + _date(int(time.time()))
        self._send(head, answer, is_head=request.command == "HEAD")
        self.last_activity = time.time()
        return True

    def _send(self, head: bytes, answer: Answer, *, is_head: bool) -> None:
        """Send what the socket takes; the loop sends the rest."""
        body = answer.body
        parts = [head] if is_head or not isinstance(body, bytes) else [head, body]
        try:
            sent = self.socket.sendmsg(parts)
        except BlockingIOError:
            sent = 0
        self.sent += sent
        for part in parts:
            if sent < len(part):
                self.write_soon(part[sent:])
            sent = max(0, sent - len(part))
        if body is not None and not isinstance(body, bytes):
            file = ReadOnlyFileBasedBuffer(body)
            if is_head or not file.prepare(answer.length):
                file.close()
            else:
                self.write_soon(file)
        if self.current_outbuf_count:  # type: ignore[has-type]
            # As waitress does after each request: the next one gets a buffer of its own.
            self.current_outbuf_count = self.adj.outbuf_high_watermark


def _environ(request: Any) -> dict[str, str]:
    environ = {f"HTTP_{name}": value for name, value in request.headers.items()}
    environ["REQUEST_METHOD"] = request.command
    environ["PATH_INFO"] = request.path
    environ["QUERY_STRING"] = request.query
    return environ


@lru_cache(maxsize=1024)
def _head(code: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    lines = (f"HTTP/1.1 {_STATUS[code]}", *(f"{name}: {value}" for name, value in headers))
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


@lru_cache(maxsize=1)
def _date(seconds: int) -> bytes:
    return f"Date: {build_http_date(seconds)}\r\n\r\n".encode()
