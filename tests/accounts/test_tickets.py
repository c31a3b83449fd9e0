"""Tickets."""

import base64

import pytest

from pypi_lite.accounts import tickets
from pypi_lite.accounts.tickets import Purpose, Ticket


def read(
    text: str, purpose: Purpose = Purpose.FACTOR, visitor: str = "v", key: str = "k"
) -> Ticket | None:
    return tickets.read(key, purpose, text, visitor=visitor)


def issue() -> str:
    text, _ = tickets.issue("k", Purpose.FACTOR, visitor="v", user=7, wanted="/ä/")
    return text


def test_a_ticket_says_what_was_said() -> None:
    text, given = tickets.issue("k", Purpose.FACTOR, visitor="v", user=7, wanted="/ä/")
    found = read(text)
    assert found == given
    assert found.values == {"user": 7, "wanted": "/ä/"}
    assert len(found.challenge) == 32
    other = read(issue())
    assert other is not None
    assert len({found.challenge, other.challenge, found.sha256, other.sha256}) == 4


def test_it_is_for_one_purpose_browser_and_index() -> None:
    text = issue()
    assert read(text, purpose=Purpose.ENROL) is None
    assert read(text, visitor="w") is None
    assert read(text, key="l") is None
    assert read(text) is not None


def test_it_lasts_a_few_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_000_000.0)
    text = issue()
    for late, is_good in ((tickets.LIFETIME - 1, True), (tickets.LIFETIME, False), (10**6, False)):
        monkeypatch.setattr("time.time", lambda late=late: 1_000_000.0 + late)
        assert (read(text) is not None) is is_good


def test_nobody_changes_one() -> None:
    text = issue()
    body, _, signature = text.partition(".")
    forged = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).replace(
        b'"user": 7', b'"user": 1'
    )
    changed = base64.urlsafe_b64encode(forged).decode().rstrip("=")
    for wrong in (
        f"{changed}.{signature}",
        f"{body}.",
        body,
        f".{signature}",
        "",
        ".",
        "ä.ö",
        text[:-4],
        f"{text}AAAA",
        "A" * 100_000,
    ):
        assert read(wrong) is None
