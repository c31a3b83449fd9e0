"""Settings from the environment, and from files that hold secrets."""

from pathlib import Path

import pytest

from pypi_lite.settings import Settings, SettingsError
from pypi_lite.sources import with_environment


def test_the_environment_wins_over_the_file() -> None:
    ini = {"pypi_lite.title": "Ours", "pypi_lite.accel": "yes", "sqlalchemy.url": "sqlite:///a"}
    environ = {"PYPI_LITE_TITLE": "Theirs", "PYPI_LITE_DATABASE_URL": "sqlite:///b"}
    settings = Settings.from_ini(with_environment(ini, environ))
    assert (settings.title, settings.accel, settings.database_url) == (
        "Theirs",
        True,
        "sqlite:///b",
    )


def test_variables_that_are_no_settings_are_somebody_elses() -> None:
    environ = {"PYPI_LITE_NO_SKIP": "1", "pypi_lite_title": "x", "PATH": "/bin", "PYPI_LITE_": "x"}
    assert with_environment({"keys": "of others"}, environ) == {"keys": "of others"}


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("postgresql://ann:secret@db/index\n")
    for ini, environ in (
        ({"pypi_lite.database_url_file": str(path)}, {}),
        ({"sqlalchemy.url": "sqlite:///a"}, {"PYPI_LITE_DATABASE_URL_FILE": str(path)}),
    ):
        settings = Settings.from_ini(with_environment(ini, environ))
        assert settings.database_url == "postgresql://ann:secret@db/index"


def test_a_value_in_the_environment_wins_over_the_inis_file(tmp_path: Path) -> None:
    ini = {"pypi_lite.title_file": str(tmp_path / "nothing")}
    assert Settings.from_ini(with_environment(ini, {"PYPI_LITE_TITLE": "x"})).title == "x"


def test_what_cant_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with pytest.raises(SettingsError, match=r"pypi_lite\.title_file: the file can't be read"):
        with_environment({"pypi_lite.title_file": str(path)}, {})
    path.write_text("x")
    both = {"pypi_lite.title_file": str(path), "pypi_lite.title": "y"}
    with pytest.raises(
        SettingsError, match=r"pypi_lite\.title_file: pypi_lite\.title is given too"
    ):
        with_environment(both, {})
    # A name that is no setting is told so, as it always was.
    with pytest.raises(SettingsError, match=r"pypi_lite\.chache_file: there is no such setting"):
        Settings.from_ini(with_environment({"pypi_lite.chache_file": str(path)}, {}))
