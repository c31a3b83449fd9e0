"""``pypi-lite migrate``."""

from tests.commands.conftest import Command


def test_migrating_twice_is_fine(command: Command) -> None:
    for _ in range(2):
        assert command("migrate") == 0
        assert command.out == command.err == ""
    assert (command.data / "pypi_lite.sqlite").exists()
