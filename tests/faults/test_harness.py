"""Is the soak any good? With the protocol broken on purpose it has to find what is wrong, soon."""

from pathlib import Path

import pytest

from tests.faults import broken
from tests.faults.soak import Plan, soak

SECONDS = 40.0
#: What each fault shows as; any of these texts will do.
STALE = ("was acknowledged", "was committed", "wrong about", "has seen", "404, but", "was deleted")
SEEN_AS = {
    "never-sweep": STALE,
    "no-hold": STALE,
    "only-before": STALE,
    "blind": (*STALE, "a page, but"),
    "commit-anyway": STALE,
    "torn": ("not whole", "two contents"),
    "late-folder": STALE,
    "always-known": ("304 as",),
}


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
