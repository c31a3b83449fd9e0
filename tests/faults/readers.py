"""A reading process: ``python -m tests.faults.readers`` asks for pages over many connections at once,
with and without a copy of its own, and checks each answer.

Its orders come on stdin: one line, a `Job` as JSON, and the end of stdin, which is the end of the work.
On stdout come JSON lines: each violation at once, the figures now and then, and in the end all that was
seen, to be compared with what others saw.
"""

import dataclasses
import json
import random
import select
import selectors
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.faults import pages
from tests.faults.authority import ANYBODY, READERS, is_kept
from tests.faults.checking import Asked, Checker, Prober
from tests.faults.ledger import LedgerReader
from tests.faults.oracle import Oracle
from tests.faults.pages import Target

#: Seconds after which an answer will never come: a stopped worker goes on long before.
_SECONDS = 120.0
_PROBE_SECONDS = 0.01
_REPORT_SECONDS = 0.5
_TICK = 0.02
_CHUNK = 256 * 1024
#: Broken connections in a row, without any answer between, that mean that nobody answers any more.
_BROKEN = 5000
#: How often: a request for a copy's successor, a last request on its connection, a common page.
_CONDITIONAL, _LAST, _COMMON = 0.5, 0.03, 0.12
#: How often with a token, where it matters.
_WITH_TOKEN = 0.7
#: How often a file, and how many are asked for again and again.
_FILES, _KNOWN_FILES = 0.08, 60


@dataclasses.dataclass(frozen=True)
class Job:
    """What a reading process needs to know."""

    url: str
    ledger: str
    database_url: str
    seed: str
    connections: int
    #: Requests a second, at most: readers without a bound leave the writers no processor.
    rate: float
    has_front: bool
    #: The token of each of `authority.READERS`; empty: none.
    tokens: tuple[str, ...]


class Connection:
    """One connection, kept open, and the requests that are under way on it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self.socket: socket.socket | None = None
        self.asked: deque[Asked] = deque()
        self.since = 0.0
        self._buffer = b""

    def send(self, asked: list[Asked], tokens: Sequence[str], *, close: bool) -> None:
        """Send these requests, one behind the other. Raises OSError."""
        if self.socket is None:
            self.socket = socket.create_connection(self._address, timeout=_SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked.extend(asked)
        self.since = time.monotonic()
        last = len(asked) - 1
        heads = (
            one.head(tokens[one.reader], close=close and n == last) for n, one in enumerate(asked)
        )
        self.socket.sendall(b"".join(heads))

    def receive(self) -> bool:
        """Take in what has come; False: the connection is over. Raises OSError."""
        assert self.socket is not None
        chunk = self.socket.recv(_CHUNK)
        self._buffer += chunk
        return bool(chunk)

    def answer(self) -> tuple[int, dict[str, str], bytes] | None:
        """The next whole answer, if it is there. Raises ValueError for what is none."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        status = int(first[9:12])
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        length = 0 if status == 304 else int(headers["content-length"])
        if len(self._buffer) < end + 4 + length:
            return None
        body = self._buffer[end + 4 : end + 4 + length]
        self._buffer = self._buffer[end + 4 + length :]
        return status, headers, body

    def close(self) -> None:
        """Let the connection go, and what was under way on it."""
        if self.socket is not None:
            self.socket.close()
        self.socket = None
        self.asked.clear()
        self._buffer = b""


class Readers:
    """All connections of one process, and what it has seen."""

    def __init__(self, job: Job) -> None:
        self._job = job
        parts = urlsplit(job.url)
        address = parts.hostname or "", parts.port or 80
        self._dice = random.Random(job.seed)
        self._counts: Counter[str] = Counter()
        self._ledger = LedgerReader(job.ledger)
        self._checker = Checker(
            self._ledger,
            Prober(job.database_url, _PROBE_SECONDS),
            self._count,
            lambda text: _say(violation=text),
            has_front=job.has_front,
        )
        self._connections = [Connection(address) for _ in range(job.connections)]
        self._idle = deque(self._connections)
        self._selector = selectors.DefaultSelector()
        self._files: deque[Target] = deque(maxlen=_KNOWN_FILES)
        self._sent = 0
        self._broken = 0  # in a row

    def run(self) -> None:
        """Read until stdin ends; then take in the answers that are under way."""
        began = reported = time.monotonic()
        is_over = False
        while not (is_over and len(self._idle) == len(self._connections)):
            is_over = is_over or bool(select.select([sys.stdin], [], [], 0)[0])
            now = time.monotonic()
            while self._idle and not is_over and self._sent < (now - began) * self._job.rate:
                self._ask(self._idle.popleft())
            for key, _ in self._selector.select(_TICK):
                self._take(key.data)
            if now > reported + _REPORT_SECONDS:
                reported = now
                self._report()
                self._expire(now)
        self._report()
        _say(
            seen=[(*key, sorted(entries)) for key, entries in self._checker.seen.items()],
            bodies=list(self._checker.bodies.items()),
            shown=list(self._checker.shown),
        )

    def _ask(self, connection: Connection) -> None:
        """Send one request or a few, which begin when all that was acknowledged is known."""
        self._ledger.catch_up()
        number = self._dice.choice((1, 1, 1, 2, 4))
        asked = [self._choose() for _ in range(number)]
        self._sent += number
        is_new = connection.socket is None
        try:
            connection.send(asked, self._job.tokens, close=self._dice.random() < _LAST)
        except OSError:
            self._break(connection)
            return
        if is_new:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def _choose(self) -> Asked:
        target = self._target()
        encoding = self._dice.choice(("identity", "gzip"))
        copies = self._checker.copies(target, encoding)
        copy = None
        if copies and self._dice.random() < _CONDITIONAL:
            # The newest most often; an old one must never be called current.
            copy = copies[-1] if self._dice.random() < 0.7 else self._dice.choice(copies)
        reader = self._reader(target)
        return self._checker.ask(target, encoding, copy if copy and copy.etag else None, reader)

    def _reader(self, target: Target) -> int:
        """Somebody with a token sometimes, and most often where it matters who it is."""
        share = _WITH_TOKEN if is_kept(target.project) or not target.project else _LAST
        if self._dice.random() >= share:
            return ANYBODY
        return self._dice.randrange(ANYBODY + 1, len(READERS))

    def _target(self) -> Target:
        """Most often a page that a change under way alters."""
        dice, known = self._dice, self._ledger.known
        what = dice.random()
        if not known or what < _COMMON:
            return dice.choice(pages.common_targets())
        project = dice.choice(self._ledger.focus if what < 0.8 else list(known))
        if what > 1 - _FILES:
            return self._file()
        owed = known[project].owed if project in known else {}
        if owed and 0.7 < what < 0.8:
            fact = dice.choice(list(owed.values()))
            return dice.choice(pages.release_targets(fact.project, fact.version))
        return dice.choice(pages.project_targets(project))

    def _file(self) -> Target:
        """A file, and sooner or later one that has been asked for before and is deleted by now."""
        files = [fact for known in self._ledger.known.values() for fact in known.owed.values()]
        if files and (len(self._files) < _KNOWN_FILES or self._dice.random() < 0.3):
            fact = self._dice.choice(files[-_KNOWN_FILES:])
            self._files.append(pages.file_target(fact.project, fact.filename, fact.sha256))
        return self._dice.choice(self._files or pages.common_targets())

    def _take(self, connection: Connection) -> None:
        """Check the answers that have come."""
        try:
            is_open = connection.receive()
            while connection.asked and (answer := connection.answer()) is not None:
                self._ledger.catch_up()
                self._checker.check(connection.asked.popleft(), *answer)
                self._broken = 0
        except OSError:
            self._break(connection)
            return
        except (ValueError, LookupError) as error:
            _say(violation=f"no HTTP to {connection.asked[0].target}: {error!r}")
            self._break(connection)
            return
        if not is_open:
            self._break(connection, is_late=not connection.asked)
        elif not connection.asked:
            self._idle.append(connection)

    def _break(self, connection: Connection, *, is_late: bool = False) -> None:
        """The connection is over: after its last answer (*is_late*), or in the middle."""
        was_idle = connection in self._idle
        if connection.socket is not None and connection.socket.fileno() >= 0:
            self._forget(connection)
        connection.close()
        if not was_idle:
            self._idle.append(connection)
        if is_late:
            return
        self._count("broken connections")
        self._broken += 1
        if self._broken == _BROKEN:
            _say(violation=f"no answer {_BROKEN} times in a row")
        time.sleep(0.001)

    def _forget(self, connection: Connection) -> None:
        try:
            self._selector.unregister(connection.socket)
        except KeyError:
            return

    def _expire(self, now: float) -> None:
        for connection in self._connections:
            if connection.asked and connection.since + _SECONDS < now:
                _say(violation=f"no answer within {_SECONDS} s: {connection.asked[0].target}")
                self._break(connection)

    def _count(self, what: str) -> None:
        self._counts[what] += 1

    def _report(self) -> None:
        _say(counts=dict(self._counts))
        self._counts.clear()


def _say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


class Process(threading.Thread):
    """A reading process as the one that started it sees it: its orders, and what it says."""

    def __init__(self, number: int, oracle: Oracle, process: "subprocess.Popen[str]") -> None:
        super().__init__(daemon=True, name=f"reader {number}")
        self._oracle = oracle
        self._process = process

    def read(self, job: Job) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(dataclasses.asdict(job)) + "\n")
        self._process.stdin.flush()
        self.start()

    def stop(self) -> None:
        """Ask it to end once all that is under way is answered."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def run(self) -> None:
        assert self._process.stdout is not None
        has_ended = False
        for line in self._process.stdout:
            said = json.loads(line)
            for what, number in said.get("counts", {}).items():
                self._oracle.count(what, number)
            if "violation" in said:
                self._oracle.violation(f"{self.name}: {said['violation']}")
            if "seen" in said:
                has_ended = True
                bodies = [(tuple(key), digest) for key, digest in said["bodies"]]
                self._oracle.see(said["seen"], bodies, map(tuple, said["shown"]))
        if not has_ended:
            self._oracle.violation(f"{self.name} has not ended well")


def main() -> None:
    """Read as told, if there is an order."""
    if order := sys.stdin.readline():
        try:
            Readers(Job(**json.loads(order))).run()
        except Exception:
            _say(violation=traceback.format_exc())


if __name__ == "__main__":
    main()
