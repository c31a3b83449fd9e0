"""Where the microseconds of a hit go, in one process and without a network.

Usage: python -m benchmarks.hit [--calls 20000]

Each step is called again and again on its own; a row is the best of five rounds, in microseconds.
"""

import argparse
import os
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser

from benchmarks.pages import JSON, fill
from pypi_lite import make_app
from pypi_lite.cache.hits import Hits
from pypi_lite.server import channel
from pypi_lite.settings import Settings

_PATH = "/simple/sample-30/"
_REQUEST = (
    f"GET {_PATH} HTTP/1.1\r\nHost: 127.0.0.1:6543\r\nUser-Agent: pip/26.0\r\nAccept: {JSON}\r\n"
    "Accept-Encoding: identity\r\nConnection: keep-alive\r\n\r\n"
).encode()
_ROUNDS = 5


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    calls = parser.parse_args(argv).calls
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        app = make_app(Settings(data=folder / "data"))
        app.request_factory.blank(_PATH, accept=JSON).get_response(app)
        print("| step of a hit on a page of 20 KB | us |")
        print("|---|--:|")
        for step, function in _steps(app.registry["pypi_lite.hits"]):
            print(f"| {step} | {_microseconds(function, calls):.1f} |", flush=True)


def _steps(hits: Hits) -> list[tuple[str, Callable[[], object]]]:
    def parse() -> HTTPRequestParser:
        request = HTTPRequestParser(adjustments)
        request.received(_REQUEST)
        return request

    def send() -> None:
        sender.sendmsg([head, answer.body])  # type: ignore[list-item]
        receiver.recv(1 << 20)

    adjustments = Adjustments()
    request = parse()
    environ = channel._environ(request)
    answer = hits.answer(environ)
    assert answer is not None
    path = hits._cache.path(hits.page_of(environ))  # type: ignore[union-attr, arg-type]
    head = channel._head(answer.code, answer.headers)
    sender, receiver = socket.socketpair()
    return [
        ("waitress parses the request", parse),
        ("its environment", lambda: channel._environ(request)),
        ("which page, what is known of it, what to answer", lambda: hits.answer(environ)),
        ("of that: the look at the file", lambda: os.stat(path)),
        ("the head, as bytes", lambda: channel._head(answer.code, answer.headers)),
        ("sending and receiving it, within this process", send),
    ]


def _microseconds(function: Callable[[], object], calls: int) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for _ in range(calls // _ROUNDS):
            function()
        best = min(best, (time.perf_counter() - began) / (calls // _ROUNDS))
    return best * 1e6


if __name__ == "__main__":
    main()
