"""What it costs to make a page, side by side with the limit: the same queries by the bare driver.

Usage: python -m benchmarks.misses [--folder FOLDER] [--database sqlite|postgresql] [--quick]

Prints, for projects of 1,000 and 10,000 files, the number of queries, the time that the driver takes
to return their rows, the time until the page is made, and until it is also compressed and published;
and for the root list the time of its first answer and the worker's peak memory. *FOLDER* keeps the
databases for the next time.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyramid.request import Request
from sqlalchemy import event

from benchmarks import databases, filling, memory
from benchmarks.serving import serving
from pypi_lite import make_app
from pypi_lite.cache.store import Cache
from pypi_lite.database import Database
from pypi_lite.settings import Settings
from tests.clients import raw
from tests.clients.running import RunningIndex

_HTML, _JSON = "text/html", "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True)
class Wanted:
    """A page of a project."""

    title: str
    pattern: str
    accept: str

    def request(self, project: str, *, kept: bool) -> Request:
        """A request for it, which makes it where it is not published.

        Not *kept*: a query goes past the cache, so that the page is neither packed nor published.
        """
        headers = {"Accept": self.accept, "Accept-Encoding": "gzip" if kept else "identity"}
        return Request.blank(
            self.pattern.format(project) + ("" if kept else "?made"), headers=headers
        )


_PAGES = (
    Wanted("simple HTML", "/simple/{}/", _HTML),
    Wanted("simple JSON", "/simple/{}/", _JSON),
    Wanted("legacy JSON", "/pypi/{}/json", "*/*"),
    Wanted("project page", "/project/{}/", "*/*"),
)


class Maker:
    """The application in this process, on the database at *url*."""

    def __init__(self, url: str, folder: Path) -> None:
        self._app = make_app(Settings(data=folder, database_url=url))
        self._database: Database = self._app.registry["pypi_lite.index"].database
        self._cache: Cache = self._app.registry["pypi_lite.cache"]

    def get(self, request: Request) -> None:
        """Make or find a page."""
        answer = request.get_response(self._app)
        assert answer.status_int == 200, answer.status

    def sweep(self, key: str) -> None:
        """Unpublish the pages of *key*."""
        self._cache.sweep(key)
        self._cache.empty_trash()

    def queries(self, request: Request) -> list[tuple[str, Any]]:
        """What a page asks the database, with its parameters."""
        asked: list[tuple[str, Any]] = []
        with self._database.read() as session:
            engine = session.get_bind()

        def note(_connection: Any, _cursor: Any, text: str, parameters: Any, *_: Any) -> None:
            if text.startswith("SELECT"):
                asked.append((text, parameters))

        event.listen(engine, "before_cursor_execute", note)
        self.get(request)
        event.remove(engine, "before_cursor_execute", note)
        return asked

    def fetch(self, queries: list[tuple[str, Any]]) -> None:
        """Send *queries* with the bare driver, and fetch all rows."""
        with self._database.read() as session:
            cursor = session.connection().connection.cursor()
            for text, parameters in queries:
                cursor.execute(text, parameters)
                cursor.fetchall()
            cursor.close()

    def close(self) -> None:
        """Close the database."""
        self._database.dispose()


def seconds(function: Callable[..., object], *arguments: object) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


def measure_project(maker: Maker, kind: str, project: str, rounds: int) -> None:
    """A table row for each page of the project."""
    for page in _PAGES:
        queries = maker.queries(page.request(project, kept=False))
        times = []
        for _ in range(rounds):
            bare = seconds(maker.fetch, queries)
            made = seconds(maker.get, page.request(project, kept=False))
            maker.sweep(f"project/{project}")
            times.append((bare, made, seconds(maker.get, page.request(project, kept=True))))
        ratio = statistics.median(made / bare for bare, made, _ in times)
        bare, made, published = (
            1000 * statistics.median(column) for column in zip(*times, strict=True)
        )
        print(
            f"| {kind}, {project}, {page.title} | {len(queries)} | {bare:.1f} | {made:.1f} |"
            f" {ratio:.1f} | {published:.1f} |",
            flush=True,
        )


def measure_root(maker: Maker, kind: str, running: RunningIndex, rounds: int) -> None:
    """A table row for each representation of the root list, made by one of two workers."""
    for title, accept in (("HTML", _HTML), ("JSON", _JSON)):
        for worker in running.worker_pids():
            memory.forget_peak(worker)
        times = []
        for _ in range(rounds):
            maker.sweep("index")
            headers = {"Accept": accept, "Accept-Encoding": "gzip"}
            times.append(seconds(raw.get, running.simple_url, headers))
        most = max(memory.peak(worker) for worker in running.worker_pids())
        slowest, middle = max(times), statistics.median(times)
        print(f"| {kind}, {title} | {middle:.2f} | {slowest:.2f} | {most:.0f} |", flush=True)


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep the databases here")
    databases.add_option(parser)
    filling.add_options(parser)
    options = parser.parse_args(argv)
    rounds = 3 if options.quick else 15
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        indexes = {
            kind: stack.enter_context(filling.filled(kind, folder / kind, options))
            for kind in databases.chosen(options)
        }
        makers = {}
        for kind, url in indexes.items():
            makers[kind] = Maker(url, folder / kind / "served" / "data")
            stack.callback(makers[kind].close)
        print("| page | queries | their rows, ms | made, ms | made / rows | published, ms |")
        print("|---|--:|--:|--:|--:|--:|")
        for kind, maker in makers.items():
            for project in filling.LARGE.values():
                measure_project(maker, kind, project, rounds)
        print("\n| root list | published after, s | at most | worker's peak memory, MB |")
        print("|---|--:|--:|--:|")
        for kind, url in indexes.items():
            with serving(folder / kind / "served", url) as running:
                measure_root(makers[kind], kind, running, rounds)


if __name__ == "__main__":
    main()
