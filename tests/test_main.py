"""The command line: exit statuses, and what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import PASSWORD, Command


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(tmp_path / "data", capsys)


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
    ("arguments", "words"),
    [
        (["role", "grant"], "owner, maintainer, uploader, reader"),
        (["token", "create"], "(default: read, upload)"),
        (["token", "create"], "(default: token)"),
        (["user", "invite"], "(default: 7)"),
        (["serve"], "default: 127.0.0.1:6543"),
        (["serve"], "processes (default: 1)"),
    ],
)
def test_help_names_choices_and_defaults(
    command: Command, arguments: list[str], words: str
) -> None:
    assert command.bare(*arguments, "--help") == 0
    assert words in " ".join(command.out.split())


def test_a_scope_that_is_none_has_those_that_are_listed(command: Command) -> None:
    assert command.bare("token", "create", "ann", "--scope", "foo") == 2
    for scope in ("read", "upload", "yank", "manage"):
        assert scope in command.err.splitlines()[-1]


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
