"""The command line: exit statuses, and what it says."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pypi_lite.__main__ import main
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.links import find
from pypi_lite.accounts.people import authenticate, create_user
from pypi_lite.accounts.sessions import begin_session
from pypi_lite.models import (
    AuthenticatorApp,
    ExternalIdentity,
    JournalEntry,
    Passkey,
    Scope,
    Token,
    User,
    WebSession,
    now,
)
from pypi_lite.opening import open_index
from pypi_lite.settings import Settings
from tests.distributions.build import wheel
from tests.postbox import postbox

PASSWORD = "correct horse battery"


class Command:
    """The command on one folder of data."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data = data
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        """Run it; its exit status, with what it wrote in `out` and `err`."""
        return self.bare("--data", str(self.data), *arguments)

    def bare(self, *arguments: str) -> int:
        """The same without ``--data``."""
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = int(stop.code or 0)
        self.out, self.err = self._capsys.readouterr()
        return status

    def says(self) -> str:
        """The one or two lines on stderr."""
        lines = self.err.splitlines()
        assert 1 <= len(lines) <= 2, self.err
        assert "Traceback" not in self.err
        assert self.out == ""
        return self.err

    def rows(self, model: type[Any]) -> list[Any]:
        index = open_index(Settings(data=self.data)).index
        with index.database.read() as session:
            rows = list(session.scalars(select(model)).all())
        index.database.dispose()
        return rows


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(tmp_path / "data", capsys)


@pytest.fixture
def root(command: Command, monkeypatch: pytest.MonkeyPatch) -> str:
    """An administrator, made on the command line."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\r\n"))
    assert command("user", "create", "Root", "--admin", "--password-stdin") == 0
    assert command.out == command.err == ""
    return "root"


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
        with open_index(Settings(data=command.data)).index.database.read() as session:
            assert find(session, secret).purpose == purpose
    assert command("user", "invite", "--group", "nobodys") == 1
    assert "no group" in command.says()


def test_groups_are_made_listed_and_deleted(command: Command, root: str) -> None:
    assert command("group", "create", "Devs") == 0
    assert command("group", "create", "devs") == 1
    assert "already" in command.says()
    assert command("group", "add", "@devs", "root") == 0
    assert command("group", "list") == 0
    assert command.out == "devs\troot\n"
    assert command("group", "remove", "devs", "root") == 0
    assert command("group", "list") == 0
    assert command.out == "devs\t\n"
    assert command("group", "delete", "devs") == 0
    assert command("group", "list") == 0
    assert command.out == ""


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


def test_a_token_is_printed_alone(command: Command, root: str) -> None:
    arguments = ["--scope", "upload", "--project", "Foo.Bar", "--days", "7"]
    assert command("token", "create", "root", *arguments) == 0
    assert command.err == ""
    token = command.out.removesuffix("\n")
    assert token.isprintable()
    assert " " not in token
    with open_index(Settings(data=command.data)).index.database.read() as session:
        identity = authenticate(session, "x", token)
    assert identity is not None
    assert identity.scopes == {Scope.UPLOAD}
    assert identity.projects == {"foo-bar"}
    assert command("token", "create", "root") == 0
    assert [row.name for row in command.rows(Token)] == ["token", "token"]
    assert command("token", "create", "nobody") == 1
    assert "no user" in command.says()
    assert command("token", "create", "root", "--name", "") == 1
    assert "name" in command.says()


def test_tokens_are_listed_and_revoked(command: Command, root: str) -> None:
    secrets = []
    for arguments in (
        ["--name", "CI", "--scope", "upload", "--project", "b", "--project", "A", "--days", "7"],
        ["--name", "laptop"],
        [],
        [],
    ):
        assert command("token", "create", "root", *arguments) == 0
        secrets.append(command.out.strip())
    assert command("token", "list", "root") == 0
    lines = [line.split("\t") for line in command.out.splitlines()]
    numbers = sorted(row.id for row in command.rows(Token))
    assert [line[0] for line in lines] == [str(number) for number in reversed(numbers)]
    assert lines[3][1:4] == ["CI", "upload", "a,b"]
    assert lines[2][1:4] == ["laptop", "read,upload", "*"]
    assert "never" not in lines[3][4:6]
    assert [line[5:] for line in lines[:3]] == [["never", "never"]] * 3
    assert not [secret for secret in secrets if secret in command.out]
    for which in (str(numbers[0]), secrets[1]):
        assert command("token", "revoke", which) == 0
        assert command.out == command.err == ""
        assert command("token", "revoke", which) == 1
        assert "no such token" in command.says()
    assert [row.id for row in command.rows(Token)] == numbers[2:]
    assert command("token", "revoke", "--all", "nobody") == 1
    assert command("token", "revoke", "--all", "root") == 0
    assert command.rows(Token) == []
    assert command("token", "list", "root") == 0
    assert command.out == ""


def test_namespaces_are_granted_listed_and_revoked(command: Command, root: str) -> None:
    assert command("namespace", "list") == 0
    assert command.out == ""
    assert command("namespace", "grant", "Acme.Tools-*", "--to", "root") == 0
    assert command("namespace", "grant", "acme", "--to", "nobody") == 1
    assert "no user 'nobody'" in command.says()
    assert command("namespace", "list") == 0
    assert command.out == "acme-tools\troot\t\n"
    assert command("namespace", "revoke", "acme") == 1
    assert "no namespace" in command.says()
    assert command("namespace", "revoke", "acme-tools") == 0
    assert command("namespace", "list") == 0
    assert command.out == ""


def test_publishers_are_added_listed_and_removed(command: Command, tmp_path: Path) -> None:
    filename, content = wheel("foo", "1.0")
    (tmp_path / filename).write_bytes(content)
    github = ("--github", "acme/foo", "--workflow", "release.yml")
    assert command("publisher", "add", "Foo", *github) == 1
    assert "no project 'Foo'" in command.says()
    assert command("import", str(tmp_path / filename)) == 0
    assert command("publisher", "add", "Foo", *github, "--environment", "pypi") == 0
    assert command.out == "1\n"
    gitlab = ("--gitlab", "acme/tools/foo", "--workflow", "ci/release.yml")
    assert command("publisher", "add", "foo", *gitlab) == 0
    assert command("publisher", "add", "foo", *gitlab) == 1
    assert "already" in command.says()
    assert command("publisher", "list", "foo") == 0
    assert command.out.splitlines() == [
        "1\tGitHub\tacme/foo\trelease.yml\tpypi",
        "2\tGitLab\tacme/tools/foo\tci/release.yml\t",
    ]
    assert command("publisher", "remove", "foo", "1") == 0
    assert command("publisher", "remove", "foo", "1") == 1
    assert "no publisher 1" in command.says()
    assert command("publisher", "list", "foo") == 0
    assert command.out == "2\tGitLab\tacme/tools/foo\tci/release.yml\t\n"


def test_publishers_of_what_is_not_there_yet(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = ("--github", "acme/foo", "--workflow", "release.yml")
    assert command("publisher", "add", "Foo", *github, "--pending", "ann") == 1
    assert "no user 'ann'" in command.says()
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
    assert command("user", "create", "ann", "--password-stdin") == 0
    assert command("publisher", "add", "Foo", *github, "--pending", "ann") == 0
    elsewhere = ("--issuer", "https://ci.test/x", "--subject", "pipeline:foo")
    assert command("publisher", "add", "foo", *elsewhere, "--pending", "ann") == 0
    assert command("publisher", "list") == 0
    assert command.out.splitlines() == [
        "1\tGitHub\tacme/foo\trelease.yml\t\tfoo\tann",
        "2\tci.test/x\t\tpipeline:foo\t\tfoo\tann",
    ]
    assert command("publisher", "remove", "1") == 0
    assert command("publisher", "remove", "1") == 1
    assert "no pending publisher 1" in command.says()


def test_files_are_imported(command: Command, tmp_path: Path) -> None:
    filename, content = wheel("foo", "1.0")
    (tmp_path / filename).write_bytes(content)
    assert command("import", str(tmp_path / filename)) == 0
    assert command.err == "1 imported, 0 here already, 0 refused\n"
    (tmp_path / "broken-1.0.tar.gz").write_bytes(b"")
    assert command("import", str(tmp_path / filename), str(tmp_path / "broken-1.0.tar.gz")) == 1
    assert "0 imported, 1 here already, 1 refused" in command.says()


def test_what_cannot_be_changed_is_said(command: Command, tmp_path: Path) -> None:
    filename, content = wheel("foo", "1.0")
    (tmp_path / filename).write_bytes(content)
    assert command("import", str(tmp_path / filename)) == 0
    for arguments, words in (
        (["yank", "foo", "9.0"], "no version '9.0'"),
        (["yank", "foo", "1.0", "--reason", "a\nb"], "one line"),
        (["unyank", "bar", "1.0"], "no project 'bar'"),
        (["project", "set", "foo", "--status", "active", "--reason", "x"], "needs no reason"),
        (["project", "delete", "bar"], "no project 'bar'"),
        (["release", "delete", "foo", "9.0"], "no version '9.0'"),
        (["file", "delete", "bar-1.0.tar.gz"], "no file 'bar-1.0.tar.gz'"),
    ):
        assert command(*arguments) == 1
        assert words in command.says()


def test_migrating_twice_is_fine(command: Command) -> None:
    for _ in range(2):
        assert command("migrate") == 0
        assert command.out == command.err == ""
    assert (command.data / "pypi_lite.sqlite").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["user"],
        ["user", "create"],
        ["user", "admin", "ann"],
        ["user", "admin", "ann", "--yes", "--no"],
        ["user", "invite", "--days", "0"],
        ["group"],
        ["group", "add", "devs"],
        ["token", "create", "ann", "--scope", "root"],
        ["token", "create", "ann", "--days", "0"],
        ["token", "create", "ann", "--days", "many"],
        ["token", "revoke"],
        ["token", "revoke", "1", "--all", "ann"],
        ["import"],
        ["namespace"],
        ["namespace", "grant", "acme"],
        ["namespace", "revoke"],
        ["publisher", "add", "foo", "--workflow", "x.yml"],
        ["publisher", "add", "foo", "--github", "a/b"],
        ["publisher", "add", "foo", "--subject", "x"],
        ["publisher", "add", "foo", "--issuer", "https://a.test", "--workflow", "x.yml"],
        ["publisher", "remove", "foo", "x"],
        ["serve", "--workers", "0"],
        ["serve", "--listen", "nonsense"],
        ["serve", "--listen", "127.0.0.1:99999"],
        ["serve", "--listen", ":80"],
        ["migrate", "--nonsense"],
        ["yank", "foo"],
        ["unyank", "foo", "1.0", "--reason", "x"],
        ["project", "set", "foo"],
        ["project", "set", "foo", "--status", "retired"],
        ["project", "delete"],
        ["release", "delete", "foo"],
        ["file", "delete"],
    ],
)
def test_wrong_usage_is_2(command: Command, arguments: list[str]) -> None:
    assert command.bare(*arguments) == 2
    assert "usage: " in command.err
    assert "Traceback" not in command.err
    assert not command.data.exists()


def test_help_is_0(command: Command) -> None:
    assert command.bare("--help") == 0
    for name in ("serve", "user", "token", "namespace", "import", "migrate"):
        assert name in command.out
    assert command.bare("token", "create", "--help") == 0


@pytest.mark.parametrize(
    ("ini", "words"),
    [
        ("[app:main]\nuse = egg:pypi_lite\npypi_lite.chache = true\n", "pypi_lite.chache"),
        ("[app:main]\nuse = egg:pypi_lite\npypi_lite.cache = perhaps\n", "pypi_lite.cache"),
        (
            "[app:main]\nuse = egg:pypi_lite\nsqlalchemy.url = nonsense\n",
            "sqlalchemy.url is no address",
        ),
        ("[app:main]\nuse = egg:pypi_lite\nsqlalchemy.url = odd://host/x\n", "odd"),
        ("[app:main]\nuse = egg:pypi_lite\nsqlalchemy.url = mysql://host/x\n", "MySQLdb"),
        (
            "[app:main]\nuse = egg:pypi_lite\nsqlalchemy.url = sqlite:////nowhere/x\n",
            "open",
        ),
        ("[app:main]\nuse = egg:pypi_lite\nx = %(nothing)s\n", "x.ini"),
        ("[other]\nx = 1\n", "x.ini"),
        ("no section\n", "x.ini"),
        ("[app:main\n", "x.ini"),
        ("", "x.ini"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_1(
    command: Command, tmp_path: Path, ini: str, words: str
) -> None:
    path = tmp_path / "x.ini"
    path.write_text(ini)
    assert command("--config", str(path), "migrate") == 1
    assert words in command.says()


def test_what_else_fails_is_1(command: Command, tmp_path: Path) -> None:
    assert command("--config", str(tmp_path / "missing.ini"), "migrate") == 1
    assert "missing.ini" in command.says()
    (tmp_path / "file").write_text("")
    assert command.bare("--data", str(tmp_path / "file"), "migrate") == 1
    command.says()
    assert command.bare("--data", str(tmp_path / "file" / "below"), "migrate") == 1
    command.says()
    path = tmp_path / "old.ini"
    path.write_text("[app:main]\nuse = egg:pypi_lite\npypi_lite.migrate = false\n")
    assert command("--config", str(path), "token", "create", "ann") == 1
    assert "unable to open" in command.says() or "no such table" in command.err


def test_a_configuration_is_used(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "x.ini"
    path.write_text(
        "[app:main]\nuse = egg:pypi_lite\npypi_lite.data = %(here)s/elsewhere\n"
        f"sqlalchemy.url = sqlite:///{tmp_path}/named.sqlite\n"
    )
    assert command.bare("--config", str(path), "migrate") == 0
    assert (tmp_path / "named.sqlite").exists()
    assert (tmp_path / "elsewhere").is_dir()


def test_it_runs_as_a_module(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pypi_lite", "--data", str(tmp_path / "data"), *arguments],
            input=PASSWORD + "\n",
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "error::ResourceWarning"},
            check=False,
        )

    made = run("user", "create", "ann", "--password-stdin")
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    again = run("user", "create", "ann", "--password-stdin")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "pypi-lite: There is a user 'ann' already.\n"
