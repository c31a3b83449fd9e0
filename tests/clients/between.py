"""A way to a running index that notes what is asked for, and may change what is said."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from urllib.parse import urlsplit

from tests.clients.running import ENOUGH

#: From a body to the one that is carried on.
Change = Callable[[bytes], bytes]

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True)
class Asked:
    """A request; *path* has no query, *range* is "" without that header."""

    method: str
    path: str
    range: str
    status: int


class Between(ThreadingHTTPServer):
    """Carries whole requests and answers to *target*, the address of an index, and back."""

    daemon_threads = True

    def __init__(self, target: str, sent: Change, answered: Change, accept: str) -> None:
        super().__init__(("127.0.0.1", 0), _Carrier)
        self.target = urlsplit(target)
        self.sent = sent
        self.answered = answered
        self.accept = accept
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        """The address in place of the index's, with its slash."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def paths(self, *suffixes: str) -> list[str]:
        """The paths that end with one of *suffixes* and were answered with bytes, sorted."""
        return sorted(
            asked.path
            for asked in self.asked
            if asked.method == "GET" and asked.path.endswith(suffixes) and asked.status < 300
        )


def _same(body: bytes) -> bytes:
    return body


@contextmanager
def between(
    target: str, sent: Change = _same, answered: Change = _same, accept: str = ""
) -> Iterator[Between]:
    """Serve a `Between`. *sent* gets each body of a request, *answered* each page as it is, not
    compressed; they return what goes on in its place. *accept* replaces what pages are asked for in."""
    with Between(target, sent, answered, accept) as server, in_background(server):
        yield server


@contextmanager
def in_background(server: BaseServer) -> Iterator[None]:
    """Let *server* serve in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(ENOUGH)


class _Carrier(BaseHTTPRequestHandler):
    server: Between
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._carry()

    def do_HEAD(self) -> None:
        self._carry()

    def do_POST(self) -> None:
        self._carry()

    def log_message(self, *_: object) -> None:
        """Nothing: `Between.asked` has it."""

    def _carry(self) -> None:
        body = self._body()
        path = urlsplit(self.path).path
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        if path.endswith("/"):
            headers["Accept-Encoding"] = "identity"
            headers["Accept"] = self.server.accept or self.headers.get("Accept", "*/*")
        target = self.server.target
        connection = http.client.HTTPConnection(target.hostname or "", target.port, ENOUGH)
        try:
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            content = response.read()
            if path.endswith("/") and self.command == "GET":
                content = self.server.answered(content)
        finally:
            connection.close()
        asked = Asked(self.command, path, self.headers.get("Range", ""), response.status)
        self.server.asked.append(asked)
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        if response.status != 304:
            # An answer to HEAD has the length of what it does not bring.
            is_head = self.command == "HEAD"
            length = response.getheader("Content-Length") if is_head else len(content)
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self._chunks()
        elif "Content-Length" in self.headers:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        else:
            return None
        return self.server.sent(body)

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body
