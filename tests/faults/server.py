"""A running index whose commands can be broken on purpose, and whose children are let be watched."""

import subprocess
import sys
from pathlib import Path

import pypi_lite
from tests.clients.running import RunningIndex

_HOME = Path(pypi_lite.__file__).parents[1]


class _Running(RunningIndex):
    """Runs the wrapper, which is the product itself where the environment names no fault."""

    options: tuple[str, ...] = ()

    def _command(self, *arguments: str) -> list[str]:
        wrapper = [sys.executable, "-m", "tests.faults.broken", *self.options]
        return [*wrapper, "--config", str(self._ini), *arguments]


class Server:
    """The index in *folder*, its server, and processes beside it."""

    def __init__(self, folder: Path, database_url: str, workers: int, *, delays: bool) -> None:
        self.folder = folder
        self.running = _Running(folder, database_url, workers)
        if delays:
            self.running.options = ("--delays",)
        #: What a full or a read-only disk is about: the pages and the uploaded files.
        self.disk = folder / "disk"
        self.disk.mkdir()
        self.cache = self.disk / "cache"
        with self.running._ini.open("a") as ini:
            ini.write(f"pypi_lite.cache_folder = {self.cache}\n")
            ini.write(f"pypi_lite.blobs = {self.disk / 'blobs'}\n")
            # For nginx, if it is in front.
            ini.write("pypi_lite.accel = true\npypi_lite.trusted_proxy = 127.0.0.1\n")

    def popen(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command of ``pypi-lite`` that is under way."""
        return subprocess.Popen(
            self.running._command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=_HOME,
        )

    def popen_reader(self) -> "subprocess.Popen[str]":
        """A process that reads, see `tests.faults.readers`."""
        return self._popen_obeying("tests.faults.readers")

    def popen_child(self) -> "subprocess.Popen[str]":
        """A process that obeys `tests.faults.child`'s orders."""
        arguments = [str(self.running._ini), *self.running.options]
        return self._popen_obeying("tests.faults.child", *arguments)

    def _popen_obeying(self, module: str, *arguments: str) -> "subprocess.Popen[str]":
        with self.running.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=_HOME,
            )
