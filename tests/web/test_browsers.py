"""What browser somebody uses."""

import pytest

from pypi_lite.web.browsers import browser_of

_LIKE = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "Firefox 140 on Linux"),
        (_LIKE.format("Windows NT 10.0") + "Chrome/140.0 Safari/537.36", "Chrome 140 on Windows"),
        (
            _LIKE.format("Windows NT 10.0") + "Chrome/140.0 Safari/537.36 Edg/141.0",
            "Edge 141 on Windows",
        ),
        (
            _LIKE.format("Macintosh; Intel Mac OS X 10_15_7") + "Version/18.1 Safari/605.1",
            "Safari 18 on macOS",
        ),
        (_LIKE.format("Linux; Android 15") + "Chrome/140.0 Mobile", "Chrome 140 on Android"),
        (
            _LIKE.format("iPhone; CPU iPhone OS 18_0 like Mac OS X") + "Version/18.0 Safari/604.1",
            "Safari 18 on iOS",
        ),
        ("curl/8.14.1", "curl/8.14.1"),
        ("Firefox/1", "Firefox 1"),
        ("", "An unknown browser"),
    ],
)
def test_browsers(agent: str, name: str) -> None:
    assert browser_of(agent) == name
