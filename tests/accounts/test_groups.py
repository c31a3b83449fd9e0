"""Groups of accounts."""

import pytest
from sqlalchemy import select

from pypi_lite.accounts import groups
from pypi_lite.accounts.people import AccountError
from pypi_lite.models import Action, GroupMember, JournalEntry, Project, Role, RoleName
from pypi_lite.repository import Index
from tests.accounts.test_users import journal, new_people
from tests.conftest import acting
from tests.distributions.build import wheel
from tests.web.helpers import put

ROOT = acting("root")


@pytest.fixture
def devs(index: Index) -> str:
    """A group that ann is in."""
    new_people(index, "ann")
    with index.database.write() as session:
        groups.create_group(session, "@Devs", by=ROOT)
        groups.add_member(session, "devs", " ANN ", by=ROOT)
    return "devs"


def members(index: Index, name: str) -> list[str]:
    with index.database.read() as session:
        return sorted(member.user.name for member in groups.find_group(session, name).members)


def test_people_are_put_in_and_taken_out(index: Index, devs: str) -> None:
    new_people(index, "bo")
    with index.database.write() as session:
        groups.add_member(session, "@devs", "bo", by=ROOT)
        groups.add_member(session, devs, "bo", by=ROOT)  # twice is once
    assert members(index, devs) == ["ann", "bo"]
    with index.database.write() as session:
        assert list(groups.groups_of(session, groups.find_user(session, "bo"))) == ["devs"]
        groups.remove_member(session, devs, "ann", by=ROOT)
        with pytest.raises(AccountError, match="not in the group"):
            groups.remove_member(session, devs, "ann", by=ROOT)
    assert members(index, devs) == ["bo"]
    assert journal(index) == [
        (Action.GROUP_CREATE, "root", "devs"),
        (Action.GROUP_ADD, "root", "devs: ann"),
        (Action.GROUP_ADD, "root", "devs: bo"),
        (Action.GROUP_REMOVE, "root", "devs: ann"),
    ]


def test_who_is_put_in_by_hand_is_no_longer_single_sign_ons(index: Index, devs: str) -> None:
    with index.database.write() as session:
        session.scalars(select(GroupMember)).one().is_synced = True
    with index.database.write() as session:
        groups.add_member(session, devs, "ann", by=ROOT)
    with index.database.read() as session:
        assert not session.scalars(select(GroupMember)).one().is_synced


def test_a_deleted_group_takes_its_roles_along_and_every_page_knows(
    index: Index, devs: str
) -> None:
    published = put(index, wheel("foo", "1.0"))
    with index.database.write() as session:
        project = session.scalars(select(Project)).one()
        group = groups.find_group(session, devs)
        session.add(Role(group=group, project=project, role=RoleName.OWNER))
    with index.database.read() as session:
        group = groups.find_group(session, devs)
        assert [role.project.name for role in groups.roles_of(session, group)] == ["foo"]
        assert groups.numbers_of_projects(session) == {group.id: 1}
    with index.database.write() as session:
        groups.delete_group(session, devs, by=ROOT)
    with index.database.read() as session:
        assert (
            session.scalars(select(Role)).all() == session.scalars(select(GroupMember)).all() == []
        )
        project = session.scalars(select(Project)).one()
        entry = session.scalars(
            select(JournalEntry).where(JournalEntry.action == Action.ROLE_REVOKE)
        ).one()
        assert (entry.project, entry.note) == ("foo", "@devs: owner")
        assert project.last_serial == entry.serial > published.serial


@pytest.mark.parametrize("name", ["", "@", "no spaces", "-x", "x" * 65, "a/b", "<b>", "ä", "a\0@"])
def test_what_can_be_no_group(index: Index, name: str) -> None:
    with index.database.write() as session, pytest.raises(AccountError, match="group's name"):
        groups.create_group(session, name, by=ROOT)


def test_what_is_there_or_is_not_is_said(index: Index, devs: str) -> None:
    with index.database.write() as session:
        with pytest.raises(AccountError, match="already"):
            groups.create_group(session, "DEVS", by=ROOT)
        with pytest.raises(AccountError, match="no group"):
            groups.add_member(session, "others", "ann", by=ROOT)
        with pytest.raises(AccountError, match="no user"):
            groups.add_member(session, devs, "nobody", by=ROOT)
        with pytest.raises(AccountError, match="no group"):
            groups.delete_group(session, "others", by=ROOT)


def test_a_group_and_a_person_may_have_one_name(index: Index, ann: str) -> None:
    with index.database.write() as session:
        groups.create_group(session, ann, by=ROOT)
        groups.add_member(session, f"@{ann}", ann, by=ROOT)
    assert members(index, ann) == [ann]
