"""``pypi-lite serve``: what it says when it listens."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.commands.conftest import Command


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://0.0.0.0:7801", "http://127.0.0.1:7801/"),
        ("http://[::]:7801", "http://[::1]:7801/"),
    ],
)
def test_who_listens_everywhere_is_told_to_set_the_address(
    command: Command, monkeypatch: pytest.MonkeyPatch, url: str, here: str
) -> None:
    def serve(_make_app: Any, *, on_listening: Callable[[str], None], **_options: Any) -> int:
        on_listening(url)
        return 0

    monkeypatch.setattr("pypi_lite.commands.serving.serve", serve)
    listen = url.removeprefix("http://")
    assert command("serve", "--listen", listen) == 0
    assert f"pypi_lite is at {here}\n" in command.out
    assert "set pypi_lite.url, or PYPI_LITE_URL" in command.out
    assert "Reading needs an account" in command.out
    assert url not in command.out
    monkeypatch.setenv("PYPI_LITE_URL", "https://index.test/")
    assert command("serve", "--listen", listen) == 0
    assert "pypi_lite is at https://index.test/\n" in command.out
    assert "PYPI_LITE_URL" not in command.out
