"""Roles: given, taken away, and what each lets somebody do."""

import pytest

from pypi_lite.accounts import groups
from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.accounts.people import create_user
from pypi_lite.accounts.permissions import OF_ROLE, Permission
from pypi_lite.models import Action, Group, GroupMember, JournalEntry, Project, RoleName, User, now
from pypi_lite.repository import Index, changes, roles
from pypi_lite.repository.authority import permissions_on
from pypi_lite.repository.errors import Code, Refusal
from tests.conftest import acting
from tests.distributions.build import wheel
from tests.web.helpers import put


@pytest.fixture
def filled(index: Index) -> Index:
    """The project foo, the users ann and bo, and bo in the group team."""
    put(index, wheel("foo", "1.0"))
    with index.database.write() as session:
        for name in ("ann", "bo"):
            create_user(session, name, password=None, is_admin=False, by=acting("test"))
        session.add(group := Group(name="team", created=now()))
        session.flush()
        bo = session.query(User).filter_by(name="bo").one()
        session.add(GroupMember(group=group, user=bo))
    return index


def grant(index: Index, who: str, role: str, by: Identity = OPERATOR) -> None:
    with index.database.write() as session:
        roles.grant(session, by, "Foo", who, role)


def revoke(index: Index, who: str, by: Identity = OPERATOR) -> None:
    with index.database.write() as session:
        roles.revoke(session, by, "foo", who)


def identity(index: Index, name: str) -> Identity:
    with index.database.read() as session:
        user = session.query(User).filter_by(name=name).one()
        return Identity(name=name, user_id=user.id, means="session 1", address="192.0.2.1")


def refused(index: Index, code: Code, *arguments: str, by: Identity = OPERATOR) -> str:
    with pytest.raises(Refusal) as caught:
        grant(index, *arguments, by=by) if len(arguments) == 2 else revoke(index, *arguments, by=by)
    assert caught.value.code is code
    return caught.value.text


@pytest.mark.parametrize("role", RoleName)
@pytest.mark.parametrize("who", ["ann", "@team"])
def test_a_role_lets_do_what_it_says(filled: Index, role: RoleName, who: str) -> None:
    grant(filled, who, role)
    user = identity(filled, "bo" if who == "@team" else who)
    with filled.database.read() as session:
        project = session.query(Project).one()
        assert permissions_on(session, user.user_id, project) == OF_ROLE[role] | {Permission.READ}
        assert permissions_on(session, None, project) == {Permission.READ}
        assert roles.of(session, "foo") == [roles.RoleEntry(who, role)]
    other = "@team" if who == "ann" else "ann"
    grant(filled, other, role)
    revoke(filled, who)
    with filled.database.read() as session:
        project = session.query(Project).one()
        assert permissions_on(session, user.user_id, project) == {Permission.READ}
        assert roles.of(session, "foo") == [roles.RoleEntry(other, role)]


def test_roles_are_told_of(filled: Index) -> None:
    grant(filled, "ann", "owner")
    grant(filled, "Bo ", "reader", by=identity(filled, "ann"))
    revoke(filled, "bo", by=identity(filled, "ann"))
    with filled.database.write() as session:
        changes.set_visibility(session, identity(filled, "ann"), "foo", "private")
    with filled.database.read() as session:
        rows = session.query(JournalEntry).order_by(JournalEntry.serial.desc()).limit(4).all()
        serial = session.query(Project).one().last_serial
    assert [(r.action, r.actor, r.means, r.address, r.project, r.note) for r in rows] == [
        (Action.PROJECT_VISIBILITY, "ann", "session 1", "192.0.2.1", "foo", "private"),
        (Action.ROLE_REVOKE, "ann", "session 1", "192.0.2.1", "foo", "bo"),
        (Action.ROLE_GRANT, "ann", "session 1", "192.0.2.1", "foo", "bo: reader"),
        (Action.ROLE_GRANT, "command line", None, None, "foo", "ann: owner"),
    ]
    assert serial == rows[0].serial  # its pages show it


def test_a_project_keeps_an_owner(filled: Index) -> None:
    grant(filled, "ann", "owner")
    assert "no owner" in refused(filled, Code.BAD_VALUE, "ann")
    assert "no owner" in refused(filled, Code.BAD_VALUE, "ann", "reader")
    grant(filled, "@team", "owner")
    revoke(filled, "ann")


def test_a_group_of_nobody_owns_nothing(filled: Index) -> None:
    grant(filled, "ann", "owner")
    with filled.database.write() as session:
        groups.create_group(session, "empty", by=OPERATOR)
    grant(filled, "@empty", "owner")
    assert "no owner" in refused(filled, Code.BAD_VALUE, "ann")
    with filled.database.write() as session:
        groups.add_member(session, "empty", "bo", by=OPERATOR)
    revoke(filled, "ann")


def test_who_may_not_gives_no_role(filled: Index) -> None:
    for role in ("reader", "uploader", "maintainer"):
        grant(filled, "ann", role)
        text = refused(filled, Code.NOT_ALLOWED, "ann", "owner", by=identity(filled, "ann"))
        assert "ask one of its owners" in text
    with filled.database.write() as session:
        changes.set_visibility(session, OPERATOR, "foo", "private")
    text = refused(filled, Code.NOT_FOUND, "bo", "owner", by=identity(filled, "bo"))
    assert text == "There is no project 'Foo'."  # as it was asked for, and as if nobody had it


def test_what_can_be_no_role_is_said(filled: Index) -> None:
    assert "owner, maintainer, uploader, reader" in refused(filled, Code.BAD_VALUE, "ann", "boss")
    assert "no user 'eve'" in refused(filled, Code.NOT_FOUND, "eve", "reader")
    assert "no group '@ann'" in refused(filled, Code.NOT_FOUND, "@ann", "reader")
    for who in ("ann\0", "@a\0nn"):  # which PostgreSQL refuses to be asked for
        refused(filled, Code.NOT_FOUND, who, "reader")
    assert "has no role" in refused(filled, Code.NOT_FOUND, "ann")
    with pytest.raises(Refusal, match="no project"), filled.database.write() as session:
        roles.grant(session, OPERATOR, "bar", "ann", "reader")
