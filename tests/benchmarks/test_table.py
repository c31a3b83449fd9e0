"""The table of figures."""

import pytest

from benchmarks.table import Row, lines, number


def test_shows_medians_and_how_many_times_better_the_first_did() -> None:
    rate = Row("pages", "req/s", more_is_better=True)
    time = Row("upload", "ms")
    for ours, theirs in (4000.0, 2000.0), (1000.0, 100.0), (3000.0, 30.0):
        rate.add("a", ours)
        rate.add("b", theirs)
    for ours, theirs in (2.0, 1.0), (2.0, 3.0), (2.0, 3.0):
        time.add("a", ours)
        time.add("b", theirs)
        time.add("c", 2.0, "with a password")
    assert list(lines([rate, time], ["a", "b", "c"])) == [
        "| | a | b | c |",
        "|---|--:|--:|--:|",
        # Not 3,000 / 100: each round's ratio, and then the median of 2, 10 and 100.
        "| pages, req/s | 3,000 | 100 (10.0x) | - |",
        "| upload, ms | 2.00 | 3.00 (1.50x) | 2.00 (1.00x) [1] |",
        "",
        "[1] with a password",
    ]


def test_a_note_is_numbered_once() -> None:
    rows = [Row("one", "s"), Row("two", "s"), Row("three", "s")]
    for row, note in zip(rows, ("same", "same", "other"), strict=True):
        row.add("a", 1.0, note)
        row.add("a", 1.0)  # a later round without it takes nothing back
    assert list(lines(rows, ["a"]))[2:] == [
        "| one, s | 1.00 [1] |",
        "| two, s | 1.00 [1] |",
        "| three, s | 1.00 [2] |",
        "",
        "[1] same",
        "[2] other",
    ]


def test_a_round_in_which_nothing_was_answered_is_no_error() -> None:
    row = Row("pages", "req/s", more_is_better=True)
    row.add("a", 5.0)
    row.add("b", 0.0)
    assert list(lines([row], ["a", "b"]))[2:] == ["| pages, req/s | 5.00 | 0 (infx) |"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.01234, "0.0123"),
        (0.567, "0.567"),
        (1.0, "1.00"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12345.6, "12,346"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text
