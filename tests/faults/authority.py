"""Who may read what: some projects are hidden from some readers, and that changes all the time.

Every change of it is a change of the project, with a serial, so that what somebody was shown can be held
against what they might read at that very serial: at no moment does anybody see a state of a project
that came when it was already closed to them.
"""

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from pypi_lite.models import Action, Group, GroupMember, JournalEntry, User, now

#: Those who read, by number: anybody, and three accounts, of whom the last never gets a role.
READERS = ("", "rose", "ruth", "ray")
ANYBODY = 0
_GROUP, _MEMBER = "team", "ruth"
#: Who gets and loses roles: an account, and a group with an account in it.
HOLDERS = ("rose", f"@{_GROUP}")
#: Projects whose visibility and roles change; all others are public for ever.
KEPT = ("kept0", "kept1", "kept2")
_ALTERING = ("project.create", "project.delete", "project.visibility", "role.grant", "role.revoke")

Reading = Mapping[str, frozenset[int]]


def is_kept(project: str) -> bool:
    """Whether the project may be hidden."""
    return project in KEPT


def make_group(session: Session) -> None:
    """The group, with its member in it."""
    user = session.query(User).filter_by(name=_MEMBER).one()
    session.add(GroupMember(group=Group(name=_GROUP, created=now()), user=user))


def bearing(token: str) -> dict[str, str]:
    """The header that shows a token; none for anybody."""
    if not token:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"__token__:{token}".encode()).decode()}


def _is_open_to(reader: str) -> str:
    """SQL: whether the project *p* may be read."""
    if not reader:
        return "p.visibility = 'public'"
    names = f"u.name = '{reader}'" + (f" OR g.name = '{_GROUP}'" if reader == _MEMBER else "")
    return f"""(p.visibility <> 'private' OR EXISTS (
        SELECT 1 FROM roles r LEFT JOIN users u ON u.id = r.user_id
        LEFT JOIN groups g ON g.id = r.group_id WHERE r.project_id = p.id AND ({names})))"""


def _newest(reader: str, of_journal: str) -> str:
    """SQL: the serial of the newest change of what the reader may read."""
    return f"""(SELECT j.serial FROM journal j WHERE {of_journal} AND EXISTS (
        SELECT 1 FROM projects p WHERE p.normalized_name = j.project AND {_is_open_to(reader)})
        ORDER BY j.serial DESC LIMIT 1)"""


def _rows() -> Iterable[str]:
    """What a probe asks for: rows of a kind, a name, a number, and which reader it is of."""
    yield "SELECT 'project', normalized_name, last_serial, 0 FROM projects"
    kept = ", ".join(f"'{name}'" for name in KEPT)
    altering = ", ".join(f"'{action}'" for action in _ALTERING)
    yield f"""SELECT 'altered', project, max(serial), 0 FROM journal
        WHERE project IN ({kept}) AND action IN ({altering}) GROUP BY project"""
    set_of_names = "j.action IN ('project.create', 'project.rename')"
    for number, reader in enumerate(READERS):
        yield f"""SELECT 'open', p.normalized_name, 1, {number} FROM projects p
            WHERE p.normalized_name IN ({kept}) AND {_is_open_to(reader)}"""
        yield f"SELECT 'home', '', {_newest(reader, 'j.project IS NOT NULL')}, {number}"
        yield f"SELECT 'index', '', {_newest(reader, set_of_names)}, {number}"


#: One statement, so one snapshot.
PROBE = " UNION ALL ".join(_rows())


def replay(entries: Iterable[JournalEntry], shown: Iterable[tuple[str, int, int]]) -> Iterable[str]:
    """What is wrong with what readers were *shown*: a project, its serial, the reader's number."""
    by_moment = defaultdict(set)
    for project, serial, reader in shown:
        by_moment[serial].add((project, reader))
    state: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry.project is not None and is_kept(entry.project):
            _apply(state, entry)
        for project, reader in by_moment[entry.serial]:
            if is_kept(project) and reader not in _readers(state.get(project)):
                who = READERS[reader] or "somebody"
                yield f"{project} was shown to {who} at {entry.serial}, from whom it was hidden then"


def _apply(state: dict[str, dict[str, Any]], entry: JournalEntry) -> None:
    assert entry.project is not None
    note = entry.note or ""
    match entry.action:
        case Action.PROJECT_CREATE:
            state[entry.project] = {"visibility": "public", "roles": set()}
        case Action.PROJECT_DELETE:
            del state[entry.project]
        case Action.PROJECT_VISIBILITY:
            state[entry.project]["visibility"] = note
        case Action.ROLE_GRANT:
            state[entry.project]["roles"].add(note.partition(":")[0])
        case Action.ROLE_REVOKE:
            state[entry.project]["roles"].discard(note)


def _readers(project: dict[str, Any] | None) -> Iterable[int]:
    """Numbers of those who may read a project that is so."""
    if project is None:
        return ()
    found = {"public": set(range(len(READERS))), "internal": {1, 2, 3}, "private": set()}
    roles = project["roles"]
    with_role = {READERS.index(name) for name in roles if name in READERS}
    with_role |= {READERS.index(_MEMBER)} if f"@{_GROUP}" in roles else set()
    return found[project["visibility"]] | with_role
