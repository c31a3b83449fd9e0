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
from pypi_lite.accounts.people import authenticate
from pypi_lite.models import Scope, Token, User
from pypi_lite.opening import open_index
from pypi_lite.settings import Settings
from tests.distributions.build import wheel

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
    assert len(command.rows(Token)) == 2
    assert command("token", "create", "nobody") == 1
    assert "no user" in command.says()


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
        ["token", "create", "ann", "--scope", "root"],
        ["token", "create", "ann", "--days", "0"],
        ["token", "create", "ann", "--days", "many"],
        ["import"],
        ["namespace"],
        ["namespace", "grant", "acme"],
        ["namespace", "revoke"],
        ["publisher", "add", "foo", "--workflow", "x.yml"],
        ["publisher", "add", "foo", "--github", "a/b"],
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
        ("[app:main]\nuse = egg:pypi_lite\nsqlalchemy.url = sqlite:////nowhere/x\n", "open"),
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
