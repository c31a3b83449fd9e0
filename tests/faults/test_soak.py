"""The soak in short: everything at once on each database, and not one answer that is wrong."""

from pathlib import Path

from tests.faults.soak import Plan, soak

SECONDS = 4.0


def test_no_answer_is_wrong(tmp_path: Path, database_url: str) -> None:
    report = soak(Plan(SECONDS, database_url, readers=1, seed=20070714), tmp_path / "index")
    assert report.violations == []
    assert report.figures["reads"] > 200
    assert report.figures["acknowledged writes"] > 2
