"""Asking another server for a little JSON: bounded in time and size, never led elsewhere.

No redirect is followed, no proxy of the environment is used, and http is for loopback addresses only.
"""

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlencode

from pypi_lite.urls import safe_url

#: Seconds that an answer may take as a whole, however slowly its bytes drip.
SECONDS = 5.0
#: Bytes of the largest answer that is read.
MOST_BYTES = 512 * 1024


class FetchError(Exception):
    """No usable answer; the text says why, and has nothing secret in it."""

    def __init__(self, why: str, *, status: int | None = None, answer: Any = None) -> None:
        super().__init__(why)
        #: The answer's status, where there was one.
        self.status = status
        #: The JSON of an answer that was an error.
        self.answer = answer


def fetch_json(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Any:
    """The JSON that a GET of *url* answers, or a POST where there is a *form*. Raises FetchError."""
    try:
        parts = safe_url(url)
    except ValueError as error:
        raise FetchError(str(error)) from None
    sent = {"Accept": "application/json", "User-Agent": "pypi_lite", **(headers or {})}
    body = None
    if form is not None:
        body = urlencode(form)
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with _connected(parts) as connection:
            connection.request("GET" if body is None else "POST", target, body, sent)
            response = connection.getresponse()
            content = response.read(MOST_BYTES + 1)
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        raise FetchError(f"{parts.netloc} can't be asked: {_describe(error)}") from None
    if len(content) > MOST_BYTES:
        raise FetchError(f"{parts.netloc} answered more than {MOST_BYTES} bytes")
    if response.length:  # what is missing of the length that was promised
        raise FetchError(f"{parts.netloc} broke its answer off")
    return _decode(parts.netloc, response.status, content)


@contextlib.contextmanager
def _connected(parts: SplitResult) -> Iterator[http.client.HTTPConnection]:
    """A connection that is cut when the time is over: a socket's own timeout counts from each byte."""
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    connection = http.client.HTTPConnection(host, port)
    plain = socket.create_connection((host, port), timeout=SECONDS)
    # A duplicate ends the connection whatever TLS is doing with the socket itself.
    with plain.dup() as handle:
        end = threading.Timer(SECONDS, _cut, [handle])
        end.daemon = True
        end.start()
        try:
            connection.sock = plain
            if is_tls:
                context = ssl.create_default_context()
                connection.sock = context.wrap_socket(plain, server_hostname=host)
            yield connection
        finally:
            end.cancel()
            end.join()
            connection.close()
            plain.close()


def _cut(handle: socket.socket) -> None:
    with contextlib.suppress(OSError):
        handle.shutdown(socket.SHUT_RDWR)


def _decode(host: str, status: int, content: bytes) -> Any:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if 300 <= status < 400:
        raise FetchError(f"{host} leads elsewhere, which is not followed", status=status)
    if status != 200:
        raise FetchError(f"{host} answered {status}", status=status, answer=answer)
    if answer is None:
        raise FetchError(f"{host} answered no JSON", status=status)
    return answer


def _describe(error: Exception) -> str:
    if isinstance(error, http.client.HTTPException):
        return "it broke its answer off or took too long"
    return str(error) or type(error).__name__
