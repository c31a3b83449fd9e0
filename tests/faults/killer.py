"""The killer: ends and stops processes, breaks connections, and takes the cache's folders away."""

import contextlib
import os
import random
import resource
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import sqlalchemy

from tests.faults.disk import Disk
from tests.faults.oracle import Oracle
from tests.faults.server import Server
from tests.faults.writers import kill

_TERMINATE = """\
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL"""
_TERMINATE_SECONDS = 1.0
#: Bytes beyond which a worker whose files are limited can write to none.
_SMALL = 100


class Killer(threading.Thread):
    """Does harm, one thing after another, until it is told to stop; leaves nothing stopped or away."""

    def __init__(
        self, server: Server, database_url: str, oracle: Oracle, seed: int, disk: Disk | None
    ) -> None:
        """*disk* is the one that the cache and the uploaded files are on, if it can be filled."""
        super().__init__(daemon=True, name="killer")
        self._server = server
        self._oracle = oracle
        self._disk = disk
        self._dice = random.Random(f"{seed} killer")
        self._over = threading.Event()
        self._engine: sqlalchemy.Engine | None = None
        if database_url.startswith("postgresql"):
            self._engine = sqlalchemy.create_engine(database_url, isolation_level="AUTOCOMMIT")

    def stop(self) -> None:
        """Ask it to end after the harm in hand."""
        self._over.set()

    def _harms(self) -> list[tuple[Callable[[], None], int]]:
        harms = [
            (self._kill_worker, 12),
            (self._stop_worker, 2),
            (self._remove_pages, 2),
            (self._remove_cache, 1),
            (self._link_cache, 1),
            (self._link_key, 2),
            (self._block_trash, 2),
            (self._limit_worker, 2),
        ]
        if self._disk is not None:
            harms += [(self._fill_disk, 2), (self._make_read_only, 2)]
        if self._engine is not None:
            harms.append((self._terminate_backend, 10))
        return harms

    def run(self) -> None:
        functions, weights = zip(*self._harms(), strict=True)
        try:
            while not self._over.wait(self._dice.uniform(0.1, 0.7)):
                (harm,) = self._dice.choices(functions, weights)
                self._oracle.event(f"harm: {harm.__name__.lstrip('_')}")
                harm()
        except Exception as error:
            self._oracle.violation(f"the killer failed: {error!r}")
        finally:
            if self._engine is not None:
                self._engine.dispose()

    # Processes

    def _worker(self) -> int | None:
        pids = self._server.running.worker_pids()
        return self._dice.choice(pids) if pids else None

    def _kill_worker(self) -> None:
        if pid := self._worker():
            kill(pid)
            self._note("killed workers", f"worker {pid} killed")

    def _stop_worker(self) -> None:
        """Whatever it was doing goes on seconds later."""
        pid = self._worker()
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            try:
                os.kill(pid, signal.SIGSTOP)
                self._note("stopped workers", f"worker {pid} stopped")
                time.sleep(self._dice.uniform(0.2, 2.5))
            finally:
                os.kill(pid, signal.SIGCONT)
                self._oracle.event(f"worker {pid} goes on")

    def _limit_worker(self) -> None:
        """For a moment a worker can write to no file (EFBIG), as on a disk that is full."""
        pid = self._worker()
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (_SMALL, before[1]))
            self._note("workers without room", f"worker {pid} can't write")
            time.sleep(self._dice.uniform(0.2, 0.6))
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
            self._oracle.event(f"worker {pid} can write again")

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

    # The disk

    def _fill_disk(self) -> None:
        assert self._disk is not None
        with self._disk.full():
            self._note("full disks", "the disk is full")
            time.sleep(self._dice.uniform(0.2, 0.6))
        self._oracle.event("the disk has room again")

    def _make_read_only(self) -> None:
        """The whole cache, or a part of it."""
        assert self._disk is not None
        cache = self._server.cache
        folders = [cache, cache / "pages", cache / "holds", self._key() or cache]
        folder = self._dice.choice(folders)
        if not folder.is_dir() or folder.is_symlink():
            return
        with self._disk.read_only(folder) as works:
            if works:
                self._note("read-only folders", f"{folder} is read-only")
                time.sleep(self._dice.uniform(0.2, 0.6))
        self._oracle.event(f"{folder} can be written again")

    # The cache's folders

    def _remove_pages(self) -> None:
        shutil.rmtree(self._server.cache / "pages", ignore_errors=True)
        self._note("removals of all pages", "the pages were removed")

    def _remove_cache(self) -> None:
        """Everything, holds too.

        With no commit under way: a hold that was removed holds nothing, and until the second sweep
        all depends on it (`tests.cache.test_protocol`, lost holds).
        """
        with self._no_commit():
            _remove(self._server.cache)
        self._note("removals of the cache", "the cache was removed")

    def _link_cache(self) -> None:
        """Another folder, and a link to it; at the next time perhaps another."""
        cache = self._server.cache
        other, away = (cache.with_name(f"{what}-{uuid.uuid4().hex}") for what in ("other", "away"))
        other.mkdir()
        with self._no_commit(), contextlib.suppress(FileNotFoundError):
            cache.rename(away)
            try:
                cache.symlink_to(other)
            except FileExistsError:  # somebody has made it again
                other.rmdir()
        self._note("cache folders made links", "the cache is a link to another folder")
        if away.is_symlink() or away.exists():
            _remove(away)

    def _no_commit(self) -> contextlib.AbstractContextManager[object]:
        """The index's one write lock: nobody else commits in this block."""
        return self._server.running.index.database.begin_schema_change()

    def _key(self) -> Path | None:
        """The folder of a project's pages."""
        with contextlib.suppress(OSError, IndexError):
            return self._dice.choice(list((self._server.cache / "pages" / "project").iterdir()))
        return None

    def _link_key(self) -> None:
        """For a moment the folder of a key is elsewhere, and a link leads there.

        With no commit under way: what comes back after it was not there to be swept.
        """
        key = self._key()
        away = self._server.disk / f"away-{uuid.uuid4().hex}"
        if key is None or key.is_symlink():
            return
        with contextlib.suppress(OSError):
            with self._no_commit():
                key.rename(away)
                key.symlink_to(away)
            self._note("key folders made links", f"the folder of {key.name} is a link")
            time.sleep(self._dice.uniform(0.1, 0.4))
        with contextlib.suppress(OSError):
            key.unlink()  # unless it has been swept
        shutil.rmtree(away, ignore_errors=True)

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
        with contextlib.suppress(OSError):
            trash.mkdir(exist_ok=True)
        shutil.rmtree(away, ignore_errors=True)

    def _note(self, count: str, text: str) -> None:
        self._oracle.count(count)
        self._oracle.event(text)


def _remove(folder: Path) -> None:
    """Remove a folder, or a link and the folder that it leads to."""
    if folder.is_symlink():
        leads_to = folder.resolve()
        folder.unlink()
        folder = leads_to
    shutil.rmtree(folder, ignore_errors=True)
