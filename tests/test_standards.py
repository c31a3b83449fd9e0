"""docs/standards.md: every requirement is there, and so is the test that shows it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: How many ids each letter has.
IDS = dict(zip("SHNKDCUATMFVJ", (24, 12, 12, 8, 11, 16, 30, 7, 8, 10, 9, 4, 5), strict=True))
_ROW = re.compile(r"\| ([A-Z]\d\d) \|")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows() -> Iterator[list[str]]:
    """The cells of each line of the tables of ids."""
    for line in (ROOT / "docs" / "standards.md").read_text("utf-8").splitlines():
        if _ROW.match(line):
            yield [cell.strip() for cell in line.strip().strip("|").split("|")]


ROWS = list(rows())


@cache
def functions_of(path: str) -> frozenset[str]:
    """The test functions of a file; none where there is no file."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    body = ast.parse(file.read_bytes()).body
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef))


def test_every_id_is_there_once_and_in_order() -> None:
    wanted = [f"{letter}{n:02}" for letter, count in IDS.items() for n in range(1, count + 1)]
    assert [row[0] for row in ROWS] == wanted


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_no_cell_is_empty_and_every_test_exists(row: list[str]) -> None:
    assert len(row) == 4
    assert all(row)
    named = _TEST.findall(row[3])
    # Nothing else is in that cell, such as a name that is spelt in another way.
    assert " ".join(f"`{path}::{name}`" for path, name in named) == row[3]
    assert named
    missing = [f"{path}::{name}" for path, name in named if name not in functions_of(path)]
    assert missing == []
