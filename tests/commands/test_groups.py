"""``pypi-lite group``."""

from tests.commands.conftest import Command


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
