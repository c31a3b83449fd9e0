"""The cache's protocol, broken on purpose: what the soak has to find.

``python -m tests.faults.broken ...`` is ``python -m pypi_lite ...`` with the faults that the environment
names in PYPI_LITE_BROKEN, separated by commas. With ``--delays`` before all other arguments it takes its
time between the protocol's steps (`tests.faults.delays`). The product knows nothing of it.

What catches the five that the design warns of (`test_harness` runs the model and the soak,
`tests.cache.test_interleaving` the real code step by step):

=================================  ==========================  ====================  ==============
left out                           the model                   the real code         the soak
=================================  ==========================  ====================  ==============
a sweep (before the commit)        at once                     yes                   no-first-sweep
a sweep (after it)                 only with holds lost        redundant             redundant
the hold comes before the commit   at once                     yes                   late-hold
the temp before the snapshot       at once                     yes                   late-folder
the rename in the open folder      at once                     yes                   from-root
a recovery waits for the           at once, on PostgreSQL      yes, on PostgreSQL    too rare
transaction's end
=================================  ==========================  ====================  ==============
"""

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

from pypi_lite import application, decisions
from pypi_lite.__main__ import main
from pypi_lite.cache import representation, store, writing
from pypi_lite.cache.holds import Hold, Holds
from pypi_lite.repository import keys
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

    def publish_half(
        self: store.Generation, body: bytes, facts: Any, _twin: Any = None, page: Any = None
    ) -> bool:
        return publish(self, body[: len(body) // 2], facts, page=page)

    store.Generation.publish = publish_half  # type: ignore


def _no_first_sweep() -> None:
    """Writers place their holds and sweep only after the commit."""
    store.Cache.place = lambda self, key, transaction: (  # type: ignore
        self.holds.place(key, transaction)
    )


def _late_hold() -> None:
    """Writers place their holds when they have committed."""
    side = writing._WriteSide
    place, end = side.before_commit, side.after_transaction_end

    def after_transaction_end(self: Any, session: Any, transaction: Any) -> None:
        state = session.info.get(writing._STATE)
        if state is not None and state.committed and transaction.parent is None:
            for key in sorted(state.keys):
                state.holds.append(self._cache.place(key, ""))
        end(self, session, transaction)

    def before_commit(self: Any, session: Any) -> None:
        cache, self._cache = self._cache, None
        try:
            place(self, session)
        finally:
            self._cache = cache
        writing._writing(session).placed = True

    side.before_commit = before_commit  # type: ignore
    side.after_transaction_end = after_transaction_end  # type: ignore


def _from_root() -> None:
    """A page is published by its path, wherever that leads by then."""

    def publish(
        self: store.Generation, body: bytes, facts: Any, _twin: Any = None, page: Any = None
    ) -> bool:
        for suffix, content in ((store.GZIP, store.compress(body)), ("", body)):
            path = os.path.join(self._path, self._page + suffix)
            os.makedirs(self._path, exist_ok=True)
            with open(path + ".root", "wb") as file:
                file.write(content)
            os.utime(path + ".root", ns=(facts.mtime_ns, facts.mtime_ns))
            os.rename(path + ".root", path)
        return True

    store.Generation.publish = publish  # type: ignore


def _late_folder() -> None:
    """A generation opens its folder when the page is made, and not before its snapshot."""
    publish = store.Generation.publish

    def publish_late(
        self: store.Generation, body: bytes, facts: Any, _twin: Any = None, page: Any = None
    ) -> bool:
        os.makedirs(self._path, exist_ok=True)
        folder, self._folder = self._folder, os.open(self._path, os.O_RDONLY)
        try:
            for temp in self._temps.values():
                temp.close()
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temp.name, dir_fd=folder)
            self._create_temp("")
            return publish(self, body, facts, page=page)
        finally:
            os.close(folder)

    store.Generation.publish = publish_late  # type: ignore


def _always_known() -> None:
    """Any If-None-Match is taken for the page's."""
    representation.Representation.is_known_to = (  # type: ignore
        lambda _self, environ: "HTTP_IF_NONE_MATCH" in environ
    )


def _roles_alone() -> None:
    """A role that is given or taken away leaves what its holders may read as it was."""
    role = keys._role
    keys._role = lambda row, change: role(row, change) - {keys.READERS}  # type: ignore


def _for_everybody() -> None:
    """A hidden project's page is published for all."""
    application.Request._offer = lambda _self, _circle: None  # type: ignore


def _once_and_for_all() -> None:
    """What somebody may read is kept in memory, and no look taken whether it still holds."""
    decisions.Known.stands = lambda _self: True  # type: ignore


FAULTS: dict[str, Callable[[], None]] = {
    "never-sweep": _never_sweep,
    "no-hold": _no_hold,
    "blind": _blind,
    "only-before": _only_before,
    "commit-anyway": _commit_anyway,
    "torn": _torn,
    "no-first-sweep": _no_first_sweep,
    "late-hold": _late_hold,
    "from-root": _from_root,
    "late-folder": _late_folder,
    "always-known": _always_known,
    "roles-alone": _roles_alone,
    "for-everybody": _for_everybody,
    "once-and-for-all": _once_and_for_all,
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
