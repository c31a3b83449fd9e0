"""Short sleeps between the steps of the protocol, so that what can come between two of them does.

Applied to the server's processes and the child writers from outside; they change when things happen,
and nothing of what happens.
"""

import random
import time
from collections.abc import Callable
from typing import Any

from pypi_lite.cache import store, tween, writing
from pypi_lite.cache.holds import Holds

#: What has a sleep before it: how likely, and how long at most, in seconds.
_STEPS: tuple[tuple[Any, str, float, float], ...] = (
    (store.Cache, "sweep", 0.1, 0.03),  # a hold is placed, its key is not yet swept
    (writing._WriteSide, "after_transaction_end", 0.4, 0.15),  # committed, not yet swept
    (tween.CacheTween, "_is_free", 0.1, 0.03),  # the temp is there, holds not yet looked for
    (store.Generation, "publish", 0.06, 0.5),  # the snapshot is over, nothing is written
    (store.Generation, "_write", 0.05, 0.05),  # the twin is there, the page is not
    (store.Generation, "close", 0.05, 0.03),
    (Holds, "_recover_one", 0.1, 0.03),
)


def apply() -> None:
    """Put the sleeps in."""
    for owner, name, likely, longest in _STEPS:
        setattr(owner, name, _delayed(getattr(owner, name), likely, longest))


def _delayed(function: Callable[..., Any], likely: float, longest: float) -> Callable[..., Any]:
    def delayed(*arguments: Any, **keywords: Any) -> Any:
        # Not the module's own dice, which forked workers share.
        dice = random.SystemRandom()
        if dice.random() < likely:
            time.sleep(dice.uniform(0, longest))
        return function(*arguments, **keywords)

    return delayed
