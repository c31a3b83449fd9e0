"""Servers to measure, and the load on them. Linux only: times and memory are read from /proc."""

import contextlib
import ctypes
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.clients import raw
from tests.clients.running import RunningIndex

#: Seconds after which a server that does not answer, or stop, never will.
ENOUGH = 120.0
_LOOK_SECONDS = 0.002
# A server is at rest when it has used no more than a tick of the clock in so many seconds.
_REST_SECONDS, _REST_TICKS = 0.05, 1
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None)
_MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Server:
    """A server that can be started, or runs while a block does; *url* is a page of it, *log* gets all
    that it says."""

    command: Sequence[str]
    url: str
    log: Path
    folder: Path | None = None  # where it runs
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> float:
        """Start it; the seconds until the page was answered. Raises SystemExit: it never was."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=_environment(),
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        while not self._answers():
            late = time.monotonic() > began + ENOUGH
            if late or self._process.poll() is not None:
                self.stop()
                said = self.log.read_text(errors="replace")[-2000:]
                raise SystemExit(f"{self.command[0]} does not start:\n{said}")
            time.sleep(_LOOK_SECONDS)
        return time.monotonic() - began

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is None:
            return
        pids = self.pids()
        self._process.terminate()
        try:
            self._process.wait(ENOUGH)
        except subprocess.TimeoutExpired:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def pids(self) -> list[int]:
        """Its processes."""
        assert self._process is not None
        pids = [self._process.pid]
        for pid in pids:  # grows as it goes
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                pids += map(int, children.read_text().split())
        return pids

    def memory(self) -> float:
        """MiB of all its processes; what several share is counted in parts (PSS)."""
        maps = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.pids())
        return sum(int(re.findall(r"^Pss:\s+(\d+)", text, re.M)[0]) for text in maps) / 1024

    def rest(self) -> None:
        """Wait until it does nothing: what a load has left in its queues is nobody else's."""
        deadline = time.monotonic() + ENOUGH
        while time.monotonic() < deadline:
            before = self._ticks()
            time.sleep(_REST_SECONDS)
            if self._ticks() <= before + _REST_TICKS:
                return

    def _ticks(self) -> int:
        """Clock ticks of processor time so far."""
        stats = (Path(f"/proc/{pid}/stat").read_text() for pid in self.pids())
        return sum(sum(map(int, text.rpartition(")")[2].split()[11:13])) for text in stats)

    def _answers(self) -> bool:
        try:
            return raw.get(self.url).status == 200
        except OSError:
            return False


def _environment() -> dict[str, str]:
    """Ours, but that the checkout's modules may be compiled once, as those of what is installed are."""
    unwanted = "PYTHONDONTWRITEBYTECODE"
    return {name: value for name, value in os.environ.items() if name != unwanted}


def _end_with_parent() -> None:
    """However the measuring ends, killed or not: no server stays behind."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


@dataclass(frozen=True)
class Load:
    """What wrk says: requests a second, milliseconds of the 99th percentile, what went wrong."""

    rate: float
    p99: float
    errors: str


def load(url: str, connections: int, seconds: int, headers: Mapping[str, str]) -> Load:
    """Ask for *url* over and over."""
    asked = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *asked, url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    slowest = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    assert rate is not None, output
    assert slowest is not None, output
    errors = re.findall(r"^\s*((?:Socket errors|Non-2xx or 3xx).*?)\s*$", output, re.M)
    return Load(float(rate[1]), float(slowest[1]) * _MILLISECONDS[slowest[2]], "; ".join(errors))


@contextlib.contextmanager
def serving(folder: Path, database_url: str, workers: int = 2) -> Iterator[RunningIndex]:
    """The index in *folder*, served until the block ends; its log must tell of no trouble."""
    running = RunningIndex(folder, database_url, workers)
    running.log.unlink(missing_ok=True)
    try:
        running.start()
        yield running
        assert running.stop() == 0
        assert running.scary_lines() == []
    finally:
        running.close()
