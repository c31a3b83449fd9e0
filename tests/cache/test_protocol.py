"""Every interleaving of the cache's protocol, and of what is left when a precaution is left out."""

from dataclasses import replace
from typing import Any

import pytest

from tests.cache.protocol import (
    LEGACY_2007,
    PROMISES,
    TODAY,
    Bounds,
    Database,
    Invariant,
    Order,
    Protocol,
    Result,
    search,
)

SQLITE, POSTGRESQL = Database.SQLITE, Database.POSTGRESQL
WHOLE, CURRENT, ALIVE = Invariant.WHOLE, Invariant.CURRENT, Invariant.ALIVE
ACKNOWLEDGED, LASTING = Invariant.ACKNOWLEDGED, Invariant.LASTING

UNDISTURBED = Bounds(faults=0)
ONE_WRITER = Bounds(writers=1, faults=1)
ONE_FAULT = Bounds(faults=1)
ONE_LOST_HOLD = Bounds(faults=0, lost_holds=1)
ONE_POWER_CUT = Bounds(faults=0, power_cuts=1)

#: The order in which a snapshot may be older than the look for holds; see `test_redundant_alone`.
EARLY_SNAPSHOT = Protocol(order=Order.FOLDER_SNAPSHOT_LOOK)


def assert_holds(result: Result, *, states: int) -> None:
    """Nothing is violated, in at least so many *states*: a search that saw nothing proves nothing."""
    assert result.broken is None, str(result)
    assert result.states > states
    assert result.at_rest > 0
    assert result.published == {0, 1, 2}, "some version was never published"


def assert_breaks(result: Result, invariant: Invariant) -> None:
    assert result.broken is invariant, str(result)


def left_out(*names: str, of: Protocol = TODAY) -> Protocol:
    """The protocol without some of its precautions."""
    fields: dict[str, Any] = dict.fromkeys(names, False)
    return replace(of, **fields)


# Today's protocol.


@pytest.mark.parametrize(
    ("database", "faults", "states"),
    [
        (SQLITE, 2, 100_000),
        (POSTGRESQL, 1, 100_000),
        pytest.param(POSTGRESQL, 2, 300_000, marks=pytest.mark.slow),
    ],
)
def test_today(database: Database, faults: int, states: int) -> None:
    """Two generators at a time, two writers, and any faults, two of them: every promise is kept."""
    assert_holds(search(TODAY, database, Bounds(faults=faults)), states=states)


@pytest.mark.parametrize(
    # With PostgreSQL by default for two keys (`test_protocol_keys`), whose generators are fewer.
    "database",
    [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.slow)],
)
def test_today_through_a_power_cut(database: Database) -> None:
    assert_holds(search(TODAY, database, ONE_POWER_CUT), states=30_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database", "faults", "states"), [(SQLITE, 2, 1_000_000), (POSTGRESQL, 1, 1_000_000)]
)
def test_today_with_three_generators(database: Database, faults: int, states: int) -> None:
    result = search(TODAY, database, Bounds(generators=3, faults=faults))
    assert_holds(result, states=states)


def test_a_trace_tells_the_same_story_to_the_end() -> None:
    """The shortest way to a stale page without holds, step by step."""
    result = search(left_out("hold"), SQLITE, Bounds(generators=1, writers=1, faults=0))
    assert result.trace[0] == "writer 0 begins to write"
    assert result.trace[-1] == "writer 0 commits version 1"
    assert "generator 0 takes its snapshot: version 0" in result.trace
    assert "generator 0 publishes" in result.trace
    assert str(result).startswith("CURRENT is violated")


# One precaution less. What breaks without any fault is searched without.


@pytest.mark.parametrize(
    ("name", "database", "bounds", "invariant"),
    [
        ("own_temp_name", SQLITE, ONE_FAULT, ALIVE),
        ("complete_before_rename", SQLITE, UNDISTURBED, WHOLE),
        ("rename_in_open_folder", SQLITE, UNDISTURBED, CURRENT),
        ("look_for_holds", SQLITE, UNDISTURBED, CURRENT),
        ("drop_temp_on_hold", SQLITE, UNDISTURBED, CURRENT),
        ("folder_per_key", SQLITE, UNDISTURBED, CURRENT),
        ("hold", SQLITE, UNDISTURBED, CURRENT),
        ("hold_before_commit", SQLITE, UNDISTURBED, CURRENT),
        ("hold_before_sweep", SQLITE, UNDISTURBED, CURRENT),
        ("hold_locked_before_visible", SQLITE, UNDISTURBED, CURRENT),
        ("hold_kept_through_commit", SQLITE, UNDISTURBED, CURRENT),
        ("sweep_before_commit", SQLITE, UNDISTURBED, CURRENT),
        ("refuse_on_failure", SQLITE, ONE_FAULT, CURRENT),
        ("abandon_hold_in_doubt", POSTGRESQL, ONE_WRITER, CURRENT),
        ("recovery", SQLITE, ONE_FAULT, ALIVE),
        ("recovery_waits_for_transaction", POSTGRESQL, ONE_WRITER, CURRENT),
        ("recovery_asks_for_visibility", POSTGRESQL, ONE_WRITER, CURRENT),
        ("sweep_on_new_boot", SQLITE, ONE_POWER_CUT, WHOLE),
        ("holds_flushed", POSTGRESQL, ONE_POWER_CUT, CURRENT),
    ],
)
def test_each_precaution_matters(
    name: str, database: Database, bounds: Bounds, invariant: Invariant
) -> None:
    assert_breaks(search(left_out(name), database, bounds, frozenset({invariant})), invariant)


@pytest.mark.parametrize(
    "order",
    [o for o in Order if o not in (TODAY.order, EARLY_SNAPSHOT.order)],
    ids=lambda o: o.name,
)
def test_the_order_of_a_generation_matters(order: Order) -> None:
    """The folder is opened first: a sweep takes from a generator what it has opened, no more."""
    assert_breaks(search(Protocol(order=order), SQLITE, UNDISTURBED), CURRENT)


@pytest.mark.parametrize(
    "name",
    [
        "look_for_holds",
        "hold",
        "hold_before_commit",
        "hold_before_sweep",
        "hold_kept_through_commit",
        "sweep_before_commit",
    ],
)
def test_one_death_makes_it_last(name: str) -> None:
    """Without these a page is stale for the moment of a commit; if the writer dies then, for good."""
    lasting = frozenset({LASTING})
    assert_breaks(search(left_out(name), SQLITE, ONE_WRITER, lasting), LASTING)


def test_a_shared_temp_name_with_paths_publishes_half_of_a_page() -> None:
    """A shared name alone only blocks: within an open folder it is the name of one's own temp."""
    both = left_out("own_temp_name", "rename_in_open_folder")
    whole = frozenset({WHOLE})
    assert_breaks(search(both, SQLITE, UNDISTURBED, whole), WHOLE)
    one = left_out("own_temp_name")
    assert_holds(search(one, SQLITE, UNDISTURBED, whole), states=10_000)


# What is there twice, on purpose.

REDUNDANT = ["sweep_after_commit", "hold_released_last", "recovery_sweeps"]


@pytest.mark.parametrize("name", REDUNDANT)
def test_redundant_alone(name: str) -> None:
    """With all else in place these three change nothing, not even when somebody dies.

    From the first sweep until the hold is gone nobody publishes, and whoever looks for holds after
    that takes its snapshot later still. So there is nothing for a second sweep to find, be it the
    writer's or a recovery's, and it does not matter whether the release comes before it.

    They are kept because they do not depend on what makes them redundant; the tests below take
    that away.
    """
    assert_holds(search(left_out(name), SQLITE, ONE_FAULT), states=10_000)


def test_an_early_snapshot_is_made_good_by_the_second_sweep() -> None:
    """A snapshot taken before the look for holds is harmless, as long as all three are there."""
    assert_holds(search(EARLY_SNAPSHOT, SQLITE, UNDISTURBED), states=10_000)
    result = search(EARLY_SNAPSHOT, SQLITE, ONE_WRITER)
    assert result.broken is None, str(result)


@pytest.mark.parametrize("name", REDUNDANT)
def test_the_redundant_matters_with_an_early_snapshot(name: str) -> None:
    """The hold may be gone when such a generator looks, but its snapshot is older than the commit."""
    assert_breaks(search(left_out(name, of=EARLY_SNAPSHOT), SQLITE, ONE_WRITER), CURRENT)


def test_the_second_sweep_alone_is_the_guarantee_of_2007() -> None:
    """When holds get lost, pages may be stale during a commit, but not once it is answered for."""
    acknowledged = frozenset({ACKNOWLEDGED})
    assert_breaks(search(TODAY, SQLITE, ONE_LOST_HOLD), CURRENT)
    assert_holds(search(TODAY, SQLITE, ONE_LOST_HOLD, acknowledged), states=10_000)
    without = left_out("sweep_after_commit")
    assert_breaks(search(without, SQLITE, ONE_LOST_HOLD, acknowledged), ACKNOWLEDGED)


def test_the_second_sweep_works_without_any_hold() -> None:
    acknowledged = frozenset({ACKNOWLEDGED})
    without = left_out("hold")
    assert_holds(search(without, SQLITE, UNDISTURBED, acknowledged), states=10_000)
    neither = left_out("hold", "sweep_after_commit")
    assert_breaks(search(neither, SQLITE, UNDISTURBED, acknowledged), ACKNOWLEDGED)


def test_the_lock_is_redundant_where_the_transaction_is_asked_for() -> None:
    """On PostgreSQL a living writer that is taken for a dead one still has a transaction in progress.

    So a hold that is visible before it is locked breaks nothing there, provided that it names its
    transaction from the start; on SQLite the lock is all there is (`test_each_precaution_matters`).
    """
    unlocked = left_out("hold_locked_before_visible")
    assert_holds(search(unlocked, POSTGRESQL, UNDISTURBED), states=10_000)
    neither = left_out("hold_locked_before_visible", "recovery_waits_for_transaction")
    assert_breaks(search(neither, POSTGRESQL, UNDISTURBED), CURRENT)


def test_a_recovery_need_not_look_again_at_what_it_has_locked() -> None:
    """Recovery races recovery: one may lock a hold that another has released since it was opened.

    Then there is nothing to release, and a sweep more harms nobody. Looking spares the next page.
    """
    result = search(left_out("recovery_looks_again"), SQLITE, ONE_FAULT)
    assert_holds(result, states=10_000)


def test_a_hold_need_not_be_flushed_where_no_transaction_outlives_the_machine() -> None:
    """A lost hold hurts only if its transaction commits after the first sweep of the next boot."""
    assert_holds(search(left_out("holds_flushed"), SQLITE, ONE_POWER_CUT), states=10_000)


# The protocol of 2007: what it guarantees, and its faults.


def test_2007_never_shows_less_than_it_has_acknowledged() -> None:
    result = search(LEGACY_2007, SQLITE, ONE_FAULT, frozenset({ACKNOWLEDGED}))
    assert_holds(result, states=30_000)


def test_2007_publishes_half_of_a_page() -> None:
    """Nobody needs to die: a generator renames, by name, what another has just begun to write."""
    result = search(LEGACY_2007, SQLITE, UNDISTURBED, frozenset({WHOLE}))
    assert_breaks(result, WHOLE)
    assert "writer 0 unlinks the temp" in result.trace
    assert sum("creates its temp" in step for step in result.trace) == 2
    assert result.trace[-1].endswith("publishes")


def test_2007_shows_a_stale_page_for_ever_when_a_writer_dies() -> None:
    bounds = Bounds(generators=1, writers=1, faults=1)
    result = search(LEGACY_2007, SQLITE, bounds, frozenset({LASTING}))
    assert_breaks(result, LASTING)
    assert result.trace[-1] == "writer 0 dies"
    assert "writer 0 commits version 1" in result.trace
    undisturbed = search(LEGACY_2007, SQLITE, replace(bounds, faults=0), frozenset({LASTING}))
    assert undisturbed.broken is None, str(undisturbed)


def test_2007_never_caches_again_when_a_generator_dies() -> None:
    result = search(LEGACY_2007, SQLITE, ONE_FAULT, frozenset({ALIVE}))
    assert_breaks(result, ALIVE)
    assert result.trace[-2:] == ("generator 0 creates its temp", "generator 0 dies")


def test_2007_shows_a_stale_page_between_commit_and_unlink() -> None:
    result = search(LEGACY_2007, SQLITE, UNDISTURBED, frozenset({CURRENT}))
    assert_breaks(result, CURRENT)
    assert result.trace[-1] == "writer 0 commits version 1"


def test_all_promises_are_looked_for() -> None:
    assert {WHOLE, CURRENT, ALIVE} == PROMISES
