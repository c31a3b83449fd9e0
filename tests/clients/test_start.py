"""What a server imports before its first answers: each module costs time at every start, and memory."""

import re
from pathlib import Path

import pytest

from tests.clients import raw
from tests.clients.running import RunningIndex
from tests.conftest import new_token, new_user
from tests.distributions.build import wheel

#: What nothing but a new schema, a description to render, or a second factor needs.
LATE = {"alembic", "mako", "readme_renderer", "docutils", "pygments", "nh3", "webauthn", "segno"}


def imported(running: RunningIndex) -> set[str]:
    """The modules that the server's processes have imported until now."""
    text = running.log.read_text()
    return set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", text, re.M))


def test_a_start_imports_nothing_that_its_first_answers_dont_need(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")  # the server's log tells its imports
    running = RunningIndex(tmp_path / "index", database_url, workers=1)
    try:
        running.start()
        for path in ("", "simple/", "login/"):
            assert raw.get(running.url + path, {}).status == 200
        modules = imported(running)
        assert {"pyramid", "sqlalchemy.orm", "pypi_lite.server.process"} <= modules
        assert modules & LATE == set()
        # A description is rendered all the same, and the log tells of what comes late.
        token = new_token(running.index, new_user(running.index, "ann"))
        name, content = wheel("sample", "1.0", description="*Hello*")
        assert running.upload(name, content, token).status == 200
        assert "<em>Hello</em>" in raw.get(f"{running.url}project/sample/", {}).text
        assert {"readme_renderer", "docutils"} <= imported(running)
        assert running.stop() == 0
    finally:
        running.close()
