"""What must be true of each answer, from what was known before its request began.

Each answer is held against every rule: it is complete; it is no older than what was acknowledged, and no
older than what the database had committed, before its request began; for this reader it does not go
backwards, on no page of the project; all pages of a project show the same at the same serial; a 304
comes only to whoever has the current representation.
"""

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import make_url

from tests.faults import authority, pages
from tests.faults.authority import ANYBODY, is_kept
from tests.faults.ledger import UNKNOWN, Known, Ledger
from tests.faults.pages import Parsed, Target

#: How many contents of one representation are remembered: its copies, for conditional requests.
_COPIES = 4
#: Representations that are remembered; when there are more, all are forgotten.
_MOST = 1500
#: What a front server answers while the one behind it is being killed.
_GATEWAY = frozenset({502, 504})
#: How somebody unknown is asked who they are: a program, and a person.
_ASKING = frozenset({401, 303})


class Probe(NamedTuple):
    """What the database said was committed, and what was known just before it was asked."""

    serials: Mapping[str, int]
    #: Of each kind of list and reader, by number: the newest change that it shows at least.
    lists: Mapping[tuple[str, int], int]
    #: Of projects that may be hidden: who may read them, and by which serial that was changed last.
    open: Set[tuple[str, int]]
    altered: Mapping[str, int]
    known: Mapping[str, Known]
    moment: float

    def is_open(self, project: str, reader: int) -> bool:
        """Whether that reader may read the project, if there is one."""
        return not is_kept(project) or (project, reader) in self.open


class Prober:
    """Asks the database, in one snapshot, over a connection of its own."""

    def __init__(self, url: str, seconds: float) -> None:
        """A probe is good for *seconds*: what was committed before a later request is at least that."""
        self._seconds = seconds
        self._last: Probe | None = None
        self._connection = _connect(url)

    def probe(self, ledger: Ledger, *, is_fresh: bool = False) -> Probe:
        """What is committed (*is_fresh*: right now); *ledger* has caught up."""
        last = self._last
        if last is not None and not is_fresh and time.monotonic() < last.moment + self._seconds:
            return last
        # In this order: what is over before the database is asked may still have changed its answer.
        known, moment = dict(ledger.known), time.monotonic()
        with contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(authority.PROBE)
            rows = cursor.fetchall()
        self._last = Probe(
            serials={name: number for kind, name, number, _ in rows if kind == "project"},
            lists={(kind, r): n or 0 for kind, _, n, r in rows if kind in ("home", "index")},
            open={(name, reader) for kind, name, _, reader in rows if kind == "open"},
            altered={name: number for kind, name, number, _ in rows if kind == "altered"},
            known=known,
            moment=moment,
        )
        return self._last


def _connect(url: str) -> Any:
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        # isolation_level None: one SELECT is one snapshot, over as soon as its rows are there.
        return sqlite3.connect(str(parts.database), timeout=60, isolation_level=None)
    import psycopg2

    plain = parts.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg2.connect(plain)
    connection.autocommit = True
    return connection


class Before(NamedTuple):
    """What an answer owes, as it was before its request began."""

    known: Known
    all_known: Mapping[str, Known]  # for the root list alone
    floor: int
    probe: Probe


@dataclass(slots=True)
class Asked:
    """A request that is about to be sent."""

    target: Target
    encoding: str
    copy: Parsed | None
    before: Before
    reader: int = ANYBODY

    @property
    def may_read(self) -> bool:
        """Whether its reader might read the project, just before."""
        return self.before.probe.is_open(self.target.project, self.reader)

    def head(self, token: str, *, close: bool = False) -> bytes:
        """The request, as it goes over the wire."""
        lines = [
            f"GET {self.target.url} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Accept: {self.target.accept}",
            f"Accept-Encoding: {self.encoding}",
        ]
        lines += [f"{name}: {value}" for name, value in authority.bearing(token).items()]
        if self.copy is not None:
            lines.append(f"If-None-Match: {self.copy.etag}")
        if close:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode()


class Checker:
    """One client with a memory: it knows its copies of each page, and what it has seen last."""

    def __init__(
        self,
        ledger: Ledger,
        prober: Prober,
        count: Callable[[str], None],
        violation: Callable[[str], None],
        *,
        has_front: bool = False,
    ) -> None:
        self._ledger = ledger
        self._prober = prober
        self._count = count
        self._violation = violation
        self._has_front = has_front
        self._copies: dict[tuple[Target, str], list[Parsed]] = {}
        #: The highest serials that were seen: of each project, and of the lists as anybody sees them.
        self._newest: dict[str, int] = {}
        #: Which states of which projects were shown to whom: name, serial, number of the reader.
        self.shown: set[tuple[str, int, int]] = set()
        #: What was seen since the last look, for whoever compares it with what others saw.
        self.seen: dict[tuple[str, int], frozenset[tuple[str, bool]]] = {}
        self.bodies: dict[tuple[str, str, str], str] = {}

    def copies(self, target: Target, encoding: str) -> list[Parsed]:
        """What is remembered of a representation, oldest first."""
        return self._copies.get((target, encoding), [])

    def ask(
        self, target: Target, encoding: str, copy: Parsed | None = None, reader: int = ANYBODY
    ) -> Asked:
        """A request that begins after this, for *copy*'s successor if there is one."""
        ledger = self._ledger
        known = ledger.known.get(target.project, UNKNOWN)
        floor = ledger.highest if target.kind == "home" else known.floor
        if target.project or reader == ANYBODY:
            floor = max(floor, self._newest.get(target.subject, 0))
        all_known = dict(ledger.known) if target.kind == "index" else {}
        before = Before(known, all_known, floor, self._prober.probe(ledger))
        return Asked(target, encoding, copy, before, reader)

    def check(self, asked: Asked, status: int, headers: dict[str, str], body: bytes) -> None:
        """Hold an answer against all rules; the ledger has caught up."""
        if self._has_front and status in _GATEWAY:
            self._count("broken connections")
            return
        if asked.target.kind == "file":
            self._check_file(asked, status, headers, body)
            return
        parsed = self._parse(asked, status, headers, body)
        faults = self._faults(asked, parsed)
        if faults and self._is_altered(asked):
            faults = parsed.faults  # whatever it shows, it might
        if parsed.status == 200:
            self._note(asked, parsed)
        self._count("reads")
        if asked.reader != ANYBODY:
            self._count("reads with a token")
        if faults:
            probe = asked.before.probe
            self._violation(
                f"GET {asked.target.url} ({asked.target.accept}, {asked.encoding}, by"
                f" {authority.READERS[asked.reader] or 'anybody'}, known:"
                f" {asked.copy and asked.copy.etag}): {status}, {headers.get('cache-status')},"
                f" serial {parsed.serial}, floor {asked.before.floor}, probed"
                f" {probe.serials.get(asked.target.project)}: {'; '.join(faults)}"
            )

    def _note(self, asked: Asked, parsed: Parsed) -> None:
        """What was seen, to be held against what comes later and what others see."""
        target = asked.target
        if target.project or asked.reader == ANYBODY:
            newest = self._newest.get(target.subject, 0)
            self._newest[target.subject] = max(newest, parsed.serial)
        if is_kept(target.project):
            self.shown.add((target.project, parsed.serial, asked.reader))

    def _is_altered(self, asked: Asked) -> bool:
        """Whether who may read the project has changed since just before the request."""
        project, before = asked.target.project, asked.before.probe
        if not is_kept(project):
            return False
        after = self._prober.probe(self._ledger, is_fresh=True)
        return after.altered.get(project) != before.altered.get(project)

    def _check_file(self, asked: Asked, status: int, headers: dict[str, str], body: bytes) -> None:
        """A file is there, whole, once its upload is acknowledged, and gone once its deletion is."""
        _, _, _, sha256, filename = asked.target.url.split("/")
        known = asked.before.known
        owed = {fact.filename for fact in known.owed.values() if not fact.is_doubtful}
        is_hidden = not asked.may_read and asked.target.project in asked.before.probe.serials
        fault = ""
        if status == 200:
            if filename in known.gone:
                fault = "was deleted"
            elif is_hidden:
                fault = "is hidden from them"
            elif hashlib.sha256(body).hexdigest() != sha256:
                fault = f"other bytes: {len(body)}"
        elif is_hidden and status in _hidden(asked):
            pass
        elif status != 404:
            fault = f"is answered with {status}"
        elif filename in owed:
            fault = "was acknowledged"
        self._count("reads")
        self._count("reads of files")
        if fault and not self._is_altered(asked):
            what = f"GET {asked.target.url}: {status}, {headers.get('cache-status')}"
            self._violation(f"{what}: the file {fault}")

    def _parse(self, asked: Asked, status: int, headers: dict[str, str], body: bytes) -> Parsed:
        """The answer in pieces; of a 304, the copy that it declares to be current."""
        if status == 200:
            return self._whole(asked, headers, body)
        if status == 404 or status in _ASKING:
            return Parsed(status)
        if status != 304:
            return Parsed(status, faults=[f"status {status}: {body[:200]!r}"])
        self._count("304s")
        copy = asked.copy
        if copy is None:
            return Parsed(304, faults=["304 to a request without a condition"])
        found = headers.get("etag", ""), int(headers.get("x-pypi-last-serial", "-1"))
        if found == (copy.etag, copy.serial):
            return copy
        faults = [f"304 as {found}; the copy is {copy.etag}, {copy.serial}"]
        return Parsed(304, found[1], found[0], faults=faults)

    def _whole(self, asked: Asked, headers: dict[str, str], body: bytes) -> Parsed:
        """A 200 in pieces: taken to pieces once, and compared byte by byte when it comes again."""
        if len(self._copies) > _MOST:
            self._copies.clear()
        copies = self._copies.setdefault((asked.target, asked.encoding), [])
        etag, serial = headers.get("etag", ""), headers.get("x-pypi-last-serial")
        for copy in copies:
            if copy.etag == etag and copy.raw == body and str(copy.serial) == serial:
                return copy
        parsed = pages.parse(asked.target, 200, headers, body)
        parsed.raw = body
        if not parsed.faults:
            parsed.faults = self._differs(asked, parsed)
        copies.append(parsed)
        del copies[:-_COPIES]
        return parsed

    def _differs(self, asked: Asked, parsed: Parsed) -> list[str]:
        """One URL with one serial has one content, and so has one tag; so have a project's lists.

        A list that is not for anybody has one with one tag only.
        """
        target, digest = asked.target, hashlib.sha256(parsed.body).hexdigest()
        faults = []
        names = [f"tag {parsed.etag}"]
        if target.project or asked.reader == ANYBODY:
            names.append(f"serial {parsed.serial}")
        for what in names:
            key = (target.url, target.accept, what)
            if self.bodies.setdefault(key, digest) != digest:
                faults.append(f"two contents with the same {what}")
        if parsed.files is not None and target.version is None:
            entries = frozenset((name, yanked) for name, (_, yanked) in parsed.files.items())
            if self.seen.setdefault((target.project, parsed.serial), entries) != entries:
                faults.append(f"another page shows other files at serial {parsed.serial}")
        return faults

    # The rules

    def _faults(self, asked: Asked, parsed: Parsed) -> list[str]:
        if not asked.may_read and asked.target.project in asked.before.probe.serials:
            return self._faults_of_hiding(asked, parsed)
        if parsed.status == 404:
            return self._faults_of_absence(asked.target, asked.before)
        if parsed.status != 200:
            return parsed.faults or [f"status {parsed.status} to who may read it"]
        stale = self._stale(asked, parsed)
        return [*parsed.faults, *stale, *self._content(asked, parsed)]

    @staticmethod
    def _faults_of_hiding(asked: Asked, parsed: Parsed) -> list[str]:
        if parsed.status == 200:
            return [*parsed.faults, "it is shown, and hidden from them"]
        if parsed.status not in _hidden(asked):
            return [*parsed.faults, f"status {parsed.status} for what is hidden"]
        return []

    def _is_quiet(self, works: str, before: Before, name: str) -> bool:
        """Whether no upload (or delete) of *name* was under way since the database was asked."""
        then = before.probe.known.get(name, UNKNOWN)
        now = self._ledger.known.get(name, UNKNOWN)
        begun, until = (
            (then.uploads, then.uploads_until)
            if works == "uploads"
            else (then.deletes, then.deletes_until)
        )
        return until <= before.probe.moment and begun == getattr(now, works)

    def _owed(self, target: Target, before: Before) -> list[Any]:
        """The files that were acknowledged before, and that nobody has begun to delete since."""
        return [
            fact
            for fact in before.known.owed.values()
            if not fact.is_doubtful and target.version in (None, fact.version)
        ]

    def _faults_of_absence(self, target: Target, before: Before) -> list[str]:
        if not target.project:
            return ["404"]
        owed = [fact.filename for fact in self._owed(target, before)]
        if owed:
            return [f"404, but these were acknowledged: {owed}"]
        is_known = target.version is None and target.project in before.probe.serials
        if is_known and self._is_quiet("deletes", before, target.project):
            return ["404, but the database has the project"]
        return []

    def _stale(self, asked: Asked, parsed: Parsed) -> list[str]:
        target, before = asked.target, asked.before
        faults = []
        if parsed.serial < before.floor:
            what = "was acknowledged before, or has been seen"
            faults.append(f"serial {parsed.serial}, but {before.floor} {what}")
        probe = before.probe
        committed = (
            probe.serials.get(target.project)
            if target.project
            else self._committed(probe, target.kind, asked.reader)
        )
        if committed is None:
            if self._is_quiet("uploads", before, target.project):
                faults.append("a page, but the database has no such project")
        elif parsed.serial < committed:
            faults.append(f"serial {parsed.serial}, but {committed} was committed before")
        return faults

    def _committed(self, probe: Probe, kind: str, reader: int) -> int:
        """The newest change that a list shows at least.

        With a project that comes out of somebody's reach goes its newest change, so that for those
        who have an account only what everybody may read counts for sure.
        """
        return min(probe.lists[kind, reader], probe.lists[kind, ANYBODY])

    def _content(self, asked: Asked, parsed: Parsed) -> list[str]:
        target, before = asked.target, asked.before
        if target.kind in ("home", "feed"):  # they show some of the releases
            return []
        if target.kind == "index":
            return self._names(asked, parsed)
        owed = self._owed(target, before)
        if parsed.files is None:
            lost = {f.version for f in owed if f.version.encode() not in parsed.body}
            return [f"these versions are not on the page: {sorted(lost)}"] if lost else []
        faults = []
        for fact in owed:
            shown = parsed.files.get(fact.filename)
            if shown is None:
                faults.append(f"{fact.filename} was acknowledged and is not on the page")
            elif shown[0] != fact.sha256:
                faults.append(f"{fact.filename} has sha256 {shown[0]}, sent was {fact.sha256}")
        gone = before.known.gone
        faults += [f"{name} was deleted" for name in parsed.files if name in gone]
        return faults

    def _names(self, asked: Asked, parsed: Parsed) -> list[str]:
        """The root list has the names that are owed, and those that the database has and that this
        reader may read, no others."""
        before, probe = asked.before, asked.before.probe
        committed = {name for name in probe.serials if probe.is_open(name, asked.reader)}
        wrong = {
            name
            for name, known in before.all_known.items()
            if name not in parsed.names
            and probe.is_open(name, asked.reader)
            and not all(f.is_doubtful for f in known.owed.values())
        }
        lost, more = committed - parsed.names, parsed.names - committed
        wrong |= {name for name in lost if self._is_quiet("deletes", before, name)}
        wrong |= {
            name
            for name in more
            if name in probe.serials or self._is_quiet("uploads", before, name)
        }
        if any(map(is_kept, wrong)):
            after = self._prober.probe(self._ledger, is_fresh=True)
            wrong -= {n for n in authority.KEPT if after.altered.get(n) != probe.altered.get(n)}
        return [f"wrong about these projects: {sorted(wrong)}"] if wrong else []


def _hidden(asked: Asked) -> Set[int]:
    """How what is hidden from its reader is answered: it is not there, or anybody might be somebody."""
    return frozenset({404}) if asked.reader != ANYBODY else _ASKING
