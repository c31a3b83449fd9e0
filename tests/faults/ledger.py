"""What is known of the index, as a list of facts that several processes read.

One process writes down what it is about to do and what was acknowledged (`oracle.Oracle`): a line each,
appended before the request is sent, or once its answer is there. Readers in processes of their own take
in the new lines before each of their requests, and so know exactly what was acknowledged before it.
"""

import json
import os
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.faults.authority import is_kept

#: Seconds during which a dead writer's transaction may still be ended by its database.
LINGER = 2.5
_CHUNK = 1024**2


@dataclass(slots=True)
class FileFact:
    """What is known of one file; names are never used twice, so that facts only grow."""

    project: str
    version: str
    filename: str
    content: bytes  # empty in the processes that only read
    sha256: str
    is_acknowledged: bool = False
    is_doubtful: bool = False  # a delete that covers it has begun
    is_gone: bool = False  # such a delete was acknowledged


class Known(NamedTuple):
    """What is known of one project at one moment; never changed, only replaced."""

    floor: int = 0  # the highest serial that was acknowledged
    #: The files that every page must show, by name.
    owed: Mapping[str, FileFact] = {}
    gone: frozenset[str] = frozenset()
    #: How many uploads and deletes were begun, and until when the last of them may have effect.
    uploads: int = 0
    uploads_until: float = 0.0
    deletes: int = 0
    deletes_until: float = 0.0


UNKNOWN = Known()


@dataclass(slots=True)
class _Work:
    begun: int = 0
    open: dict[str, float] = field(default_factory=dict)  # until when; inf: it is running

    @property
    def until(self) -> float:
        return max(self.open.values(), default=0.0)


class Ledger:
    """The facts so far."""

    def __init__(self) -> None:
        self.files: dict[str, FileFact] = {}
        self.known: dict[str, Known] = {}
        self.highest = 0
        #: Projects that are being changed, or have just been: where a stale page would be.
        self.focus: deque[str] = deque(maxlen=2)
        self._files_of: dict[str, dict[str, FileFact]] = {}
        self._uploads: dict[str, _Work] = {}
        self._deletes: dict[str, _Work] = {}
        self._floors: dict[str, int] = {}
        self._sure: dict[str, list[FileFact]] = {}  # what a delete that was begun surely takes away

    def apply(self, line: list[Any]) -> None:
        """Take in one line: what happened, and its particulars."""
        what, *particulars = line
        getattr(self, f"_{what}")(*particulars)

    def _focus(self, project: str) -> None:
        self.focus.append(project)

    def _upload(self, work: str, files: list[list[str]]) -> None:
        """These files are about to be sent."""
        for project, version, filename, sha256 in files:
            fact = self.files.setdefault(
                filename, FileFact(project, version, filename, b"", sha256)
            )
            self._files_of.setdefault(project, {})[filename] = fact
            uploads = self._uploads.setdefault(project, _Work())
            uploads.begun += 1
            uploads.open[work] = float("inf")
            if self._deletes.setdefault(project, _Work()).until > time.monotonic():
                fact.is_doubtful = True
            self._renew(project)

    def _uploaded(self, filename: str, serial: int | None) -> None:
        """The file is published, said the index."""
        fact = self.files[filename]
        fact.is_acknowledged = True
        self._raise(fact.project, serial)

    def _delete(self, work: str, project: str, filename: str | None, version: str | None) -> None:
        """From here on nothing that this covers is owed."""
        deletes = self._deletes.setdefault(project, _Work())
        deletes.begun += 1
        deletes.open[work] = float("inf")
        sure = self._sure.setdefault(work, [])
        for fact in self._files_of.get(project, {}).values():
            if version in (None, fact.version) and filename in (None, fact.filename):
                if fact.is_acknowledged and not fact.is_doubtful:
                    sure.append(fact)
                fact.is_doubtful = True
        self._renew(project)

    def _changed(self, project: str, serial: int, work: str) -> None:
        """A change was acknowledged; if it is a delete, what it covers is gone."""
        for fact in self._sure.pop(work, ()):
            fact.is_gone = True
        self._raise(project, serial)

    def _end(self, work: str, project: str, until: float) -> None:
        """The work is over; where its outcome is unknown it may have effect *until* then."""
        for works in (self._uploads, self._deletes):
            if project in works and work in works[project].open:
                works[project].open[work] = until
                if until == 0.0:
                    del works[project].open[work]
        self._renew(project)

    def _raise(self, project: str, serial: int | None) -> None:
        self._floors[project] = max(self._floors.get(project, 0), serial or 0)
        if not is_kept(project):  # which may be hidden, and then nobody is told of its changes
            self.highest = max(self.highest, serial or 0)
        self._renew(project)

    def _renew(self, project: str) -> None:
        facts = self._files_of.get(project, {}).values()
        uploads = self._uploads.setdefault(project, _Work())
        deletes = self._deletes.setdefault(project, _Work())
        owed = {f.filename: f for f in facts if f.is_acknowledged and not f.is_doubtful}
        self.known[project] = Known(
            floor=self._floors.get(project, 0),
            owed=owed,
            gone=frozenset(f.filename for f in facts if f.is_gone),
            uploads=uploads.begun,
            uploads_until=uploads.until,
            deletes=deletes.begun,
            deletes_until=deletes.until,
        )


class LedgerReader(Ledger):
    """The ledger of another process."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._file = os.open(path, os.O_RDONLY)
        self._offset = 0
        self._rest = b""

    def catch_up(self) -> None:
        """Take in all that has been written down until now."""
        while chunk := os.pread(self._file, _CHUNK, self._offset):
            self._offset += len(chunk)
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                self.apply(json.loads(line))
