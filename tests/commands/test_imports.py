"""``pypi-lite import``."""

from pathlib import Path

from tests.commands.conftest import Command
from tests.distributions.build import wheel


def test_files_are_imported(command: Command, tmp_path: Path) -> None:
    filename, content = wheel("foo", "1.0")
    (tmp_path / filename).write_bytes(content)
    assert command("import", str(tmp_path / filename)) == 0
    assert command.err == "1 imported, 0 here already, 0 refused\n"
    (tmp_path / "broken-1.0.tar.gz").write_bytes(b"")
    assert command("import", str(tmp_path / filename), str(tmp_path / "broken-1.0.tar.gz")) == 1
    assert "0 imported, 1 here already, 1 refused" in command.says()
