"""A running index whose commands can be broken on purpose, and whose children are let be watched."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pypi_lite
from tests.clients.running import RunningIndex

_HOME = Path(pypi_lite.__file__).parents[1]


class _Running(RunningIndex):
    """Runs the wrapper, which is the product itself where the environment names no fault."""

    def _command(self, *arguments: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            "tests.faults.broken",
            "--config",
            str(self._ini),
            *arguments,
        ]


class Server:
    """The index in *folder*, its server, and processes beside it."""

    def __init__(self, folder: Path, database_url: str, workers: int) -> None:
        self.folder = folder
        self.running = _Running(folder, database_url, workers)
        self.cache = folder / "data" / "cache"

    def popen(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command of ``pypi-lite`` that is under way."""
        return _popen(self.running._command(*arguments), stdin=subprocess.DEVNULL)

    def popen_child(self) -> "subprocess.Popen[str]":
        """A process that obeys `tests.faults.child`'s orders."""
        ini = str(self.running._ini)
        return _popen([sys.executable, "-m", "tests.faults.child", ini], stdin=subprocess.PIPE)


def _popen(command: list[str], **keywords: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if keywords["stdin"] == subprocess.DEVNULL else None,
        text=True,
        cwd=_HOME,
        **keywords,
    )
