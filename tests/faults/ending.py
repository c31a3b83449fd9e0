"""What must be true when the fire is out: nothing acknowledged is lost, and every page is cached."""

import functools
import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urljoin

from sqlalchemy import select

from pypi_lite.models import Action, JournalEntry
from tests.clients import raw
from tests.faults import pages
from tests.faults.authority import ANYBODY, READERS, bearing, is_kept, replay
from tests.faults.checking import Checker, Prober
from tests.faults.ledger import LINGER
from tests.faults.oracle import Oracle
from tests.faults.pages import Target
from tests.faults.server import Server

_HELD_SECONDS = 60.0
_VERIFY_SECONDS = 120.0
State = dict[str, dict[str, object]]
Read = Callable[[Target], raw.Answer]


def check_all(server: Server, oracle: Oracle, tokens: Sequence[str]) -> None:
    """Everything, with the server still running and nobody else at it.

    *tokens* are those of `authority.READERS`, and behind them one that may read everything.
    """
    time.sleep(LINGER)
    url = server.running.index.settings.database_url
    checker = Checker(oracle, Prober(url, 0.0), oracle.count, oracle.violation)
    targets = list(_targets(oracle))
    reading = [
        functools.partial(_read, checker, server.running.url.rstrip("/"), reader, tokens)
        for reader in range(len(READERS))
    ]
    for read in reading:
        for target in targets if read is reading[ANYBODY] else _differing(targets):
            _first(read, target, oracle)
    _check_holds(server, oracle)
    for read in reading:
        for target in targets if read is reading[ANYBODY] else _differing(targets):
            _check_hit(read, target, oracle)
    oracle.shown |= checker.shown
    with server.popen("verify") as verify:
        try:
            _check_downloads(server, oracle, tokens[-1])
            _check_journal(server, oracle)
            said = "".join(verify.communicate(timeout=_VERIFY_SECONDS))
        finally:
            verify.kill()
    # It has opened the cache, which removes what was swept.
    if left := list((server.cache / "trash").iterdir()):
        oracle.violation(f"what was swept is left: {left}")
    if verify.returncode != 0 or "all is well" not in said:
        oracle.violation(f"verify says: {said}")


def _targets(oracle: Oracle) -> Iterator[Target]:
    yield from pages.common_targets()
    releases = {(fact.project, fact.version) for fact in oracle.files.values()}
    for name in oracle.projects():
        yield from pages.project_targets(name)
    for name, version in sorted(releases)[-30:]:
        yield from pages.release_targets(name, version)


def _differing(targets: list[Target]) -> list[Target]:
    """Those that it may matter for who asks."""
    return [target for target in targets if not target.project or is_kept(target.project)]


def _read(
    checker: Checker, url: str, reader: int, tokens: Sequence[str], target: Target
) -> raw.Answer:
    asked = checker.ask(target, "identity", reader=reader)
    headers = {"Accept": target.accept, "Accept-Encoding": "identity", **bearing(tokens[reader])}
    answer = raw.get(f"{url}{target.url}", headers)
    checker.check(asked, answer.status, answer.headers, answer.body)
    return answer


def _first(read: Read, target: Target, oracle: Oracle) -> None:
    """The first request, or the first after the hold of a dead writer is gone."""
    deadline = time.monotonic() + _HELD_SECONDS
    while "detail=" in read(target).headers.get("cache-status", ""):
        if time.monotonic() > deadline:
            oracle.violation(f"{target.url} can't be cached")
            return
        time.sleep(0.1)


def _check_hit(read: Read, target: Target, oracle: Oracle) -> None:
    answer = read(target)
    status = answer.headers.get("cache-status")
    if answer.status == 200 and status != "pypi_lite; hit":
        oracle.violation(f"the second request for {target.url} is: {status}")


def _check_holds(server: Server, oracle: Oracle) -> None:
    holds = [p for p in (server.cache / "holds").rglob("*") if p.is_file()]
    left = [str(p) for p in holds if not p.name.startswith(".")]
    if left:
        oracle.violation(f"holds are left: {left}")
    # Whoever makes a page removes the temps of those who died at it.
    temps = (server.cache / "pages").rglob(".*.new")
    lasting = [str(p) for p in temps if p.with_name(p.name[1:].rsplit(".", 2)[0]).exists()]
    if lasting:
        oracle.violation(f"temps are left: {lasting}")


def _check_downloads(server: Server, oracle: Oracle, token: str) -> None:
    """Each acknowledged file is on its page, and its bytes come as they were sent."""
    headers = {"Accept": pages.V1_JSON, **bearing(token)}
    wanted = defaultdict(list)
    for fact in oracle.choose():
        wanted[fact.project].append(fact)
    for project, facts in wanted.items():
        page = f"{server.running.simple_url}{project}/"
        files = raw.get(page, headers).files()
        for fact in facts:
            entry = files.get(fact.filename)
            content = raw.get(urljoin(page, entry["url"]), headers).body if entry else b""
            oracle.count("downloads")
            if hashlib.sha256(content).hexdigest() != fact.sha256:
                oracle.violation(f"{fact.filename} was acknowledged and is lost")


def _check_journal(server: Server, oracle: Oracle) -> None:
    """The journal has what was acknowledged and nothing that was refused, and every page that was
    seen is what the journal says the project was at its serial."""
    with server.running.index.database.read() as session:
        query = select(JournalEntry).order_by(JournalEntry.serial)
        entries = list(session.scalars(query))
    found = {entry.serial: (entry.action, entry.project) for entry in entries}
    for serial, (action, project) in oracle.acknowledged.items():
        if found.get(serial) != (action, project):
            oracle.violation(f"acknowledged {serial} {action} {project}: {found.get(serial)}")
    for entry in entries:
        if entry.note in oracle.never or (
            entry.action == Action.FILE_ADD and entry.filename in oracle.never
        ):
            what = f"{entry.serial} {entry.action} {entry.filename} {entry.note}"
            oracle.violation(f"refused or rolled back, and committed: {what}")
    _replay(entries, oracle)
    for wrong in replay(entries, oracle.shown):
        oracle.violation(wrong)
    oracle.count("states shown", len(oracle.shown))


def _replay(entries: list[JournalEntry], oracle: Oracle) -> None:
    state: State = defaultdict(lambda: {"files": {}, "yanked": set()})
    for entry in entries:
        if entry.project is None:
            continue
        _apply(state, entry)
        key = (entry.project, entry.serial)
        if key in oracle.seen:
            project = state[entry.project]
            expected = frozenset((f, v in project["yanked"]) for f, v in project["files"].items())
            oracle.count("replayed pages")
            for seen in oracle.seen.pop(key) - {expected}:
                wrong = sorted(seen ^ expected)
                oracle.violation(f"{entry.project} was seen at {entry.serial} with: {wrong}")
    for project, serial in oracle.seen:
        oracle.violation(f"{project} was seen at {serial}, which the journal does not have")


def _apply(state: State, entry: JournalEntry) -> None:
    files, yanked = state[entry.project]["files"], state[entry.project]["yanked"]
    match entry.action:
        case Action.FILE_ADD:
            files[entry.filename] = entry.version
        case Action.FILE_DELETE:
            files.pop(entry.filename)
        case Action.RELEASE_YANK:
            yanked.add(entry.version)
        case Action.RELEASE_UNYANK:
            yanked.discard(entry.version)
        case Action.RELEASE_DELETE:
            yanked.discard(entry.version)
            for name in [name for name, version in files.items() if version == entry.version]:
                files.pop(name)
        case Action.PROJECT_DELETE:
            state.pop(entry.project)
