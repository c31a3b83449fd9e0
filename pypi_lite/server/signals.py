"""Signals, turned into something that a loop can wait for."""

import contextlib
import os
import select
import signal
from types import FrameType
from typing import Any, Self

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Signals:
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
        for number in STOP_SIGNALS:
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
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_DFL)

    def _on_child(self, _number: int, _frame: FrameType | None) -> None:
        """Nothing to do: that there is a handler makes the signal wake the loop."""
