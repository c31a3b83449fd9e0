"""Every interleaving of the first processes of a boot, and of what is left without a precaution."""

from dataclasses import replace

import pytest

from tests.cache.protocol_boot import Boot, Violation, search_boot

ALL = Boot()
SERVED, FORGOTTEN = Violation.SERVED, Violation.FORGOTTEN


def test_what_a_power_cut_has_damaged_is_never_served() -> None:
    result = search_boot(ALL)
    assert result.broken is None, str(result)
    assert result.states > 300


@pytest.mark.parametrize(
    ("names", "violation"),
    [
        (["compare"], SERVED),
        (["sweep"], SERVED),
        (["sweep_before_mark"], SERVED),
        (["look_again"], FORGOTTEN),
        (["lock"], FORGOTTEN),
        (["mark"], FORGOTTEN),
    ],
)
def test_each_precaution_matters(names: list[str], violation: Violation) -> None:
    result = search_boot(replace(ALL, **dict.fromkeys(names, False)))
    assert result.broken is violation, str(result)


@pytest.mark.parametrize("name", ["look_again", "lock", "mark"])
def test_the_lock_spares_work_and_proves_nothing(name: str) -> None:
    """Without it a process may sweep what another has just published: a miss more, nothing damaged."""
    result = search_boot(replace(ALL, **{name: False}), {SERVED})
    assert result.broken is None, str(result)
    assert result.states > 300
