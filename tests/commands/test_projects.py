"""What changes projects that are there."""

from pathlib import Path

from tests.commands.conftest import Command
from tests.distributions.build import wheel


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
        (["role", "list", "bar"], "no project 'bar'"),
        (["release", "delete", "foo", "9.0"], "no version '9.0'"),
        (["file", "delete", "bar-1.0.tar.gz"], "no file 'bar-1.0.tar.gz'"),
    ):
        assert command(*arguments) == 1
        assert words in command.says()
