"""Taking files and folders into the index."""

import io
from pathlib import Path

import pytest

from pypi_lite.importing import import_paths
from pypi_lite.repository import Index, pages
from pypi_lite.repository.reach import EVERYTHING
from tests.distributions.build import sdist, wheel

FILES = [wheel("foo", "1.0"), sdist("foo", "1.0"), sdist("old", "1.0", extension=".zip")]


class Terminal(io.StringIO):
    """A stream that says it is a person's."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a distribution in a folder, and other things."""
    folder = tmp_path / "dist"
    (folder / "deeper").mkdir(parents=True)
    for number, (filename, content) in enumerate(FILES):
        (folder / ("deeper" if number else "") / filename).write_bytes(content)
    (folder / "README.txt").write_text("not a distribution")
    (folder / "folder.whl").mkdir()
    return folder


def test_a_folder_is_taken_in_with_all_below_it(index: Index, folder: Path) -> None:
    out = io.StringIO()
    assert import_paths(index, [folder], out)
    assert out.getvalue() == "3 imported, 0 here already, 0 refused\n"
    with index.database.read() as session:
        for filename, _ in FILES:
            assert pages.stored_file(session, filename, EVERYTHING) is not None
    again = io.StringIO()
    assert import_paths(index, [folder, folder / FILES[0][0]], again)
    assert again.getvalue() == "0 imported, 4 here already, 0 refused\n"


def test_what_is_refused_is_named_and_the_rest_goes_on(index: Index, folder: Path) -> None:
    (folder / "broken-1.0.tar.gz").write_bytes(b"no archive")
    (folder / FILES[0][0]).rename(folder / "renamed-1.0-py3-none-any.whl")
    paths = [folder, folder / "README.txt", folder / "missing-1.0.tar.gz"]
    out = io.StringIO()
    assert not import_paths(index, paths, out)
    lines = out.getvalue().splitlines()
    assert lines[-1] == "2 imported, 0 here already, 4 refused"
    assert len(lines) == 5
    for name in ("broken-1.0", "renamed-1.0", "README.txt", "missing-1.0"):
        assert [line for line in lines[:-1] if name in line and ": " in line]
    assert not list((index.settings.blobs / "incoming").iterdir())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_person_sees_how_far_it_is(index: Index, folder: Path) -> None:
    (folder / "broken-1.0.tar.gz").write_bytes(b"no archive")
    out = Terminal()
    import_paths(index, [folder], out)
    text = out.getvalue()
    for step in ("0/4", "1/4", "2/4", "3/4", "4/4"):
        assert step in text
    assert f"[{'#' * 30}] 4/4" in text
    # Each bar is cleared before something else is written, and at the end.
    assert text.rsplit("\r\x1b[K", 1)[1] == "3 imported, 0 here already, 1 refused\n"
    before, _ = text.split(f"{folder}/broken-1.0.tar.gz: ")
    assert before.endswith("\r\x1b[K")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_to_import(index: Index, tmp_path: Path) -> None:
    out = Terminal()
    assert import_paths(index, [tmp_path], out)
    assert out.getvalue().endswith("0 imported, 0 here already, 0 refused\n")
