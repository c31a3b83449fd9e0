"""``pypi-lite user``."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.links import find
from pypi_lite.accounts.people import authenticate, create_user
from pypi_lite.accounts.sessions import begin_session
from pypi_lite.models import (
    AuthenticatorApp,
    ExternalIdentity,
    JournalEntry,
    Passkey,
    User,
    WebSession,
    now,
)
from pypi_lite.opening import open_index
from pypi_lite.settings import Settings
from tests.commands.conftest import PASSWORD, Command
from tests.postbox import postbox


def test_a_user_is_made_with_a_password_from_standard_input(command: Command, root: str) -> None:
    (user,) = command.rows(User)
    assert (user.name, user.is_admin) == ("root", True)
    with open_index(Settings(data=command.data)).index.database.read() as session:
        assert authenticate(session, "root", PASSWORD)


def test_a_user_gets_another_password(
    command: Command, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is logged in nowhere any more."""
    new = "another long password"
    index = open_index(Settings(data=command.data)).index
    with index.database.write() as session:
        user = session.scalars(select(User)).one()
        begin_session(session, user, hours=1, address="", agent="", by=OPERATOR)
    for name, password, words in (
        ("root", "short", "at least 8"),
        ("root", "Root2026", "account's name"),
        ("nobody", new, "no user 'nobody'"),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
        assert command("user", "password", name, "--password-stdin") == 1
        assert words in command.says()
    assert len(command.rows(WebSession)) == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO(new + "\n"))
    assert command("user", "password", "Root", "--password-stdin") == 0
    assert command.out == command.err == ""
    assert command.rows(WebSession) == []
    assert [row.action for row in command.rows(JournalEntry)][-2:] == [
        "password.change",
        "session.end",
    ]
    with index.database.read() as session:
        assert authenticate(session, "root", new)
        assert not authenticate(session, "root", PASSWORD)
    index.database.dispose()


def test_a_person_is_asked_twice(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([PASSWORD, PASSWORD + "x", PASSWORD, PASSWORD])
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))
    assert command("user", "create", "ann") == 1
    assert "differ" in command.says()
    assert command("user", "create", "ann") == 0
    assert [user.is_admin for user in command.rows(User)] == [False]


def test_where_nobody_types_the_option_is_named(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", nobody)
    assert command("user", "create", "ann") == 1
    assert "--password-stdin" in command.says()


def test_without_a_terminal_the_option_is_named(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pypi_lite", "--data", str(tmp_path), "user", "create", "ann"],
        input=f"{PASSWORD}\n{PASSWORD}\n",
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "pypi-lite: nobody types a password here: use --password-stdin\n"


def test_what_can_be_no_account_is_said(
    command: Command, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, password, words in (
        ("root", PASSWORD, "already"),
        ("x y", PASSWORD, "user name"),
        ("bob", "short", "at least"),
        ("bob", "", "at least"),
    ):
        monkeypatch.setattr(sys, "stdin", io.StringIO(password))
        assert command("user", "create", name, "--password-stdin") == 1
        assert words in command.says()


def test_factors_are_told_and_removed(command: Command, root: str) -> None:
    with open_index(Settings(data=command.data)).index.database.write() as session:
        user = session.scalars(select(User)).one()
        session.add(AuthenticatorApp(user_id=user.id, salt="x", last_step=0, created=now()))
        session.add(
            Passkey(
                user_id=user.id,
                credential_id="abc",
                public_key=b"",
                sign_count=0,
                name="blue key",
                created=now(),
            )
        )
    assert command("user", "factors", "Root") == 0
    assert [line.split("\t")[:2] for line in command.out.splitlines()] == [
        ["app", ""],
        ["passkey", "blue key"],
    ]
    assert command("user", "factors", "root", "--remove") == 0
    assert command.rows(AuthenticatorApp) == command.rows(Passkey) == []
    (entry,) = [row for row in command.rows(JournalEntry) if row.action == "factor.remove"]
    assert (entry.actor, entry.note) == ("command line", "root: all")
    assert command("user", "factors", "root") == 0
    assert command.out == ""
    assert command("user", "factors", "nobody", "--remove") == 1
    assert "no user" in command.says()


def test_accounts_are_listed_and_changed(command: Command, root: str) -> None:
    with open_index(Settings(data=command.data)).index.database.write() as session:
        create_user(session, "ann", password=None, is_admin=False, by=OPERATOR)
    assert command("user", "email", "ann", "Ann@example.org") == 0
    assert command("user", "admin", "ann", "--yes") == 0
    assert command("user", "disable", "root") == 0
    assert command("user", "list") == 0
    assert command.out == "ann\tadministrator\tann@example.org\nroot\tadministrator, disabled\t\n"
    for arguments, words in (
        (["disable", "ann"], "last administrator"),
        (["admin", "ann", "--no"], "last administrator"),
        (["reset", "root"], "is disabled"),
        (["email", "ann", "nowhere"], "no mail address"),
        (["enable", "nobody"], "no user"),
    ):
        assert command("user", *arguments) == 1
        assert words in command.says()
    assert command("user", "enable", "root") == 0
    assert command("user", "admin", "ann", "--no") == 0
    assert command("user", "email", "ann", "") == 0
    assert [(u.name, u.is_admin, u.is_disabled, u.email) for u in command.rows(User)] == [
        ("root", True, False, None),
        ("ann", False, False, None),
    ]


def test_links_are_printed_alone(command: Command, root: str) -> None:
    assert command("group", "create", "devs") == 0
    for arguments, purpose in (
        (["reset", "root"], "reset"),
        (["invite", "--email", "bo@example.org", "--group", "@devs", "--days", "3"], "invite"),
    ):
        assert command("user", *arguments) == 0
        url, secret = command.out.strip().split("?secret=")
        assert url == "http://127.0.0.1:6543/link/"
        assert len(command.err.splitlines()) == 1
        assert "set pypi_lite.url, or PYPI_LITE_URL" in command.err
        with open_index(Settings(data=command.data)).index.database.read() as session:
            assert find(session, secret).purpose == purpose
    assert command("user", "invite", "--group", "nobodys") == 1
    assert "no group" in command.says()


def test_a_link_has_the_address_that_is_set(
    command: Command, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYPI_LITE_URL", "https://index.test")
    assert command("user", "invite") == 0
    assert command.out.startswith("https://index.test/link/?secret=")
    assert command.err == ""


def test_mail_leaves_before_the_command_ends(tmp_path: Path) -> None:
    with postbox() as box:
        mail = f"smtp_port = {box.port}\npypi_lite.smtp_tls = none\npypi_lite.mail_from = a@b.org"
        ini = tmp_path / "x.ini"
        ini.write_text(
            f"[app:main]\nuse = egg:pypi_lite\npypi_lite.data = {tmp_path}/data\n"
            f"pypi_lite.smtp_host = 127.0.0.1\npypi_lite.{mail}\n"
        )
        invite = ["--config", str(ini), "user", "invite", "--email", "bo@example.org"]
        subprocess.run([sys.executable, "-m", "pypi_lite", *invite], check=True, timeout=120)
        (message,) = box.messages
        assert message["To"] == "bo@example.org"


def test_a_user_is_connected_with_somebody_at_the_provider(
    command: Command, root: str, tmp_path: Path
) -> None:
    ini = tmp_path / "index.ini"
    assert command("user", "connect", "root", "subject-1") == 1
    assert "oidc_issuer" in command.says()
    ini.write_text(
        "[app:main]\nuse = egg:pypi_lite\npypi_lite.oidc_client_id = index\n"
        "pypi_lite.oidc_issuer = https://id.test\n"
    )
    config = ("--config", str(ini))
    assert command(*config, "user", "connect", "Root", "subject-1") == 0
    (row,) = command.rows(ExternalIdentity)
    assert (row.issuer, row.subject) == ("https://id.test", "subject-1")
    for arguments, words in (
        (("connect", "root", "another"), "connected already"),
        (("connect", "root", "subject-1"), "connected with this already"),
        (("connect", "nobody", "x"), "no user"),
        (("connect", "root", "a\nb"), "subject"),
    ):
        assert command(*config, "user", *arguments) == 1
        assert words in command.says()
    assert command(*config, "user", "disconnect", "root") == 0
    assert command.rows(ExternalIdentity) == []
    assert command(*config, "user", "disconnect", "root") == 1
    assert "not connected" in command.says()
