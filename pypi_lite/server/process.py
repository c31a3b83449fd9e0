"""One serving process: waitress, whose loop is driven from here.

``waitress.serve`` stops without sending what is still to be sent. Here a stop lets the requests in
flight end.
"""

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.server import create_server

from pypi_lite.server import limits
from pypi_lite.server.channel import AtOnce, Channel
from pypi_lite.server.listening import BACKLOG
from pypi_lite.server.proxies import Network, believing
from pypi_lite.server.signals import Signals

GRACE_SECONDS = 30.0  # how long a stop waits for the requests in flight
TICK_SECONDS = 1.0  # a loop looks around at least this often, even if nothing happens
# How long a thread that computes may keep the interpreter when others want it. Python's 5 ms would let
# a page that is being made hold up each system call of the loop, which answers the hits.
SWITCH_SECONDS = 0.0005
# Each connection takes up to three descriptors, its buffers' files included, and 1024 is the usual
# limit of a process. There is no limit for one address: a whole office comes from one, or a proxy.
CONNECTIONS = 300

_DRAIN_TICK_SECONDS = 0.1  # the same while draining: the end of some tasks wakes nobody

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What each serving process needs."""

    make_app: Callable[[], WSGIApplication]
    listener: socket.socket
    threads: int
    max_body: int
    trusted_proxies: Sequence[Network]
    at_once_of: Callable[[Any], AtOnce] | None
    on_stopped: Callable[[Any], None] | None


def serve_alone(job: Job, signals: Signals) -> int:
    try:
        app = job.make_app()
    except (Exception, SystemExit) as error:
        say_cannot_start(describe(error))
        return 1
    Server(app, job, signals).run()
    return 0


def describe(error: BaseException) -> str:
    """The error's text; its traceback goes to the log, for whoever has switched that on."""
    _log.info("the application could not start", exc_info=error)
    return f"{type(error).__name__}: {error}"


def say_cannot_start(why: str) -> None:
    sys.stderr.write(f"The application could not start: {why}\n")


class _WakeUp(wasyncore.file_dispatcher):  # type: ignore[misc] # waitress has no types
    """Lets a signal end the wait of waitress's loop."""

    def __init__(self, signals: Signals, sockets: dict[int, Any]) -> None:
        super().__init__(signals.descriptor, sockets)
        self._signals = signals

    def writable(self) -> bool:
        return False

    def handle_read(self) -> None:
        self._signals.drain()


class Server:
    """waitress on a listening socket, until a stop signal or the supervisor's death."""

    def __init__(
        self, app: WSGIApplication, job: Job, signals: Signals, supervisor: int | None = None
    ) -> None:
        self._signals = signals
        self._supervisor = supervisor
        self._waitress = create_server(
            believing(app, job.trusted_proxies), **_waitress_settings(job)
        )
        self._waitress.channel_class = Channel
        self._waitress.add_task = self._add_task
        self._on_stopped = partial(job.on_stopped, app) if job.on_stopped else None
        self._at_once = job.at_once_of(app) if job.at_once_of else None
        self._thread = threading.get_ident()
        self._sockets = self._waitress._map
        self._next_look = 0.0
        _WakeUp(signals, self._sockets)

    def run(self) -> None:
        """Serve; return when stopped, and the requests in flight have been answered."""
        sys.setswitchinterval(SWITCH_SECONDS)
        while not (self._signals.count or self._is_orphan()):
            self._turn(TICK_SECONDS)
        self._stop_accepting()
        deadline = time.monotonic() + GRACE_SECONDS
        while self._is_busy() and time.monotonic() < deadline:
            self._turn(_DRAIN_TICK_SECONDS)
            self._close_idle()
        self._close()
        if self._on_stopped is not None:
            self._on_stopped()

    def _is_orphan(self) -> bool:
        # Where the system sends no signal when a parent dies, this is how a worker gets to know.
        return self._supervisor is not None and os.getppid() != self._supervisor

    def _add_task(self, channel: Channel) -> None:
        """A request has arrived on *channel*, or its next one is due (a thread says so then)."""
        is_new = threading.get_ident() == self._thread
        if is_new and self._at_once is not None and channel.answer_at_once(self._at_once):
            return
        self._waitress.task_dispatcher.add_task(channel)

    def _turn(self, seconds: float) -> None:
        # poll() and not select(), which fails for descriptors from 1024 on.
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._sockets, count=1)
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + limits.LOOK_SECONDS
            for channel in list(self._waitress.active_channels.values()):
                if limits.is_too_slow(channel, now):
                    channel.handle_close()  # wakes a task that waits for this client, too
        if len(self._sockets) >= CONNECTIONS:
            # At once: nobody who waits in the backlog wakes the loop then.
            channels = self._waitress.active_channels.values()
            for channel in limits.longest_idle(channels, CONNECTIONS // 10):
                channel.handle_close()

    def _stop_accepting(self) -> None:
        # Clients that the kernel has already let in would be reset: take them in.
        for _ in range(BACKLOG):
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


def _waitress_settings(job: Job) -> dict[str, Any]:
    return {
        "sockets": [job.listener],
        # waitress calls listen() a second time, with this.
        "backlog": BACKLOG,
        "threads": job.threads,
        # Before a byte of the body is read, where the client says how long it is.
        "max_request_body_size": job.max_body,
        # There is nothing long in our requests' headers; connections hold them in memory.
        "max_request_header_size": 64 * 1024,
        # Larger bodies wait in a temporary file, so that uploads take disk and not memory.
        "inbuf_overflow": 512 * 1024,
        # Its 8 KB at a time take a third more of a processor for a large upload.
        "recv_bytes": 64 * 1024,
        # The same for what a slow client has not yet fetched; files are sent without a copy.
        "outbuf_overflow": 1024 * 1024,
        # A task that makes more than a client takes waits for it with so much left to send: in a
        # temporary file. Nothing of ours is so long, but parts of files on their first request.
        "outbuf_high_watermark": 16 * 1024 * 1024,
        # More connections wait in the backlog, until one ends or an idle one is closed (`limits`).
        "connection_limit": CONNECTIONS,
        # Longer than reverse proxies keep an idle connection (60 s for most): the side that sends
        # requests should be the one that closes, or requests get lost.
        "channel_timeout": 120,
        "cleanup_interval": 30,
        # One request at a time: what a client sends on top waits in the kernel.
        "channel_request_lookahead": 0,
        # No advertising of what runs here.
        "ident": None,
        # `proxies.believing` has seen to it, for more than the one proxy that waitress knows.
        "clear_untrusted_proxy_headers": False,
        # Nobody outside learns how the code looks; tracebacks go to the log.
        "expose_tracebacks": False,
        # False would hide each OSError of the application, such as a full disk, from the log, and
        # leave the client without an answer.
        "log_socket_errors": True,
    }
