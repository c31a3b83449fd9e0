"""The soak: ``python -m tests.faults.soak --seconds N`` sets a real index on fire and checks every answer.

Ends with a line for each figure; exit status 1 if the cache has broken its promise anywhere.
"""

import argparse
import contextlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pypi_lite.repository import Index
from tests.conftest import new_token, new_user
from tests.deploy.front import front
from tests.faults import authority, ending, readers
from tests.faults.disk import Disk, unshare_mounts
from tests.faults.killer import Killer
from tests.faults.oracle import Oracle
from tests.faults.postgresql import new_database, running_postgresql
from tests.faults.server import Server
from tests.faults.writers import Writer

_JOIN_SECONDS = 120.0
_TICK = 0.1
#: A run that has seen less has shown nothing.
_LEAST = {"reads": 200, "acknowledged writes": 3}
_KILLS = ("killed workers", "killed commands", "killed writers", "terminated backends")
_OPERATIONS = ("reads", "acknowledged writes", "unknown writes", "refused writes", "rolled back")
_FIGURES = (
    "reads",
    "304s",
    "reads of files",
    "reads with a token",
    "broken connections",
    "acknowledged writes",
    "unknown writes",
    "refused writes",
    "rolled back",
    *_KILLS,
    "stopped workers",
    "workers without room",
    "full disks",
    "read-only folders",
    "removals of all pages",
    "removals of the cache",
    "cache folders made links",
    "key folders made links",
    "blocked sweeps",
    "replayed pages",
    "states shown",
    "downloads",
)

#: Starts a front server for an upstream address (ending in a slash) and a cache's folder; yields the
#: address, with its slash, under which it is asked.
Front = Callable[[str, Path], contextlib.AbstractContextManager[str]]


@dataclass(frozen=True)
class Plan:
    """How long, and by how many."""

    seconds: float
    database_url: str = ""
    workers: int = 3
    #: Processes that read, how many connections each has, and how often it asks, in requests a second.
    readers: int = 2
    connections: int = 12
    rate: float = 700.0
    writers: int = 2
    seed: int = 0
    imports: bool = True
    #: Whether the processes take their time between the protocol's steps (`tests.faults.delays`).
    delays: bool = True
    #: Whether the first violation ends it: for protocols that are broken on purpose.
    is_over_at_first: bool = False
    #: Whether the disk may be a small one of its own, which is mounted: see `disk.unshare_mounts`.
    mounts: bool = False
    #: What stands between the server and those who ask.
    front: Front | None = None


@dataclass(frozen=True)
class Report:
    """What came of it."""

    figures: dict[str, int]
    violations: list[str]

    def lines(self) -> list[str]:
        """One figure a line."""
        found = [f"{name}: {number}" for name, number in self.figures.items()]
        for what, names in (("operations", _OPERATIONS), ("kills", _KILLS)):
            found.append(f"{what}: {sum(self.figures[name] for name in names)}")
        return [*found, f"violations: {len(self.violations)}"]


def soak(plan: Plan, folder: Path) -> Report:
    """Run it in *folder*; when this returns no process of it is left."""
    server = Server(folder, plan.database_url, plan.workers, delays=plan.delays)
    with contextlib.ExitStack() as stack:
        disk = Disk(server.disk)
        if plan.mounts and disk.mount():
            stack.callback(disk.unmount)
        else:
            disk = None
        # They start while the server does.
        children = [server.popen_child() for _ in range(plan.writers)]
        reading = [server.popen_reader() for _ in range(plan.readers)]
        for child in (*children, *reading):
            stack.callback(_end, child)
        stack.callback(server.running.close)
        server.running.start()
        oracle = Oracle(server.running.index, folder / "ledger")
        stack.callback(oracle.close)
        token, *tokens = _people(server.running.index)
        url = server.running.url
        if plan.front is not None:
            url = stack.enter_context(plan.front(url, server.cache))
        _burn(plan, server, disk, oracle, token, tokens, url, children, reading)
        if not (plan.is_over_at_first and oracle.violations):
            _settle(plan, server, oracle, token)
            ending.check_all(server, oracle, ["", *tokens, token])
            if status := server.running.stop():
                oracle.violation(f"the server ended with status {status}")
        figures = {name: oracle.counts[name] for name in _FIGURES}
        return Report(figures, oracle.violations)


def _people(index: Index) -> list[str]:
    """Make all who take part; a token of the administrator's, and then one of each reader's."""
    new_user(index, "ann", is_admin=True)
    for name in authority.READERS[1:]:
        new_user(index, name)
    with index.database.write() as session:
        authority.make_group(session)
    return [new_token(index, name) for name in ("ann", *authority.READERS[1:])]


def _burn(
    plan: Plan,
    server: Server,
    disk: Disk | None,
    oracle: Oracle,
    token: str,
    tokens: list[str],
    url: str,
    children: "list[subprocess.Popen[str]]",
    reading: "list[subprocess.Popen[str]]",
) -> None:
    """All at once, for as long as planned."""
    seed = plan.seed
    killer = Killer(server, plan.database_url, oracle, seed, disk)
    writers = [
        Writer(n, server, token, oracle, seed, url=url, child=child, imports=plan.imports)
        for n, child in enumerate(children)
    ]
    processes = [readers.Process(n, oracle, process) for n, process in enumerate(reading)]
    for thread in (killer, *writers):
        thread.start()
    for number, process in enumerate(processes):
        process.read(_job(plan, server, url, number, tokens))
    _wait(plan, oracle)
    # The killer first: readers and writers end their last requests in peace.
    threads: list[Killer | Writer | readers.Process] = [killer, *writers, *processes]
    for thread in threads:
        thread.stop()
    for thread in threads:
        thread.join(_JOIN_SECONDS)
        if thread.is_alive():
            oracle.violation(f"{thread.name} does not end")


def _wait(plan: Plan, oracle: Oracle) -> None:
    """As long as planned; on a slow machine until something has been seen at all."""
    deadline = time.monotonic() + plan.seconds
    last = deadline + _JOIN_SECONDS
    while (now := time.monotonic()) < last:
        has_begun = all(oracle.counts[name] >= least for name, least in _LEAST.items())
        if now > deadline and has_begun:
            return
        if plan.is_over_at_first and oracle.violations:
            return
        time.sleep(_TICK)


def _job(plan: Plan, server: Server, url: str, number: int, tokens: list[str]) -> readers.Job:
    return readers.Job(
        url=url,
        ledger=str(server.folder / "ledger"),
        database_url=server.running.index.settings.database_url,
        seed=f"{plan.seed} reader {number}",
        connections=plan.connections,
        rate=plan.rate,
        has_front=plan.front is not None,
        tokens=("", *tokens),
    )


def _end(child: "subprocess.Popen[str]") -> None:
    """Its orders end, and so does it, once the one in hand is done."""
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(OSError):  # it may have died with an order unread
        child.stdin.close()
    try:
        child.wait(_JOIN_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()


def _settle(plan: Plan, server: Server, oracle: Oracle, token: str) -> None:
    """Wait until all workers are there again, and resolve what is unknown."""
    deadline = time.monotonic() + _JOIN_SECONDS
    while len(server.running.worker_pids()) < plan.workers and time.monotonic() < deadline:
        time.sleep(_TICK)
    Writer(-1, server, token, oracle, plan.seed, url=server.running.url).settle()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--postgresql", metavar="URL", default="", help="an empty database")
    parser.add_argument("--own-postgresql", action="store_true", help="start one for the run")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--readers", type=int, default=2, help="reading processes")
    parser.add_argument("--rate", type=float, default=700.0, help="requests a second of each")
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--no-delays", action="store_true", help="the product at its own speed")
    parser.add_argument("--until-violation", action="store_true", help="the first one ends it")
    parser.add_argument("--nginx", action="store_true", help="nginx in front (deploy/nginx.conf)")
    options = parser.parse_args()
    options.mounts = unshare_mounts()
    if options.own_postgresql:
        with running_postgresql() as server, new_database(server) as url:
            return _run(options, url)
    return _run(options, options.postgresql)


def _nginx(upstream: str, cache: Path) -> contextlib.AbstractContextManager[str]:
    address = upstream.removeprefix("http://").rstrip("/")
    return front(address, cache, cache.with_name("blobs"), cache.parents[1] / "nginx")


def _run(options: argparse.Namespace, database_url: str) -> int:
    plan = Plan(
        seconds=options.seconds,
        database_url=database_url,
        workers=options.workers,
        readers=options.readers,
        rate=options.rate,
        writers=options.writers,
        seed=options.seed,
        delays=not options.no_delays,
        is_over_at_first=options.until_violation,
        mounts=options.mounts,
        front=_nginx if options.nginx else None,
    )
    where = "PostgreSQL" if plan.database_url else "SQLite"
    where += ", behind nginx" if plan.front else ""
    print(f"seed {plan.seed}, {plan.seconds} s on {where}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pypi_lite-soak-") as folder:
        report = soak(plan, Path(folder))
        if report.violations:
            kept = tempfile.mkdtemp(prefix="pypi_lite-violations-")
            for name in ("server.log", "ledger"):
                shutil.copy(Path(folder, name), kept)
            print(f"the server's log and what was done, a line each, are in {kept}")
    print("\n".join(report.lines()))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
