"""One-time links: once, in time, and for what they are for."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.accounts import groups, links, users
from pypi_lite.accounts.people import AccountError, authenticate, find_user
from pypi_lite.models import Action, JournalEntry, LinkPurpose, OneTimeLink, User, WebSession, now
from pypi_lite.repository import Index
from tests.accounts.test_users import count, journal, new_people, new_session
from tests.conftest import PASSWORD, acting, new_user

ROOT = acting("root")
NEW = "an other horse battery"


def make(
    index: Index, function: Callable[..., OneTimeLink], *arguments: object, **more: object
) -> str:
    with index.database.write() as session:
        return function(session, *arguments, by=ROOT, **more).secret


def opens(index: Index, name: str, password: str) -> bool:
    with index.database.read() as session:
        return authenticate(session, name, password) is not None


def refused(index: Index, use: Callable[[Session], object], words: str = "used, too old") -> None:
    with index.database.write() as session, pytest.raises(AccountError, match=words):
        use(session)


def age(index: Index, by: timedelta) -> None:
    """Let all links be so old."""
    with index.database.write() as session:
        for link in session.scalars(select(OneTimeLink)):
            link.created -= by
            link.expires -= by


def test_an_invitation_makes_one_account(index: Index) -> None:
    with index.database.write() as session:
        groups.create_group(session, "devs", by=ROOT)
        groups.create_group(session, "gone", by=ROOT)
    secret = make(index, links.invite, email="Bo@Example.org", groups=["@devs", "gone"])
    with index.database.write() as session:
        groups.delete_group(session, "gone", by=ROOT)
    with index.database.write() as session:
        user = links.accept(session, secret, " Bo ", NEW, address="192.0.2.7")
        assert (user.name, user.email, user.is_admin) == ("bo", "bo@example.org", False)
        assert list(groups.groups_of(session, user)) == ["devs"]
    assert opens(index, "bo", NEW)
    assert count(index, OneTimeLink) == 0
    refused(index, lambda session: links.accept(session, secret, "eve", NEW, address=None))
    with index.database.read() as session:
        created = session.scalars(
            select(JournalEntry).where(
                JournalEntry.action == Action.USER_CREATE, JournalEntry.note == "bo"
            )
        ).one()
        assert (created.means, created.address) == ("invite link 1", "192.0.2.7")
        assert secret not in " ".join(
            row.note or "" for row in session.scalars(select(JournalEntry))
        )


def test_only_a_hash_is_kept(index: Index) -> None:
    secret = make(index, links.invite)
    with index.database.read() as session:
        row = session.scalars(select(OneTimeLink)).one()
        values = [getattr(row, column.name) for column in OneTimeLink.__table__.columns]
        assert secret not in str(values)
        assert row.secret == ""
        assert links.find(session, secret) is row


def test_a_name_or_password_that_will_not_do_uses_nothing(index: Index, ann: str) -> None:
    secret = make(index, links.invite)
    for name, password, words in (
        (ann, NEW, "already"),
        ("no spaces", NEW, "user name"),
        ("bo", "short", "at least"),
    ):
        refused(
            index, lambda s, n=name, p=password: links.accept(s, secret, n, p, address=None), words
        )
    with index.database.write() as session:
        links.accept(session, secret, "bo", NEW, address=None)


@pytest.mark.parametrize("purpose", ["invite", "reset"])
def test_a_link_has_its_day(index: Index, ann: str, purpose: str) -> None:
    if purpose == "invite":
        secret, lifetime = make(index, links.invite, days=3), timedelta(days=3)
    else:
        secret, lifetime = make(index, links.reset, ann), links.LIFETIME
    age(index, lifetime - timedelta(minutes=1))
    with index.database.read() as session:
        assert links.find(session, secret).purpose == purpose
    age(index, timedelta(minutes=1))
    refused(index, lambda session: links.find(session, secret))
    if purpose == "invite":
        refused(index, lambda session: links.accept(session, secret, "bo", NEW, address=None))
    else:
        refused(index, lambda session: links.set_password(session, secret, NEW, address=None))
    make(index, links.invite)  # what is too old is cleared away then
    assert count(index, OneTimeLink) == 1


def test_two_at_once_make_one_account(index: Index) -> None:
    secret = make(index, links.invite)
    barrier = threading.Barrier(4)
    made: list[str] = []
    told: list[str] = []

    def accept(number: int) -> None:
        barrier.wait(60)
        try:
            with index.database.write() as session:
                links.accept(session, secret, f"user{number}", NEW, address=None)
            made.append(f"user{number}")
        except AccountError as error:
            told.append(str(error))

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(made), len(told)) == (1, 3)
    with index.database.read() as session:
        assert list(session.scalars(select(User.name))) == made


def test_a_reset_sets_the_password_and_ends_all_sessions(index: Index, ann: str) -> None:
    new_people(index, "bo")
    new_session(index, ann)
    new_session(index, ann)
    kept = new_session(index, "bo")
    first, second = make(index, links.reset, ann), make(index, links.reset, ann)
    refused(index, lambda s: links.set_password(s, first, "short", address=None), "at least")
    with index.database.write() as session:
        links.set_password(session, first, NEW, address="192.0.2.7")
    assert opens(index, ann, NEW)
    assert not opens(index, ann, PASSWORD)
    with index.database.read() as session:
        assert [row.id for row in session.scalars(select(WebSession))] == [kept]
    for secret in (first, second):
        refused(index, lambda s, x=secret: links.set_password(s, x, PASSWORD, address=None))
    assert (Action.PASSWORD_CHANGE, "ann", "ann") in journal(index)[-3:]


def test_a_link_is_for_its_purpose_alone(index: Index, ann: str) -> None:
    invitation, reset = make(index, links.invite), make(index, links.reset, ann)
    refused(index, lambda s: links.accept(s, reset, "bo", NEW, address=None), "makes no account")
    refused(index, lambda s: links.set_password(s, invitation, NEW, address=None), "no password")
    for secret in (invitation, reset):
        refused(
            index, lambda s, x=secret: links.set_confirmed_email(s, x, address=None), "no address"
        )
    for secret in ("", "x", "\0", "ä", "\ud800", invitation[:-1], invitation.upper()):
        refused(index, lambda s, x=secret: links.find(s, x))


def test_an_invitation_is_revoked(index: Index, ann: str) -> None:
    secret, reset = make(index, links.invite, email="a@b.org"), make(index, links.reset, ann)
    with index.database.write() as session:
        (row,) = links.invitations(session)
        links.revoke_invitation(session, row.id, by=ROOT)
        links.revoke_invitation(session, row.id, by=ROOT)
        other = links.find(session, reset)
        links.revoke_invitation(session, other.id, by=ROOT)  # is none
    refused(index, lambda session: links.find(session, secret))
    with index.database.read() as session:
        assert links.find(session, reset).purpose == LinkPurpose.RESET


@pytest.mark.parametrize("days", [0, -1, links.MOST_DAYS + 1, 10**9])
def test_an_invitation_lasts_a_while(index: Index, days: int) -> None:
    refused(index, lambda session: links.invite(session, days=days, by=ROOT), "at least one day")


def forgotten(index: Index, name: str, address: str = "192.0.2.1") -> int:
    with index.database.write() as session:
        return links.forgotten(session, name, address)


def test_who_has_forgotten_is_found_by_name_and_address(index: Index, ann: str) -> None:
    new_user(index, "bo")
    new_user(index, "off")
    with index.database.write() as session:
        for name in (ann, "off"):
            users.set_email(session, name, "ann@example.org", by=ROOT)
        robot = User(name="robot", email="robot@example.org", created=now())
        session.add(robot)
    assert forgotten(index, "ANN@example.org ") == 2
    with index.database.write() as session:
        users.disable_user(session, "off", by=ROOT)
    assert forgotten(index, "Ann") == 1
    for name in ("bo", "off", "robot", "nobody", "", "\0", "%", "nobody@example.org"):
        assert forgotten(index, name) == 0


def test_mail_to_one_address_is_limited(index: Index, ann: str) -> None:
    with index.database.write() as session:
        users.set_email(session, ann, "ann@example.org", by=ROOT)
    sent = [forgotten(index, ann, f"192.0.2.{number}") for number in range(links.MOST_TO_ONE + 2)]
    assert sent == [1] * links.MOST_TO_ONE + [0, 0]
    age(index, timedelta(hours=1))
    assert forgotten(index, ann) == 1


def test_mail_for_one_stranger_is_limited(index: Index) -> None:
    def ask(number: int, address: str = "192.0.2.1") -> int:
        with index.database.write() as session:
            return links.request_account(session, f"somebody{number}@example.org", address)

    assert [ask(number) for number in range(links.MOST_FROM_ONE + 1)] == [
        1
    ] * links.MOST_FROM_ONE + [0]
    assert ask(links.MOST_FROM_ONE, "192.0.2.2") == 1


def test_who_registers_an_address_that_has_an_account_may_log_in(index: Index, ann: str) -> None:
    with index.database.write() as session:
        users.set_email(session, ann, "ann@example.org", by=ROOT)
    with index.database.write() as session:
        assert links.request_account(session, "Ann@example.org", None) == 1
    with index.database.read() as session:
        link = session.scalars(select(OneTimeLink)).one()
        assert (link.purpose, link.user.name) == (LinkPurpose.RESET, ann)


def test_accounts_of_one_stranger_are_limited(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MOST_ACCOUNTS", 2)  # a password takes its time to hash

    def register(number: int, address: str = "192.0.2.1") -> None:
        with index.database.write() as session:
            links.register(session, f"user{number}", NEW, address=address)

    for number in range(links.MOST_ACCOUNTS):
        register(number)
    with pytest.raises(AccountError, match="Too many"):
        register(99)
    register(99, "192.0.2.2")


def test_an_address_is_confirmed(index: Index, ann: str) -> None:
    with index.database.write() as session:
        user = find_user(session, ann)
        secret = links.confirm_email(session, user, "New@Example.org").secret
        assert user.email is None
    with index.database.write() as session:
        links.set_confirmed_email(session, secret, address=None)
    with index.database.read() as session:
        assert find_user(session, ann).email == "new@example.org"
    refused(index, lambda session: links.set_confirmed_email(session, secret, address=None))
