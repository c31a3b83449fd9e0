"""Hits over real connections: the server's loop answers them itself, in order, whatever clients do."""

import os
import socket
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from pyramid.paster import get_appsettings

from pypi_lite.api.simple import page_of
from pypi_lite.cache.pages import Facts
from pypi_lite.models import now
from pypi_lite.opening import open_index
from pypi_lite.settings import Settings
from tests.clients import raw
from tests.clients.running import RunningIndex

#: Kept in memory, kept in memory and more than a socket takes at once, sent from its file.
PAGES = {
    "small": b"a small page" * 100,
    "medium": os.urandom(400_000),
    "big": os.urandom(8_000_000),
}
SECONDS = 60.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIndex]:
    """An index with one worker, whose cache holds `PAGES`."""
    running = RunningIndex(tmp_path_factory.mktemp("hits") / "index", workers=1)
    running.start()
    for name, body in PAGES.items():
        _publish(running, name, body)
    yield running
    assert running.stop() == 0
    assert running.scary_lines() == []
    running.close()


def _publish(running: RunningIndex, name: str, body: bytes) -> None:
    opened = open_index(Settings.from_ini(get_appsettings(str(running.folder / "index.ini"))))
    page = page_of({"PATH_INFO": f"/simple/{name}/"})
    assert opened.cache is not None
    assert page is not None
    generation = opened.cache.begin(page)
    assert generation is not None
    assert generation.publish(body, Facts(7, now()))
    generation.close()
    opened.index.database.dispose()


class Connection:
    """A connection over which requests are written as they are."""

    def __init__(self, running: RunningIndex, buffer: int = 0) -> None:
        host, port = running.url.removeprefix("http://").rstrip("/").split(":")
        self.socket = socket.socket()
        self.socket.settimeout(SECONDS)
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.connect((host, int(port)))

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *requests: str) -> None:
        self.socket.sendall("".join(requests).encode())

    def receive(self, *methods: str) -> list[tuple[int, dict[str, str], bytes]]:
        """The answers to requests of these methods, as they come."""
        # One buffered reader for all: what it reads ahead belongs to the next answer.
        file = self.socket.makefile("rb")
        answers = []
        for method in methods:
            response = HTTPResponse(_Kept(file), method=method)  # type: ignore[arg-type]
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            answers.append((response.status, headers, response.read()))
        return answers


class _Kept:
    """A reader that `HTTPResponse` can take for a socket, and that it does not close."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def makefile(self, _mode: str) -> "_Kept":
        return self

    def close(self) -> None:
        pass

    def flush(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def ask(path: str, method: str = "GET", version: str = "1.1", **headers: str) -> str:
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""])


def test_loop_and_thread_give_the_same_answer(running: RunningIndex) -> None:
    """A thread answers HTTP/1.0, and whoever closes after the request."""
    for method in ("GET", "HEAD"):
        for headers in ({}, {"Accept_Encoding": "gzip"}):
            answers = []
            for version, more in (("1.1", {}), ("1.0", {}), ("1.1", {"Connection": "close"})):
                with Connection(running) as connection:
                    connection.send(ask("/simple/small/", method, version, **headers, **more))
                    answers += connection.receive(method)
                    if version == "1.0" or more:
                        assert connection.socket.recv(1) == b""
            for answer in answers:
                for changing in ("date", "connection"):
                    answer[1].pop(changing, None)
            assert answers[0][1]["cache-status"] == "pypi_lite; hit"
            assert answers[0] == answers[1] == answers[2]


def test_requests_sent_at_once_are_answered_in_their_order(running: RunningIndex) -> None:
    tag = raw.get(f"{running.simple_url}small/").headers["etag"]
    asked = {
        "small": (ask("/simple/small/"), "GET", 200),
        "medium": (ask("/simple/medium/"), "GET", 200),
        "known": (ask("/simple/small/", If_None_Match=tag), "GET", 304),
        "head": (ask("/simple/small/", "HEAD"), "HEAD", 200),
        "thread": (ask("/simple/unknown/"), "GET", 404),
        "query": (ask("/simple/?x=1"), "GET", 200),
        "big": (ask("/simple/big/"), "GET", 200),
        "body": (ask("/simple/", "POST", Content_Length="0"), "POST", 401),
    }
    orders = (
        "small known head small thread small query known",
        "thread small thread known small",
        "big small big thread big known",
        "small body small big body known",
        *["medium small " * 10, "big small " * 4, "medium known thread " * 5] * 4,
    )
    for number, order in enumerate(orders):
        chosen = [asked[name] for name in order.split()]
        # With a small buffer of its client's the server's socket is soon full.
        with Connection(running, buffer=4096 * (number % 2)) as connection:
            connection.send(*(request for request, _, _ in chosen))
            answers = connection.receive(*(method for _, method, _ in chosen))
        assert [status for status, _, _ in answers] == [status for _, _, status in chosen]
        for name, (_, _, body) in zip(order.split(), answers, strict=True):
            assert body == PAGES.get(name, body)


def test_a_request_that_comes_in_pieces_is_one(running: RunningIndex) -> None:
    with Connection(running) as connection:
        request = ask("/simple/small/", Accept="text/html")
        for start in range(0, len(request), 7):
            connection.send(request[start : start + 7])
        ((status, _, body),) = connection.receive("GET")
    assert (status, body) == (200, PAGES["small"])


def test_who_reads_slowly_keeps_nobody_waiting(running: RunningIndex) -> None:
    slow = [Connection(running, buffer=4096) for _ in range(5)]
    for connection in slow:
        connection.send(ask("/simple/big/"))
    with Connection(running) as quick:
        for _ in range(20):
            quick.send(ask("/simple/small/"))
            assert quick.receive("GET")[0][2] == PAGES["small"]
    for connection in slow:
        with connection:
            assert connection.receive("GET")[0][2] == PAGES["big"]


def test_who_goes_away_in_the_middle_is_no_error(running: RunningIndex) -> None:
    for _ in range(5):
        with Connection(running) as connection:
            connection.send(ask("/simple/big/"), ask("/simple/big/"))
            connection.socket.recv(1000)
    assert raw.get(f"{running.simple_url}small/").body == PAGES["small"]
    assert running.scary_lines() == []


def test_what_is_swept_is_no_hit_any_more(running: RunningIndex, tmp_path: Path) -> None:
    _publish(running, "gone", PAGES["small"])
    with Connection(running) as connection:
        for _ in range(2):
            connection.send(ask("/simple/gone/"))
            assert connection.receive("GET")[0][0] == 200
        folder = running.folder / "data" / "cache" / "pages" / "project" / "gone"
        folder.rename(tmp_path / "gone")
        connection.send(ask("/simple/gone/"))
        assert connection.receive("GET")[0][0] == 404
