"""Hostile archives: each is refused with a text that helps, or harmless, within time and memory."""

import json
import subprocess
import sys

import pytest

from pypi_lite.distributions import bounds
from tests.distributions.hostile import CASES
from tests.distributions.inspecting import ENOUGH

NAMES = sorted(CASES)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What came of each, in a process that imports what an upload imports, and nothing else."""
    folder = tmp_path_factory.mktemp("hostile")
    for number, name in enumerate(NAMES):
        case = CASES[name]
        (folder / f"{number:03}.{case.filename}").write_bytes(case.content())
    command = [sys.executable, "-m", "tests.distributions.inspecting", str(folder)]
    timeout = ENOUGH * len(NAMES)
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    return {NAMES[int(line["name"].partition(".")[0])]: line for line in lines}


@pytest.mark.parametrize("name", NAMES)
def test_hostile(name: str, found: dict[str, dict[str, object]]) -> None:
    code, _, text = str(found[name]["outcome"]).partition(" ")
    fault = CASES[name].fault
    assert code == (fault or "taken"), text
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 400
    assert int(str(found[name]["peak"])) < bounds.MAX_MEMORY


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60
    assert sum(case.fault is None for case in CASES.values()) < len(CASES) / 5
