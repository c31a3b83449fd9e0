"""Whether a hit costs more where the index holds more, and what memory the longest page takes.

Usage: python -m benchmarks.sizes [--folder FOLDER] [--database sqlite|postgresql] [--quick]

Needs wrk. The same page, of a project with ten files, is asked for in an index of 100 projects and in one
of 100,000 with 1,000,000 files, in turns; then the root list of 100,000 projects, again and again, and
what memory its workers have then. *FOLDER* keeps the databases for the next time.
"""

import argparse
import contextlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks import databases, filling, memory
from benchmarks.serving import serving
from tests.clients import raw
from tests.clients.running import RunningIndex

_JSON = "application/vnd.pypi.simple.v1+json"
_PAGE = "sample-000006/"
_SMALL = argparse.Namespace(projects=100, files=1_000)
_CONNECTIONS = 8
_ROOT_LISTS = {
    "HTML": {"Accept": "text/html"},
    "HTML, gzip": {"Accept": "text/html", "Accept-Encoding": "gzip"},
    "JSON": {"Accept": _JSON},
    "JSON, gzip": {"Accept": _JSON, "Accept-Encoding": "gzip"},
}


def rate(url: str, headers: Mapping[str, str], seconds: int) -> float:
    """Requests a second."""
    raw.get(url, headers)
    hit = raw.get(url, headers)
    assert (hit.status, hit.headers["cache-status"]) == (200, "pypi_lite; hit")
    named = [f"-H{name}: {value}" for name, value in headers.items()]
    command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", *named, url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert found is not None
    assert "Non-2xx" not in output, output
    return float(found[1])


def compare(kind: str, small: RunningIndex, large: RunningIndex, rounds: int) -> None:
    """A table row: the same page in both indexes."""
    urls = [running.simple_url + _PAGE for running in (small, large)]
    rows = [[rate(url, {"Accept": _JSON}, 2) for url in urls] for _ in range(rounds)]
    few, many = (statistics.median(column) for column in zip(*rows, strict=True))
    ratio = statistics.median(row[1] / row[0] for row in rows)
    print(f"| {kind} | {few:,.0f} | {many:,.0f} | {ratio:.2f} |", flush=True)


def measure_memory(kind: str, large: RunningIndex, seconds: int) -> None:
    """A table row for each representation of the root list."""
    for title, headers in _ROOT_LISTS.items():
        began = time.monotonic()
        served = rate(large.simple_url, headers, seconds) * (time.monotonic() - began)
        resident = max(memory.resident(worker) for worker in large.worker_pids())
        most = max(memory.peak(worker) for worker in large.worker_pids())
        print(f"| {kind}, {title} | {served:,.0f} | {resident:.0f} | {most:.0f} |", flush=True)


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep the databases here")
    databases.add_option(parser)
    filling.add_options(parser)
    options = parser.parse_args(argv)
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed")
    rounds, seconds = (2, 2) if options.quick else (7, 5)
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        small, large = {}, {}
        for kind in databases.chosen(options):
            for indexes, place, size in (
                (small, folder / f"small-{kind}", _SMALL),
                (large, folder / kind, options),
            ):
                url = stack.enter_context(filling.filled(kind, place, size))
                indexes[kind] = stack.enter_context(serving(place / "served", url))
        print("| a hit | of 100 projects, req/s | of 100,000, req/s | ratio |")
        print("|---|--:|--:|--:|")
        for kind in large:
            compare(kind, small[kind], large[kind], rounds)
        print("\n| root list | times | worker's memory, MB | at most, MB |")
        print("|---|--:|--:|--:|")
        for kind, running in large.items():
            measure_memory(kind, running, seconds)


if __name__ == "__main__":
    main()
