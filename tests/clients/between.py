"""A way to a running index that notes what is asked for, and may change what is sent."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.clients.running import ENOUGH

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

    def __init__(self, target: str, change: Callable[[bytes], bytes] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Carrier)
        self.target = urlsplit(target)
        self.change = change
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


@contextmanager
def between(target: str, change: Callable[[bytes], bytes] | None = None) -> Iterator[Between]:
    """Serve a `Between`; *change* gets each request's body, and returns what is sent in its place."""
    with Between(target, change) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
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
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        target = self.server.target
        connection = http.client.HTTPConnection(target.hostname or "", target.port, ENOUGH)
        try:
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        path = urlsplit(self.path).path
        asked = Asked(self.command, path, self.headers.get("Range", ""), response.status)
        self.server.asked.append(asked)
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        if response.status != 304:
            # An answer to HEAD has the length of what it does not bring.
            length = response.getheader("Content-Length") or str(len(content))
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self._chunks()
        elif "Content-Length" in self.headers:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        else:
            return None
        return self.server.change(body) if self.server.change else body

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body
