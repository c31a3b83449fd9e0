"""Project status (PEP 792): who sets it, and what it stops."""

import pytest
from sqlalchemy import select

from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.accounts.people import authenticate, create_user
from pypi_lite.models import (
    Action,
    JournalEntry,
    Project,
    ProjectStatus,
    Role,
    RoleName,
    Scope,
    User,
)
from pypi_lite.repository import Index, changes, pages, upload
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.reach import EVERYTHING
from pypi_lite.repository.reasons import LONGEST_REASON
from tests.conftest import acting, new_token
from tests.distributions.build import sdist, wheel
from tests.web.helpers import put

FILE = wheel("Foo", "1.0")


def new_person(index: Index, name: str, *, is_admin: bool = False) -> str:
    """A new user's name; without a password, since hashing one takes its time."""
    with index.database.write() as session:
        create_user(session, name, password=None, is_admin=is_admin, by=acting("test"))
    return name


def identity_of(index: Index, name: str, *scopes: Scope, **keywords: object) -> Identity:
    """Who a new token of the user *name* stands for."""
    token = new_token(index, name, *scopes, **keywords)
    with index.database.read() as session:
        found = authenticate(session, "x", token)
    assert found is not None
    return found


def owned(index: Index, owner: str, file: tuple[str, bytes] = FILE) -> None:
    """Publish *file*, and let *owner* own its project."""
    project = put(index, file).project
    give_role(index, owner, project, RoleName.OWNER)


def give_role(index: Index, name: str, project: str, role: RoleName) -> None:
    with index.database.write() as session:
        user = session.scalars(select(User).where(User.name == name)).one()
        found = session.scalars(select(Project).where(Project.normalized_name == project)).one()
        session.add(Role(user=user, project=found, role=role))


def set_status(
    index: Index, status: str, reason: str | None = None, identity: Identity = OPERATOR
) -> int:
    with index.database.write() as session:
        return changes.set_status(session, identity, "foo", status, reason)


def status_of(index: Index) -> tuple[str, str | None]:
    with index.database.read() as session:
        found = pages.project(session, "foo", EVERYTHING)
    assert found is not None
    return found.status.value, found.status_reason


def refused(index: Index, status: str, reason: str | None = None, **keywords: Identity) -> Refusal:
    before = status_of(index)
    with pytest.raises(Refusal) as refusal:
        set_status(index, status, reason, **keywords)
    assert status_of(index) == before
    return refusal.value


@pytest.fixture
def filled(index: Index) -> Index:
    """An index with the project foo, which ann owns."""
    owned(index, new_person(index, "ann"))
    return index


def test_a_project_begins_as_active(filled: Index) -> None:
    assert status_of(filled) == ("active", None)


@pytest.mark.parametrize("status", list(ProjectStatus))
def test_each_status_is_in_the_journal(filled: Index, status: ProjectStatus) -> None:
    reason = None if status is ProjectStatus.ACTIVE else "for a reason"
    serial = set_status(filled, status, reason)
    assert status_of(filled) == (status, reason)
    with filled.database.read() as session:
        entry = session.get_one(JournalEntry, serial)
        project = pages.project(session, "foo", EVERYTHING)
    assert (entry.action, entry.project, entry.actor) == (
        Action.PROJECT_STATUS,
        "foo",
        OPERATOR.name,
    )
    assert entry.note == (f"{status.value}: {reason}" if reason else status.value)
    assert project is not None
    assert (project.facts.serial, project.facts.changed) == (serial, entry.moment)


def test_a_reason_goes_with_its_status(filled: Index) -> None:
    set_status(filled, "archived", "  done  ")
    assert status_of(filled) == ("archived", "done")
    set_status(filled, "deprecated")
    assert status_of(filled) == ("deprecated", None)
    set_status(filled, "deprecated", "use bar")
    set_status(filled, "active", " ")
    assert status_of(filled) == ("active", None)


def test_unfit_values(filled: Index) -> None:
    assert refused(filled, "retired").code is Code.BAD_VALUE
    assert "quarantined" in refused(filled, "retired").text
    assert refused(filled, "active", "why").code is Code.BAD_VALUE
    for reason in ("x" * (LONGEST_REASON + 1), "a\nb", "a\0", "\x1b[2J", "\u202eevil", "\ud800"):
        refusal = refused(filled, "archived", reason)
        assert (refusal.code, refusal.status) == (Code.BAD_VALUE, 422)
    set_status(filled, "archived", "ü" * LONGEST_REASON)
    with filled.database.write() as session, pytest.raises(Refusal) as missing:
        changes.set_status(session, OPERATOR, "nothing", "archived")
    assert missing.value.code is Code.NOT_FOUND


def test_owners_set_all_but_quarantine(filled: Index) -> None:
    owner = identity_of(filled, "ann")
    for status in ("archived", "deprecated", "active"):
        set_status(filled, status, identity=owner)
    assert "administrator" in refused(filled, "quarantined", identity=owner).text
    set_status(filled, "quarantined")
    for status in ("active", "archived"):
        assert "administrator" in refused(filled, status, identity=owner).text
    root = identity_of(filled, new_person(filled, "root", is_admin=True))
    set_status(filled, "active", identity=root)
    set_status(filled, "archived", identity=owner)


def test_in_quarantine_an_owner_changes_nothing(filled: Index) -> None:
    """Or what is wrong with the project could be hidden, or begun again under its name."""
    owner = identity_of(filled, "ann")
    set_status(filled, "quarantined")
    for function, arguments in (
        (changes.yank, ("foo", "1.0")),
        (changes.unyank, ("foo", "1.0")),
        (changes.delete_file, (FILE[0],)),
        (changes.delete_release, ("foo", "1.0")),
        (changes.delete_project, ("foo",)),
    ):
        with pytest.raises(Refusal) as refusal, filled.database.write() as session:
            function(session, owner, *arguments)  # type: ignore[operator]
        assert refusal.value.code is Code.NOT_ALLOWED
        with filled.database.write() as session:
            function(session, OPERATOR, *arguments)  # type: ignore[operator]
            session.rollback()


@pytest.mark.parametrize("status", ["archived", "quarantined"])
def test_a_closed_project_takes_no_file(filled: Index, status: str) -> None:
    """U28, S20: whoever sends it, and the same file again neither."""
    set_status(filled, status, "it is over")
    for identity in (OPERATOR, identity_of(filled, "ann")):
        for file in (wheel("foo", "2.0"), sdist("Foo", "1.0"), FILE):
            with pytest.raises(Refusal) as refusal:
                put(filled, file, identity)
            assert (refusal.value.code, refusal.value.status) == (Code.PROJECT_CLOSED, 403)
            assert "it is over" in refusal.value.text
            assert "ask" in refusal.value.text or "set its status to active" in refusal.value.text
    set_status(filled, "deprecated")
    put(filled, wheel("foo", "2.0"))


def test_what_is_closed_while_a_file_arrives_does_not_take_it(
    filled: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status is looked at in the transaction that would record the file."""

    def close(*_: object) -> None:
        set_status(filled, "archived")

    monkeypatch.setattr(upload, "POLICIES", (close,))
    with pytest.raises(Refusal) as refusal:
        put(filled, wheel("foo", "2.0"))
    assert refusal.value.code is Code.PROJECT_CLOSED
    with filled.database.read() as session:
        project = pages.project(session, "foo", EVERYTHING)
    assert project is not None
    assert [str(release.version) for release in project.releases] == ["1.0"]
