"""Whom the server believes about where a request comes from."""

from typing import Any

import pytest

from pypi_lite.server.proxies import believing, networks
from pypi_lite.settings import Settings, SettingsError

#: What a client says, and what a proxy has added to it or put in its place.
SPOOFED = {
    "HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.7",
    "HTTP_X_FORWARDED_HOST": "packages.test",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_FORWARDED": "for=203.0.113.10;host=evil.test",
    "HTTP_X_FORWARDED_BY": "203.0.113.11",
}


def told(address: str, *trusted: str) -> dict[str, Any]:
    """What the application gets to know of a request from *address*."""
    found: dict[str, Any] = {}

    def app(environ: dict[str, Any], _start_response: Any) -> list[bytes]:
        found.update(environ)
        return []

    environ = {
        "REMOTE_ADDR": address,
        "HTTP_HOST": "here.test",
        "wsgi.url_scheme": "http",
        **SPOOFED,
    }
    believing(app, networks(trusted))(environ, lambda *_: None)
    return found


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("127.0.0.1", ("127.0.0.1",)),
        ("10.1.2.3", ("192.0.2.1", "10.0.0.0/8")),
        ("2001:db8::1", ("2001:db8::/32",)),
    ],
)
def test_a_trusted_proxy_is_believed(address: str, trusted: tuple[str, ...]) -> None:
    """Of several addresses the last, which it has seen itself: all before are the client's words."""
    found = told(address, *trusted)
    assert found["REMOTE_ADDR"] == "198.51.100.7"
    assert found["HTTP_HOST"] == "packages.test"
    assert found["wsgi.url_scheme"] == "https"
    assert "HTTP_FORWARDED" not in found
    assert "HTTP_X_FORWARDED_BY" not in found


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("127.0.0.1", ()),
        ("127.0.0.1", ("192.0.2.1", "10.0.0.0/8", "::1")),
        ("11.0.0.1", ("10.0.0.0/8",)),
        ("fe80::1%eth0", ("127.0.0.1",)),
        ("198.51.100.7", ("127.0.0.1",)),
    ],
)
def test_nobody_else_is(address: str, trusted: tuple[str, ...]) -> None:
    found = told(address, *trusted)
    assert found["REMOTE_ADDR"] == address
    assert found["HTTP_HOST"] == "here.test"
    assert found["wsgi.url_scheme"] == "http"
    assert not found.keys() & SPOOFED.keys()


@pytest.mark.parametrize("text", ["proxy.test", "10.0.0.1/8", "*", "10.0.0.1 10.0.0.2"])
def test_a_proxy_is_an_address_or_a_network(text: str) -> None:
    with pytest.raises(SettingsError, match="trusted_proxy"):
        Settings.from_ini({"pypi_lite.trusted_proxy": text})
    found = Settings.from_ini({"pypi_lite.trusted_proxy": "10.0.0.1, 192.0.2.0/24"})
    assert found.trusted_proxy == ("10.0.0.1", "192.0.2.0/24")
