"""Taking files and folders of files into the index, through the pipeline that uploads go through."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.repository import Index
from pypi_lite.repository.errors import Refusal
from pypi_lite.repository.upload import Submission, publish

_CHUNK = 1024**2
_ENDINGS = (".whl", ".tar.gz", ".zip")
_BAR = 30


def import_paths(index: Index, paths: Iterable[Path], out: TextIO | None = None) -> bool:
    """Import each file of *paths*, and below its folders; whether all of them are in the index now.

    Says on *out* (stderr) what was refused and why, and goes on with the next.
    """
    out = out or sys.stderr
    files = [file for path in paths for file in _files(path)]
    counts = {"new": 0, "known": 0, "refused": 0}
    for number, file in enumerate(files, start=1):
        _draw(out, number - 1, len(files), _printable(file)[-60:])
        try:
            counts["new" if _import_file(index, file) else "known"] += 1
        except (Refusal, OSError) as error:
            counts["refused"] += 1
            _clear(out)
            print(f"{_printable(file)}: {error}", file=out)
    _draw(out, len(files), len(files), "")
    _clear(out)
    print(
        f"{counts['new']} imported, {counts['known']} here already, {counts['refused']} refused",
        file=out,
    )
    return counts["refused"] == 0


def _files(path: Path) -> list[Path]:
    """The distributions at or below *path*; a file that was named is tried whatever it is."""
    if not path.is_dir():
        return [path]
    return sorted(p for p in path.rglob("*") if p.name.endswith(_ENDINGS) and p.is_file())


def _import_file(index: Index, file: Path) -> bool:
    """Whether the file is new."""
    with file.open("rb") as source, index.blobs.receive() as incoming:
        while chunk := source.read(_CHUNK):
            incoming.write(chunk)
        submission = Submission(
            identity=OPERATOR, filename=file.name, incoming=incoming, digests=incoming.finish()
        )
        return publish(index, submission).is_new


def _printable(file: Path) -> str:
    """A file's path without what a terminal would take for commands."""
    return "".join(c if c.isprintable() else "?" for c in str(file))


def _draw(out: TextIO, done: int, total: int, name: str) -> None:
    """The progress bar, for a person only."""
    if out.isatty() and total:
        filled = _BAR * done // total
        bar = "#" * filled + "-" * (_BAR - filled)
        print(f"\r\x1b[K[{bar}] {done}/{total} {name}", end="", file=out, flush=True)


def _clear(out: TextIO) -> None:
    if out.isatty():
        print("\r\x1b[K", end="", file=out, flush=True)
