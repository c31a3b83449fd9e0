"""The indexes that a user would pick, side by side on the same files: one table.

Usage: python -m benchmarks.peers [--projects 1000] [--files 10] [--rounds 5] [--seconds 1]
           [--work DIR] [--quick]

Needs wrk, nginx and PyPI: the peers are installed into virtual environments of their own below DIR,
where they stay for the next time; without DIR everything goes at the end. `benchmarks.indexes` tells
how each is run. All run at the same time and are measured in rounds, one after the other. The table
shows medians, and in brackets the median of the rounds' ratios: how many times better the first did.
Memory is the proportional set size (PSS) of all processes of a server; pypi_lite's two servers share
some MiB of program, of which each counts a part.
"""

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import clients, corpus
from benchmarks.figures import Figures, Running
from benchmarks.indexes import Devpi, PypiLite, Pypiserver, Static, Writable
from benchmarks.table import Row, lines

_QUICK = corpus.Sizes(10, 10, 50, 500_000, 10, 3, 4)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        venvs = options.work or Path(temporary)
        rows, names = _measure(Path(temporary), venvs, _sizes(options), options)
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    asked = shlex.join(sys.argv[1:] if arguments is None else arguments)
    print(f"{moment}, Python {sys.version.split()[0]}, {os.cpu_count()} cores,")
    print(f"`python -m benchmarks.peers {asked}`".replace(" `", "`"), end="\n\n")
    print(*lines(rows, names), sep="\n")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The indexes that a user would pick.")
    parser.add_argument("--projects", type=int, default=corpus.Sizes.projects)
    parser.add_argument("--files", type=int, default=corpus.Sizes.files, help="of each project")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1, help="of each load")
    parser.add_argument("--work", metavar="DIR", type=Path, help="keep what is installed here")
    parser.add_argument("--quick", action="store_true", help="only to see whether it works")
    options = parser.parse_args(arguments)
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed")
    if options.quick:
        options.rounds = options.seconds = 1
    return options


def _sizes(options: argparse.Namespace) -> corpus.Sizes:
    return _QUICK if options.quick else corpus.Sizes(options.projects, options.files)


def _measure(
    folder: Path, venvs: Path, sizes: corpus.Sizes, options: argparse.Namespace
) -> tuple[list[Row], list[str]]:
    """All rows, and the heads of the columns."""
    indexes = _filled(folder, venvs, sizes)
    work = clients.Work(folder, sizes)
    files = Static(folder / "nginx", work.projects)
    started = Row("start, until the first page", "s")
    fresh = Row("memory (PSS) after the start", "MiB")
    loaded = Row("memory (PSS) after all loads", "MiB")
    with ExitStack() as stack:
        running = [_prepared(index, stack) for index in indexes]
        _start(started, running, options.rounds)
        _weigh(fresh, running)
        _say("started")
        rows = _load(running, Figures(sizes, options.seconds), options.rounds)
        files.save(indexes[0])
        floor = files.server(work.projects[0])
        stack.callback(floor.stop)
        floor.start()
        rows += clients.rows(work, [*indexes, files], options.rounds)
        _weigh(loaded, running)
    return [*rows, started, fresh, loaded], [index.name for index in (*indexes, files)]


def _filled(folder: Path, venvs: Path, sizes: corpus.Sizes) -> list[Writable]:
    """The indexes, with the same files; they fill themselves side by side."""
    first, second = PypiLite(folder / "pypi_lite-1", 1), PypiLite(folder / "pypi_lite-2", 2)
    peers = [
        Pypiserver(folder / "pypiserver", venvs / "pypiserver-venv"),
        Devpi(folder / "devpi", venvs / "devpi-venv"),
    ]
    for index in peers:
        index.install()
    _say("installed")
    _say(f"{corpus.write(folder / 'corpus', sizes):,} files written")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda index: index.fill(folder / "corpus"), (first, *peers)))
    second.fill_like(first)
    _say("filled")
    return [first, second, *peers]


def _prepared(index: Writable, stack: ExitStack) -> Running:
    """The index with its server, which stops at the latest with *stack*."""
    server = index.server(corpus.installed(corpus.Sizes())[0])
    stack.callback(server.stop)
    return Running(index, server)


def _start(row: Row, running: Sequence[Running], rounds: int) -> None:
    """Start each server so many times; they run afterwards."""
    for _ in range(rounds):
        for one in running:
            one.server.stop()
            row.add(one.name, one.server.start())


def _weigh(row: Row, running: Sequence[Running]) -> None:
    for one in running:
        row.add(one.name, one.server.memory())


def _load(running: Sequence[Running], figures: Figures, rounds: int) -> list[Row]:
    """A round goes through all rows, a row through all servers."""
    work = list(figures.all())
    for number in range(rounds):
        for row, measure in work:
            for one in running:
                row.add(one.name, *measure(one))
        _say(f"round {number + 1} of {rounds}")
    return [row for row, _ in work]


def _say(what: str) -> None:
    moment = datetime.now(UTC).strftime("%H:%M:%S")
    print(f"{moment} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
