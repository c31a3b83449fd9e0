"""The settings that a command is given."""

from pathlib import Path

import pytest

from tests.commands.conftest import Command


@pytest.mark.parametrize(
    ("ini", "words"),
    [
        ("[app:main]\nuse = egg:pypi_lite\npypi_lite.chache = true\n", "pypi_lite.chache"),
        ("[app:main]\nuse = egg:pypi_lite\npypi_lite.cache = perhaps\n", "pypi_lite.cache"),
        (
            "[app:main]\nuse = egg:pypi_lite\nsqlalchemy.url = nonsense\n",
            "sqlalchemy.url is no address",
        ),
        ("[app:main]\nuse = egg:pypi_lite\nsqlalchemy.url = odd://host/x\n", "odd"),
        ("[app:main]\nuse = egg:pypi_lite\nsqlalchemy.url = mysql://host/x\n", "SQLite (sqlite"),
        (
            "[app:main]\nuse = egg:pypi_lite\nsqlalchemy.url = sqlite:////nowhere/x\n",
            "open",
        ),
        ("[app:main]\nuse = egg:pypi_lite\nx = %(nothing)s\n", "x.ini"),
        ("[other]\nx = 1\n", "x.ini"),
        ("no section\n", "x.ini"),
        ("[app:main\n", "x.ini"),
        ("", "x.ini"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_1(
    command: Command, tmp_path: Path, ini: str, words: str
) -> None:
    path = tmp_path / "x.ini"
    path.write_text(ini)
    assert command("--config", str(path), "migrate") == 1
    assert words in command.says()


def test_what_else_fails_is_1(command: Command, tmp_path: Path) -> None:
    assert command("--config", str(tmp_path / "missing.ini"), "migrate") == 1
    assert "missing.ini" in command.says()
    (tmp_path / "file").write_text("")
    assert command.bare("--data", str(tmp_path / "file"), "migrate") == 1
    command.says()
    assert command.bare("--data", str(tmp_path / "file" / "below"), "migrate") == 1
    command.says()
    path = tmp_path / "old.ini"
    path.write_text("[app:main]\nuse = egg:pypi_lite\npypi_lite.migrate = false\n")
    assert command("--config", str(path), "token", "create", "ann") == 1
    assert "unable to open" in command.says() or "no such table" in command.err


def test_a_configuration_is_used(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "x.ini"
    path.write_text(
        "[app:main]\nuse = egg:pypi_lite\npypi_lite.data = %(here)s/elsewhere\n"
        f"sqlalchemy.url = sqlite:///{tmp_path}/named.sqlite\n"
    )
    assert command.bare("--config", str(path), "migrate") == 0
    assert (tmp_path / "named.sqlite").exists()
    assert (tmp_path / "elsewhere").is_dir()
