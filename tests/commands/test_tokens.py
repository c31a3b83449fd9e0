"""``pypi-lite token``."""

from pypi_lite.accounts.people import authenticate
from pypi_lite.models import Scope, Token
from pypi_lite.opening import open_index
from pypi_lite.settings import Settings
from tests.commands.conftest import Command


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
