"""Accounts and tokens."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.accounts.people import (
    MOST_DAYS,
    TOKEN_PREFIX,
    AccountError,
    authenticate,
    create_token,
    create_user,
    has_admin,
    refresh,
    revoke_token,
    tokens_of,
)
from pypi_lite.models import JournalEntry, Scope, Token, User, now
from pypi_lite.models.base import Base
from pypi_lite.repository import Index
from tests.conftest import PASSWORD, acting, new_token, new_user


def make_user(index: Index, name: str, password: str | None = None, is_admin: bool = False) -> None:
    with index.database.write() as session:
        create_user(session, name, password=password, is_admin=is_admin, by=acting("test"))


def who(index: Index, name: str, secret: str) -> Identity | None:
    with index.database.read() as session:
        return authenticate(session, name, secret)


def test_a_password_opens_its_own_account(index: Index, ann: str) -> None:
    found = who(index, " ANN ", PASSWORD)
    assert found is not None
    assert (found.name, found.is_admin, found.token_id) == ("ann", False, None)
    assert found.has_scope(Scope.UPLOAD)
    assert found.reaches("anything")
    for name, secret in (("ann", PASSWORD + " "), ("ann", ""), ("bob", PASSWORD), ("", PASSWORD)):
        assert who(index, name, secret) is None
    assert who(index, "__token__", PASSWORD) is None
    assert who(index, "ann\0", PASSWORD) is None


def test_an_account_without_a_password_has_none_that_opens_it(index: Index) -> None:
    make_user(index, "robot")
    for secret in ("", "None", "nobody's password"):
        assert who(index, "robot", secret) is None


def test_a_token_opens_what_it_is_for(index: Index) -> None:
    make_user(index, "ann", is_admin=True)
    token = new_token(index, "ann", Scope.READ, projects=["Foo.Bar", "foo_bar", "other"])
    assert token.startswith(TOKEN_PREFIX)
    for name in ("__token__", "ann", "", "whoever"):
        found = who(index, name, token)
        assert found is not None
        assert (found.name, found.is_admin) == ("ann", True)
        assert found.has_scope(Scope.READ)
        assert not found.has_scope(Scope.UPLOAD)
        assert found.projects == {"foo-bar", "other"}
        assert found.reaches("foo-bar")
        assert not found.reaches("third")
    for wrong in (token[:-1], token + "x", TOKEN_PREFIX, TOKEN_PREFIX + "\0", token.upper()):
        assert who(index, "__token__", wrong) is None


def test_no_secret_is_in_the_database(index: Index, ann: str, tmp_path: Path) -> None:
    """Only hashes: neither in a row, nor in the file, nor in what the journal says."""
    token = new_token(index, ann, days=3)
    with index.database.read() as session:
        rows = [
            str(row)
            for table in Base.metadata.sorted_tables
            for row in session.execute(text(f"SELECT * FROM {table.name}")).all()
        ]
        user = session.scalars(select(User)).one()
        assert user.password_hash is not None
        assert user.password_hash.startswith("$argon2id$")
        assert len(session.scalars(select(Token)).one().sha256) == 64
    files = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()]
    for secret in (token, token.removeprefix(TOKEN_PREFIX), PASSWORD):
        assert not [row for row in rows if secret in row]
        assert not [content for content in files if secret.encode() in content]


def test_a_token_lasts_as_long_as_was_said(index: Index) -> None:
    make_user(index, "ann")
    token = new_token(index, "ann", days=2)
    with index.database.read() as session:
        (row,) = session.scalars(select(Token)).all()
        assert row.expires is not None
        assert timedelta(days=1.9) < row.expires - now() <= timedelta(days=2)
    assert who(index, "x", token) is not None
    with index.database.write() as session:
        session.scalars(select(Token)).one().expires = now()
    assert who(index, "x", token) is None


def test_a_token_that_is_revoked_opens_nothing(index: Index) -> None:
    for name in ("ann", "eve"):
        make_user(index, name)
    token = new_token(index, "ann")
    with index.database.write() as session:
        ann, eve = session.scalars(select(User).order_by(User.name)).all()
        (row,) = tokens_of(session, ann.id)
        assert not revoke_token(session, eve.id, row.id, by=acting("eve"))  # not hers
        assert not revoke_token(session, ann.id, row.id + 1, by=acting("ann"))
        assert revoke_token(session, ann.id, row.id, by=acting("ann"))
    assert who(index, "x", token) is None
    with index.database.read() as session:
        actions = session.scalars(select(JournalEntry.action)).all()
    assert actions.count("token.create") == actions.count("token.revoke") == 1


def test_an_identity_is_what_the_database_says_now(index: Index) -> None:
    """Between authentication and recording an upload takes its time."""
    make_user(index, "ann", is_admin=True)
    found = who(index, "x", new_token(index, "ann", Scope.READ))
    assert found is not None
    password = replace(found, token_id=None, scopes=None)
    with index.database.write() as session:
        assert refresh(session, OPERATOR) is OPERATOR
        assert refresh(session, found) == found
        session.scalars(select(User)).one().is_admin = False
        session.flush()
        for identity in (found, password):
            current = refresh(session, identity)
            assert current is not None
            assert not current.is_admin
        session.delete(session.scalars(select(Token)).one())
        session.flush()
        assert refresh(session, found) is None
        session.delete(session.scalars(select(User)).one())
        session.flush()
        assert refresh(session, password) is None


@pytest.mark.parametrize(
    "name",
    ["", " ", "-ann", "ann-", "an n", "änn", "ann\n\n-", "a" * 65, "ann/bob", "__token__", "ſ"],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_can_be_no_user_name(index: Index, name: str) -> None:
    with pytest.raises(AccountError, match="user name"):
        make_user(index, name)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_else_can_be_no_account(index: Index) -> None:
    make_user(index, "Ann.B-2")
    with pytest.raises(AccountError, match="already"):
        make_user(index, "aNN.b-2")
    for password, words in (("short", "at least"), ("x" * 1001, "at most")):
        with pytest.raises(AccountError, match=words):
            make_user(index, "bob", password)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_can_be_no_token(index: Index) -> None:
    make_user(index, "ann")
    with index.database.writer() as session:
        for days in (0, -1, MOST_DAYS + 1, 10**12):
            with pytest.raises(AccountError, match="day"):
                create_token(session, "ann", scopes=[Scope.READ], days=days, by=acting("t"))
        for project in ("", "-", "a b", "x" * 300):
            with pytest.raises(AccountError, match="name"):
                create_token(session, "ann", scopes=[], projects=[project], by=acting("t"))
        with pytest.raises(AccountError, match="no user"):
            create_token(session, "bob", scopes=[], by=acting("t"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_first_administrator(index: Index) -> None:
    for name, is_admin in (("ann", False), ("root", True)):
        with index.database.read() as session:
            assert not has_admin(session)
        make_user(index, name, is_admin=is_admin)
    with index.database.read() as session:
        assert has_admin(session)


def test_new_users_tokens_are_new(index: Index) -> None:
    new_user(index, "ann")
    tokens = {new_token(index, "ann") for _ in range(5)}
    assert len(tokens) == 5
    assert all(len(token) > 40 for token in tokens)
