"""A way to a running index whose connections break."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.clients.between import in_background
from tests.clients.running import ENOUGH


class Cutting(socketserver.ThreadingTCPServer):
    """Breaks a connection that has carried *most* bytes back; no more than *cuts* of them."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, most: int, cuts: int) -> None:
        super().__init__(("127.0.0.1", 0), _Carrier)
        self.target = ("127.0.0.1", port)
        self.most = most
        self.asked: list[bytes] = []
        self._cuts = threading.Semaphore(cuts)

    @property
    def simple_url(self) -> str:
        """What installers are given in place of the index's."""
        return f"http://127.0.0.1:{self.server_address[1]}/simple/"

    def lines(self, start: bytes) -> list[bytes]:
        """The lines of all requests that begin with *start*."""
        return [line for line in b"".join(self.asked).splitlines() if line.startswith(start)]

    def may_cut(self) -> bool:
        """Whether one more connection is to break; it counts as broken then."""
        return self._cuts.acquire(blocking=False)


@contextmanager
def cutting(url: str, most: int, cuts: int = 1000) -> Iterator[Cutting]:
    """Serve a `Cutting` in front of the index at *url*."""
    with Cutting(urlsplit(url).port or 80, most, cuts) as server, in_background(server):
        yield server


class _Carrier(socketserver.BaseRequestHandler):
    server: Cutting

    def handle(self) -> None:
        with socket.create_connection(self.server.target, ENOUGH) as target:
            forth = threading.Thread(target=self._carry_forth, args=(target,), daemon=True)
            forth.start()
            left = self.server.most
            while data := target.recv(65536):
                if len(data) > left and self.server.may_cut():
                    self.request.sendall(data[:left])
                    break
                self.request.sendall(data)
                left -= len(data)
            self.request.shutdown(socket.SHUT_RDWR)
        forth.join(ENOUGH)

    def _carry_forth(self, target: socket.socket) -> None:
        try:
            while data := self.request.recv(65536):
                self.server.asked.append(data)
                target.sendall(data)
        except OSError:
            return
