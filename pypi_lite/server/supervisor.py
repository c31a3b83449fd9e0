"""Several serving processes: a supervisor that never touches a request.

It forks the workers, which accept from the inherited socket and build the application only after the
fork, so that no database connection and no lock crosses it; and it starts another worker for each
one that dies.
"""

import contextlib
import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from pypi_lite.server import process
from pypi_lite.server.process import Job, Server, describe, say_cannot_start
from pypi_lite.server.signals import STOP_SIGNALS, Signals

READY = b"+"  # a worker's report: this, or the text of the error that kept it from starting

_KILL_MARGIN_SECONDS = 5.0  # so long after the grace period a worker that still runs is killed
_QUICK_DEATH_SECONDS = 1.0  # a worker that died so young is not started again at once
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_log = logging.getLogger(__name__)


@dataclass
class Worker:
    """A place among the workers, and the process that fills it."""

    number: int
    pid: int = 0  # 0: none at the moment
    started: float = 0.0
    start_at: float = 0.0  # when the next one may start
    quick_deaths: int = 0  # in a row
    reader: int = -1  # where the process reports, if there is one
    report: bytes = b""

    @property
    def is_ready(self) -> bool:
        return self.report.startswith(READY)

    def read_report(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.report += os.read(self.reader, 65536)

    def close_report(self) -> None:
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1

    def back_off(self) -> float:
        """Plan the next start; return the pause before it, in seconds."""
        now = time.monotonic()
        if self.is_ready and now >= self.started + _QUICK_DEATH_SECONDS:
            self.quick_deaths = 0
            pause = 0.0
        else:
            growth = 2 ** min(self.quick_deaths, 16)  # with a bound, or it outgrows a float
            pause = min(_FIRST_PAUSE_SECONDS * growth, _LONGEST_PAUSE_SECONDS)
            self.quick_deaths += 1
        self.start_at = now + pause
        return pause


class Supervisor:
    """Keeps *count* workers running until a stop signal."""

    def __init__(self, job: Job, count: int, signals: Signals) -> None:
        self._job = job
        self._signals = signals
        self._workers = [Worker(number) for number in range(1, count + 1)]
        self._has_served = False
        self._failed_first: set[int] = set()

    def run(self) -> int:
        """Return the exit status; no worker is left then."""
        try:
            while True:
                self._start_due()
                self._signals.wait(self._seconds_to_next_start())
                if self._signals.count:
                    return self._wind_down()
                self._replace_dead()
                if not self._has_served and len(self._failed_first) == len(self._workers):
                    return 1
        finally:
            for worker in self._running():
                os.kill(worker.pid, signal.SIGKILL)
                os.waitpid(worker.pid, 0)

    def _running(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.pid]

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if not worker.pid and now >= worker.start_at:
                self._start(worker)

    def _seconds_to_next_start(self) -> float:
        starts = [worker.start_at for worker in self._workers if not worker.pid]
        return max(0.0, min([process.TICK_SECONDS, *(at - time.monotonic() for at in starts)]))

    def _start(self, worker: Worker) -> None:
        worker.started = time.monotonic()
        worker.report = b""
        try:
            worker.reader, writer = os.pipe()
        except OSError:
            _log.exception("worker %d cannot be started", worker.number)
            worker.back_off()
            return
        os.set_blocking(worker.reader, False)
        try:
            worker.pid = self._fork(writer)
        except OSError:
            _log.exception("worker %d cannot be started", worker.number)
            worker.close_report()
            worker.back_off()
        finally:
            os.close(writer)

    def _fork(self, writer: int) -> int:
        supervisor = os.getpid()
        # What is in the buffers now would be written by the child once more.
        _flush_streams()
        # A signal that reached the child before it has its own handlers would be lost.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            pid = os.fork()
            if pid == 0:
                self._be_worker(writer, supervisor, mask)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return pid

    def _be_worker(self, writer: int, supervisor: int, mask: set[int]) -> NoReturn:
        status = 1
        try:
            self._signals.reset_in_child()
            for worker in self._workers:
                worker.close_report()
            end_with_parent()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            status = _serve_as_worker(self._job, writer, supervisor)
        except BaseException:
            _log.exception("a worker failed")
        finally:
            # Nothing of the caller's may run in the child: neither finally blocks nor atexit.
            _flush_streams()
            os._exit(status)

    def _ended(self) -> Iterator[tuple[Worker, int]]:
        """The workers that have died since, with what they had reported, and their statuses."""
        for worker in self._running():
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            worker.read_report()
            self._has_served |= worker.is_ready
            if pid:
                worker.close_report()
                worker.pid = 0
                yield worker, os.waitstatus_to_exitcode(status)

    def _replace_dead(self) -> None:
        for worker, status in self._ended():
            why = _why_ended(worker, status)
            if not worker.is_ready and worker.number not in self._failed_first:
                self._failed_first.add(worker.number)
                # The others' errors are in the log; mostly it is the same text.
                if not self._has_served and len(self._failed_first) == len(self._workers):
                    say_cannot_start(why)
                    return
            pause = worker.back_off()
            _log.error("worker %d: %s; another in %.2f s", worker.number, why, pause)

    def _wind_down(self) -> int:
        # While one process has it open, the kernel lets in clients that nobody would answer.
        self._job.listener.close()
        for worker in self._running():
            os.kill(worker.pid, signal.SIGTERM)
        clean = True
        deadline = time.monotonic() + process.GRACE_SECONDS + _KILL_MARGIN_SECONDS
        while self._running() and self._signals.count < 2 and time.monotonic() < deadline:
            for worker, status in self._ended():
                # A worker that has not begun to serve does not handle the signal.
                clean &= status == 0 or (not worker.is_ready and -status in STOP_SIGNALS)
            if self._running():
                self._signals.wait(process.TICK_SECONDS)
        if self._running():
            _log.warning("%d workers have not stopped and are killed", len(self._running()))
            clean = False
        return 0 if clean else 1


def _serve_as_worker(job: Job, writer: int, supervisor: int) -> int:
    # Until there is something to finish a stop signal ends the process, as by default: however
    # long the application takes to start, no worker outlives its supervisor.
    try:
        app = job.make_app()
    except (Exception, SystemExit) as error:
        os.write(writer, describe(error).encode(errors="replace")[:4096])
        return 1
    # Stop signals are only counted, and one is as good as two: a service manager may signal all
    # processes, a terminal does, and then the supervisor does as well.
    with Signals(second_ends=False) as signals:
        os.write(writer, READY)
        Server(app, job, signals, supervisor).run()
    return 0


def _flush_streams() -> None:
    for stream in sys.stdout, sys.stderr:
        # Whoever read them may have gone, which is no reason to stop serving.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def _why_ended(worker: Worker, status: int) -> str:
    if not worker.is_ready and worker.report:
        return worker.report.decode(errors="replace")
    how = f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return how if worker.is_ready else f"{how} before it could serve"


def end_with_parent() -> None:
    """Have the kernel send SIGTERM when the process that forked this one dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
