"""What a cached page costs, side by side with the limit: the same server, bytes from memory.

Usage: python -m benchmarks.pages [--rounds 5] [--seconds 3]

Needs wrk. Runs interleaved on loopback, prints a table of medians and of the median ratio to the
limit in the same round. Use the ratios: wrk shares the machine with the server.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving import Server, free_port, load

JSON = "application/vnd.pypi.simple.v1+json"
#: Releases of the projects whose pages are measured: a small page, about 20 KB, about 300 KB.
RELEASES = (1, 30, 460)
CONNECTIONS = (1, 8, 32)


@dataclass(frozen=True)
class Target:
    """Something to measure, at an address."""

    name: str
    url: str
    tag: str | None = None  # asked for with If-None-Match


def served(folder: Path, workers: int = 1) -> Server:
    """A server of the index that `fill` has made in *folder*; its page is the root list."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        *(sys.executable, "-m", "pypi_lite", "--data", str(folder / "data"), "serve"),
        *("--listen", url.removeprefix("http://"), "--workers", str(workers)),
    ]
    return Server(command, f"{url}/simple/", folder / f"{workers}.log")


def _bare(folder: Path, body: bytes) -> Server:
    """A server of nothing but *body*."""
    url = f"http://127.0.0.1:{free_port()}"
    (folder / "page").write_bytes(body)
    arguments = (url.removeprefix("http://"), str(folder / "page"), JSON)
    command = [sys.executable, "-m", "benchmarks.bare", *arguments]
    return Server(command, f"{url}/", folder / "bare.log")


def fill(folder: Path) -> None:
    """An index with a project for each number of `RELEASES`."""
    from tests.distributions.build import wheel

    files = folder / "files"
    files.mkdir()
    for releases in RELEASES:
        for number in range(releases):
            name, content = wheel(f"sample-{releases}", f"1.{number}", requires_python=">=3.8")
            (files / name).write_bytes(content)
    command = [sys.executable, "-m", "pypi_lite", "--data", str(folder / "data"), "import", files]
    subprocess.run(command, check=True)


def fetch(url: str) -> tuple[bytes, str]:
    """The page's bytes and its tag; twice, so that the second is a hit."""
    for _ in range(2):
        request = urllib.request.Request(url, headers={"Accept": JSON})
        with urllib.request.urlopen(request) as response:
            body, tag = response.read(), response.headers["ETag"]
    return body, tag


def measure(target: Target, connections: int, seconds: int) -> tuple[float, float]:
    """Requests a second, and the 99th percentile of a request's time in milliseconds."""
    headers = {"Accept": JSON}
    if target.tag:
        headers["If-None-Match"] = target.tag
    found = load(target.url, connections, seconds, headers)
    if found.errors:
        raise SystemExit(f"{target.url}: {found.errors}")
    return found.rate, found.p99


def compare(title: str, limit: Target, ours: Target, rounds: int, seconds: int) -> None:
    """A table row for each number of connections."""
    for connections in CONNECTIONS:
        rows = [
            (measure(limit, connections, seconds), measure(ours, connections, seconds))
            for _ in range(rounds)
        ]
        ratio = statistics.median(mine[0] / bare[0] for bare, mine in rows)
        slow = statistics.median(mine[1] / bare[1] for bare, mine in rows)
        bare_rate = statistics.median(bare[0] for bare, _ in rows)
        our_rate = statistics.median(mine[0] for _, mine in rows)
        print(
            f"| {title} | {connections} | {bare_rate:,.0f} | {our_rate:,.0f} | {ratio:.2f} |"
            f" {slow:.1f} |",
            flush=True,
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args(argv)
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed")
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    print("| page | connections | limit, req/s | ours, req/s | ours / limit | p99 / limit's |")
    print("|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder)
        with served(folder) as index:
            for releases in RELEASES:
                url = f"{index.url}sample-{releases}/"
                body, tag = fetch(url)
                with _bare(folder, body) as bare:
                    size = f"{len(body) / 1000:.0f} KB"
                    both = Target("limit", bare.url), Target("ours", url)
                    compare(f"200, {size}", *both, options.rounds, options.seconds)
                    if releases == RELEASES[1]:
                        both = Target("limit", bare.url, '"bare"'), Target("ours", url, tag)
                        compare("304", *both, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
