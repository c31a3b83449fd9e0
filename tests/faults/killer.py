"""The killer: ends and stops processes, breaks connections, and takes the cache's folders away."""

import contextlib
import os
import random
import shutil
import signal
import threading
import time
import uuid

import sqlalchemy

from tests.faults.oracle import Oracle
from tests.faults.server import Server
from tests.faults.writers import kill

_TERMINATE = """\
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL"""
_TERMINATE_SECONDS = 1.0


class Killer(threading.Thread):
    """Does harm, one thing after another, until it is told to stop; leaves nothing stopped or away."""

    def __init__(self, server: Server, database_url: str, oracle: Oracle, seed: int) -> None:
        super().__init__(daemon=True, name="killer")
        self._server = server
        self._oracle = oracle
        self._dice = random.Random(f"{seed} killer")
        self._over = threading.Event()
        self._engine: sqlalchemy.Engine | None = None
        if database_url.startswith("postgresql"):
            self._engine = sqlalchemy.create_engine(database_url, isolation_level="AUTOCOMMIT")

    def stop(self) -> None:
        """Ask it to end after the harm in hand."""
        self._over.set()

    def run(self) -> None:
        harms = [
            (self._kill_worker, 8),
            (self._stop_worker, 4),
            (self._remove_pages, 4),
            (self._block_trash, 3),
        ]
        if self._engine is not None:
            harms.append((self._terminate_backend, 8))
        functions, weights = zip(*harms, strict=True)
        try:
            while not self._over.wait(self._dice.uniform(0.1, 0.9)):
                self._dice.choices(functions, weights)[0]()
        except Exception as error:
            self._oracle.violation(f"the killer failed: {error!r}")
        finally:
            if self._engine is not None:
                self._engine.dispose()

    def _worker(self) -> int | None:
        pids = self._server.running.worker_pids()
        return self._dice.choice(pids) if pids else None

    def _kill_worker(self) -> None:
        if pid := self._worker():
            kill(pid)
            self._note("killed workers", f"worker {pid} killed")

    def _stop_worker(self) -> None:
        pid = self._worker()
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            try:
                os.kill(pid, signal.SIGSTOP)
                self._note("stopped workers", f"worker {pid} stopped")
                time.sleep(self._dice.uniform(0.2, 1.0))
            finally:
                os.kill(pid, signal.SIGCONT)
                self._oracle.event(f"worker {pid} goes on")

    def _remove_pages(self) -> None:
        shutil.rmtree(self._server.cache / "pages", ignore_errors=True)
        self._note("removals of all pages", "the pages were removed")

    def _block_trash(self) -> None:
        """For a moment a file stands where swept folders go, so that no sweep can succeed."""
        trash = self._server.cache / "trash"
        away = self._server.cache / f"away-{uuid.uuid4().hex}"
        with contextlib.suppress(OSError):
            trash.rename(away)
            trash.touch(exist_ok=False)
            self._note("blocked sweeps", "the trash is a file")
            time.sleep(self._dice.uniform(0.1, 0.4))
        with contextlib.suppress(OSError):
            trash.unlink()  # a writer may have made the folder first; then it stays
            self._oracle.event("the trash is a folder again")
        trash.mkdir(exist_ok=True)
        shutil.rmtree(away, ignore_errors=True)

    def _terminate_backend(self) -> None:
        """End the next transaction that has written, on the database's side."""
        assert self._engine is not None
        deadline = time.monotonic() + _TERMINATE_SECONDS
        with self._engine.connect() as connection:
            while time.monotonic() < deadline:
                if ended := connection.exec_driver_sql(_TERMINATE).scalar_one():
                    self._oracle.count("terminated backends", ended - 1)
                    self._note("terminated backends", "a writer's backend was terminated")
                    return
                time.sleep(0.002)

    def _note(self, count: str, text: str) -> None:
        self._oracle.count(count)
        self._oracle.event(text)
