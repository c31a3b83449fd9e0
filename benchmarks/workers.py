"""What a second worker brings: hits, and pages that are made for each request.

Usage: python -m benchmarks.workers [--rounds 5] [--seconds 3]

Needs wrk. The load generator needs processor time too: with two cores it takes what the second worker
would use. So the last column says how many cores wrk alone kept busy, and the ratio is also given per
core that was left to the workers.
"""

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urljoin

from benchmarks.pages import Target, fetch, fill, measure, served
from benchmarks.serving import Server

_CONNECTIONS = 16
_PAGES = {
    "hit, 1 KB": "/simple/sample-1/",
    "hit, 20 KB": "/simple/sample-30/",
    "made, 20 KB": "/simple/sample-30/?x",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args(argv)
    print("| page | 1 worker, req/s | 2 workers, req/s | ratio | ratio for equal cores | wrk |")
    print("|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        fill(folder)
        servers = {n: stack.enter_context(served(folder, n)) for n in (1, 2)}
        for title, path in _PAGES.items():
            _compare(title, path, servers, options.rounds, options.seconds)


def _compare(title: str, path: str, servers: dict[int, Server], rounds: int, seconds: int) -> None:
    rows: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, server in servers.items():
            url = urljoin(server.url, path)
            fetch(url)
            rows[workers].append(_measure(url, seconds))
    ratio = statistics.median(b[0] / a[0] for a, b in zip(rows[1], rows[2], strict=True))
    # One worker has a core to itself; two have what wrk leaves of all.
    left = statistics.median(min(2.0, (os.cpu_count() or 1) - wrk) for _, wrk in rows[2])
    rates = [statistics.median(rate for rate, _ in rows[workers]) for workers in (1, 2)]
    wrk = statistics.median(wrk for _, wrk in rows[2])
    print(
        f"| {title} | {rates[0]:,.0f} | {rates[1]:,.0f} | {ratio:.2f} | {ratio * 2 / left:.2f} |"
        f" {wrk:.2f} |",
        flush=True,
    )


def _measure(url: str, seconds: int) -> tuple[float, float]:
    """Requests a second, and the cores that wrk kept busy."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    rate, _ = measure(Target("", url), _CONNECTIONS, seconds)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return rate, used / (time.monotonic() - began)


if __name__ == "__main__":
    main()
