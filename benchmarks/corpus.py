"""Distributions to fill an index with: valid and tiny, the same bytes for the same arguments.

Usage: python -m benchmarks.corpus DIR [--projects 1000] [--files 10]

One folder without folders in it, which is what every index can take or serve: *projects* projects of
*files* files each, one project of 1,000 files, one wheel of 5 MB, a graph of 200 packages in three
versions for resolvers, and 20 packages to install. Every fifth file of a project is a source
distribution, that of the release before it.
"""

import argparse
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from tests.distributions.build import sdist, stem, wheel, wheel_filename

#: The projects that are not samples; the graph's and the installable ones have numbers behind.
LARGE, HEAVY, GRAPH, INSTALLED = "large", "heavy", "graph", "installed"
_SDIST_EVERY = 5
_REQUIRES_PYTHON = ">=3.8"


@dataclass(frozen=True)
class Sizes:
    """How much of everything; the defaults are what the figures in the README are for."""

    projects: int = 1000
    #: Of each project.
    files: int = 10
    #: Files of the project `LARGE`.
    large: int = 1000
    #: Bytes of the only wheel of `HEAVY`, at least.
    heavy: int = 5_000_000
    #: Packages of the graph, and versions of each.
    graph: int = 200
    versions: int = 3
    #: Packages to install, each of five files.
    installed: int = 20


@dataclass(frozen=True)
class Distribution:
    """A file that can be made."""

    project: str
    version: str
    is_wheel: bool = True
    requires: tuple[str, ...] = ()
    #: Bytes that no archive makes smaller.
    padding: int = 0

    @property
    def filename(self) -> str:
        """Its name."""
        if self.is_wheel:
            return wheel_filename(self.project, self.version)
        return f"{stem(self.project, self.version)}.tar.gz"

    def content(self) -> bytes:
        """Its bytes, the same at each call."""
        extra = {}
        if self.padding:
            extra["padding.bin"] = random.Random(self.filename).randbytes(self.padding)
        make = wheel if self.is_wheel else sdist
        _, content = make(
            self.project,
            self.version,
            requires=self.requires,
            requires_python=_REQUIRES_PYTHON,
            extra_files=extra,
        )
        return content


def sample(number: int) -> str:
    """The name of one of the many projects."""
    return f"sample-{number:05}"


def installed(sizes: Sizes) -> list[str]:
    """The names of the packages to install."""
    return [f"{INSTALLED}-{number:02}" for number in range(sizes.installed)]


def graph(sizes: Sizes) -> list[str]:
    """The names of the graph's packages; the first requires all others, in the end."""
    return [_graph_name(number) for number in range(sizes.graph)]


def project_names(sizes: Sizes) -> list[str]:
    """The names of all projects."""
    samples = [sample(number) for number in range(sizes.projects)]
    return [LARGE, HEAVY, *graph(sizes), *installed(sizes), *samples]


def files_of(project: str, files: int) -> Iterator[Distribution]:
    """The files of a project that is like most projects."""
    for number in range(files):
        is_wheel = number % _SDIST_EVERY != _SDIST_EVERY - 1
        yield Distribution(project, f"1.{number if is_wheel else number - 1}", is_wheel)


def distributions(sizes: Sizes) -> Iterator[Distribution]:
    """Everything."""
    yield from files_of(LARGE, sizes.large)
    yield Distribution(HEAVY, "1.0", padding=sizes.heavy)
    yield from _graph(sizes)
    for name in installed(sizes):
        yield from files_of(name, _SDIST_EVERY)
    for number in range(sizes.projects):
        yield from files_of(sample(number), sizes.files)


def write(folder: Path, sizes: Sizes, processes: int = 2) -> int:
    """Write everything into *folder*, which may be new; the number of files."""
    folder.mkdir(parents=True, exist_ok=True)
    # Not forked: whoever calls this may have threads.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        return sum(pool.map(partial(_write_part, folder, sizes, processes), range(processes)))


def _write_part(folder: Path, sizes: Sizes, parts: int, part: int) -> int:
    count = 0
    for distribution in islice(distributions(sizes), part, None, parts):
        (folder / distribution.filename).write_bytes(distribution.content())
        count += 1
    return count


def _graph_name(number: int) -> str:
    return f"{GRAPH}-{number:03}"


def _graph(sizes: Sizes) -> Iterator[Distribution]:
    """A tree of packages, each of which also limits one far from it; all are below the first."""
    for number in range(sizes.graph):
        children = [n for n in (2 * number + 1, 2 * number + 2) if n < sizes.graph]
        requires = [f"{_graph_name(n)}>=1.0" for n in children]
        requires.append(f"{_graph_name((number * 7 + 3) % sizes.graph)}>=1.0,<2")
        for version in range(sizes.versions):
            yield Distribution(_graph_name(number), f"1.{version}", requires=tuple(requires))


def main(arguments: list[str]) -> int:
    """Write a corpus; the exit status."""
    parser = argparse.ArgumentParser(description="Distributions to fill an index with.")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--projects", type=int, default=Sizes.projects)
    parser.add_argument("--files", type=int, default=Sizes.files, help="of each project")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    count = write(options.folder, Sizes(options.projects, options.files))
    print(f"{count:,} files in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
