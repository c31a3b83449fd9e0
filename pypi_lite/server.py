"""The HTTP server: one WSGI application, in one waitress process or in several.

One socket listens. With one worker this process serves it. With more, this process becomes a
supervisor that never touches a request: it forks the workers, which accept from the inherited
socket and build the application only after the fork, so that no database connection and no lock
crosses it; and it starts another worker for each one that dies.

waitress brings the HTTP; its loop is driven from here, because ``waitress.serve`` stops without
sending what is still to be sent. Here a stop (SIGTERM or SIGINT) lets the requests in flight end.
"""

import contextlib
import ctypes
import errno
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn, Self
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import WSGITask

GRACE_SECONDS = 30.0  # how long a stop waits for the requests in flight

_BACKLOG = 1024  # connections that the kernel holds until a worker accepts them
_TICK_SECONDS = 1.0  # a loop looks around at least this often, even if nothing happens
_DRAIN_TICK_SECONDS = 0.1  # the same while draining: the end of some tasks wakes nobody
_FIRST_REQUEST_SECONDS = 1.0  # a stop lets a new connection send its first request for so long
_KILL_MARGIN_SECONDS = 5.0  # so long after the grace period a worker that still runs is killed
_QUICK_DEATH_SECONDS = 1.0  # a worker that died so young is not started again at once
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0

_PROXY_HEADERS = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port"}
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_READY = b"+"  # a worker's report: this, or the text of the error that kept it from starting

_log = logging.getLogger(__name__)


class ServerError(Exception):
    """The server cannot be started; the text says why, for the person who tried."""


def serve(
    make_app: Callable[[], WSGIApplication],
    *,
    host: str,
    port: int,
    workers: int,
    threads: int = 4,
    max_body: int,
    trusted_proxy: str | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> int:
    """Serve the application that *make_app* builds until SIGTERM or SIGINT; return an exit status.

    *make_app* is called once in each process that serves. *host* is a name or an address (IPv4, or
    IPv6 without brackets), *port* 0 any free port. *threads* is the number of requests that one
    worker runs at a time. A request body of *max_body* bytes or more is refused with 413.
    *trusted_proxy* is the address of a reverse proxy whose ``X-Forwarded-*`` headers are believed.
    *on_listening* is called with the URL, as ``http://127.0.0.1:8000``, once connections are taken.

    A stop closes idle connections and waits up to ``GRACE_SECONDS`` for requests in flight; a
    second signal ends at once. The status is 0 after a stop, and 1 if the application could not be
    built (its error is then on stderr) or workers had to be killed.

    Must be called in the main thread. Raises `ServerError` if the address cannot be listened on or
    if several workers are asked for where there is no ``os.fork``, ValueError for *workers* < 1.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    if workers > 1 and not hasattr(os, "fork"):
        raise ServerError("Several workers need os.fork, which this platform lacks: use 1 worker.")
    # One WARNING for each request that has to wait for a thread tells nothing and fills logs.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    with (
        _listen(host, port) as listener,
        _Signals(second_ends=workers == 1, watch_children=workers > 1) as signals,
    ):
        job = _Job(make_app, listener, threads, max_body, trusted_proxy)
        if on_listening is not None:
            on_listening(_url(listener))
        if workers == 1:
            return _serve_alone(job, signals)
        return _Supervisor(job, workers, signals).run()


@dataclass(frozen=True)
class _Job:
    """What each serving process needs."""

    make_app: Callable[[], WSGIApplication]
    listener: socket.socket
    threads: int
    max_body: int
    trusted_proxy: str | None


def _serve_alone(job: _Job, signals: "_Signals") -> int:
    try:
        app = job.make_app()
    except (Exception, SystemExit) as error:
        _say_cannot_start(_describe(error))
        return 1
    _Server(app, job, signals).run()
    return 0


def _describe(error: BaseException) -> str:
    """The error's text; its traceback goes to the log, for whoever has switched that on."""
    _log.info("the application could not start", exc_info=error)
    return f"{type(error).__name__}: {error}"


def _say_cannot_start(why: str) -> None:
    sys.stderr.write(f"The application could not start: {why}\n")


# The listening socket


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens on *host* and *port*; raises `ServerError`."""
    if not 0 <= port <= 65535:
        raise ServerError(f"{port} is not a port: ports are 0 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise ServerError(f"Cannot listen on {host!r}: {error}.") from error
    listener = socket.socket(family, kind, protocol)
    try:
        # A restart must not wait until the last connections' TIME_WAIT is over.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # The same on every system: or else IPv4 clients might show as ::ffff:192.0.2.1.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ServerError(_why_not_listening(error, host, port)) from error
    return listener


def _why_not_listening(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        why = "the address is in use, another process listens there"
    elif error.errno in (errno.EACCES, errno.EPERM):
        why = "not permitted; ports below 1024 usually need a privilege"
    elif error.errno == errno.EADDRNOTAVAIL:
        why = "this machine does not have that address"
    else:
        why = os.strerror(error.errno) if error.errno else str(error)
    return f"Cannot listen on {host} port {port}: {why}."


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


# Signals


class _Signals:
    """Counts the stop signals, and makes a descriptor readable whenever a signal has come.

    The descriptor is what wakes a loop: Python itself resumes a poll() that a signal interrupted.
    """

    def __init__(self, *, second_ends: bool, watch_children: bool = False) -> None:
        self.count = 0
        self._second_ends = second_ends
        self._watch_children = watch_children
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self.descriptor, self._writer = os.pipe()
        os.set_blocking(self.descriptor, False)
        os.set_blocking(self._writer, False)
        self._previous_writer = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            self._previous[number] = signal.signal(number, self._on_stop)
        if self._watch_children:
            self._previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._on_child)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            # None: a handler that Python did not install and cannot put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._previous_writer)
        self._close()

    def wait(self, seconds: float) -> None:
        """Return when a signal has come, at the latest after so many seconds."""
        select.select([self.descriptor], [], [], seconds)
        self.drain()

    def drain(self) -> None:
        """Make the descriptor unreadable until the next signal."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.descriptor, 4096)

    def reset_in_child(self) -> None:
        """After a fork: signals act again as if nobody had asked for them."""
        signal.set_wakeup_fd(-1)
        for number in self._previous:
            signal.signal(number, signal.SIG_DFL)
        self._close()

    def _close(self) -> None:
        os.close(self.descriptor)
        os.close(self._writer)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self._second_ends:
            for number in _STOP_SIGNALS:
                signal.signal(number, signal.SIG_DFL)

    def _on_child(self, _number: int, _frame: FrameType | None) -> None:
        """Nothing to do: that there is a handler makes the signal wake the loop."""


# One serving process


class _Task(WSGITask):  # type: ignore[misc] # waitress has no types
    """A request; one that is answered after the stop tells the client not to send another."""

    def set_close_on_finish(self) -> None:
        # waitress would close after each 304 and 204, for want of a Content-Length. They end with
        # their header (RFC 9112, 6.3), and revalidating is most of what installers do.
        wants_close = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or wants_close or self.version != "1.1":
            super().set_close_on_finish()

    def build_response_header(self) -> Any:
        if not self.channel.server.accepting:
            self.request.headers["CONNECTION"] = "close"
        return super().build_response_header()


class _Channel(HTTPChannel):  # type: ignore[misc] # waitress has no types
    """A connection."""

    task_class = _Task

    def is_idle(self) -> bool:
        """Whether nothing is running, arriving or leaving; for the thread of the loop only."""
        # In this order: a task hands over its output before it leaves the list.
        if self.requests or self.request is not None or self.total_outbufs_len:
            return False
        if self.last_activity != self.creation_time:
            return True
        # Nothing has come yet: whoever connects is about to send a request.
        return bool(time.time() > self.creation_time + _FIRST_REQUEST_SECONDS)

    def handle_expt(self) -> None:
        # Urgent data (RFC 6093) means nothing in HTTP. waitress only logs it, and since it stays
        # there, one byte of it would keep the loop busy and fill the log.
        self.handle_close()


class _WakeUp(wasyncore.file_dispatcher):  # type: ignore[misc] # waitress has no types
    """Lets a signal end the wait of waitress's loop."""

    def __init__(self, signals: _Signals, sockets: dict[int, Any]) -> None:
        super().__init__(signals.descriptor, sockets)
        self._signals = signals

    def writable(self) -> bool:
        return False

    def handle_read(self) -> None:
        self._signals.drain()


class _Server:
    """waitress on a listening socket, until a stop signal or the supervisor's death."""

    def __init__(
        self, app: WSGIApplication, job: _Job, signals: _Signals, supervisor: int | None = None
    ) -> None:
        self._signals = signals
        self._supervisor = supervisor
        self._waitress = create_server(app, **_waitress_settings(job))
        self._waitress.channel_class = _Channel
        self._sockets = self._waitress._map
        _WakeUp(signals, self._sockets)

    def run(self) -> None:
        """Serve; return when stopped, and the requests in flight have been answered."""
        while not (self._signals.count or self._is_orphan()):
            self._turn(_TICK_SECONDS)
        self._stop_accepting()
        deadline = time.monotonic() + GRACE_SECONDS
        while self._is_busy() and time.monotonic() < deadline:
            self._turn(_DRAIN_TICK_SECONDS)
            self._close_idle()
        self._close()

    def _is_orphan(self) -> bool:
        # Where the system sends no signal when a parent dies, this is how a worker gets to know.
        return self._supervisor is not None and os.getppid() != self._supervisor

    def _turn(self, seconds: float) -> None:
        # poll() and not select(), which fails for descriptors from 1024 on.
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._sockets, count=1)

    def _stop_accepting(self) -> None:
        # Clients that the kernel has already let in would be reset: take them in.
        for _ in range(_BACKLOG):
            known = len(self._waitress.active_channels)
            self._waitress.handle_accept()
            if len(self._waitress.active_channels) == known:
                break
        # Of the server object only the socket is closed: its trigger is how tasks wake the loop.
        # This is a close and no shutdown(), which would end the socket for all other workers too.
        wasyncore.dispatcher.close(self._waitress)

    def _is_busy(self) -> bool:
        tasks = self._waitress.task_dispatcher
        # The work of a client that has gone away counts too: it ends with a commit.
        return bool(self._waitress.active_channels or tasks.queue or tasks.active_count)

    def _close_idle(self) -> None:
        for channel in list(self._waitress.active_channels.values()):
            if channel.is_idle():
                channel.handle_close()

    def _close(self) -> None:
        if self._is_busy():
            _log.warning("stopping, although requests in flight have not come to an end")
        for channel in list(self._waitress.active_channels.values()):
            channel.handle_close()  # wakes a task that waits for a slow client, too
        self._waitress.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._sockets)


def _waitress_settings(job: _Job) -> dict[str, Any]:
    proxy: dict[str, Any] = {}
    if job.trusted_proxy:
        proxy = {"trusted_proxy": job.trusted_proxy, "trusted_proxy_headers": _PROXY_HEADERS}
    return {
        **proxy,
        "sockets": [job.listener],
        # waitress calls listen() a second time, with this.
        "backlog": _BACKLOG,
        "threads": job.threads,
        # Before a byte of the body is read, where the client says how long it is.
        "max_request_body_size": job.max_body,
        # There is nothing long in our requests' headers; connections hold them in memory.
        "max_request_header_size": 64 * 1024,
        # Larger bodies wait in a temporary file, so that uploads take disk and not memory.
        "inbuf_overflow": 512 * 1024,
        # The same for what a slow client has not yet fetched; files are sent without a copy.
        "outbuf_overflow": 1024 * 1024,
        # Each connection takes up to three descriptors, its buffers' files included, and 1024 is
        # the usual limit of a process. More connections wait in the backlog.
        "connection_limit": 300,
        # Longer than reverse proxies keep an idle connection (60 s for most): the side that sends
        # requests should be the one that closes, or requests get lost.
        "channel_timeout": 120,
        # No advertising of what runs here.
        "ident": None,
        # X-Forwarded-* of just anyone must not reach the application.
        "clear_untrusted_proxy_headers": True,
        # Nobody outside learns how the code looks; tracebacks go to the log.
        "expose_tracebacks": False,
        # False would hide each OSError of the application, such as a full disk, from the log, and
        # leave the client without an answer.
        "log_socket_errors": True,
    }


# Several serving processes


@dataclass
class _Worker:
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
        return self.report.startswith(_READY)

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


class _Supervisor:
    """Keeps *count* workers running until a stop signal."""

    def __init__(self, job: _Job, count: int, signals: _Signals) -> None:
        self._job = job
        self._signals = signals
        self._workers = [_Worker(number) for number in range(1, count + 1)]
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

    def _running(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.pid]

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if not worker.pid and now >= worker.start_at:
                self._start(worker)

    def _seconds_to_next_start(self) -> float:
        starts = [worker.start_at for worker in self._workers if not worker.pid]
        return max(0.0, min([_TICK_SECONDS, *(at - time.monotonic() for at in starts)]))

    def _start(self, worker: _Worker) -> None:
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
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
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
            _end_with_parent()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            status = _serve_as_worker(self._job, writer, supervisor)
        except BaseException:
            _log.exception("a worker failed")
        finally:
            # Nothing of the caller's may run in the child: neither finally blocks nor atexit.
            _flush_streams()
            os._exit(status)

    def _ended(self) -> Iterator[tuple[_Worker, int]]:
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
                    _say_cannot_start(why)
                    return
            pause = worker.back_off()
            _log.error("worker %d: %s; another in %.2f s", worker.number, why, pause)

    def _wind_down(self) -> int:
        # While one process has it open, the kernel lets in clients that nobody would answer.
        self._job.listener.close()
        for worker in self._running():
            os.kill(worker.pid, signal.SIGTERM)
        clean = True
        deadline = time.monotonic() + GRACE_SECONDS + _KILL_MARGIN_SECONDS
        while self._running() and self._signals.count < 2 and time.monotonic() < deadline:
            for worker, status in self._ended():
                # A worker that has not begun to serve does not handle the signal.
                clean &= status == 0 or (not worker.is_ready and -status in _STOP_SIGNALS)
            if self._running():
                self._signals.wait(_TICK_SECONDS)
        if self._running():
            _log.warning("%d workers have not stopped and are killed", len(self._running()))
            clean = False
        return 0 if clean else 1


def _serve_as_worker(job: _Job, writer: int, supervisor: int) -> int:
    # Until there is something to finish a stop signal ends the process, as by default: however
    # long the application takes to start, no worker outlives its supervisor.
    try:
        app = job.make_app()
    except (Exception, SystemExit) as error:
        os.write(writer, _describe(error).encode(errors="replace")[:4096])
        return 1
    # Stop signals are only counted, and one is as good as two: a service manager may signal all
    # processes, a terminal does, and then the supervisor does as well.
    with _Signals(second_ends=False) as signals:
        os.write(writer, _READY)
        _Server(app, job, signals, supervisor).run()
    return 0


def _flush_streams() -> None:
    for stream in sys.stdout, sys.stderr:
        # Whoever read them may have gone, which is no reason to stop serving.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def _why_ended(worker: _Worker, status: int) -> str:
    if not worker.is_ready and worker.report:
        return worker.report.decode(errors="replace")
    how = f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return how if worker.is_ready else f"{how} before it could serve"


def _end_with_parent() -> None:
    """Have the kernel send SIGTERM when the process that forked this one dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
