"""Is the soak any good? With the protocol broken on purpose it has to find what is wrong, soon."""

from pathlib import Path

import pytest

from tests.cache.protocol import Bounds, Database, Invariant, Order, Protocol, search
from tests.faults import broken
from tests.faults.soak import Plan, soak

SECONDS = 40.0
#: What each fault shows as; any of these texts will do.
STALE = ("was acknowledged", "was committed", "wrong about", "has seen", "404, but", "was deleted")
HIDDEN = ("hidden from", "was hidden then", "to who may read it", "wrong about", "404, but")
SEEN_AS = {
    "never-sweep": STALE,
    "no-hold": STALE,
    "only-before": STALE,
    "blind": (*STALE, "a page, but"),
    "commit-anyway": STALE,
    "torn": ("not whole", "two contents"),
    "no-first-sweep": STALE,
    "late-hold": STALE,
    "from-root": STALE,
    "late-folder": STALE,
    "always-known": ("304 as",),
    "roles-alone": HIDDEN,
    "for-everybody": HIDDEN,
    "once-and-for-all": HIDDEN,
}


#: The five of `broken`'s table, as the model has them.
FIVE = {
    "no sweep before the commit": Protocol(sweep_before_commit=False),
    "the hold after the commit": Protocol(hold_before_commit=False),
    "the snapshot before the temp": Protocol(order=Order.LOOK_SNAPSHOT_FOLDER),
    "the rename from the root": Protocol(rename_in_open_folder=False),
    "recovery before the transaction is over": Protocol(recovery_waits_for_transaction=False),
}


@pytest.mark.parametrize("protocol", FIVE.values(), ids=FIVE.keys())
def test_the_model_catches_the_five(protocol: Protocol) -> None:
    """In a few writers' and readers' steps; only the last needs somebody to die."""
    database, bounds = Database.SQLITE, Bounds(writers=1, faults=0)
    if not protocol.recovery_waits_for_transaction:
        database, bounds = Database.POSTGRESQL, Bounds(writers=1, faults=1)
    result = search(protocol, database, bounds)
    assert result.broken is Invariant.CURRENT, str(result)
    assert search(Protocol(), database, bounds).broken is None


def test_every_fault_is_tried() -> None:
    assert SEEN_AS.keys() == broken.FAULTS.keys()


@pytest.mark.parametrize(
    "fault",
    ["never-sweep", *(pytest.param(f, marks=pytest.mark.slow) for f in [*SEEN_AS][1:])],
)
def test_what_is_broken_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv(broken.VARIABLE, fault)
    plan = Plan(SECONDS, workers=2, readers=1, imports=False, seed=1, is_over_at_first=True)
    report = soak(plan, tmp_path / "index")
    assert any(text in v for v in report.violations for text in SEEN_AS[fault]), report
