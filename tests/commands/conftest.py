"""The command line, run in this process."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pypi_lite.__main__ import main
from pypi_lite.opening import open_index
from pypi_lite.settings import Settings

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
