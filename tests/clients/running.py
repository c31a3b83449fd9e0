"""An index that runs as its operator runs it: the command line, an INI file, several workers."""

import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from pyramid.paster import get_appsettings

import pypi_lite
from pypi_lite.opening import open_index
from pypi_lite.repository import Index
from pypi_lite.settings import Settings
from tests.clients import raw

#: Seconds after which something that should have happened long ago never will.
ENOUGH = 60.0
#: What must never be in the log of a server that was only used.
SCARY = ("Traceback", "ERROR", "CRITICAL")

_INI = """\
[app:main]
use = egg:pypi_lite
sqlalchemy.url = {database_url}
pypi_lite.data = {data}
pypi_lite.url = {url}
"""


class RunningIndex:
    """An index in *folder*, and its server while there is one."""

    def __init__(
        self,
        folder: Path,
        database_url: str = "",
        workers: int = 2,
        settings: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self._host = host
        self.log = folder / "server.log"
        self._port = port or free_port()
        self._workers = workers
        self._process: subprocess.Popen[bytes] | None = None
        self._index: Index | None = None
        self._ini = folder / "index.ini"
        folder.mkdir(parents=True, exist_ok=True)
        # Percent signs are ConfigParser's.
        text = _INI.format(database_url=database_url, data=folder / "data", url=self.url)
        text += "".join(f"pypi_lite.{name} = {value}\n" for name, value in (settings or {}).items())
        self._ini.write_text(text.replace("%", "%%"))

    @property
    def url(self) -> str:
        """The address, with its slash."""
        return f"http://{self._host}:{self._port}/"

    @property
    def simple_url(self) -> str:
        """What installers are given."""
        return f"{self.url}simple/"

    @property
    def upload_url(self) -> str:
        """What uploaders are given."""
        return f"{self.url}legacy/"

    @property
    def index(self) -> Index:
        """The same index, opened in this process too, as the command line would."""
        if self._index is None:
            settings = Settings.from_ini(get_appsettings(str(self._ini)))
            self._index = open_index(settings).index
        return self._index

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of ``pypi-lite``."""
        return subprocess.run(
            self._command(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=ENOUGH * 10,
            check=False,
            cwd=_HOME,
        )

    def start(self) -> None:
        """Start the server; when this returns, it answers."""
        address = f"127.0.0.1:{self._port}"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command("serve", "--listen", address, "--workers", str(self._workers)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=_HOME,
                start_new_session=True,
            )
        deadline = time.monotonic() + ENOUGH
        while not self._answers():
            status = self._process.poll()
            if status is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"no server (status {status}): {self.log.read_text()}")
            time.sleep(0.1)

    def stop(self) -> int:
        """Ask the server to stop; its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(ENOUGH)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the supervisor and its workers, all at once and without a warning."""
        if self._process is None:
            return
        for pid in (self._process.pid, *self.worker_pids()):
            _kill(pid)
        self._process.wait(ENOUGH)
        self._process = None

    def close(self) -> None:
        """Let go of everything, whatever has happened."""
        self.kill()
        if self._index is not None:
            self._index.database.dispose()

    def worker_pids(self) -> list[int]:
        """The processes that answer."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        return [int(word) for word in children.read_text().split()] if children.exists() else []

    def scary_lines(self) -> list[str]:
        """The lines of the log that say that something went wrong."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if any(word in line for word in SCARY)]

    def page(self, name: str, **headers: str) -> raw.Answer:
        """A project's page, as JSON unless the headers say otherwise."""
        return raw.get(f"{self.simple_url}{name}/", {"Accept": raw.JSON, **headers})

    def upload(
        self, filename: str, content: bytes, secret: str, fields: Mapping[str, str] | None = None
    ) -> raw.Answer:
        """Upload as a client would, in this process: for the files that a test begins with."""
        return raw.upload(self.upload_url, filename, content, secret, fields)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pypi_lite", "--config", str(self._ini), *arguments]

    def _answers(self) -> bool:
        try:
            return raw.get(self.simple_url, {}).status in (200, 401)
        except OSError:
            return False


# Where ``python -m pypi_lite`` finds the package that this process tests.
_HOME = Path(pypi_lite.__file__).parents[1]


# Below the ports that the kernel gives to those who want any, and for each of pytest's processes others.
_PORTS = itertools.count(
    20_000 + 4_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) + random.randrange(3_000)
)


def free_port() -> int:
    """A port that nobody listens on, and that nobody is given meanwhile."""
    for port in _PORTS:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("there is no end of numbers")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
