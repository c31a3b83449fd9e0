"""A server of the index, as its operator runs it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.clients.running import RunningIndex


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
