"""What real clients take at an index, side by side with nginx that serves the same bytes as files.

Usage: python -m benchmarks.clients [--rounds 5] [--quick]

Needs nginx. ``pip install`` of 20 packages into a new folder, ``uv pip compile`` of one package that
requires 199 more; both without caches.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import uv

from benchmarks import corpus
from benchmarks.indexes import Index, PypiLite, Static
from benchmarks.table import Row, lines
from tests.clients.tools import Clients


@dataclass(frozen=True)
class Work:
    """What the clients do; each measures the seconds, and fails if the outcome is another."""

    folder: Path
    sizes: corpus.Sizes

    @property
    def projects(self) -> list[str]:
        """The names of all projects that the clients ask for."""
        return [*corpus.installed(self.sizes), *corpus.graph(self.sizes)]

    def install(self, index: Index) -> float:
        """``pip install``."""
        target = self.folder / "target"
        shutil.rmtree(target, ignore_errors=True)
        options = ("--no-cache-dir", "--only-binary", ":all:", "--target", str(target))
        names = corpus.installed(self.sizes)
        command = (sys.executable, "-m", "pip", "install", "--index-url", index.simple)
        seconds = self._time(*command, *options, *names)
        found = {path.name.partition("-")[0] for path in target.glob("*.dist-info")}
        assert found == {name.replace("-", "_") for name in names}, found
        return seconds

    def compile(self, index: Index) -> float:
        """``uv pip compile``."""
        asked, compiled = self.folder / "asked.in", self.folder / "compiled.txt"
        compiled.unlink(missing_ok=True)
        names = corpus.graph(self.sizes)
        asked.write_text(names[0])
        options = ("--no-cache", "--python", sys.executable, "--default-index", index.simple)
        output = (str(asked), "-o", str(compiled))
        seconds = self._time(uv.find_uv_bin(), "pip", "compile", *options, *output)
        pinned = [line.partition("==")[0] for line in compiled.read_text().splitlines()]
        assert [name for name in pinned if name.startswith(corpus.GRAPH)] == names, pinned
        return seconds

    def _time(self, *command: str) -> float:
        clients = Clients(self.folder / "home", "")
        began = time.monotonic()
        ran = clients.run(*command)
        seconds = time.monotonic() - began
        if ran.status:
            raise SystemExit(f"{' '.join(command)} failed:\n{ran.output}")
        return seconds


def rows(work: Work, indexes: Sequence[Index], rounds: int) -> list[Row]:
    """Measure: A B A B, each round with each index."""
    install = Row(f"`pip install` of {work.sizes.installed}", "s")
    compile_ = Row(f"`uv pip compile` of {work.sizes.graph}", "s")
    for _ in range(rounds):
        for index in indexes:
            install.add(index.name, work.install(index))
        for index in indexes:
            compile_.add(index.name, work.compile(index))
    return [install, compile_]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(description="Real clients, side by side with nginx.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="only to see whether it works")
    options = parser.parse_args(arguments)
    graph, packages, rounds = (10, 4, 1) if options.quick else (200, 20, options.rounds)
    sizes = corpus.Sizes(0, 0, 0, 0, graph, installed=packages)
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        corpus.write(folder / "corpus", sizes)
        work = Work(folder, sizes)
        index, files = PypiLite(folder / "index", 1), Static(folder / "nginx", work.projects)
        index.fill(folder / "corpus")
        for each in (index, files):
            server = each.server(work.projects[0])
            running.callback(server.stop)
            server.start()
            if each is index:
                files.save(index)
        print(*lines(rows(work, (files, index), rounds), (files.name, index.name)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
