"""What each archive in a folder costs: ``python -m tests.distributions.inspecting FOLDER``.

Each is inspected in a process of its own, forked from this one, which has everything imported. For
each, one line of JSON: its name, what came of it, and by how many bytes its peak of memory was above
that of a process that did nothing. The files are called NUMBER.FILENAME.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from pypi_lite.distributions import InvalidDistribution, read_distribution

#: Seconds after which something goes on for ever; no measure of speed.
ENOUGH = 60


def main(folder: Path) -> None:
    """All of them."""
    _, idle = _forked(lambda: "")
    for path in sorted(folder.iterdir()):
        outcome, peak = _forked(lambda path=path: _outcome(path))
        print(json.dumps({"name": path.name, "outcome": outcome, "peak": peak - idle}), flush=True)


def _outcome(path: Path) -> str:
    """``taken``, or the fault's code and text."""
    try:
        read_distribution(path, path.name.partition(".")[2])
    except InvalidDistribution as error:
        return f"{error.code} {error}"
    return "taken"


def _forked(work: Callable[[], str]) -> tuple[str, int]:
    """What *work* said in a process of its own, and that one's peak of memory in bytes."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(ENOUGH)
            os.write(writer, work().encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with open(reader, "rb") as said:
        outcome = said.read().decode()
    _, status, usage = os.wait4(child, 0)
    return (outcome if status == 0 else f"status {status}"), usage.ru_maxrss * 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
