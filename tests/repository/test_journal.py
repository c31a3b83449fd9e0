"""The journal, read as an audit trail: filters, pages, all of it."""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.cache.writing import KEYS_OPTION
from pypi_lite.models import Action, JournalEntry, RoleName, Scope
from pypi_lite.repository import Index, changes, journal
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.journal import Wanted, lines, part, read_wanted, readable
from tests.distributions.build import wheel
from tests.repository.test_status import give_role, identity_of, new_person, owned
from tests.web.helpers import put

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fill(index: Index, count: int, **values: object) -> None:
    """Entries 1001 and on, a day after each other."""
    rows = [
        {
            "serial": 1000 + number,
            "moment": START + timedelta(days=number - 1),
            "action": Action.FILE_ADD,
            "actor": "ann" if number % 2 else "bob",
            "project": "foo" if number % 3 else "bar",
            **values,
        }
        for number in range(1, count + 1)
    ]
    with index.database.write() as session:
        session.execute(insert(JournalEntry), rows, execution_options={KEYS_OPTION: []})


def serials(index: Index, **filters: str) -> list[int]:
    """What is found, without the entry of the index's own beginning."""
    with index.database.read() as session:
        found = part(session, read_wanted(**filters), most=1000).entries
    return [entry.serial - 1000 for entry in found if entry.serial > 1000]


#: What is asked for, and which of six entries that is.
FILTERS: list[tuple[dict[str, str], list[int]]] = [
    ({}, [6, 5, 4, 3, 2, 1]),
    ({"project": "Foo"}, [5, 4, 2, 1]),
    ({"actor": "bob"}, [6, 4, 2]),
    ({"actor": "Bob"}, []),
    ({"action": "file.add"}, [6, 5, 4, 3, 2, 1]),
    ({"action": "file.delete"}, []),
    ({"since": "1004"}, [6, 5]),
    ({"since": "2026-03-05"}, [6, 5]),
    ({"since": "2026-03-05T12:00:00Z"}, [6, 5]),
    ({"since": "2026-03-05T12:00:01"}, [6]),
    ({"since": "2026-03-05T13:00:00+02:00"}, [6, 5]),
    ({"until": "2026-03-02"}, [2, 1]),
    ({"until": "2026-03-02T12:00:00Z"}, [2, 1]),
    ({"until": "2026-03-02 11:59:59"}, [1]),
    ({"since": "2026-03-02", "until": "2026-03-04", "actor": "bob"}, [4, 2]),
    ({"since": "9" * 18}, []),
    ({"since": "0001-01-01", "until": "9999-12-31"}, [6, 5, 4, 3, 2, 1]),
]


def test_filters(index: Index) -> None:
    fill(index, 6)
    for filters, expected in FILTERS:
        assert serials(index, **filters) == expected, filters
        found = [
            json.loads(line)["serial"] - 1000 for line in text_of(index, read_wanted(**filters))
        ]
        assert [number for number in found if number > 0] == expected[::-1], filters


def text_of(index: Index, wanted: Wanted) -> list[str]:
    return "".join(lines(index.database, wanted)).splitlines()


@pytest.mark.parametrize(
    "filters",
    [
        {"action": "file"},
        {"since": "yesterday"},
        {"since": "2026-02-30"},
        {"since": "20260301T120000"},
        {"since": "-1"},
        {"since": "9" * 19},
        {"since": "\N{ARABIC-INDIC DIGIT THREE}"},
        {"since": "0001-01-01T00:00+12:00"},
        {"until": "17"},
        {"until": "9999-12-31T23:59-12:00"},
        {"actor": "an\0n"},
        {"actor": "an\nn"},
        {"actor": "\udcff"},
        {"project": "x" * 256},
    ],
)
def test_what_is_no_filter(filters: dict[str, str]) -> None:
    with pytest.raises(Refusal) as caught:
        read_wanted(**filters)
    assert caught.value.code is Code.BAD_VALUE
    assert "\n" not in caught.value.text


def test_pages_follow_each_other(index: Index) -> None:
    fill(index, 7)
    seen: list[int] = []
    before, pages = None, 0
    with index.database.read() as session:
        while True:
            found = part(session, Wanted(project="foo"), before, most=2)
            assert 0 < len(found.entries) <= 2
            seen += [entry.serial for entry in found.entries]
            before, pages = found.older, pages + 1
            if before is None:
                break
    assert seen == [1007, 1005, 1004, 1002, 1001]
    assert pages == 3
    with index.database.read() as session:
        exact = part(session, Wanted(actor="bob"), most=3)
    assert (len(exact.entries), exact.older) == (3, None)


def test_all_is_read_in_batches(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of a snapshot of its own, and none of what comes after the first."""
    fill(index, 10)
    monkeypatch.setattr(journal, "_BATCH", 4)
    found = lines(index.database, Wanted(after=1000))
    read = [next(found)]
    put(index, wheel("later", "1.0"))
    read += found
    assert [len(text.splitlines()) for text in read] == [4, 4, 2]
    assert [json.loads(line)["serial"] for line in "".join(read).splitlines()] == list(
        range(1001, 1011)
    )
    assert len(text_of(index, Wanted(project="later"))) > 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_memory_has_a_bound(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times as many entries need no more of it."""
    monkeypatch.setattr(journal, "_BATCH", 100)

    def peak() -> int:
        tracemalloc.start()
        for _ in lines(index.database, Wanted()):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    fill(index, 400, note="n" * 200)
    peak()  # what is made once
    small = peak()
    rows = [
        {
            "serial": 10_000 + n,
            "moment": START,
            "action": "file.add",
            "actor": "x",
            "note": "n" * 200,
        }
        for n in range(4000)
    ]
    with index.database.write() as session:
        session.execute(insert(JournalEntry), rows, execution_options={KEYS_OPTION: []})
    del rows
    assert peak() < 1.5 * small


def test_an_entry_from_before_there_were_means(index: Index) -> None:
    fill(index, 1)
    (line,) = text_of(index, Wanted(after=1000))
    assert json.loads(line) == {
        "serial": 1001,
        "moment": "2026-03-01T12:00:00.000000Z",
        "action": "file.add",
        "actor": "ann",
        "means": None,
        "address": None,
        "project": "foo",
        "version": None,
        "filename": None,
        "note": None,
    }


@pytest.fixture
def people(index: Index) -> Index:
    """ann owns foo, mia maintains it, eve is nobody there, root administers the index."""
    owned(index, new_person(index, "ann"), wheel("foo", "1.0"))
    give_role(index, new_person(index, "mia"), "foo", RoleName.MAINTAINER)
    new_person(index, "eve")
    new_person(index, "root", is_admin=True)
    return index


def may(index: Index, identity: Identity, name: str | None) -> Code | None:
    """None, or why not."""
    with index.database.read() as session:
        try:
            readable(session, identity, Wanted(project=name))
        except Refusal as refusal:
            return refusal.code
    return None


def test_who_may_read_it(people: Index) -> None:
    no, absent = Code.NOT_ALLOWED, Code.NOT_FOUND
    root, ann = identity_of(people, "root"), identity_of(people, "ann")
    assert may(people, OPERATOR, None) is None
    assert may(people, root, None) is None
    assert may(people, root, "foo") is None
    assert may(people, ann, "foo") is None
    assert may(people, ann, None) is no
    assert may(people, ann, "bar") is absent
    assert may(people, identity_of(people, "mia"), "foo") is no
    assert may(people, identity_of(people, "eve"), "foo") is no
    with people.database.write() as session:
        changes.delete_project(session, OPERATOR, "foo")
    assert may(people, ann, "foo") is absent
    assert may(people, root, "foo") is None


def test_an_owner_reads_nothing_of_who_had_the_name_before(people: Index) -> None:
    with people.database.write() as session:
        gone = changes.delete_project(session, OPERATOR, "foo")
    owned(people, "eve", wheel("foo", "2.0"))
    eve, root = identity_of(people, "eve"), identity_of(people, "root")
    with people.database.read() as session:
        wanted = readable(session, eve, Wanted(project="foo"))
        assert wanted.after == gone
        entries = part(session, wanted).entries
        assert {entry.version for entry in entries} == {None, "2.0"}
        later = Wanted(project="foo", after=gone + 2)
        assert readable(session, eve, later) == later
        for who in (root, OPERATOR):
            assert readable(session, who, Wanted(project="foo")) == Wanted(project="foo")


def test_what_a_token_may_read_of_it(people: Index) -> None:
    for name in ("ann", "root"):
        narrow = identity_of(people, name, Scope.MANAGE, projects=["foo"])
        assert may(people, narrow, "foo") is None
        for wanted in (None, "bar"):
            assert may(people, narrow, wanted) is not None
        weak = identity_of(people, name, Scope.READ, Scope.UPLOAD, Scope.YANK)
        for wanted in (None, "foo"):
            assert may(people, weak, wanted) is Code.NOT_ALLOWED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_person_has_done_is_found_by_an_index(index: Index) -> None:
    """Anybody may ask for it: it must not read the whole journal."""
    query = (
        "EXPLAIN QUERY PLAN SELECT * FROM journal WHERE actor = 'ann' ORDER BY serial DESC LIMIT 51"
    )
    with index.database.begin_schema_change() as connection:
        plan = " ".join(str(row) for row in connection.exec_driver_sql(query))
    assert "ix_journal_actor_serial" in plan
    assert "SCAN" not in plan
