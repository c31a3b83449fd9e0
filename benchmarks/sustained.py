"""Writers and readers at the same time: both rates, and that nothing goes wrong.

Usage: python -m benchmarks.sustained [--database sqlite|postgresql] [--seconds 60] [--quick]

Eight uploaders and 32 readers, each with a connection of its own, of a server with two workers. Each
uploader sends wheels of 100 KB to a project of its own and asks for the project's page after each; the
page must show the file. Readers ask for pages of all projects and for the root list. They are two
processes, since one could not keep the server busy; they share the machine with it.
"""

import argparse
import contextlib
import hashlib
import http.client
import io
import multiprocessing
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import databases
from benchmarks.serving import serving
from benchmarks.uploads import Form, Uploader, small_wheels
from tests.clients.running import RunningIndex
from tests.conftest import new_token, new_user

UPLOADERS, READERS = 8, 32
_JSON = "application/vnd.pypi.simple.v1+json"
_PROJECTS = [f"p{number}" for number in range(UPLOADERS)]
_PAGES = ("/simple/{}/", "/simple/{}/", "/simple/", "/pypi/{}/json", "/project/{}/")


def several(count: int, work: Callable[[int, Counter[str]], None]) -> Counter[str]:
    """Run *work* in so many threads; what they have counted, each on its own."""
    counts = [Counter[str]() for _ in range(count)]

    def run(number: int) -> None:
        try:
            work(number, counts[number])
        except Exception as error:  # told in the table, and it ends this thread alone
            counts[number][f"{type(error).__name__}: {error}"[:200]] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts, Counter())


def upload(url: str, token: str, until: float) -> Counter[str]:
    """Upload until the moment *until*; the numbers of uploads and of errors."""

    def work(number: int, count: Counter[str]) -> None:
        uploader, reader = Uploader(url, token), Reader(url)
        for filename, content in small_wheels(_PROJECTS[number]):
            if time.time() >= until:
                return
            form = Form(filename, hashlib.sha256(content).hexdigest())
            uploader.upload(form, io.BytesIO(content), len(content))
            assert form.sha256 in reader.get(f"/simple/{_PROJECTS[number]}/"), "a stale page"
            count["uploads"] += 1

    return several(UPLOADERS, work)


def read(url: str, until: float) -> Counter[str]:
    """Read until the moment *until*; the numbers of reads and of errors."""

    def work(number: int, count: Counter[str]) -> None:
        reader, chance = Reader(url), random.Random(number)
        while time.time() < until:
            reader.get(chance.choice(_PAGES).format(chance.choice(_PROJECTS)))
            count["reads"] += 1

    return several(READERS, work)


class Reader:
    """A client that keeps its connection, as long as the server does."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def get(self, path: str) -> str:
        """A page's text, empty where there is none yet. Raises AssertionError for anything else."""
        self._connection.request("GET", path, headers={"Accept": f"{_JSON}, */*;q=0.1"})
        response = self._connection.getresponse()
        text = response.read().decode()
        assert response.status in (200, 404), f"{response.status} {text}"
        return text if response.status == 200 else ""


def measure(kind: str, running: RunningIndex, seconds: float) -> None:
    """A table row."""
    root = new_user(running.index, "root", is_admin=True)
    token = new_token(running.index, root)
    until = time.time() + seconds
    # New processes and no forks: of this one's threads a fork would have none.
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        uploading = pool.apply_async(upload, (running.url, token, until))
        reading = pool.apply_async(read, (running.url, until))
        count = uploading.get() + reading.get()
    uploads, reads = count.pop("uploads", 0), count.pop("reads", 0)
    errors = "; ".join(f"{number} x {text}" for text, number in count.items()) or "0"
    print(
        f"| {kind} | {uploads / seconds:.0f} | {reads / seconds:,.0f} | {errors} |",
        flush=True,
    )


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="on each database")
    parser.add_argument("--quick", action="store_true", help="ten seconds on each")
    databases.add_option(parser)
    options = parser.parse_args(argv)
    seconds = 10.0 if options.quick else options.seconds
    print(f"| {UPLOADERS} uploaders, {READERS} readers | uploads/s | reads/s | errors |")
    print("|---|--:|--:|--:|")
    for kind in databases.chosen(options):
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / kind
            url = stack.enter_context(databases.running(kind, folder))
            measure(kind, stack.enter_context(serving(folder / "served", url)), seconds)


if __name__ == "__main__":
    main()
