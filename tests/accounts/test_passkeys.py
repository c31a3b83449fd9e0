"""Passkeys: what is asked for, and which answers are none."""

import json
from typing import Any

import pytest

from pypi_lite.accounts import passkeys
from pypi_lite.accounts.passkeys import NewPasskey, Party, PasskeyError, party_at
from tests.accounts.authenticator import Authenticator, encode

PARTY = party_at("https://index.test/simple-index/", "Ours")
CHALLENGE = b"c" * 32


def created(authenticator: Authenticator, challenge: bytes = CHALLENGE) -> NewPasskey:
    options = passkeys.creation_options(
        PARTY, handle=b"h" * 32, user_name="ann", challenge=CHALLENGE, existing=["AAAA"]
    )
    return passkeys.check_created(PARTY, authenticator.create(options), challenge=challenge)


def answered(authenticator: Authenticator, new: NewPasskey, **keywords: Any) -> int:
    options = passkeys.request_options(PARTY, challenge=CHALLENGE, allowed=[new.credential_id])
    values: dict[str, Any] = {
        "challenge": CHALLENGE,
        "public_key": new.public_key,
        "sign_count": new.sign_count,
        **keywords,
    }
    return passkeys.check_answer(PARTY, authenticator.get(options), **values)


def test_a_key_is_made_and_answers() -> None:
    authenticator = Authenticator(count=4)
    new = created(authenticator)
    assert (new.credential_id, new.sign_count) == (encode(authenticator.credential_id), 4)
    assert answered(authenticator, new) == 5
    assert answered(authenticator, new, sign_count=5) == 6


def test_one_that_does_not_count_is_as_good() -> None:
    authenticator = Authenticator(step=0)
    new = created(authenticator)
    assert answered(authenticator, new) == 0
    assert answered(authenticator, new) == 0


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://evil.test"},
        {"origin": "https://index.test:444"},
        {"origin": "http://index.test"},
        {"rp_id": "evil.test"},
        {"challenge": encode(b"d" * 32)},
        {"kind": "webauthn.other"},
        {"is_present": False},
    ],
)
def test_lies_are_refused(lie: dict[str, Any]) -> None:
    with pytest.raises(PasskeyError):
        created(Authenticator(**lie))
    honest = Authenticator()
    new = created(honest)
    liar = Authenticator(**lie, key=honest.key, credential_id=honest.credential_id)
    with pytest.raises(PasskeyError):
        answered(liar, new)
    assert answered(honest, new) == 1


def test_an_answer_is_for_one_challenge() -> None:
    authenticator = Authenticator()
    with pytest.raises(PasskeyError):
        created(authenticator, challenge=b"d" * 32)
    with pytest.raises(PasskeyError):
        answered(authenticator, created(authenticator), challenge=b"d" * 32)


def test_a_count_that_does_not_grow_is_a_copy() -> None:
    authenticator = Authenticator(count=7)
    new = created(authenticator)
    assert answered(authenticator, new) == 8
    for ahead in (1, 2, 1000):
        with pytest.raises(PasskeyError):
            answered(authenticator, new, sign_count=authenticator.count + ahead)
    # Nor may one that has counted stop.
    authenticator.count, authenticator.step = 0, 0
    with pytest.raises(PasskeyError):
        answered(authenticator, new)


def test_another_key_is_refused() -> None:
    authenticator = Authenticator()
    new = created(authenticator)
    other = Authenticator(credential_id=authenticator.credential_id)
    with pytest.raises(PasskeyError):
        answered(other, new)


def test_one_that_stands_alone_has_asked_for_more_than_a_touch() -> None:
    authenticator = Authenticator()
    new = created(authenticator)
    authenticator.is_verified = False
    assert answered(authenticator, new) == 1
    with pytest.raises(PasskeyError):
        answered(authenticator, new, sign_count=1, must_verify=True)
    authenticator.is_verified = True
    assert answered(authenticator, new, sign_count=2, must_verify=True) == 3


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "null",
        "[]",
        "{}",
        "x",
        "[" * 100_000,
        '{"id": 7}',
        '{"id": "ä"}',
        '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
        '{"id": "AA", "rawId": "AA", "type": "public-key", "response": 7}',
        json.dumps(
            {
                "id": "AA",
                "rawId": "AA",
                "type": "public-key",
                "response": {
                    "clientDataJSON": "????",
                    "attestationObject": "oA",
                    "authenticatorData": "",
                    "signature": "",
                },
            }
        ),
        '{"id": "' + "A" * 70_000 + '"}',
    ],
)
def test_wild_answers_are_refused(answer: str) -> None:
    with pytest.raises(PasskeyError):
        passkeys.check_created(PARTY, answer, challenge=CHALLENGE)
    with pytest.raises(PasskeyError):
        passkeys.check_answer(PARTY, answer, challenge=CHALLENGE, public_key=b"", sign_count=0)


@pytest.mark.parametrize(
    ("url", "rp_id", "origin", "can"),
    [
        ("https://index.test/", "index.test", "https://index.test", True),
        ("https://index.test:443/a/", "index.test", "https://index.test", True),
        ("https://index.test:8443/a/", "index.test", "https://index.test:8443", True),
        ("http://localhost:6543/", "localhost", "http://localhost:6543", True),
        ("http://index.test/", "index.test", "http://index.test", False),
        ("http://127.0.0.1:6543/", "127.0.0.1", "http://127.0.0.1:6543", False),
        ("https://[::1]:6543/", "::1", "https://[::1]:6543", False),
    ],
)
def test_who_the_index_is(url: str, rp_id: str, origin: str, can: bool) -> None:
    party = party_at(url, "Ours")
    assert party == Party(rp_id, origin, "Ours")
    assert party.can_have_passkeys is can
