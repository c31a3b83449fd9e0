"""Everything that was acknowledged, and everything that was seen to be wrong.

The oracle never guesses: a change whose answer was lost, or a file that somebody has begun to delete,
obliges no page to anything. What was *committed*, acknowledged or not, is asked of the database itself
(`checking.Prober`), because the cache promises currency from the commit on and not only from the answer.
"""

import collections
import itertools
import json
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pypi_lite.models import Action
from pypi_lite.repository import Index
from tests.faults.ledger import LINGER, FileFact, Ledger

_EVENTS_SHOWN = 40
#: Violations that are printed at once; the others are only counted.
_PRINTED = 10


@dataclass(frozen=True, slots=True)
class Delete:
    """What a delete covers: a project, one of its releases, or one of its files."""

    project: str
    filename: str | None
    version: str | None


class Oracle(Ledger):
    """The ledger's writer. Threads may share it."""

    def __init__(self, index: Index, path: Path) -> None:
        """*path* is where the ledger's lines go, for the processes that read."""
        super().__init__()
        self.index = index
        self.began = time.monotonic()
        self.counts: collections.Counter[str] = collections.Counter()
        self.violations: list[str] = []
        self.never: set[str] = set()  # names of files, and notes, that must not be committed
        self.acknowledged: dict[int, tuple[str, str]] = {}  # serial: action, project
        #: What was seen of projects, by name and serial: each set of files, and which are yanked.
        self.seen: dict[tuple[str, int], set[frozenset[tuple[str, bool]]]] = {}
        #: The digest of each content that was seen, by URL, media type and serial or tag.
        self.bodies: dict[tuple[str, str, str], str] = {}
        #: What was shown to whom: project, serial, number of the reader.
        self.shown: set[tuple[str, int, int]] = set()
        self._lock = threading.RLock()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._numbers = itertools.count()
        self._events: collections.deque[tuple[float, str]] = collections.deque(maxlen=400)

    def close(self) -> None:
        """Let go of the ledger's file."""
        os.close(self._file)

    # What happens

    def event(self, text: str) -> None:
        """Note *text*, to be shown with a violation that follows."""
        self._events.append((time.monotonic() - self.began, text))

    def count(self, what: str, number: int = 1) -> None:
        """One more of *what*."""
        with self._lock:
            self.counts[what] += number

    def violation(self, text: str) -> None:
        """Something that must never be; the last events are told with it."""
        moment = time.monotonic() - self.began
        events = list(self._events)[-_EVENTS_SHOWN:]
        lines = [f"{moment:.3f} VIOLATION {text}", *(f"    {t:.3f} {e}" for t, e in events)]
        with self._lock:
            self.violations.append("\n".join(lines))
            if len(self.violations) <= _PRINTED:
                print(self.violations[-1], flush=True)

    def see(
        self,
        seen: Iterable[Any],
        bodies: Iterable[tuple[tuple[str, str, str], str]],
        shown: Iterable[tuple[str, int, int]],
    ) -> None:
        """Take in what a reader saw, and compare it with what others saw under the same names."""
        with self._lock:
            self.shown.update(shown)
            for project, serial, entries in seen:
                found = frozenset((filename, yanked) for filename, yanked in entries)
                self.seen.setdefault((project, serial), set()).add(found)
            wrong = [key for key, digest in bodies if self.bodies.setdefault(key, digest) != digest]
        for url, accept, what in wrong:
            self.violation(f"two readers saw two contents of {url} ({accept}) with the same {what}")

    # The ledger

    def _record(self, *line: Any) -> None:
        """Write a line down for all to see, then take it in."""
        with self._lock:
            os.write(self._file, json.dumps(line).encode() + b"\n")
            self.apply(list(line))

    def look_at(self, project: str) -> None:
        """This project is about to be changed: readers had better look there."""
        self._record("focus", project)

    def begin_upload(self, files: Iterable[FileFact]) -> str:
        """These files are about to be sent; ends with `end`."""
        work = f"work {next(self._numbers)}"
        facts = list(files)
        with self._lock:
            for fact in facts:
                self.files.setdefault(fact.filename, fact)
            lines = [[f.project, f.version, f.filename, f.sha256] for f in facts]
            self._record("upload", work, lines)
        return work

    def acknowledge_upload(self, fact: FileFact, serial: int | None, is_new: bool) -> None:
        """The file is published, said the index."""
        with self._lock:
            self._record("uploaded", fact.filename, serial)
            if serial is not None and is_new:
                self.acknowledged[serial] = (Action.FILE_ADD.value, fact.project)
        self.event(f"acknowledged: upload of {fact.filename}, serial {serial}, new {is_new}")

    def begin_change(self, delete: Delete | None = None) -> str:
        """A change is about to be made, a *delete* perhaps; ends with `end`."""
        work = f"work {next(self._numbers)}"
        if delete is not None:
            self._record("delete", work, delete.project, delete.filename, delete.version)
        return work

    def acknowledge(self, serial: int, action: str, project: str, work: str) -> None:
        """A change was acknowledged with *serial*."""
        with self._lock:
            self.acknowledged[serial] = (action, project)
            self._record("changed", project, serial, work)
        self.event(f"acknowledged: {action} of {project}, serial {serial}")

    def end(self, work: str, projects: Iterable[str], *, is_known: bool) -> None:
        """The work is over; where its outcome is unknown it may go on for a moment."""
        until = 0.0 if is_known else time.monotonic() + LINGER
        for project in set(projects):
            self._record("end", work, project, until)

    def choose(self, wanted: str = "acknowledged") -> list[FileFact]:
        """The files that are surely there, or those whose outcome is unknown."""
        with self._lock:
            facts = [f for f in self.files.values() if not f.is_doubtful]
            return [f for f in facts if f.is_acknowledged == (wanted == "acknowledged")]

    def projects(self) -> list[str]:
        """All names that were ever used."""
        with self._lock:
            return list(self.known)
