"""What was swept is removed a little at a time, and nothing else is."""

import os
from pathlib import Path

import pytest

from pypi_lite.cache.store import Cache
from pypi_lite.cache.trash import remove


def fill(folder: Path, folders: int, files: int) -> int:
    """How many files and folders there are."""
    for number in range(folders):
        (folder / f"{number}" / "build").mkdir(parents=True)
        for name in range(files):
            (folder / f"{number}" / "build" / f"{name}").write_text("x")
    return 1 + folders * (2 + files)


def left(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*")) + 1 if folder.exists() else 0


def test_no_more_is_removed_than_was_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "swept"
    total = fill(folder, 5, 4)
    for most in (3, 1, 7):
        before = left(folder)
        assert remove(str(folder), most) == 0
        assert before - left(folder) == most
    assert remove(str(folder), total) > 0
    assert left(folder) == 0


def test_all_of_it_goes_with_later_sweeps(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path), "build", is_over=lambda _: True)
    for number in range(3):
        fill(tmp_path / "pages" / "project", 4, number)
        cache.sweep("project")
    trash, rounds = tmp_path / "trash", 0
    while left(trash) > 1:
        before = left(trash)
        cache.empty_trash(5)
        assert before - 5 <= left(trash) < before
        rounds += 1
    assert rounds > 5


def test_what_a_link_leads_to_is_not_ours(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    folder = tmp_path / "swept"
    fill(folder, 1, 1)
    os.symlink(kept, folder / "0" / "build" / "link")
    os.symlink(kept, tmp_path / "link")
    remove(str(folder))
    remove(str(tmp_path / "link"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept"]
    assert (kept / "file").exists()


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_what_is_no_folder_is_let_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    remove(str(tmp_path / name))
    assert (tmp_path / "file").exists()
