"""What an ``Authorization`` header shows."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypi_lite.accounts.credentials import LONGEST_HEADER, TOKEN_USER, secret_of
from pypi_lite.accounts.passwords import LONGEST


def basic(text: str, charset: str = "utf-8") -> str:
    return "Basic " + b64encode(text.encode(charset)).decode()


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (basic("ann:secret"), ("ann", "secret")),
        (basic("ann:se:cr:et"), ("ann", "se:cr:et")),
        (basic("__token__:t"), (TOKEN_USER, "t")),
        (basic(":secret"), ("", "secret")),
        (basic("a-token:"), (TOKEN_USER, "a-token")),
        (basic("ann:wörd"), ("ann", "wörd")),
        (basic("ann:wörd", "latin-1"), ("ann", "wörd")),
        (basic("ann:secret").replace("Basic ", "bASIC   "), ("ann", "secret")),
        (basic("ann:secret") + " ", ("ann", "secret")),
        ("Bearer a_token-1.~+/==", (TOKEN_USER, "a_token-1.~+/==")),
        ("bearer  t", (TOKEN_USER, "t")),
    ],
)
def test_what_is_shown(header: str, shown: tuple[str, str]) -> None:
    assert secret_of(header) == shown


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Basic",
        "Basic ",
        "Basic:",
        basic("no colon"),
        basic(":"),
        basic("ann:secret")[len("Basic ") :],
        basic("ann:secret").replace("Basic", "Digest"),
        basic("ann:secret").rstrip("="),
        basic("ann:secret") + "=",
        basic("ann:secret") + "\n",
        basic("ann:secret") + " " + basic("bob:secret"),
        "Basic YW5uOnNl Y3JldA==",
        "Basic YW5u!OnNlY3JldA==",
        "Basic YW5uOnNlY3JldA==YW5u",
        "Basic \xe4\xf6\xfc",
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer a\n",
        "Bearer t\xf6ken",
        "Bearer =",
        "Bearer \u0663",
    ],
)
def test_what_shows_nothing(header: str) -> None:
    assert secret_of(header) is None


def test_the_length_has_a_bound_past_the_longest_password() -> None:
    name, password = "n" * 64, "\N{GRINNING FACE}" * LONGEST
    assert secret_of(basic(f"{name}:{password}")) == (name, password)
    longest = "Bearer " + "t" * (LONGEST_HEADER - len("Bearer "))
    assert secret_of(longest) is not None
    assert secret_of(longest + "t") is None


@given(st.text())
def test_no_text_is_too_strange(header: str) -> None:
    """Whatever a client sends, the answer is no exception."""
    secret_of(header)
    secret_of("Basic " + header)
    secret_of("Bearer " + header)


@given(
    st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_what_a_client_encodes_is_read_again(user: str, secret: str) -> None:
    header = basic(f"{user}:{secret}")
    assert secret_of(header) == ((user, secret) if len(header) <= LONGEST_HEADER else None)
