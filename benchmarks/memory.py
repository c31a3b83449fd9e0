"""Memory of a process, as Linux counts it."""

import re
from pathlib import Path


def resident(pid: int) -> float:
    """Megabytes that the process has in memory now, shared libraries included."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> float:
    """The most that `resident` has been, since the start or since `forget_peak`."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let `peak` begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status(pid: int, name: str) -> float:
    match = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
    assert match is not None
    return int(match[1]) * 1024 / 1e6
