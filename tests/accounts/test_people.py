"""Accounts and tokens."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.accounts.log_in import change_password
from pypi_lite.accounts.people import (
    AccountError,
    authenticate,
    create_user,
    find_user,
    has_admin,
    refresh,
)
from pypi_lite.accounts.tokens import TOKEN_PREFIX
from pypi_lite.models import JournalEntry, Scope, Token, User
from pypi_lite.models.base import Base
from pypi_lite.repository import Index
from tests.conftest import PASSWORD, acting, new_token


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


def test_another_password_opens_nothing_to_who_showed_the_old_one(index: Index) -> None:
    make_user(index, "ann", PASSWORD)
    found = who(index, "ann", PASSWORD)
    assert found is not None
    with index.database.write() as session:
        assert refresh(session, found) == found
        change_password(session, find_user(session, "ann"), "another hash", by=OPERATOR)
        session.flush()
        assert refresh(session, found) is None


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
def test_nobody_is_called_like_the_program(index: Index) -> None:
    """The journal would say of them what the program has done."""
    with pytest.raises(AccountError, match="journal"):
        make_user(index, " Migration")
    with index.database.read() as session:
        actors = session.scalars(select(JournalEntry.actor)).all()
    assert "migration" in actors


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_first_administrator(index: Index) -> None:
    for name, is_admin in (("ann", False), ("root", True)):
        with index.database.read() as session:
            assert not has_admin(session)
        make_user(index, name, is_admin=is_admin)
    with index.database.read() as session:
        assert has_admin(session)
