"""The cache's protocol, broken on purpose: what the soak has to find.

``python -m tests.faults.broken ...`` is ``python -m pypi_lite ...`` with the faults that the environment
names in PYPI_LITE_BROKEN, separated by commas. With ``--delays`` before all other arguments it takes its
time between the protocol's steps (`tests.faults.delays`). The product knows nothing of it.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

from pypi_lite.__main__ import main
from pypi_lite.cache import representation, store, writing
from pypi_lite.cache.holds import Hold, Holds
from tests.faults import delays

VARIABLE = "PYPI_LITE_BROKEN"


def _never_sweep() -> None:
    """Writers do nothing to the cache at all."""
    writing._WriteSide.before_commit = lambda _self, session: session.flush()  # type: ignore


def _no_hold() -> None:
    """Writers sweep after the commit, as in 2007: no hold, and no sweep before."""

    def place(self: store.Cache, key: str, _transaction: str) -> Hold:
        path = os.path.join(self._trash, "none")
        return Hold(key, path, os.open(os.devnull, os.O_RDONLY))

    def settle(self: Any, hold: Hold, committed: bool) -> None:
        os.close(hold.descriptor)
        if committed:
            self._cache.sweep(hold.key)

    store.Cache.place = place  # type: ignore
    writing._WriteSide._settle = settle  # type: ignore


def _blind() -> None:
    """Generators do not look for holds."""
    Holds.recover = lambda _self, _key: True  # type: ignore


def _only_before() -> None:
    """Writers sweep before the commit alone, and generators look for no holds."""
    _blind()

    def settle(_self: Any, hold: Hold, _committed: bool) -> None:
        hold.release()

    writing._WriteSide._settle = settle  # type: ignore


def _commit_anyway() -> None:
    """A sweep that fails keeps no change from being committed, and its hold is released."""
    sweep = store.Cache.sweep

    def try_to_sweep(self: store.Cache, key: str) -> None:
        try:
            sweep(self, key)
        except OSError:
            return

    store.Cache.sweep = try_to_sweep  # type: ignore


def _torn() -> None:
    """A page is published before it is written."""
    publish = store.Generation.publish

    def publish_half(self: store.Generation, body: bytes, facts: Any) -> bool:
        return publish(self, body[: len(body) // 2], facts)

    store.Generation.publish = publish_half  # type: ignore


def _late_folder() -> None:
    """A generation opens its folder when the page is made, and not before its snapshot."""
    publish = store.Generation.publish

    def publish_late(self: store.Generation, body: bytes, facts: Any) -> bool:
        os.makedirs(self._path, exist_ok=True)
        folder, self._folder = self._folder, os.open(self._path, os.O_RDONLY)
        try:
            for temp in self._temps.values():
                os.close(temp.descriptor)
            self._create_temp("")
            return publish(self, body, facts)
        finally:
            os.close(folder)

    store.Generation.publish = publish_late  # type: ignore


def _always_known() -> None:
    """Any If-None-Match is taken for the page's."""
    representation.Representation.is_known_to = (  # type: ignore
        lambda _self, environ: "HTTP_IF_NONE_MATCH" in environ
    )


FAULTS: dict[str, Callable[[], None]] = {
    "never-sweep": _never_sweep,
    "no-hold": _no_hold,
    "blind": _blind,
    "only-before": _only_before,
    "commit-anyway": _commit_anyway,
    "torn": _torn,
    "late-folder": _late_folder,
    "always-known": _always_known,
}


def apply(*, with_delays: bool = False) -> None:
    """Break what the environment names."""
    if with_delays:
        delays.apply()
    for name in filter(None, os.environ.get(VARIABLE, "").split(",")):
        FAULTS[name]()


if __name__ == "__main__":
    with_delays = sys.argv[1:2] == ["--delays"]
    apply(with_delays=with_delays)
    sys.exit(main(sys.argv[1 + with_delays :]))
