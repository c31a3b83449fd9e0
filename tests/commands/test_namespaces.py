"""``pypi-lite namespace``."""

from tests.commands.conftest import Command


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
