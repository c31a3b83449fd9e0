"""Codes of authenticator apps, against the vectors of the RFCs."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from pypi_lite.accounts import totp

SEED = b"12345678901234567890"
NOW = datetime(2026, 11, 24, 12, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_vectors_of_rfc_6238(seconds: int, code: str) -> None:
    """Appendix B, SHA-1."""
    step = totp.step_at(datetime.fromtimestamp(seconds, UTC))
    assert totp.code_at(SEED, step, digits=8) == code
    assert totp.code_at(SEED, step) == code[2:]


def test_vectors_of_rfc_4226() -> None:
    """Appendix D."""
    codes = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489"
    assert [totp.code_at(SEED, count) for count in range(10)] == codes.split()


def taken(code: str, *, after: int = -1, late: int = 0) -> int | None:
    return totp.step_of(SEED, code, at=NOW + timedelta(seconds=late), after=after)


def test_a_clock_may_be_one_step_off() -> None:
    step = totp.step_at(NOW)
    code = totp.code_at(SEED, step)
    assert taken(code) == step
    assert taken(f" {code[:3]} {code[3:]} ") == step
    # NOW is ten seconds into its step.
    for late, found in ((-41, None), (-40, step), (49, step), (50, None)):
        assert taken(code, late=late) == found


def test_no_step_is_taken_twice_or_after_a_later_one() -> None:
    step = totp.step_at(NOW)
    codes = {drift: totp.code_at(SEED, step + drift) for drift in (-1, 0, 1)}
    assert len(set(codes.values())) == 3
    for drift, code in codes.items():
        assert taken(code, after=step - 2) == step + drift
        assert taken(code, after=step) == (step + 1 if drift == 1 else None)
        assert taken(code, after=step + 1) is None


@pytest.mark.parametrize(
    "code", ["", " ", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345", "1e1000"]
)
def test_what_is_no_code(code: str) -> None:
    assert not totp.is_code(code)
    assert taken(code) is None


def test_seeds_are_of_the_key_and_the_salt() -> None:
    salts = {totp.new_salt() for _ in range(5)}
    assert len(salts) == 5
    seeds = {totp.seed_of(key, salt) for key in ("k", "l") for salt in salts}
    assert len(seeds) == 10
    assert {len(seed) for seed in seeds} == {20}


def test_apps_read_the_address() -> None:
    address = totp.app_uri(SEED, issuer="Our: index & co", account="ann")
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path == "/Our%20%20index%20%26%20co%3Aann"
    values = parse_qs(parts.query)
    assert base64.b32decode(values["secret"][0]) == SEED
    assert values["issuer"] == ["Our: index & co"]
    assert "+" not in address  # which some apps show as it is
