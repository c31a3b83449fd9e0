"""Every interleaving of changes that alter two keys, and of what is left when one key is forgotten."""

from dataclasses import replace

import pytest

from tests.cache.protocol import Bounds, Database, Invariant
from tests.cache.protocol_keys import Care, search_keys

SQLITE, POSTGRESQL = Database.SQLITE, Database.POSTGRESQL
CURRENT, ALIVE = Invariant.CURRENT, Invariant.ALIVE
ALL = Care()
POWER_CUT = Bounds(generators=1, writers=1, faults=0, power_cuts=1)


@pytest.mark.parametrize("database", Database)
def test_both_keys_are_current_whatever_happens(database: Database) -> None:
    """Refusals, deaths, rollbacks, a COMMIT without an answer: at any of the two keys."""
    result = search_keys(ALL, database)
    assert result.broken is None, str(result)
    assert result.states > 5_000


@pytest.mark.parametrize("database", Database)
def test_both_keys_are_current_through_a_power_cut(database: Database) -> None:
    result = search_keys(ALL, database, POWER_CUT)
    assert result.broken is None, str(result)
    assert result.states > 5_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "bounds",
    [
        Bounds(generators=1, writers=2, faults=1),
        Bounds(generators=1, writers=1, faults=3),
    ],
)
def test_more_of_them(bounds: Bounds) -> None:
    result = search_keys(ALL, SQLITE, bounds)
    assert result.broken is None, str(result)
    assert result.states > 50_000


@pytest.mark.slow
def test_three_keys() -> None:
    result = search_keys(ALL, SQLITE, keys=3)
    assert result.broken is None, str(result)
    assert result.states > 100_000


@pytest.mark.parametrize("database", Database)
@pytest.mark.parametrize(
    ("name", "invariant"),
    [
        ("hold", CURRENT),
        ("sweep", CURRENT),
        ("release", ALIVE),
        ("release_refused", ALIVE),
        ("settle_after_failure", ALIVE),
    ],
)
def test_each_key_is_owed_the_same_care(
    database: Database, name: str, invariant: Invariant
) -> None:
    result = search_keys(replace(ALL, **{name: False}), database)
    assert result.broken is invariant, str(result)
    assert "key 1" in "\n".join(result.trace)


def test_the_second_sweep_is_there_twice_for_each_key() -> None:
    """As it is for one key (`test_protocol.test_redundant_alone`)."""
    result = search_keys(replace(ALL, sweep_again=False), SQLITE)
    assert result.broken is None, str(result)
