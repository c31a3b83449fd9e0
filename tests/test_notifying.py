"""Who is told what by mail, once it is committed."""

from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from pypi_lite.accounts import groups, links, users
from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.accounts.log_in import change_password
from pypi_lite.accounts.people import find_user
from pypi_lite.models import (
    Action,
    OneTimeLink,
    Project,
    Role,
    RoleName,
    Token,
    User,
    WebSession,
    now,
)
from pypi_lite.models.journal import append
from pypi_lite.opening import Opened, open_index
from pypi_lite.repository import Index
from pypi_lite.settings import Settings
from tests.accounts.test_users import count, new_people, new_session
from tests.conftest import acting, new_token
from tests.distributions.build import wheel
from tests.postbox import Postbox, postbox
from tests.web.helpers import put

ROOT = acting("root")


@pytest.fixture
def box() -> Iterator[Postbox]:
    with postbox() as box:
        yield box


@pytest.fixture
def settings(settings: Settings, box: Postbox) -> Settings:
    """An index that sends mail."""
    return replace(
        settings,
        smtp_host="127.0.0.1",
        smtp_port=box.port,
        smtp_tls="none",
        mail_from="index@example.org",
    )


@pytest.fixture
def opened(settings: Settings) -> Iterator[Opened]:
    opened = open_index(settings)
    yield opened
    assert opened.notifier is not None
    opened.notifier.post.close()
    opened.index.database.dispose()


@pytest.fixture
def people(index: Index) -> None:
    """ann and bo with mail, cy without."""
    new_people(index, "ann", "bo", "cy")
    with index.database.write() as session:
        for user in session.scalars(select(User).where(User.name != "cy")):
            user.email = f"{user.name}@example.org"


def told(opened: Opened, box: Postbox) -> list[tuple[str, str]]:
    """To whom what was sent, when all is."""
    assert opened.notifier is not None
    opened.notifier.post.close(60)
    return [(m["To"], m["Subject"]) for m in box.messages]


def identity(index: Index, name: str) -> Identity:
    with index.database.read() as session:
        user = session.scalars(select(User).where(User.name == name)).one()
        return Identity(name=name, user_id=user.id, address="192.0.2.9")


def give(index: Index, project: str, role: RoleName, *, user: str = "", group: str = "") -> None:
    with index.database.write() as session:
        row = session.scalars(select(Project).where(Project.normalized_name == project)).one()
        session.add(
            Role(
                user=find_user(session, user) if user else None,
                group=groups.find_group(session, group) if group else None,
                project=row,
                role=role,
            )
        )
        append(session, Action.ROLE_GRANT, by=ROOT, project=project, note=user or group)


def test_a_new_token_is_told(opened: Opened, box: Postbox, index: Index, people: None) -> None:
    secret = new_token(index, "ann")
    new_token(index, "cy")  # has no address
    (message,) = box.wait()
    assert message["To"] == "ann@example.org"
    assert "It was made by test" in message.get_content()
    assert secret not in message.as_string()
    assert told(opened, box) == [("ann@example.org", "A new token of ann")]


def test_nothing_is_told_of_what_was_rolled_back(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    with index.database.writer() as session:
        links.invite(session, email="x@example.org", by=ROOT)
        session.add(Token(user=find_user(session, "ann"), sha256="0" * 64, created=now()))
        session.flush()
        session.rollback()
        session.commit()  # of nothing
    assert told(opened, box) == []


def test_nothing_is_told_of_what_could_not_be_committed(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    def fail(_session: object) -> None:
        raise ZeroDivisionError

    index.database.listen("before_commit", fail)  # the last thing before it
    session = index.database.writer()
    links.invite(session, email="x@example.org", by=ROOT)
    with pytest.raises(ZeroDivisionError):
        session.commit()
    session.close()
    assert told(opened, box) == []


def test_it_is_told_after_the_commit(
    opened: Opened, box: Postbox, index: Index, people: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the transaction, nor before its end: then nothing has been put into the queue yet."""
    assert opened.notifier is not None
    committed: list[int] = []

    def put(_job: object) -> None:
        committed.append(count(index, OneTimeLink))

    monkeypatch.setattr(opened.notifier.post, "put", put)
    with index.database.write() as session:
        links.invite(session, email="x@example.org", by=ROOT)
    assert committed == [1]


def test_who_does_not_want_mail_or_is_disabled_gets_none(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    with index.database.write() as session:
        users.set_wants_mail(session, "ann", False, by=ROOT)
        users.disable_user(session, "bo", by=ROOT)
    new_token(index, "ann")
    new_token(index, "bo")
    assert told(opened, box) == []


def test_a_release_is_told_to_its_owners_unless_it_is_theirs(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    put(index, wheel("foo", "1.0"), identity(index, "ann"))  # she owns it now, and knows
    with index.database.write() as session:
        groups.create_group(session, "devs", by=ROOT)
        groups.add_member(session, "devs", "bo", by=ROOT)
    give(index, "foo", RoleName.OWNER, group="devs")
    give(index, "foo", RoleName.OWNER, user="cy")
    give(index, "foo", RoleName.MAINTAINER, user="bo")
    assert {m["To"] for m in box.wait(4)} == {"ann@example.org", "bo@example.org"}
    box.messages.clear()
    put(index, wheel("foo", "2.0"), identity(index, "bo"))
    put(index, wheel("foo", "2.0", tag="cp311-cp311-any"), identity(index, "bo"))  # one mail
    put(index, wheel("foo", "3.0"), OPERATOR)
    assert sorted(told(opened, box)) == [
        ("ann@example.org", "foo 2.0 was published"),
        ("ann@example.org", "foo 3.0 was published"),
        ("bo@example.org", "foo 3.0 was published"),
    ]
    assert "command line has published foo 3.0" in box.messages[-1].get_content()


def test_a_new_owner_is_told_to_all_owners(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    put(index, wheel("foo", "1.0"), identity(index, "ann"))
    give(index, "foo", RoleName.MAINTAINER, user="bo")
    with index.database.write() as session:
        role = session.scalars(select(Role).where(Role.role == RoleName.MAINTAINER)).one()
        role.role = RoleName.OWNER
        append(session, Action.ROLE_GRANT, by=ROOT, project="foo", note="bo: owner")
    assert sorted(told(opened, box)) == [
        ("ann@example.org", "A new owner of foo"),
        ("bo@example.org", "You are an owner of foo"),
    ]
    texts = {message["To"]: message.get_content() for message in box.messages}
    assert "has a new owner: bo" in texts["ann@example.org"]
    assert "root has made them one" in texts["ann@example.org"]
    assert "You are an owner of foo at" in texts["bo@example.org"]
    assert "root has made you one" in texts["bo@example.org"]


def test_a_log_in_is_told_if_it_is_an_unusual_one(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    new_session(index, "ann", "192.0.2.1", "Firefox")  # the first
    box.wait(1)
    new_session(index, "ann", "192.0.2.1", "Firefox")
    new_session(index, "bo", "192.0.2.2", "Firefox")
    new_session(index, "ann", "192.0.2.2", "Firefox")  # bo's address
    box.wait(3)
    new_session(index, "ann", "192.0.2.2", "Evil\r\nBcc: x@example.org" + "x" * 150)
    messages = box.wait(4)
    assert [m["To"] for m in messages].count("ann@example.org") == 3
    assert "address: 192.0.2.2" in messages[3].get_content()
    assert "browser: Evil  Bcc: x@example.org" in messages[3].get_content()
    assert messages[3]["Bcc"] is None
    assert len(told(opened, box)) == 4


def test_where_one_has_been_before_the_journal_knows(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    """A session that has ended is no row any more."""
    with index.database.write() as session:
        by = replace(identity(index, "ann"), address="192.0.2.1")
        append(session, Action.SESSION_BEGIN, by=by, note="ann")
    with index.database.write() as session:
        row = WebSession(
            user_id=identity(index, "ann").user_id,
            sha256="1" * 64,
            created=now(),
            expires=now(),
            address="192.0.2.1",
            agent="Firefox",
        )
        session.add(row)
        append(session, Action.SESSION_BEGIN, by=by, note="ann")
    assert told(opened, box) == []
    assert len(box.messages) == 0


def test_a_new_password_is_told_whether_wanted_or_not_but_no_new_hash(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    with index.database.write() as session:
        user = find_user(session, "ann")
        user.wants_mail = False
        user.password_hash = "the same password with other parameters"
    with index.database.write() as session:
        secret = links.reset(session, "ann", by=ROOT).secret
    with index.database.write() as session:
        links.set_password(session, secret, "an other horse battery", address=None)
    assert told(opened, box) == [("ann@example.org", "The password of ann was changed")]
    assert "everywhere.\r\n" in box.messages[0].get_content()


def test_who_changes_the_password_in_a_browser_stays_logged_in_there(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    by = identity(index, "ann")
    with index.database.write() as session:
        change_password(session, find_user(session, "ann"), "another hash", by=by)
        append(session, Action.SESSION_BEGIN, by=by, note="ann")
    assert told(opened, box) == [("ann@example.org", "The password of ann was changed")]
    assert "everywhere else.\r\n" in box.messages[0].get_content()


def test_the_address_of_before_is_told_that_it_is_none_any_more(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    with index.database.write() as session:
        users.set_email(session, "ann", "evil@example.org", by=ROOT)
    assert told(opened, box) == [("ann@example.org", "Mail for ann goes elsewhere")]
    assert "evil" not in box.messages[0].as_string()


def url_in(message: EmailMessage) -> str:
    (line,) = [line for line in message.get_content().splitlines() if "/link/" in line]
    return line


def test_links_are_sent_where_they_belong(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    with index.database.write() as session:
        links.invite(session, email="new@example.org", by=ROOT)
        links.invite(session, by=ROOT)  # has no address
        links.reset(session, "ann", by=ROOT)  # is shown to an administrator
    (message,) = box.wait()
    assert message["To"] == "new@example.org"
    assert "invited by: root" in message.get_content()
    url = url_in(message)
    assert url.startswith("http://index.test/link/?secret=")
    with index.database.write() as session:
        links.accept(session, url.partition("=")[2], "new", "an other horse battery", address=None)


def test_what_strangers_ask_for_is_done_later(
    opened: Opened, box: Postbox, index: Index, people: None
) -> None:
    with index.database.write() as session:
        find_user(session, "ann").password_hash = "a hash"
    notifier = opened.notifier
    assert notifier is not None
    for name in ("ann", "cy", "nobody", "\0", "x" * 254):
        notifier.ask_reset(name, "192.0.2.1")
    notifier.ask_account("new@example.org", "192.0.2.1")
    notifier.ask_account("bo@example.org", "192.0.2.1")  # has an account without a password
    messages = box.wait(2)
    assert [m["To"] for m in messages] == ["ann@example.org", "new@example.org"]
    assert told(opened, box) == [
        ("ann@example.org", "A new password for ann at pypi_lite"),
        ("new@example.org", "Your account at pypi_lite"),
    ]
    with index.database.read() as session:
        links.find(session, url_in(messages[0]).partition("=")[2])


def test_an_index_without_a_mail_host_has_nothing_of_it(settings: Settings) -> None:
    opened = open_index(replace(settings, smtp_host="", smtp_port=0, mail_from=""))
    assert opened.notifier is None
    opened.index.database.dispose()
