"""What requests show of who sent them."""

import base64

import pytest

from pypi_lite import shown as module
from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.sessions import COOKIE
from pypi_lite.accounts.tokens import new_secret, token_hash
from pypi_lite.decisions import Credentials
from pypi_lite.shown import Shown, has_credentials

PETE = Identity(name="pete", user_id=7, password="which")


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def credentials(shown: Shown, authorization: str) -> Credentials | None:
    return shown.credentials({"HTTP_AUTHORIZATION": authorization})


def test_a_token_is_the_same_however_it_is_shown() -> None:
    shown, token = Shown(), new_secret()
    wanted = Credentials(token_hash(token))
    for _ in range(2):
        for header in (basic("__token__", token), basic("x", token), f"Bearer {token}"):
            assert credentials(shown, header) == wanted


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !", "Bearer pypi_lite_short", basic("__token__", "A" * 43), "Digest x"],
)
def test_what_can_be_nobodys_is_nobodys(header: str) -> None:
    shown = Shown()
    for _ in range(2):
        assert credentials(shown, header) is None
    assert not has_credentials({"HTTP_AUTHORIZATION": header})


def test_a_password_stands_for_somebody_once_it_has_been_verified() -> None:
    shown, header = Shown(), basic("pete", "a long phrase")
    assert credentials(shown, header) is None
    assert has_credentials({"HTTP_AUTHORIZATION": header})
    shown.remember(header, PETE)
    assert credentials(shown, header) == Credentials("user-7", "which")
    for other in (basic("pete", "a long phrase "), basic("Pete", "a long phrase")):
        assert credentials(shown, other) is None
    assert credentials(Shown(), header) is None


def test_made_up_tokens_take_no_room_from_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 10)
    shown, header = Shown(), basic("pete", "a long phrase")
    shown.remember(header, PETE)
    for _ in range(100):
        credentials(shown, f"Bearer {new_secret()}")
        assert len(shown._tokens) <= 10
    assert credentials(shown, header) is not None
    for number in range(100):
        shown.remember(basic("pete", f"phrase {number}"), PETE)
        assert len(shown._passwords) <= 10


def test_no_secret_is_kept() -> None:
    shown, token, password = Shown(), new_secret(), "a long phrase"
    headers = (basic("__token__", token), basic("pete", password))
    credentials(shown, headers[0])
    shown.remember(headers[1], PETE)
    kept = repr(vars(shown))
    assert token_hash(token) in kept
    assert not any(secret in kept for secret in (token, password, *headers))


def test_authorization_counts_before_a_cookie() -> None:
    shown = Shown()
    cookie = {"HTTP_COOKIE": f"{COOKIE}={'A' * 43}"}
    found = shown.credentials(cookie)
    assert found is not None
    assert has_credentials(cookie)
    assert shown.credentials({**cookie, "HTTP_AUTHORIZATION": "Basic !"}) is None
    assert not has_credentials({**cookie, "HTTP_AUTHORIZATION": "Basic !"})
    assert shown.credentials({}) is None
    assert not has_credentials({})
