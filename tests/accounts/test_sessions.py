"""Sessions: what the cookie may look like, and whom its hash stands for."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import select

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.people import refresh
from pypi_lite.accounts.sessions import (
    begin_session,
    cookie_hash,
    cookie_id,
    end_session,
    end_sessions,
    new_visitor_id,
    session_identity,
    sessions_of,
)
from pypi_lite.models import JournalEntry, User, WebSession, now
from pypi_lite.repository import Index
from pypi_lite.settings import Require
from tests.conftest import acting, new_user

ID = "A-_9" + "x" * 39
HASH = hashlib.sha256(ID.encode()).hexdigest()


def begin(index: Index, name: str, **keywords: str) -> str:
    values = {"address": "192.0.2.7", "agent": "Firefox/140"} | keywords
    with index.database.write() as session:
        user = session.scalars(select(User).where(User.name == name)).one()
        return begin_session(session, user, hours=12, by=acting(name), **values)


def who(index: Index, secret: str) -> Identity | None:
    sha256 = cookie_hash({"HTTP_COOKIE": f"pypi_lite={secret}"})
    assert sha256 is not None
    with index.database.read() as session:
        found = session_identity(session, sha256, Require.OFF)
    return found and found[0]


@pytest.mark.parametrize(
    "cookies",
    [
        f"pypi_lite={ID}",
        f"a=b; pypi_lite={ID}",
        f"pypi_lite={ID}; a=b",
        f"a=b;pypi_lite={ID};c=d",
        f"pypi_lite=nonsense; pypi_lite={ID}",
    ],
)
def test_the_cookie_is_found(cookies: str) -> None:
    assert cookie_hash({"HTTP_COOKIE": cookies}) == HASH


@pytest.mark.parametrize(
    "cookies",
    [
        "",
        "pypi_lite=",
        f"pypi_lite={ID}x",
        f"pypi_lite={ID[1:]}",
        f'pypi_lite="{ID}"',
        f"pypi_lite={ID[1:]}=",
        f"pypi_lite={ID[1:]}é",
        f"other_pypi_lite={ID}",
        f"a=pypi_lite={ID}",
        f"PYPI_LITE={ID}",
        ID,
        f"pypi_lite={ID},",
    ],
)
def test_what_has_another_form_is_no_cookie(cookies: str) -> None:
    assert cookie_hash({"HTTP_COOKIE": cookies}) is None


def test_a_visitors_id_is_no_sessions() -> None:
    """So that nobody is looked for who can't be logged in."""
    cookies = {"HTTP_COOKIE": f"pypi_lite={new_visitor_id()}"}
    assert cookie_id(cookies) is not None
    assert cookie_hash(cookies) is None
    assert cookie_hash({}) is None


def test_a_session_stands_for_its_user(index: Index, ann: str) -> None:
    secret = begin(index, ann)
    found = who(index, secret)
    assert found is not None
    with index.database.read() as session:
        number = session.scalars(select(WebSession.id)).one()
    assert (found.name, found.means, found.token_id) == ("ann", f"session {number}", None)
    other = begin(index, ann)
    assert other != secret
    with index.database.read() as session:
        user_id = session.scalars(select(User.id)).one()
        rows = sessions_of(session, user_id)
        assert [row.id for row in rows] == [number + 1, number]  # those of the journal's entries
        assert (rows[0].address, rows[0].agent) == ("192.0.2.7", "Firefox/140")
        assert secret not in str([vars(row) for row in rows])
        ends = session_identity(session, rows[0].sha256, Require.OFF)
    assert ends is not None
    assert timedelta(hours=11) < ends[1] - now() <= timedelta(hours=12)


def test_who_has_logged_out_is_nobody_any_more(index: Index, ann: str) -> None:
    """Not what was known at a request's beginning counts, but what is so when it changes something."""
    found, other = who(index, begin(index, ann)), who(index, begin(index, ann))
    assert found is not None
    assert other is not None
    with index.database.write() as session:
        assert refresh(session, found) == found
        assert found.session_id is not None
        assert end_session(session, 1, found.session_id, by=acting(ann))
        session.flush()
        assert refresh(session, found) is None
        assert refresh(session, other) == other


def test_a_session_ends(index: Index, ann: str) -> None:
    secret = begin(index, ann)
    with index.database.write() as session:
        row = session.scalars(select(WebSession)).one()
        number, row.expires = row.id, now()
    assert who(index, secret) is None
    with index.database.read() as session:
        assert sessions_of(session, 1) == []
    begin(index, ann)  # removes what has ended, and gives its number to nobody
    with index.database.read() as session:
        assert session.scalars(select(WebSession.id)).one() > number


def test_a_disabled_account_has_no_session(index: Index, ann: str) -> None:
    secret = begin(index, ann)
    with index.database.write() as session:
        session.scalars(select(User)).one().is_disabled = True
    assert who(index, secret) is None


def test_one_ends_ones_own_alone(index: Index, ann: str) -> None:
    new_user(index, "eve")
    secrets = [begin(index, name) for name in (ann, ann, ann, "eve")]
    with index.database.write() as session:
        users = {user.name: user.id for user in session.scalars(select(User))}
        numbers = session.scalars(select(WebSession.id).order_by(WebSession.id)).all()
        assert not end_session(session, users["eve"], numbers[0], by=acting("eve"))
        assert not end_session(session, users["ann"], 99, by=acting("ann"))
        assert end_session(session, users["ann"], numbers[0], by=acting("ann"))
    assert [who(index, secret) is not None for secret in secrets] == [False, True, True, True]
    this = cookie_hash({"HTTP_COOKIE": f"pypi_lite={secrets[1]}"})
    with index.database.write() as session:
        end_sessions(session, users["ann"], by=acting("ann"), but_sha256=this)
    assert [who(index, secret) is not None for secret in secrets] == [False, True, False, True]
    with index.database.read() as session:
        entries = session.scalars(select(JournalEntry).order_by(JournalEntry.serial)).all()
    told = [(entry.action, entry.note) for entry in entries if entry.action.startswith("session")]
    assert told == [
        ("session.begin", "ann"),
        ("session.begin", "ann"),
        ("session.begin", "ann"),
        ("session.begin", "eve"),
        ("session.end", f"ann: session {numbers[0]}"),
        ("session.end", f"ann: session {numbers[2]}"),
    ]


def test_what_a_browser_says_of_itself_may_be_anything(index: Index, ann: str) -> None:
    assert who(index, begin(index, ann, address="x" * 500, agent="\0\n\x1b[0m<b>" + "y" * 900))
    with index.database.read() as session:
        row = session.scalars(select(WebSession)).one()
    assert row.address == "x" * 64
    assert row.agent.startswith("   [0m<b>yy")
    assert len(row.agent) == 200
