"""The server: real processes, real sockets, real signals."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

import pytest

from pypi_lite import server
from pypi_lite.server import process, supervisor
from tests.server_program import BIG, app

PROGRAM = Path(__file__).with_name("server_program.py")
ENOUGH = 30.0  # seconds; generous, for machines that have much else to do


def wait_until(condition: Callable[[], object], seconds: float = ENOUGH) -> bool:
    """Whether *condition* came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def is_running(pid: int) -> bool:
    """Whether *pid* is a process that has not ended; a zombie has."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    if Path("/proc/self/stat").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Program:
    """A running server_program.py."""

    def __init__(self, errors: Path, options: dict[str, Any]) -> None:
        self.errors = errors
        self.lines: list[str] = []
        with errors.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), json.dumps(options)],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=os.environ | {"PYTHONPATH": str(PROGRAM.parent.parent)},
                # Its own group, with which clean_up() finds whatever is left of it.
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def words_after(self, word: str) -> list[str]:
        """What followed *word* in the lines that begin with it."""
        return [line.split(" ", 1)[1] for line in self.lines if line.startswith(word + " ")]

    def workers(self) -> list[int]:
        """The processes that serve now."""
        return [pid for pid in map(int, self.words_after("app")) if is_running(pid)]

    def connect(self) -> http.client.HTTPConnection:
        wait_until(lambda: self.words_after("url") or self.process.poll() is not None)
        assert self.words_after("url"), self.errors.read_text()
        url = urlsplit(self.words_after("url")[0])
        assert url.hostname
        return http.client.HTTPConnection(url.hostname, url.port, timeout=ENOUGH)

    def get(self, path: str) -> bytes:
        connection = self.connect()
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def serving_pids(self, count: int) -> set[int]:
        """The processes that answer, asked until there are *count*."""
        pids: set[int] = set()
        wait_until(lambda: pids.add(int(self.get("/pid"))) or len(pids) >= count)
        return pids

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send the signal, and return when it has come: nothing listens any longer."""
        connection = self.connect()
        self.process.send_signal(number)
        assert wait_until(lambda: not self._listens(connection))

    def _listens(self, connection: http.client.HTTPConnection) -> bool:
        try:
            socket.create_connection((connection.host, connection.port), timeout=ENOUGH).close()
        except ConnectionError:
            return False
        return True

    def exit_status(self) -> int:
        status = self.process.wait(ENOUGH)
        self._reader.join(ENOUGH)
        return status

    def clean_up(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(ENOUGH)
        self._reader.join(ENOUGH)
        assert self.process.stdout is not None
        self.process.stdout.close()


Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    programs: list[Program] = []

    def start(**options: Any) -> Program:
        programs.append(Program(tmp_path / f"stderr{len(programs)}", options))
        return programs[-1]

    try:
        yield start
    finally:
        for program in programs:
            program.clean_up()


def unused_app() -> WSGIApplication:
    raise AssertionError("the application is not to be built")


# Serving


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_serves(start: Start, host: str) -> None:
    if host == "::1":
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6")
    program = start(host=host)
    assert int(program.get("/pid")) == program.process.pid
    program.process.send_signal(signal.SIGTERM)
    assert program.exit_status() == 0


def test_says_nothing_of_itself(start: Start) -> None:
    connection = start().connect()
    connection.request("GET", "/pid")
    response = connection.getresponse()
    assert response.getheader("Server") is None
    assert response.getheader("Via") is None
    response.read()
    connection.close()


def test_a_304_keeps_the_connection(start: Start) -> None:
    connection = start().connect()
    connection.connect()
    own_port = connection.sock.getsockname()
    for _ in range(3):
        connection.request("GET", "/304")
        response = connection.getresponse()
        assert response.status == 304
        assert response.getheader("Connection") is None
        response.read()
        # http.client opens another connection where the server has closed this one.
        assert connection.sock.getsockname() == own_port
    connection.request("GET", "/304", headers={"Connection": "close"})
    assert connection.getresponse().getheader("Connection") == "close"
    connection.close()


def test_refuses_a_body_that_is_too_large(start: Start) -> None:
    program = start(max_body=1000)
    statuses = []
    for length in 999, 1000:
        connection = program.connect()
        connection.request("POST", "/length", body=b"x" * length)
        statuses.append(connection.getresponse().status)
        connection.close()
    assert statuses == [200, 413]


def test_urgent_data_does_not_keep_the_loop_busy(start: Start) -> None:
    program = start()
    connection = program.connect()
    connection.connect()
    connection.sock.send(b"!", socket.MSG_OOB)
    with contextlib.suppress(ConnectionResetError):
        assert connection.sock.recv(1) == b""
    connection.close()
    assert int(program.get("/pid")) == program.process.pid
    assert "priority" not in program.errors.read_text()


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_share_the_requests(start: Start, workers: int) -> None:
    program = start(workers=workers)
    pids = program.serving_pids(workers)
    assert len(pids) == workers
    assert program.process.pid not in pids
    # The application was built in the workers, and nowhere else.
    assert sorted(pids) == sorted(map(int, program.words_after("app")))


# Workers that die


def test_a_killed_worker_is_replaced(start: Start) -> None:
    program = start(workers=2)
    victim, other = program.serving_pids(2)
    os.kill(victim, signal.SIGKILL)
    assert wait_until(lambda: len(program.words_after("app")) == 3)
    pids = program.serving_pids(2)
    assert len(pids) == 2
    assert victim not in pids
    assert other in pids
    assert f"worker {1 if victim < other else 2}: ended by signal 9" in program.errors.read_text()
    program.stop()
    assert program.exit_status() == 0


def test_a_worker_that_is_stopped_alone_is_replaced_and_the_others_go_on(start: Start) -> None:
    program = start(workers=2)
    victim, other = program.serving_pids(2)
    os.kill(victim, signal.SIGTERM)
    assert wait_until(lambda: not is_running(victim))
    assert wait_until(lambda: len(program.words_after("app")) == 3)
    pids = program.serving_pids(2)
    assert victim not in pids
    assert other in pids


@pytest.mark.parametrize("parent_signal", [True, False], ids=["prctl", "getppid"])
def test_workers_end_when_the_supervisor_is_killed(start: Start, parent_signal: bool) -> None:
    program = start(workers=3, parent_signal=parent_signal)
    assert len(program.serving_pids(3)) == 3
    program.process.kill()
    program.process.wait(ENOUGH)
    assert wait_until(lambda: not program.workers(), 3)


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
def test_a_worker_that_is_starting_ends_when_the_supervisor_is_killed(start: Start) -> None:
    program = start(workers=2, failure="hang")
    assert wait_until(lambda: len(program.workers()) == 2)
    program.process.kill()
    program.process.wait(ENOUGH)
    assert wait_until(lambda: not program.workers(), 3)


@pytest.mark.parametrize("workers", [1, 3])
def test_an_application_that_cannot_start_ends_the_server(start: Start, workers: int) -> None:
    program = start(workers=workers, failure="error")
    assert program.exit_status() == 1
    errors = program.errors.read_text()
    line = "The application could not start: RuntimeError: the database is not there"
    assert errors.splitlines().count(line) == 1
    assert len(program.words_after("app")) < 3 * workers
    assert program.workers() == []


def test_workers_that_vanish_while_starting_end_the_server(start: Start) -> None:
    program = start(workers=2, failure="exit")
    assert program.exit_status() == 1
    assert "could not start: ended with status 7 before it could serve" in (
        program.errors.read_text()
    )


def test_an_application_that_fails_later_is_tried_again(start: Start, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    program = start(workers=2, failure="restart", flag=str(flag))
    pids = program.serving_pids(2)
    flag.touch()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    # 0.25 + 0.5 + 1 s, for each of two workers
    assert wait_until(lambda: len(program.words_after("app")) >= 8)
    flag.unlink()
    assert len(program.serving_pids(2)) == 2
    errors = program.errors.read_text()
    assert "worker 1: RuntimeError: the database has gone; another in 0.50 s" in errors
    assert "worker 1: RuntimeError: the database has gone; another in 1.00 s" in errors


def test_the_pause_before_a_restart_grows_to_five_seconds() -> None:
    worker = supervisor.Worker(1, started=time.monotonic())
    pauses = [worker.back_off() for _ in range(8)]
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
    assert [worker.back_off() for _ in range(5000)] == [5.0] * 5000
    worker.report = supervisor.READY
    worker.started = time.monotonic() - 2
    assert worker.back_off() == 0
    assert worker.quick_deaths == 0


# Stopping


def test_a_signal_ends_the_wait_of_one_process(start: Start) -> None:
    program = start(tick=600)
    assert int(program.get("/pid"))
    time.sleep(0.3)  # until the loop has nothing left to do
    program.process.send_signal(signal.SIGTERM)
    assert program.exit_status() == 0


def test_a_signal_ends_the_waits_of_supervisor_and_workers(start: Start) -> None:
    program = start(workers=2, tick=600)
    victim, _ = program.serving_pids(2)
    os.kill(victim, signal.SIGKILL)
    assert wait_until(lambda: len(program.words_after("app")) == 3)
    program.process.send_signal(signal.SIGTERM)
    assert program.exit_status() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_request_in_flight_is_answered(start: Start, workers: int, number: int) -> None:
    program = start(workers=workers)
    assert len(program.serving_pids(workers)) == workers
    connection = program.connect()
    connection.request("GET", "/slow")
    assert wait_until(lambda: "/slow" in program.words_after("request"))
    program.stop(number)
    response = connection.getresponse()
    assert response.read() == b"slow but complete"
    assert response.getheader("Connection") == "close"
    assert program.exit_status() == 0
    assert program.workers() == []
    connection.close()


def test_workers_that_are_signalled_twice_stop_gently(start: Start) -> None:
    """As by a terminal's Ctrl-C: it signals the workers, and so does the supervisor."""
    program = start(workers=2)
    assert len(program.serving_pids(2)) == 2
    connection = program.connect()
    connection.request("GET", "/slow")
    assert wait_until(lambda: "/slow" in program.words_after("request"))
    for pid in program.workers():
        os.kill(pid, signal.SIGINT)
    time.sleep(0.2)  # until they have seen it, or the two signals might count as one
    program.process.send_signal(signal.SIGINT)
    assert connection.getresponse().read() == b"slow but complete"
    assert program.exit_status() == 0
    connection.close()


@pytest.mark.parametrize("path", ["/big", "/pieces", "/file"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_slow_reader_gets_a_big_response(start: Start, workers: int, path: str) -> None:
    program = start(workers=workers)
    assert len(program.serving_pids(workers)) == workers
    connection = program.connect()
    connection.request("GET", path)
    response = connection.getresponse()
    received = len(response.read(65536))
    program.stop()
    for _ in range(BIG // 65536):
        received += len(response.read(65536))
        time.sleep(0.005)
    assert received == BIG
    assert program.exit_status() == 0
    connection.close()


def test_a_body_that_is_arriving_may_finish(start: Start) -> None:
    program = start()
    connection = program.connect()
    connection.putrequest("POST", "/length")
    connection.putheader("Content-Length", "20")
    connection.endheaders(b"0123456789")
    assert int(program.get("/pid"))  # the loop has been round: it has read the first half
    program.stop()
    time.sleep(0.5)
    connection.send(b"0123456789")
    assert connection.getresponse().read() == b"20"
    assert program.exit_status() == 0
    connection.close()


def test_requests_that_have_just_come_are_answered(start: Start) -> None:
    """Also those of which the server has not even accepted the connection."""
    program = start()
    assert int(program.get("/pid"))
    os.kill(program.process.pid, signal.SIGSTOP)
    connections = [program.connect() for _ in range(5)]
    for connection in connections:
        connection.request("GET", "/pid")
    program.process.send_signal(signal.SIGTERM)
    os.kill(program.process.pid, signal.SIGCONT)
    for connection in connections:
        assert int(connection.getresponse().read()) == program.process.pid
        connection.close()
    assert program.exit_status() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_idle_connections_do_not_hold_up_the_stop(start: Start, workers: int) -> None:
    program = start(workers=workers)
    used, unused = program.connect(), program.connect()
    used.request("GET", "/pid")
    used.getresponse().read()
    unused.connect()
    program.stop()
    assert program.process.wait(process.GRACE_SECONDS / 2) == 0
    assert used.sock.recv(1) == b""
    assert unused.sock.recv(1) == b""
    used.close()
    unused.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_the_grace_period_ends(start: Start, workers: int) -> None:
    program = start(workers=workers, grace=0.5)
    connection = program.connect()
    connection.request("GET", "/never")
    assert wait_until(lambda: "/never" in program.words_after("request"))
    program.stop()
    assert program.exit_status() == 0
    assert "requests in flight have not come to an end" in program.errors.read_text()
    connection.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_signal_ends_at_once(start: Start, workers: int) -> None:
    program = start(workers=workers)
    connection = program.connect()
    connection.request("GET", "/never")
    assert wait_until(lambda: "/never" in program.words_after("request"))
    program.stop()
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(process.GRACE_SECONDS / 2) != 0
    assert wait_until(lambda: not program.workers(), 3)
    connection.close()


def test_workers_that_are_starting_can_be_stopped(start: Start) -> None:
    program = start(workers=2, failure="hang")
    assert wait_until(lambda: len(program.workers()) == 2)
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(process.GRACE_SECONDS / 2) == 0
    assert program.workers() == []


# What cannot be served


def test_an_address_in_use(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        program = start(port=port)
        assert program.exit_status() == 1
        assert program.errors.read_text() == (
            f"ServerError: Cannot listen on 127.0.0.1 port {port}: "
            "the address is in use, another process listens there.\n"
        )
        assert program.lines == []


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("192.0.2.1", 0, "this machine does not have that address"),
        ("no-such-host.invalid", 0, "Cannot listen on 'no-such-host.invalid'"),
        ("a..b", 0, "Cannot listen on 'a..b'"),
        ("127.0.0.1", 65536, "65536 is not a port"),
    ],
)
def test_an_address_that_cannot_be_listened_on(host: str, port: int, text: str) -> None:
    with pytest.raises(server.ServerError, match=text):
        server.serve(unused_app, host=host, port=port, workers=1, max_body=1000)


def test_a_port_that_is_not_permitted(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(_socket: socket.socket, _address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)
    with pytest.raises(server.ServerError, match="not permitted"):
        server.serve(unused_app, host="127.0.0.1", port=80, workers=1, max_body=1000)


def test_several_workers_need_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    with pytest.raises(server.ServerError, match=r"os\.fork"):
        server.serve(lambda: app, host="127.0.0.1", port=0, workers=2, max_body=1000)


def test_no_worker_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        server.serve(lambda: app, host="127.0.0.1", port=0, workers=0, max_body=1000)
