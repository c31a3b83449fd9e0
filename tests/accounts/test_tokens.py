"""Tokens: what their secrets look like, what they open, and when they were last used."""

import base64
import re
import secrets
import threading
import zlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.accounts.people import authenticate, find_user, refresh
from pypi_lite.accounts.tokens import (
    LONGEST_NAME,
    MOST_DAYS,
    OLD_PREFIX,
    TOKEN_PREFIX,
    NotCoveredError,
    TokenError,
    by_token,
    covers,
    create_token,
    find_token,
    is_token,
    is_wellformed,
    new_secret,
    note_use,
    revoke_token,
    revoke_tokens,
    token_hash,
    tokens_of,
)
from pypi_lite.models import JournalEntry, Scope, Token, TokenScope, User, now
from pypi_lite.repository import Index
from tests.accounts.test_people import make_user, who
from tests.conftest import acting, new_token, new_user

#: What docs/tokens.md tells secret scanners.
PATTERN = r"\bpypi_lite_[0-9A-Za-z]{49}\b"
BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def old_secret() -> str:
    """As they were made before there were checksums."""
    return OLD_PREFIX + secrets.token_urlsafe(32)


def old_token(index: Index, name: str) -> str:
    """A token that was made before there were checksums, and names."""
    secret = old_secret()
    with index.database.write() as session:
        token = Token(user=find_user(session, name), sha256=token_hash(secret), created=now())
        token.scopes = [TokenScope(scope=Scope.READ)]
        session.add(token)
    return secret


def only(index: Index) -> Token:
    with index.database.read() as session:
        token = session.scalars(select(Token)).one()
        session.expunge(token)
    return token


# What they look like


def test_a_secret_is_found_by_scanners_and_proves_itself() -> None:
    found = {new_secret() for _ in range(200)}
    assert len(found) == 200
    for secret in found:
        assert re.findall(PATTERN, f'password = "{secret}"\n') == [secret]
        drawn, checksum = secret[len("pypi_lite_") : -6], secret[-6:]
        number = 0
        for digit in checksum:
            number = number * 62 + BASE_62.index(digit)
        assert number == zlib.crc32(drawn.encode())
        assert is_wellformed(secret)


def test_no_other_text_is_a_secret() -> None:
    secret = new_secret()
    for place in range(len(TOKEN_PREFIX), len(secret)):
        for other in ("0", "Z"):
            if secret[place] != other:
                assert not is_wellformed(secret[:place] + other + secret[place + 1 :])
    swapped = next(
        secret[:i] + secret[i + 1] + secret[i] + secret[i + 2 :]
        for i in range(len(TOKEN_PREFIX), len(secret) - 1)
        if secret[i] != secret[i + 1]
    )
    for wrong in (
        swapped,
        secret[:-1],
        secret + "0",
        secret + "\n",
        " " + secret,
        secret.removeprefix(TOKEN_PREFIX),
        secret.replace(TOKEN_PREFIX, OLD_PREFIX),
        TOKEN_PREFIX,
        "",
        "x",
        TOKEN_PREFIX + "\0" * 49,
        TOKEN_PREFIX + "٣" * 49,
        OLD_PREFIX + "x" * 42,
        OLD_PREFIX + "x" * 44,
        OLD_PREFIX + "!" * 43,
    ):
        assert not is_wellformed(wrong), wrong


def test_what_can_be_no_password() -> None:
    for name, secret in (
        ("ann", new_secret()),
        ("ann", old_secret()),
        ("ann", TOKEN_PREFIX + "broken"),
        ("__token__", "anything"),
    ):
        assert is_token(name, secret)
    assert not is_token("ann", "correct horse battery")
    assert not is_token("ann", f"my {TOKEN_PREFIX}")


# What they open


def test_a_token_opens_what_it_is_for(index: Index) -> None:
    make_user(index, "ann", is_admin=True)
    token = new_token(index, "ann", Scope.READ, projects=["Foo.Bar", "foo_bar", "other"])
    assert is_wellformed(token)
    for name in ("__token__", "ann", "", "whoever"):
        found = who(index, name, token)
        assert found is not None
        assert (found.name, found.is_admin) == ("ann", True)
        assert found.has_scope(Scope.READ)
        assert not found.has_scope(Scope.UPLOAD)
        assert found.projects == {"foo-bar", "other"}
        assert found.reaches("foo-bar")
        assert not found.reaches("third")
    for wrong in (token[:-1], token + "x", TOKEN_PREFIX, TOKEN_PREFIX + "\0", new_secret()):
        assert who(index, "__token__", wrong) is None


def test_a_token_of_before_is_good_still(index: Index, ann: str) -> None:
    token = old_token(index, ann)
    for name in ("__token__", ann, "whoever"):
        found = who(index, name, token)
        assert found is not None
        assert (found.name, found.scopes) == (ann, {Scope.READ})
    assert who(index, "__token__", old_secret()) is None


def test_the_database_is_not_asked_about_what_can_be_no_token(index: Index, token: str) -> None:
    asked: list[str] = []
    with index.database.read() as session:
        engine = session.get_bind()

        def note(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
            asked.append(text)

        event.listen(engine, "before_cursor_execute", note)
        wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
        for secret in (wrong, TOKEN_PREFIX, TOKEN_PREFIX + "x" * 49, OLD_PREFIX + "x"):
            assert authenticate(session, "ann", secret) is None
            assert authenticate(session, "__token__", secret) is None
        assert authenticate(session, "__token__", "no token's prefix") is None
        assert asked == []
        assert by_token(session, token) is not None
        assert asked != []
        event.remove(engine, "before_cursor_execute", note)


def test_a_token_lasts_as_long_as_was_said(index: Index) -> None:
    make_user(index, "ann")
    token = new_token(index, "ann", days=2)
    expires = only(index).expires
    assert expires is not None
    assert timedelta(days=1.9) < expires - now() <= timedelta(days=2)
    assert who(index, "x", token) is not None
    with index.database.write() as session:
        session.scalars(select(Token)).one().expires = now()
    assert who(index, "x", token) is None


def test_a_token_that_is_revoked_opens_nothing(index: Index) -> None:
    for name in ("ann", "eve"):
        make_user(index, name)
    token = new_token(index, "ann", name="laptop")
    with index.database.write() as session:
        ann, eve = session.scalars(select(User).order_by(User.name)).all()
        (row,) = tokens_of(session, ann.id)
        assert not revoke_token(session, eve.id, row.id, by=acting("eve"))  # not hers
        assert not revoke_token(session, ann.id, row.id + 1, by=acting("ann"))
        assert revoke_token(session, ann.id, row.id, by=acting("ann"))
    assert who(index, "x", token) is None
    with index.database.read() as session:
        rows = session.scalars(select(JournalEntry)).all()
        notes = [row.note for row in rows if row.action.startswith("token.")]
    assert notes == [f"ann: token {row.id} (laptop)"] * 2


def test_all_tokens_of_somebody_are_revoked_and_nobody_elses(index: Index) -> None:
    for name in ("ann", "eve"):
        make_user(index, name)
    tokens = [new_token(index, "ann") for _ in range(3)]
    hers = new_token(index, "eve")
    with index.database.write() as session:
        assert revoke_tokens(session, find_user(session, "ann").id, by=acting("ann")) == 3
    assert [who(index, "x", token) for token in tokens] == [None] * 3
    assert who(index, "x", hers) is not None
    with index.database.read() as session:
        actions = session.scalars(select(JournalEntry.action)).all()
    assert actions.count("token.revoke") == 3


def test_a_token_is_found_by_number_and_by_secret(index: Index, token: str) -> None:
    with index.database.read() as session:
        row = session.scalars(select(Token)).one()
        assert find_token(session, str(row.id)) is row
        assert find_token(session, token) is row
        for wrong in ("", "999", "-1", "9" * 30, "x", "\0", "\udc80", new_secret(), token[:-1]):
            with pytest.raises(TokenError, match="no such token"):
                find_token(session, wrong)


# Making them


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        *[({"days": days}, "day") for days in (0, -1, MOST_DAYS + 1, 10**12)],
        *[({"projects": [name]}, "project") for name in ("", "-", "a b", "x" * 300)],
        *[({"name": name}, "name") for name in ("", " ", "a\nb", "\0", "x" * (LONGEST_NAME + 1))],
        ({"scopes": []}, "Choose"),
    ],
)
def test_what_can_be_no_token(index: Index, ann: str, wrong: dict[str, Any], text: str) -> None:
    arguments = {"scopes": [Scope.READ], **wrong}
    with index.database.writer() as session:
        user = find_user(session, ann)
        with pytest.raises(TokenError, match=text):
            create_token(session, user, by=acting("t"), **arguments)
        session.flush()
        assert session.scalars(select(Token)).all() == []


def identity(index: Index, token: str) -> Identity:
    found = who(index, "x", token)
    assert found is not None
    return found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_token_makes_none_that_may_more_than_itself(index: Index, ann: str) -> None:
    maker = identity(
        index, new_token(index, ann, Scope.READ, Scope.MANAGE, projects=["one", "two"], days=3)
    )
    for scopes, projects in (
        ([Scope.UPLOAD], ["one"]),
        ([Scope.READ, Scope.YANK], ["one"]),
        ([Scope.READ], ["three"]),
        ([Scope.READ], ["one", "three"]),
    ):
        with index.database.writer() as session:
            user = find_user(session, ann)
            with pytest.raises(NotCoveredError):
                create_token(session, user, scopes=scopes, projects=projects, by=maker)
    ends = only(index).expires
    assert ends is not None
    with index.database.write() as session:
        user = find_user(session, ann)
        for days in (None, 1, 3, 1000):
            secret = create_token(session, user, scopes=[Scope.READ], days=days, by=maker)
            made = find_token(session, secret)
            assert {row.normalized_name for row in made.projects} == {"one", "two"}
            assert made.expires is not None
            assert made.expires < ends if days == 1 else made.expires == ends
            assert covers(maker, made)
        secret = create_token(session, user, scopes=[Scope.READ], projects=["TWO"], by=maker)
        assert [row.normalized_name for row in find_token(session, secret).projects] == ["two"]
    with index.database.read() as session:
        notes = session.scalars(
            select(JournalEntry.means).where(JournalEntry.actor == ann).distinct()
        ).all()
    assert notes == [f"token {maker.token_id}"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_token_covers(index: Index, ann: str) -> None:
    everything = new_token(index, ann)
    reading = new_token(index, ann, Scope.READ)
    reading_one = new_token(index, ann, Scope.READ, projects=["one"])
    reading_two = new_token(index, ann, Scope.READ, projects=["one", "two"])
    made = (everything, reading, reading_one, reading_two)
    with index.database.read() as session:
        rows = [find_token(session, token) for token in made]
        found = [[covers(identity(index, token), row) for row in rows] for token in made]
        assert all(covers(OPERATOR, row) for row in rows)
    assert found == [
        [True, True, True, True],
        [False, True, True, True],
        [False, False, True, False],
        [False, False, True, True],
    ]


# When they were last used


def age(index: Index, by: timedelta) -> None:
    """Let the token's last use be so long ago."""
    with index.database.write() as session:
        session.scalars(select(Token)).one().last_used = now() - by


def test_a_use_is_noted_to_the_hour(index: Index, token: str) -> None:
    number = only(index).id
    assert only(index).last_used is None
    note_use(index.database, number)
    first = only(index).last_used
    assert first is not None
    assert now() - first < timedelta(minutes=5)
    note_use(index.database, number)
    assert only(index).last_used == first
    age(index, timedelta(minutes=55))
    aged = only(index).last_used
    note_use(index.database, number)
    assert only(index).last_used == aged
    age(index, timedelta(minutes=61))
    note_use(index.database, number)
    last = only(index).last_used
    assert last is not None
    assert now() - last < timedelta(minutes=5)
    note_use(index.database, 999)  # is gone meanwhile


def test_nobody_waits_for_the_note_of_a_use(index: Index, token: str) -> None:
    """While somebody writes it is not made, in the same thread either; the next use is noted."""
    number = only(index).id
    with index.database.write() as session:
        new_row = session.scalars(select(User)).one()
        noting = threading.Thread(target=note_use, args=(index.database, number), daemon=True)
        noting.start()
        noting.join(timeout=30)  # a writer would wait twice as long, or for ever
        assert not noting.is_alive()
        note_use(index.database, number)
        new_row.email = "ann@index.test"
    assert only(index).last_used is None
    note_use(index.database, number)
    assert only(index).last_used is not None
    with index.database.write() as session:  # and writers wait for each other as ever
        assert session.scalars(select(User)).one().email == "ann@index.test"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_note_that_fails_fails_nothing(
    index: Index, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    number = only(index).id
    with index.database.begin_schema_change() as connection:
        connection.exec_driver_sql("ALTER TABLE tokens RENAME TO others")
    note_use(index.database, number)
    assert "could not be noted" in caplog.text
    assert token not in caplog.text


def shown(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"x:{token}".encode()).decode()}


def test_requests_note_the_use_of_their_token(app: TestApp, index: Index, ann: str) -> None:
    new_user(index, "eve")
    mine, hers = new_token(index, ann), new_token(index, "eve")
    requests = (
        lambda: app.get("/simple/", headers=shown(mine)),
        lambda: app.get("/simple/?past=the-cache", headers=shown(mine)),
        lambda: app.post("/legacy/", {"x": "y"}, headers=shown(mine), status=400),
    )
    for ask in requests:
        with index.database.write() as session:
            find_token(session, mine).last_used = None
        ask()
        with index.database.read() as session:
            used = find_token(session, mine).last_used
            assert used is not None
            assert now() - used < timedelta(minutes=5)
            assert find_token(session, hers).last_used is None


def test_no_token_has_the_number_of_one_that_is_gone(index: Index) -> None:
    """Or whoever still acts by the old one would be the new one's user, and the journal would say so."""
    new_user(index, "ann")
    new_user(index, "eve")
    old = who(index, "x", new_token(index, "ann"))
    assert old is not None
    with index.database.write() as session:
        session.delete(session.scalars(select(Token)).one())
    new = who(index, "x", new_token(index, "eve"))
    assert new is not None
    assert new.token_id != old.token_id
    with index.database.read() as session:
        assert refresh(session, old) is None
