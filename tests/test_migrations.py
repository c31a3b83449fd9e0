"""The schema's revisions."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from pypi_lite import migrations


def test_the_newest_revision_is_the_one_that_alembic_goes_to() -> None:
    """Or a start would take an old schema for the newest, or call Alembic each time."""
    folder = Path(migrations.__file__).parent
    assert migrations.newest_revision() == ScriptDirectory(str(folder)).get_current_head()


def test_revisions_are_in_the_order_of_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    for name in ("0009_b.py", "0010_a.py", "0001_c.py", "__init__.py", "0011_c.pyc"):
        (versions / name).touch()
    monkeypatch.setattr(migrations, "_FOLDER", tmp_path)
    assert migrations.newest_revision() == "0010"
