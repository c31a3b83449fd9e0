"""What must be true of each answer, from what was acknowledged before its request began.

The oracle never guesses: a change whose answer was lost, or a file that somebody has begun to delete,
obliges no page to anything. What was *committed*, acknowledged or not, is asked of the database itself
(`Probe`), because the cache promises currency from the commit on and not only from the answer.
"""

import collections
import hashlib
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select

from pypi_lite.models import Action, JournalEntry, Project
from pypi_lite.repository import Index
from tests.faults.pages import Parsed, Target

#: Seconds during which a dead writer's transaction may still be ended by its database.
LINGER = 1.5
_EVENTS_SHOWN = 14


@dataclass(slots=True)
class FileFact:
    """What is known of one file; names are never used twice, so that facts only grow."""

    project: str
    version: str
    filename: str
    content: bytes
    sha256: str
    is_acknowledged: bool = False
    is_doubtful: bool = False  # a delete that covers it has begun
    is_gone: bool = False  # such a delete was acknowledged


@dataclass(slots=True)
class Work:
    """Uploads or deletes of one project: how many were begun, and which of them may still end."""

    begun: int = 0
    open: dict[object, float] = field(default_factory=dict)  # until when; inf: it is running

    def is_open(self) -> bool:
        now = time.monotonic()
        return any(until > now for until in self.open.values())


@dataclass(slots=True)
class Delete:
    """A delete that was begun, and what it surely takes away."""

    project: str
    filename: str | None
    version: str | None
    sure: list[FileFact]


@dataclass(slots=True)
class Probe:
    """What the database says is committed."""

    serials: dict[str, int]
    index_serial: int
    home_serial: int


@dataclass(slots=True)
class Before:
    """What an answer owes, as it was before its request began."""

    floor: int
    required: list[FileFact]
    gone: list[FileFact]
    probe: Probe | None
    uploads: dict[str, tuple[int, bool]]
    deletes: dict[str, tuple[int, bool]]


class Oracle:
    """Everything that was acknowledged, and everything that was seen."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lock = threading.RLock()
        self.began = time.monotonic()
        self.counts: collections.Counter[str] = collections.Counter()
        self.violations: list[str] = []
        self.files: dict[str, FileFact] = {}
        self.never: set[str] = set()  # names of files, and notes, that must not be committed
        self.acknowledged: dict[int, tuple[str, str]] = {}  # serial: action, project
        self.seen: dict[tuple[str, int], set[frozenset[tuple[str, bool]]]] = {}
        #: Projects that are being changed, or have just been: where a stale page would be.
        self.focus: collections.deque[str] = collections.deque(maxlen=2)
        self._floors: collections.Counter[str] = collections.Counter()
        self._uploads: dict[str, Work] = {}
        self._deletes: dict[str, Work] = {}
        self._bodies: dict[tuple[str, str, str], str] = {}
        self._events: collections.deque[tuple[float, str]] = collections.deque(maxlen=400)

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
            if len(self.violations) <= 10:
                print(self.violations[-1], flush=True)

    def begin_upload(self, files: Iterable[FileFact]) -> object:
        """These files are about to be sent; ends with `end`."""
        work = object()
        with self._lock:
            for fact in files:
                self.files.setdefault(fact.filename, fact)
                uploads = self._uploads.setdefault(fact.project, Work())
                uploads.begun += 1
                uploads.open[work] = float("inf")
                if self._deletes.setdefault(fact.project, Work()).is_open():
                    fact.is_doubtful = True
        return work

    def acknowledge_upload(self, fact: FileFact, serial: int | None, is_new: bool) -> None:
        """The file is published, said the index."""
        with self._lock:
            fact.is_acknowledged = True
            if serial is not None:
                self._floors[fact.project] = max(self._floors[fact.project], serial)
                if is_new:
                    self.acknowledged[serial] = (Action.FILE_ADD.value, fact.project)
        self.event(f"acknowledged: upload of {fact.filename}, serial {serial}, new {is_new}")

    def begin_delete(self, work: object, delete: Delete) -> None:
        """From here on nothing that *delete* covers is owed."""
        with self._lock:
            deletes = self._deletes.setdefault(delete.project, Work())
            deletes.begun += 1
            deletes.open[work] = float("inf")
            for fact in self.files.values():
                if _covers(delete, fact):
                    if fact.is_acknowledged and not fact.is_doubtful:
                        delete.sure.append(fact)
                    fact.is_doubtful = True

    def acknowledge(
        self, serial: int, action: str, project: str, delete: Delete | None = None
    ) -> None:
        """A change was acknowledged with *serial*."""
        with self._lock:
            self.acknowledged[serial] = (action, project)
            self._floors[project] = max(self._floors[project], serial)
            for fact in delete.sure if delete else ():
                fact.is_gone = True
        self.event(f"acknowledged: {action} of {project}, serial {serial}")

    def end(self, work: object, *, is_known: bool) -> None:
        """The work is over; where its outcome is unknown it may go on for a moment."""
        until = 0.0 if is_known else time.monotonic() + LINGER
        with self._lock:
            for works in (self._uploads, self._deletes):
                for each in works.values():
                    if work in each.open:
                        each.open[work] = until

    def choose(self, wanted: str = "acknowledged") -> list[FileFact]:
        """The files that are surely there, or those whose outcome is unknown."""
        with self._lock:
            facts = [f for f in self.files.values() if not f.is_doubtful]
            return [f for f in facts if f.is_acknowledged == (wanted == "acknowledged")]

    def projects(self) -> list[str]:
        """All names that were ever used."""
        with self._lock:
            return list(self._uploads)

    # What is owed

    def before(self, target: Target, *, probe: bool) -> Before:
        """What the answer to a request for *target* owes, if the request begins after this."""
        with self._lock:
            # Before the database is asked: what is over by then may still have changed its answer.
            uploads = {n: (w.begun, w.is_open()) for n, w in self._uploads.items()}
            deletes = {n: (w.begun, w.is_open()) for n, w in self._deletes.items()}
        found = self._probe() if probe else None
        with self._lock:
            mine = [
                fact
                for fact in self.files.values()
                if target.project in ("", fact.project)
                and target.version in (None, fact.version)
                and target.kind != "home"
            ]
            floor = self._floors[target.project] if target.project else 0
            if target.kind == "home":
                floor = max(self._floors.values(), default=0)
            return Before(
                floor=floor,
                required=[f for f in mine if f.is_acknowledged and not f.is_doubtful],
                gone=[f for f in mine if f.is_gone],
                probe=found,
                uploads=uploads,
                deletes=deletes,
            )

    def _probe(self) -> Probe:
        names = [
            Action.INDEX_CREATE,
            Action.PROJECT_CREATE,
            Action.PROJECT_RENAME,
            Action.PROJECT_DELETE,
        ]
        newest = select(func.max(JournalEntry.serial))
        with self._index.database.read() as session:
            rows = session.execute(select(Project.normalized_name, Project.last_serial)).all()
            return Probe(
                serials={row[0]: row[1] for row in rows},
                index_serial=session.scalar(newest.where(JournalEntry.action.in_(names))) or 0,
                home_serial=session.scalar(newest.where(JournalEntry.project.is_not(None))) or 0,
            )

    def _is_quiet(self, works: str, before: Before, name: str) -> bool:
        """Whether no such work on *name* was under way since *before*."""
        now = (self._uploads if works == "uploads" else self._deletes).get(name)
        begun, was_open = getattr(before, works).get(name, (0, False))
        return not was_open and (now is None or now.begun == begun)

    def faults(self, target: Target, before: Before, parsed: Parsed) -> list[str]:
        """What is wrong with an answer, whose body may be the client's own copy."""
        with self._lock:
            if parsed.status == 404:
                return self._faults_of_absence(target, before)
            faults = [*parsed.faults, *self._stale(target, before, parsed)]
            faults += self._content(target, before, parsed)
            faults += self._twice(target, parsed)
        return faults

    def _owed(self, before: Before) -> list[FileFact]:
        return [fact for fact in before.required if not fact.is_doubtful]

    def _faults_of_absence(self, target: Target, before: Before) -> list[str]:
        if not target.project:
            return ["404"]
        owed = [fact.filename for fact in self._owed(before)]
        if owed:
            return [f"404, but these were acknowledged: {owed}"]
        known = before.probe.serials if before.probe and target.version is None else {}
        if target.project in known and self._is_quiet("deletes", before, target.project):
            return ["404, but the database has the project"]
        return []

    def _stale(self, target: Target, before: Before, parsed: Parsed) -> list[str]:
        faults = []
        if parsed.serial < before.floor:
            faults.append(f"serial {parsed.serial}, but {before.floor} was acknowledged before")
        probe = before.probe
        if probe is None:
            return faults
        committed = {"home": probe.home_serial, "index": probe.index_serial}.get(
            target.kind, probe.serials.get(target.project)
        )
        if committed is None:
            if self._is_quiet("uploads", before, target.project):
                faults.append("a page, but the database has no such project")
        elif parsed.serial < committed:
            faults.append(f"serial {parsed.serial}, but {committed} was committed before")
        return faults

    def _content(self, target: Target, before: Before, parsed: Parsed) -> list[str]:
        if target.kind == "home":
            return []
        owed = self._owed(before)
        if target.kind == "index":
            return self._names(before, parsed, {fact.project for fact in owed})
        if parsed.files is None:
            lost = {f.version for f in owed if f.version.encode() not in parsed.body}
            return [f"these versions are not on the page: {sorted(lost)}"] if lost else []
        if target.version is None:
            entries = frozenset((name, yanked) for name, (_, yanked) in parsed.files.items())
            self.seen.setdefault((target.project, parsed.serial), set()).add(entries)
        faults = []
        for fact in owed:
            shown = parsed.files.get(fact.filename)
            if shown is None:
                faults.append(f"{fact.filename} was acknowledged and is not on the page")
            elif shown[0] != fact.sha256:
                faults.append(f"{fact.filename} has sha256 {shown[0]}, sent was {fact.sha256}")
        faults += [f"{f.filename} was deleted" for f in before.gone if f.filename in parsed.files]
        return faults

    def _names(self, before: Before, parsed: Parsed, owed: set[str]) -> list[str]:
        wrong = owed - parsed.names
        if probe := before.probe:
            known = set(probe.serials)
            lost, more = known - parsed.names, parsed.names - known
            wrong |= {name for name in lost if self._is_quiet("deletes", before, name)}
            wrong |= {name for name in more if self._is_quiet("uploads", before, name)}
        return [f"wrong about these projects: {sorted(wrong)}"] if wrong else []

    def _twice(self, target: Target, parsed: Parsed) -> list[str]:
        """One URL with one serial has one content; one tag has one sequence of bytes."""
        digest = hashlib.sha256(parsed.body).hexdigest()
        faults = []
        for what, value in (("serial", str(parsed.serial)), ("tag", parsed.etag)):
            key = (target.url, target.accept, f"{what} {value}")
            if self._bodies.setdefault(key, digest) != digest:
                faults.append(f"two contents with the same {what} {value}")
        return faults


def _covers(delete: Delete, fact: FileFact) -> bool:
    return (
        fact.project == delete.project
        and delete.version in (None, fact.version)
        and delete.filename in (None, fact.filename)
    )
