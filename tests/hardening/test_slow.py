"""Clients that take their time: they keep nobody else out, and hold no thread."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.test_server import ENOUGH, Program, wait_until

#: So that no test takes as long as a client may.
QUICK = {
    "LOOK_SECONDS": 0.05,
    "HEADER_SECONDS": 0.5,
    "UNUSED_SECONDS": 0.5,
    "PERIOD_SECONDS": 0.5,
    "PERIOD_BYTES": 1000,
}
#: No thread of the server is free while so many are held.
THREADS = 4


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    programs: list[Program] = []

    def start(**options: Any) -> Program:
        programs.append(Program(tmp_path / f"stderr{len(programs)}", {"limits": QUICK, **options}))
        return programs[-1]

    try:
        yield start
    finally:
        for program in programs:
            program.clean_up()


def connected(program: Program) -> socket.socket:
    connection = program.connect()
    connection.connect()
    assert isinstance(connection.sock, socket.socket)
    connection.sock.settimeout(ENOUGH)
    return connection.sock


def drips(client: socket.socket, ends: threading.Event) -> None:
    """A byte now and then, until it is over."""
    with contextlib.suppress(OSError):
        while not ends.wait(0.02):
            client.send(b"x")


def is_cut_off(client: socket.socket) -> bool:
    """Whether the server closes the connection, without an answer."""
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /pid HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
        b"POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
    ],
    ids=["header", "body", "chunk"],
)
def test_who_sends_a_byte_now_and_then_is_cut_off(start: Any, beginning: bytes) -> None:
    program = start()
    ends = threading.Event()
    slow = [connected(program) for _ in range(2 * THREADS)]
    for client in slow:
        client.sendall(beginning)
    dripping = [threading.Thread(target=drips, args=(client, ends)) for client in slow]
    for thread in dripping:
        thread.start()
    try:
        assert int(program.get("/pid")) == program.process.pid  # beside them
        assert all(is_cut_off(client) for client in slow)
    finally:
        ends.set()
        for thread in dripping:
            thread.join()
        for client in slow:
            client.close()
    assert program.words_after("request") == ["/pid"]


def test_who_says_nothing_is_cut_off(start: Any) -> None:
    program = start()
    client = connected(program)
    assert is_cut_off(client)
    client.close()


@pytest.mark.parametrize("path", ["/more", "/file"])
def test_who_never_reads_holds_no_thread(start: Any, path: str) -> None:
    """The first answer is more than a connection keeps for its client: its thread waits."""
    program = start()
    silent = [connected(program) for _ in range(2 * THREADS)]
    for client in silent:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert wait_until(lambda: program.words_after("request").count(path) >= THREADS)
    assert int(program.get("/pid")) == program.process.pid
    assert wait_until(lambda: program.words_after("request").count(path) == 2 * THREADS)
    for client in silent:
        client.close()


def test_who_keeps_the_pace_is_served(start: Any) -> None:
    """Several times as long as it may take, were it slower."""
    program = start()
    body = b"x" * 1000
    client = program.connect()
    client.putrequest("POST", "/length")
    client.putheader("Content-Length", str(20 * len(body)))
    client.endheaders()
    for _ in range(20):
        client.send(body)
        time.sleep(0.1)
    assert client.getresponse().read() == b"20000"
    client.close()


def test_many_requests_over_one_connection_are_no_slow_one(start: Any) -> None:
    program = start()
    client = program.connect()
    for _ in range(20):
        client.request("GET", "/pid")
        assert client.getresponse().read()
        time.sleep(0.1)
    client.close()


def test_idle_connections_make_room(start: Any) -> None:
    """As many as there may be at all, and more; all but the last ones are kept alive for nothing."""
    limit = 20
    program = start(connections=limit, limits={**QUICK, "UNUSED_SECONDS": 1000})
    idle: list[http.client.HTTPConnection] = []
    for _ in range(3 * limit):
        client = program.connect()
        client.request("GET", "/pid")
        assert int(client.getresponse().read()) == program.process.pid
        idle.append(client)
    for client in idle:
        client.close()


REFUSED = (
    b"nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
)


def test_what_the_server_itself_refuses_tells_browsers_as_much(start: Any) -> None:
    program = start()
    for request in REFUSED:
        client = connected(program)
        client.sendall(request)
        response = http.client.HTTPResponse(client)
        response.begin()
        assert response.status in {400, 413, 431, 501}
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Connection"] == "close"
        client.close()


def test_a_trusted_proxy_says_where_a_request_comes_from(start: Any) -> None:
    for proxies, address in (["192.0.2.1"], "127.0.0.1"), (["127.0.0.0/8"], "198.51.100.7"):
        client = start(proxies=proxies).connect()
        headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
        client.request("GET", "/whence", headers=headers)
        assert json.loads(client.getresponse().read())[0] == address
        client.close()
