"""Who may change what is in the index already."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from pypi_lite.accounts.identity import Identity
from pypi_lite.models import RoleName, Scope, Token, User
from pypi_lite.repository import Index, changes
from pypi_lite.repository.errors import Code, Refusal
from tests.distributions.build import wheel
from tests.repository.test_status import give_role, identity_of, new_person, owned

FILE = wheel("foo", "1.0")
#: Each change with the scope that a token needs for it.
CHANGES = [
    (changes.yank, ("foo", "1.0", "why"), Scope.YANK),
    (changes.unyank, ("foo", "1.0"), Scope.YANK),
    (changes.set_status, ("foo", "archived"), Scope.MANAGE),
    (changes.delete_file, (FILE[0],), Scope.MANAGE),
    (changes.delete_release, ("foo", "1.0"), Scope.MANAGE),
    (changes.delete_project, ("foo",), Scope.MANAGE),
]
each_change = pytest.mark.parametrize(
    ("function", "arguments", "scope"), CHANGES, ids=[c[0].__name__ for c in CHANGES]
)


@pytest.fixture
def filled(index: Index) -> Index:
    """The project foo: ann owns it, mia maintains it, eve has nothing to do with it."""
    owned(index, new_person(index, "ann"), FILE)
    for name in ("mia", "eve"):
        new_person(index, name)
    give_role(index, "mia", "foo", RoleName.MAINTAINER)
    return index


def attempt(
    index: Index, identity: Identity, function: Callable[..., int], arguments: tuple[str, ...]
) -> Refusal | None:
    """Make the change and take it back; what it was refused for, or None."""
    try:
        with index.database.writer() as session:
            function(session, identity, *arguments)
            session.rollback()
    except Refusal as refusal:
        return refusal
    return None


@each_change
def test_owners_and_administrators(
    filled: Index, function: Callable[..., int], arguments: tuple[str, ...], scope: Scope
) -> None:
    new_person(filled, "root", is_admin=True)
    for name in ("ann", "root"):
        assert attempt(filled, identity_of(filled, name), function, arguments) is None
    # A maintainer, and somebody without a role.
    if scope is Scope.YANK:
        assert attempt(filled, identity_of(filled, "mia"), function, arguments) is None
    for name in ("eve",) if scope is Scope.YANK else ("mia", "eve"):
        refusal = attempt(filled, identity_of(filled, name), function, arguments)
        assert refusal is not None
        assert (refusal.code, refusal.status) == (Code.NOT_ALLOWED, 403)
        assert "owner" in refusal.text


@each_change
def test_a_token_needs_the_scope_and_the_project(
    filled: Index, function: Callable[..., int], arguments: tuple[str, ...], scope: Scope
) -> None:
    others = [other for other in Scope if other is not scope]
    for identity, words in (
        (identity_of(filled, "ann", *others), f"scope {scope.value}"),
        (identity_of(filled, "ann", scope, projects=["bar"]), "other projects"),
    ):
        refusal = attempt(filled, identity, function, arguments)
        assert refusal is not None
        assert refusal.code is Code.NOT_ALLOWED
        assert words in refusal.text
    for identity in (
        identity_of(filled, "ann", scope),
        identity_of(filled, "ann", scope, projects=["Foo"]),
    ):
        assert attempt(filled, identity, function, arguments) is None


def test_who_is_gone_by_then_changes_nothing(filled: Index) -> None:
    """The token or the account counts as it is in the transaction of the change."""
    identity = identity_of(filled, "ann")
    for model in (Token, User):
        with filled.database.write() as session:
            for row in session.scalars(select(model)):
                session.delete(row)
        refusal = attempt(filled, identity, changes.yank, ("foo", "1.0"))
        assert refusal is not None
        assert refusal.code is Code.NOT_AUTHENTICATED
