"""``pypi-lite journal``."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.commands.conftest import Command
from tests.distributions.build import wheel


@pytest.fixture
def filled(command: Command, root: str) -> Command:
    """An index with the administrator root and the project foo."""
    filename, content = wheel("foo", "1.0")
    path = command.data / filename
    path.write_bytes(content)
    assert command("import", str(path)) == 0
    return command


def entries(command: Command, *arguments: str) -> list[dict[str, Any]]:
    assert command("journal", *arguments) == 0
    assert command.err == ""
    return [json.loads(line) for line in command.out.splitlines()]


def test_it_prints_json_lines(filled: Command) -> None:
    found = entries(filled)
    assert [entry["serial"] for entry in found] == list(range(1, len(found) + 1))
    assert found[0]["action"] == "index.create"
    assert found[-1]["action"] == "file.add"
    assert found[-1]["actor"] == "command line"
    assert (found[-1]["means"], found[-1]["address"]) == (None, None)


def test_it_takes_filters(filled: Command) -> None:
    everything = entries(filled)
    assert {entry["project"] for entry in entries(filled, "--project", "Foo")} == {"foo"}
    assert entries(filled, "--since", str(everything[1]["serial"])) == everything[2:]
    assert entries(filled, "--since", "2020-01-01", "--until", "9999-01-01") == everything
    assert entries(filled, "--until", "2020-01-01") == []
    assert entries(filled, "--actor", "nobody") == []
    (added,) = entries(filled, "--action", "file.add", "--actor", "command line")
    assert added["filename"] == "foo-1.0-py3-none-any.whl"


def test_what_is_no_filter_is_said(filled: Command) -> None:
    for arguments in (("--since", "x"), ("--action", "file"), ("--actor", "\udcff")):
        assert filled("journal", *arguments) == 1
        assert filled.says()


def test_a_reader_that_has_enough_is_no_error(filled: Command) -> None:
    """Such as ``head``: it closes the pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as out:
        arguments = [sys.executable, "-m", "pypi_lite", "--data", str(filled.data), "journal"]
        done = subprocess.run(
            arguments, stdout=out, stderr=subprocess.PIPE, timeout=120, check=False
        )
    assert done.stderr == b""
    assert done.returncode == 0
