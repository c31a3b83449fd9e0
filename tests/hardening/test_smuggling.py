"""Requests that two readers could read in two ways: refused, or read as one and no more.

Each shape carries a second request, for ``/smuggled``, in what somebody else might take for the first
one's body or end. Behind nginx too: whatever it passes on, the application must not see more than it.
"""

import contextlib
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.clients.running import RunningIndex
from tests.conftest import lacking
from tests.deploy.front import NGINX, front

_SECONDS = 30.0
INNER = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"0\r\n\r\n" + INNER
LONG = str(len(CHUNKED)).encode()


def post(*lines: bytes, body: bytes = CHUNKED, target: bytes = b"/nothing") -> bytes:
    return b"\r\n".join([b"POST " + target + b" HTTP/1.1", b"Host: x", *lines, b"", body])


#: Shapes that are no request at all.
REFUSED = {
    "two lengths": post(b"Content-Length: 5", b"Content-Length: " + LONG),
    "two lengths in one": post(b"Content-Length: 5, " + LONG),
    "a length with a sign": post(b"Content-Length: +5"),
    "a negative length": post(b"Content-Length: -5"),
    "a hexadecimal length": post(b"Content-Length: 0x5"),
    "an empty length": post(b"Content-Length:"),
    "identity": post(b"Transfer-Encoding: identity", b"Content-Length: 5"),
    "chunked and more": post(b"Transfer-Encoding: chunked, identity"),
    "xchunked": post(b"Transfer-Encoding: xchunked", b"Content-Length: 5"),
    "a quoted chunked": post(b'Transfer-Encoding: "chunked"', b"Content-Length: 5"),
    "a vertical tab": post(b"Transfer-Encoding: \x0bchunked", b"Content-Length: 5"),
    "a space before the colon": post(b"Transfer-Encoding : chunked", b"Content-Length: 5"),
    "a NUL in a name": post(b"Transfer-Encoding\x00: chunked", b"Content-Length: 5"),
    "a bare CR": post(b"X: y\rTransfer-Encoding: chunked", b"Content-Length: 5"),
    "a bare LF": post(b"X: y\nTransfer-Encoding: chunked", b"Content-Length: 5"),
    "a NUL": post(b"X: \x00", b"Content-Length: 0"),
    "no name": post(b": y", b"Content-Length: 0"),
    "a chunk's size with a sign": post(b"Transfer-Encoding: chunked", body=b"+0\r\n\r\n" + INNER),
    "a chunk's size with 0x": post(b"Transfer-Encoding: chunked", body=b"0x0\r\n\r\n" + INNER),
    "a chunk's size with a blank": post(b"Transfer-Encoding: chunked", body=b"0 0\r\n\r\n" + INNER),
    "a chunk longer than it says": post(
        b"Transfer-Encoding: chunked", body=b"1\r\nxx\r\n0\r\n\r\n" + INNER
    ),
    "a wrong extension": post(b"Transfer-Encoding: chunked", body=b"0;\n\r\n\r\n" + INNER),
    "no version and more": b"GET /nothing x\r\nHost: x\r\n\r\n" + INNER,
    "a space in the target": b"GET /noth ing HTTP/1.1\r\nHost: x\r\n\r\n" + INNER,
    "a tab in the first line": b"GET\t/nothing\tHTTP/1.1\r\nHost: x\r\n\r\n" + INNER,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + INNER,
    "two hosts": b"GET /nothing HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n",
    "a host that is none": b"GET /simple HTTP/1.1\r\nHost: x/y?\r\nConnection: close\r\n\r\n",
}
REFUSED |= {
    "a length and chunks": post(b"Content-Length: " + LONG, b"Transfer-Encoding: chunked"),
    "chunks and a length": post(b"Transfer-Encoding: chunked", b"Content-Length: 5"),
    "chunks in HTTP/1.0": post(b"Transfer-Encoding: chunked", b"Connection: keep-alive").replace(
        b"HTTP/1.1", b"HTTP/1.0", 1
    ),
}
#: nginx passes over what follows a chunk's size, and writes chunks of its own for the application.
NGINX_READS_CHUNKS = {"a chunk's size with a blank", "a wrong extension"}
#: Shapes that are one request: its body, as long as one of the two headers says, has the inner one in it.
ONE = {
    "a length": post(b"Content-Length: " + LONG, b"Connection: close"),
    "a folded length": post(b"X: y", b" z", b"Content-Length: " + LONG, b"Connection: close"),
    "an underscore": post(
        b"Transfer_Encoding: chunked", b"Content-Length: " + LONG, b"Connection: close"
    ),
    "a body of a GET": post(b"Content-Length: " + LONG, b"Connection: close").replace(
        b"POST", b"GET", 1
    ),
}
#: Two requests, and no doubt about it: whoever reads one has to answer both, in this order.
TWO = {
    "one after the other": b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" + INNER,
    "chunks": post(b"Transfer-Encoding: chunked"),
    "chunks in capitals": post(b"transfer-encoding: CHUNKED"),
    "an extension": post(b"Transfer-Encoding: chunked", body=b'0;a="b;c"\r\n\r\n' + INNER),
    "a trailer": post(b"Transfer-Encoding: chunked", body=b"0\r\nX: y\r\n\r\n" + INNER),
}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, int]]]:
    """The application itself, and nginx in front of it."""
    if NGINX is None:
        lacking("nginx is not installed")
    folder = tmp_path_factory.mktemp("smuggling")
    running = RunningIndex(folder / "index", workers=1, settings={"trusted_proxy": "127.0.0.1"})
    with ExitStack() as stack:
        stack.callback(running.close)
        running.start()
        data = running.folder / "data"
        upstream = running.url.removeprefix("http://").rstrip("/")
        nginx = stack.enter_context(
            front(upstream, data / "cache", data / "blobs", folder / "nginx")
        )
        yield {"application": _address(running.url), "nginx": _address(nginx)}
        assert running.stop() == 0
        assert running.scary_lines() == []


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
    return host, int(port)


def statuses(address: tuple[str, int], request: bytes) -> list[int]:
    """The statuses of all answers on one connection, which ends with a request that says so."""
    end = b"GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received = b""
    with socket.create_connection(address, _SECONDS) as client, contextlib.suppress(OSError):
        client.sendall(request + end)
        while data := client.recv(65536):
            received += data
    # Bodies of errors are lines of text, and none begins like this.
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] ([0-9]{3}) ", received)]


@pytest.mark.parametrize("way", ["application", "nginx"])
@pytest.mark.parametrize("shape", REFUSED)
def test_what_is_no_request_is_refused_and_nothing_after_it_is_read(
    addresses: dict[str, tuple[str, int]], way: str, shape: str
) -> None:
    found = statuses(addresses[way], REFUSED[shape])
    if way == "nginx" and shape in NGINX_READS_CHUNKS:
        assert found == [404, 404, 404]
    else:
        assert len(found) == 1
        assert found[0] in {400, 501}


@pytest.mark.parametrize("way", ["application", "nginx"])
@pytest.mark.parametrize("shape", ONE)
def test_one_request_is_one(addresses: dict[str, tuple[str, int]], way: str, shape: str) -> None:
    found = statuses(addresses[way], ONE[shape])
    assert len(found) == 1, found


@pytest.mark.parametrize("way", ["application", "nginx"])
@pytest.mark.parametrize("shape", TWO)
def test_two_requests_are_two(addresses: dict[str, tuple[str, int]], way: str, shape: str) -> None:
    assert statuses(addresses[way], TWO[shape]) == [404, 404, 404]


@pytest.mark.parametrize("target", [b"http://evil.test/simple", b"http://x@evil.test:80/simple"])
def test_a_target_with_a_host_leads_nowhere_else(
    addresses: dict[str, tuple[str, int]], target: bytes
) -> None:
    for way, address in addresses.items():
        with socket.create_connection(address, _SECONDS) as client:
            client.sendall(
                b"GET " + target + b" HTTP/1.1\r\nHost: packages.test\r\nConnection: close\r\n\r\n"
            )
            received = b""
            while data := client.recv(65536):
                received += data
        location = [line for line in received.split(b"\r\n") if line.startswith(b"Location:")]
        assert (way, location) in [
            (way, [b"Location: http://packages.test/simple/"]),
            (
                "nginx",
                [b"Location: http://evil.test/simple/"],
            ),  # it takes the target's for the host
            ("nginx", []),
        ]
