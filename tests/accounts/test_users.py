"""Accounts as administrators see to them."""

import threading

import pytest
from sqlalchemy import select

from pypi_lite.accounts import links, users
from pypi_lite.accounts.people import AccountError, authenticate, create_user, find_user, refresh
from pypi_lite.models import Action, JournalEntry, OneTimeLink, User, WebSession, now
from pypi_lite.repository import Index
from tests.conftest import PASSWORD, acting, new_token

ROOT = acting("root")


def new_session(index: Index, name: str, address: str = "192.0.2.1", agent: str = "Firefox") -> int:
    """Somebody is logged in."""
    with index.database.write() as session:
        row = WebSession(
            user_id=session.scalars(select(User.id).where(User.name == name)).one(),
            sha256=f"{now().timestamp():064.6f}",
            created=now(),
            expires=now() + links.LIFETIME,
            address=address,
            agent=agent,
        )
        session.add(row)
        session.flush()
        return row.id


def new_people(index: Index, *names: str, is_admin: bool = False) -> None:
    """Accounts without passwords, which take their time to hash."""
    with index.database.write() as session:
        for name in names:
            create_user(session, name, password=None, is_admin=is_admin, by=acting("test"))


def count(index: Index, model: type) -> int:
    with index.database.read() as session:
        return len(session.scalars(select(model)).all())


def journal(index: Index) -> list[tuple[str, str, str | None]]:
    with index.database.read() as session:
        rows = session.scalars(select(JournalEntry).order_by(JournalEntry.serial))
        return [
            (row.action, row.actor, row.note)
            for row in rows
            if row.actor != "test" and row.action != Action.INDEX_CREATE
        ]


def test_a_disabled_account_opens_nothing(index: Index, ann: str) -> None:
    token = new_token(index, ann)
    numbers = [new_session(index, ann) for _ in range(2)]
    with index.database.write() as session:
        links.reset(session, ann, by=ROOT)
    with index.database.read() as session:
        by_password, by_token = (
            authenticate(session, ann, PASSWORD),
            authenticate(session, "", token),
        )
    assert by_password is not None
    assert by_token is not None
    with index.database.write() as session:
        users.disable_user(session, "ANN", by=ROOT)
        users.disable_user(session, ann, by=ROOT)  # twice is once
    with index.database.read() as session:
        assert authenticate(session, ann, PASSWORD) is None
        assert authenticate(session, "__token__", token) is None
        assert refresh(session, by_password) is None
        assert refresh(session, by_token) is None
    assert count(index, WebSession) == count(index, OneTimeLink) == 0
    with index.database.write() as session, pytest.raises(AccountError, match="disabled"):
        links.reset(session, ann, by=ROOT)
    with index.database.write() as session:
        users.enable_user(session, ann, by=ROOT)
    with index.database.read() as session:
        assert authenticate(session, ann, PASSWORD) is not None
        assert authenticate(session, "__token__", token) is not None
    assert journal(index)[1:] == [
        (Action.USER_DISABLE, "root", "ann"),
        *((Action.SESSION_END, "root", f"ann: session {number}") for number in numbers),
        (Action.USER_ENABLE, "root", "ann"),
    ]


def test_the_last_administrator_stays(index: Index, ann: str) -> None:
    new_people(index, "root", "off", is_admin=True)
    with index.database.write() as session:
        users.disable_user(session, "off", by=ROOT)  # counts no more
    for change in (
        lambda session: users.disable_user(session, "root", by=ROOT),
        lambda session: users.set_admin(session, "root", False, by=ROOT),
    ):
        with (
            index.database.write() as session,
            pytest.raises(AccountError, match="last administrator"),
        ):
            change(session)
    with index.database.write() as session:
        users.set_admin(session, "ann", True, by=ROOT)
        users.set_admin(session, "root", False, by=ROOT)
        users.set_admin(session, "off", False, by=ROOT)  # disabled: may go
    with index.database.read() as session:
        admins = session.scalars(select(User.name).where(User.is_admin)).all()
    assert admins == ["ann"]


def test_of_two_who_remove_each_other_one_stays(index: Index) -> None:
    names = ("one", "two")
    new_people(index, *names, is_admin=True)
    refused: list[str] = []
    barrier = threading.Barrier(2)

    def demote(name: str) -> None:
        barrier.wait(60)
        try:
            with index.database.write() as session:
                users.set_admin(session, name, False, by=ROOT)
        except AccountError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=demote, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(refused) == 1
    with index.database.read() as session:
        assert len(session.scalars(select(User).where(User.is_admin)).all()) == 1


def test_mail_goes_where_it_is_said(index: Index, ann: str) -> None:
    with index.database.write() as session:
        users.set_email(session, ann, " Ann@Example.org ", by=ROOT)
        links.reset(session, ann, by=ROOT)
    with index.database.write() as session:
        assert find_user(session, ann).email == "ann@example.org"
        users.set_email(session, ann, "", by=ROOT)
    assert count(index, OneTimeLink) == 0  # it was, perhaps, sent to the address of before
    with index.database.write() as session:
        assert find_user(session, ann).email is None
        for text in ("ann", "ann@example.org\nBcc: x@example.org"):
            with pytest.raises(AccountError, match="no mail address"):
                users.set_email(session, ann, text, by=ROOT)
    assert [note for _, _, note in journal(index) if note and "example" in note] == []


def test_people_are_found_by_name_and_address(index: Index) -> None:
    new_people(index, "ann", "anna", "bo", "x_x")
    with index.database.write() as session:
        users.set_email(session, "bo", "annette@example.org", by=ROOT)
    with index.database.read() as session:

        def found(**keywords: str) -> list[str]:
            return [user.name for user in users.users(session, most=3, **keywords)]

        assert found() == ["ann", "anna", "bo"]
        assert found(after="bo") == ["x_x"]
        assert found(text=" ANN ") == ["ann", "anna", "bo"]
        assert found(text="_") == ["x_x"]
        assert found(text="%") == found(text="\0%") == found(after="\0zz") == []
        assert [user.name for user in users.all_users(session)] == ["ann", "anna", "bo", "x_x"]


@pytest.mark.parametrize("name", ["nobody", "", "ann\0", "' OR 1=1 --"])
def test_who_is_not_there_is_said(index: Index, ann: str, name: str) -> None:
    with index.database.write() as session:
        if name == "ann\0":
            assert find_user(session, name).name == "ann"
            return
        with pytest.raises(AccountError, match="no user"):
            find_user(session, name)
