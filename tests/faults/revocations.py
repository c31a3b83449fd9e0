"""``python -m tests.faults.revocations --times N [--own-postgresql]``: is what was taken away gone at once?

A real server of four workers, with a private project, and readers that keep it busy. Again and again
somebody who may read the project reads it over one connection to each worker, so that each has all that
it can keep of them; then they lose their token, their role, their group's role, their place in the
group, or their account; and the next request over each of the four connections must not be answered
with the page. What is taken away is taken away by another process.
"""

import argparse
import base64
import contextlib
import http.client
import multiprocessing
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.people import create_user, find_user
from pypi_lite.accounts.tokens import create_token, revoke_token, token_hash
from pypi_lite.models import Group, GroupMember, Scope, Token, User, now
from pypi_lite.repository import Index, changes, roles
from tests.clients.running import RunningIndex
from tests.distributions.build import wheel
from tests.faults.postgresql import new_database, running_postgresql
from tests.web.helpers import put

WORKERS = 4
_PROJECT, _PAGES = "hidden", ("/simple/hidden/", "/pypi/hidden/json", "/project/hidden/")
_LOAD = 2
_JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
_CONNECTIONS = 200


@dataclass
class Result:
    """What has been seen."""

    revocations: Counter[str] = field(default_factory=Counter)
    #: Answers that showed what they should not, or did not show what they should.
    violations: list[str] = field(default_factory=list)
    hits: int = 0
    reads: int = 0


class Reader:
    """One connection to each worker."""

    def __init__(self, running: RunningIndex) -> None:
        self._connections: dict[int, http.client.HTTPConnection] = {}
        pids = running.worker_pids()
        port = int(running.url.rstrip("/").rpartition(":")[2])
        for _ in range(_CONNECTIONS):
            if len(self._connections) == len(pids):
                return
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/simple/", headers=_JSON)
            connection.getresponse().read()
            pid = _server_of(connection, pids)
            if pid is None or pid in self._connections:
                connection.close()
            else:
                self._connections[pid] = connection
        raise AssertionError(
            f"of {len(pids)} workers only {len(self._connections)} took connections"
        )

    def read(self, path: str, token: str) -> Iterator[tuple[int, str]]:
        """Status and Cache-Status, of each worker."""
        headers = {**_JSON, **_bearing(token)}
        for connection in self._connections.values():
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            response.read()
            yield response.status, response.headers.get("Cache-Status", "")

    def close(self) -> None:
        """Close them."""
        for connection in self._connections.values():
            connection.close()


def run(folder: Path, database_url: str, times: int) -> Result:
    """Take away *times* times."""
    running = RunningIndex(folder, database_url, WORKERS, {"reading": "accounts"})
    running.start()
    result = Result()
    over = multiprocessing.Event()
    try:
        people = _People(running.index)
        busy = [
            multiprocessing.Process(
                target=_keep_busy, args=(running.url, people.token("busy"), over), daemon=True
            )
            for _ in range(_LOAD)
        ]
        for process in busy:
            process.start()
        reader = Reader(running)
        with contextlib.closing(reader):
            for number in range(times):
                _take_away(reader, people, number, result)
        over.set()
        for process in busy:
            process.join(60)
            if process.exitcode != 0:
                result.violations.append("somebody who may read was refused meanwhile")
        result.violations += running.scary_lines()
    finally:
        over.set()
        running.close()
    return result


def _take_away(reader: Reader, people: "_People", number: int, result: Result) -> None:
    way = people.ways[number % len(people.ways)]
    path = _PAGES[number % len(_PAGES)]
    token = way.give()
    for _ in range(2):
        for status, said in reader.read(path, token):
            result.reads += 1
            result.hits += said.endswith("; hit")
            if status != 200:
                result.violations.append(f"{number} ({way.name}): {status} to who may read")
    way.take()
    for status, _ in reader.read(path, token):
        result.reads += 1
        if status not in (303, 401, 404):
            result.violations.append(f"{number} ({way.name}): {status} after it was taken away")
    result.revocations[way.name] += 1
    way.restore()


@dataclass(frozen=True)
class _Way:
    name: str
    #: Gives a token that may read.
    give: Callable[[], str]
    take: Callable[[], object]
    restore: Callable[[], object] = lambda: None


class _People:
    """Who may read the project, and how they lose it."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._last = ""
        put(index, wheel(_PROJECT, "1.0"))
        self._write(lambda s: changes.set_visibility(s, OPERATOR, _PROJECT, "private"))
        for name in ("ann", "busy", "greta"):
            self._write(
                lambda s, n=name: create_user(s, n, password=None, is_admin=False, by=OPERATOR)
            )
        self._write(lambda s: s.add(Group(name="team", created=now())))
        for who in ("ann", "busy", "@team"):
            self._grant(who)
        self._join()
        ann, greta = self.token("ann"), self.token("greta")
        self.ways = (
            _Way("token", self._new_token, self._revoke_token),
            _Way("role", lambda: ann, lambda: self._revoke("ann"), lambda: self._grant("ann")),
            _Way("token", self._new_token, self._revoke_token),
            _Way("member", lambda: greta, self._leave, self._join),
            _Way("token", self._new_token, self._revoke_token),
            _Way(
                "group", lambda: greta, lambda: self._revoke("@team"), lambda: self._grant("@team")
            ),
            _Way("token", self._new_token, self._revoke_token),
            _Way("account", lambda: ann, lambda: self._disable(True), lambda: self._disable(False)),
        )

    def token(self, name: str) -> str:
        """A new token of somebody's, for reading."""

        def create(session: Any) -> str:
            user = find_user(session, name)
            return create_token(session, user, scopes=[Scope.READ], by=OPERATOR)

        return str(self._write(create))

    def _write(self, change: Callable[[Any], Any]) -> Any:
        with self._index.database.write() as session:
            return change(session)

    def _new_token(self) -> str:
        self._last = self.token("ann")
        return self._last

    def _revoke_token(self) -> None:
        def revoke(session: Any) -> None:
            row = session.query(Token).filter_by(sha256=token_hash(self._last)).one()
            assert revoke_token(session, row.user_id, row.id, by=OPERATOR)

        self._write(revoke)

    def _grant(self, who: str) -> None:
        self._write(lambda s: roles.grant(s, OPERATOR, _PROJECT, who, "reader"))

    def _revoke(self, who: str) -> None:
        self._write(lambda s: roles.revoke(s, OPERATOR, _PROJECT, who))

    def _leave(self) -> None:
        self._write(lambda s: s.delete(s.query(GroupMember).one()))

    def _join(self) -> None:
        def join(session: Any) -> None:
            greta = session.query(User).filter_by(name="greta").one()
            session.add(GroupMember(group=session.query(Group).one(), user=greta))

        self._write(join)

    def _disable(self, is_disabled: bool) -> None:
        def disable(session: Any) -> None:
            session.query(User).filter_by(name="ann").one().is_disabled = is_disabled

        self._write(disable)


def _bearing(token: str) -> dict[str, str]:
    shown = base64.b64encode(f"__token__:{token}".encode()).decode()
    return {"Authorization": f"Basic {shown}"}


def _keep_busy(url: str, token: str, over: Any) -> None:
    """Read the project's pages until it is *over*; exit status 1: once it was refused."""
    port = int(url.rstrip("/").rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not over.is_set():
        for path in (*_PAGES, "/simple/"):
            connection.request("GET", path, headers={**_JSON, **_bearing(token)})
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                sys.exit(1)
    connection.close()


def _server_of(connection: http.client.HTTPConnection, pids: list[int]) -> int | None:
    """Which of the processes has the other end of *connection*."""
    port = connection.sock.getsockname()[1]
    table = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = (line.split() for line in table)
    inodes = {row[9] for row in rows if row[2].endswith(f":{port:04X}")}
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found = re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink()))
                if found and found[1] in inodes:
                    return pid
    return None


def main() -> int:
    """Run it; exit status 1 when anything was seen that should not be."""
    parser = argparse.ArgumentParser(description="Revocations under load.")
    parser.add_argument("--times", type=int, default=10_000)
    parser.add_argument("--own-postgresql", action="store_true", help="not on SQLite")
    options = parser.parse_args()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = ""
        if options.own_postgresql:
            url = stack.enter_context(new_database(stack.enter_context(running_postgresql())))
        result = run(folder / "index", url, options.times)
    print(
        f"{result.revocations.total()} revocations ({dict(result.revocations)}), {result.reads} reads"
        f" of {WORKERS} workers, {result.hits} of them hits, {len(result.violations)} violations,"
        f" {time.monotonic() - began:.0f} s"
    )
    print(*result.violations[:20], sep="\n")
    return 1 if result.violations else 0


if __name__ == "__main__":
    sys.exit(main())
