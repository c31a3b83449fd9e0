"""Namespaces: who may have one, and who may begin a project in it (PEP 752)."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.accounts.people import create_user
from pypi_lite.models import Action, JournalEntry, Namespace, User
from pypi_lite.repository import Index, namespaces
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.namespaces import MOST_HYPHENS, Match
from pypi_lite.repository.upload import Published
from tests.conftest import acting
from tests.distributions.build import wheel
from tests.web.helpers import put


@pytest.fixture(autouse=True)
def _people(index: Index) -> None:
    with index.database.write() as session:
        for name in ("ann", "bob", "eve", "root"):
            create_user(session, name, password=None, is_admin=name == "root", by=acting("test"))


def grant(index: Index, name: str, *owners: str) -> int:
    with index.database.write() as session:
        return namespaces.grant(session, OPERATOR, name, owners)


def revoke(index: Index, name: str) -> int:
    with index.database.write() as session:
        return namespaces.revoke(session, OPERATOR, name)


def identity(index: Index, name: str) -> Identity:
    with index.database.read() as session:
        user = session.scalars(select(User).where(User.name == name)).one()
        return Identity(name=name, user_id=user.id, is_admin=user.is_admin)


def publish(index: Index, project: str, by: str) -> Published:
    return put(index, wheel(project, "1.0"), identity(index, by))


def refusal(act: Callable[..., object], *arguments: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act(*arguments)
    return caught.value


def owners(index: Index, name: str) -> tuple[str, ...]:
    with index.database.read() as session:
        found = namespaces.detail(session, name)
        assert found is not None
        return found.owners


@pytest.mark.parametrize("project", ["acme", "Acme.Tools", "acme-tools-x", "acme_a_b_c_d_e_f"])
def test_nobody_else_begins_a_project_in_a_namespace(index: Index, project: str) -> None:
    grant(index, "Acme", "ann", "bob")
    for name in ("eve", "root"):
        found = refusal(publish, index, project, name)
        assert (found.code, found.status) == (Code.RESERVED, 409)
        assert "only ann, bob may begin" in found.text
    assert refusal(put, index, wheel(project, "1.0")).code is Code.RESERVED  # the operator
    assert publish(index, project, "bob").is_new


@pytest.mark.parametrize("project", ["acmefoo", "acm", "foo-acme", "acm-e"])
def test_names_that_only_look_alike_are_free(index: Index, project: str) -> None:
    grant(index, "acme", "ann")
    assert publish(index, project, "eve").is_new


def test_projects_that_were_there_are_let_be(index: Index) -> None:
    publish(index, "acme-old", "eve")
    grant(index, "acme", "ann")
    assert put(index, wheel("acme-old", "2.0"), identity(index, "eve")).is_new
    with index.database.read() as session:
        assert [g.strangers for g in namespaces.grants(session)] == [("acme-old",)]
    publish(index, "acme-new", "ann")
    with index.database.read() as session:
        assert [g.strangers for g in namespaces.grants(session)] == [("acme-old",)]


def test_a_refused_upload_leaves_nothing_on_the_disk(index: Index) -> None:
    grant(index, "acme", "ann")
    refusal(publish, index, "acme-x", "eve")
    assert list(index.blobs.all_paths()) == []


def test_a_revoked_namespace_is_free(index: Index) -> None:
    grant(index, "acme", "ann")
    revoke(index, "ACME")
    assert publish(index, "acme-x", "eve").is_new
    assert refusal(revoke, index, "acme").code is Code.NOT_FOUND


def test_granting_again_replaces_the_owners(index: Index) -> None:
    grant(index, "acme", "ann", "bob")
    grant(index, "acme-*", " Bob", "eve")
    assert owners(index, "acme") == ("bob", "eve")
    refusal(publish, index, "acme-x", "ann")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("", Code.BAD_FORM),
        ("-acme", Code.BAD_FORM),
        ("acme*", Code.BAD_FORM),
        ("a/b", Code.BAD_FORM),
        ("x" * 201, Code.BAD_FORM),
        ("-".join("a" * (MOST_HYPHENS + 2)), Code.BAD_FORM),
        ("nül", Code.BAD_FORM),
    ],
)
def test_what_can_be_no_namespace(index: Index, name: str, wanted: Code) -> None:
    assert refusal(grant, index, name, "ann").code is wanted


def test_owners_are_users(index: Index) -> None:
    assert refusal(grant, index, "acme").code is Code.BAD_FORM
    assert refusal(grant, index, "acme", "ann", "nobody").code is Code.NOT_FOUND
    with index.database.read() as session:
        assert session.scalars(select(Namespace)).all() == []


def test_grants_do_not_overlap_ownership(index: Index) -> None:
    """PEP 752, Semantics: with a grant for foo-bar, foo is possible for its owner only."""
    grant(index, "foo-bar", "ann")
    assert refusal(grant, index, "foo", "eve").code is Code.RESERVED
    grant(index, "foo", "ann", "bob")
    assert "eve would not" in refusal(grant, index, "foo-bar-baz", "ann", "eve").text
    assert "bob would not" in refusal(grant, index, "foo-bar-baz", "bob").text
    grant(index, "foo-bar-baz", "ann")
    assert "ann would not" in refusal(grant, index, "foo", "bob").text
    grant(index, "foobar", "eve")


def test_the_narrowest_namespace_decides(index: Index) -> None:
    grant(index, "foo", "ann", "bob")
    grant(index, "foo-bar", "ann")
    assert "only ann may" in refusal(publish, index, "foo-bar-x", "bob").text
    assert publish(index, "foo-x", "bob").is_new
    assert publish(index, "foo-bar-x", "ann").is_new


def test_matches_say_whose_they_are(index: Index) -> None:
    publish(index, "foo-bar-x", "bob")
    grant(index, "foo", "ann", "bob")
    grant(index, "foo-bar", "ann")
    grant(index, "other", "ann")
    with index.database.read() as session:
        found = namespaces.matches(session, 1, "foo-bar-x")
    assert found == [Match("foo", True), Match("foo-bar", False)]


def test_parents_and_children_are_one_hyphen_away(index: Index) -> None:
    for name in ("foo", "foo-bar", "foo-bar-baz", "foo-a-b", "foobar"):
        grant(index, name, "ann")
    with index.database.read() as session:
        foo = namespaces.detail(session, "foo")
        far = namespaces.detail(session, "foo-a-b")
        baz = namespaces.detail(session, "foo-bar-baz")
        assert namespaces.detail(session, "baz") is None
        assert namespaces.names(session) == ["foo", "foo-a-b", "foo-bar", "foo-bar-baz", "foobar"]
    assert foo is not None
    assert (foo.parent, foo.children) == (None, ("foo-bar",))
    assert far is not None
    assert far.parent is None
    assert baz is not None
    assert (baz.parent, baz.children) == ("foo-bar", ())


def test_what_is_done_stands_in_the_journal(index: Index) -> None:
    with index.database.read() as session:
        assert namespaces.standing(session) == namespaces.Standing(False, None)
    first = grant(index, "acme", "bob", "ann")
    second = revoke(index, "acme")
    actions = [Action.NAMESPACE_GRANT, Action.NAMESPACE_REVOKE]
    with index.database.read() as session:
        query = select(JournalEntry).where(JournalEntry.action.in_(actions))
        rows = session.scalars(query.order_by(JournalEntry.serial)).all()
        standing = namespaces.standing(session)
    assert [(r.serial, r.actor, r.note) for r in rows] == [
        (first, "command line", "acme: ann, bob"),
        (second, "command line", "acme"),
    ]
    assert standing.facts is not None
    assert (standing.are_granted, standing.facts.serial) == (False, second)
