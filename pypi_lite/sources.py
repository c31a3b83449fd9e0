"""Where settings come from beside the INI file: the environment, and files that hold secrets.

``PYPI_LITE_TITLE`` wins over ``pypi_lite.title``. Any setting NAME may be given as ``NAME_file``, the
path of a file with its value, as containers and systemd hand secrets out: ``pypi_lite.database_url_file``,
or ``PYPI_LITE_DATABASE_URL_FILE``.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from pypi_lite.settings import DATABASE_URL, PREFIX, Settings, SettingsError

_VARIABLE = "PYPI_LITE_"
_FILE = "_file"
_NAMES = frozenset(field.name for field in fields(Settings))


def with_environment(ini: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """*ini* with the variables of *environ* that are settings, and with what stands in files.

    Other variables are somebody else's. Raises SettingsError for a file that can't be read, and for a
    setting that is given as a value and as a file.
    """
    told = {
        variable.removeprefix(_VARIABLE).lower(): value
        for variable, value in environ.items()
        if variable.startswith(_VARIABLE) and variable.isupper()
    }
    told = {name: value for name, value in told.items() if _setting(name) in _NAMES}
    overridden = {_setting(name) for name in told}
    found = {key: value for key, value in ini.items() if _setting(_name(key)) not in overridden}
    found |= {_key(name): value for name, value in told.items()}
    return _read(found)


def _read(ini: Mapping[str, str]) -> dict[str, str]:
    found = dict(ini)
    for key, path in ini.items():
        setting = _setting(_name(key))
        if setting == _name(key) or setting not in _NAMES:
            continue
        del found[key]
        if _key(setting) in ini:
            raise SettingsError(f"{key}: {_key(setting)} is given too; keep one of them")
        try:
            found[_key(setting)] = Path(path).read_text().rstrip("\r\n")
        except (OSError, UnicodeError) as error:
            raise SettingsError(f"{key}: the file can't be read: {error}") from None
    return found


def _name(key: str) -> str:
    """The setting, or its file's, that *key* of an INI file is; nothing: it is none of ours."""
    if key == DATABASE_URL:
        return "database_url"
    return key.removeprefix(PREFIX) if key.startswith(PREFIX) else ""


def _setting(name: str) -> str:
    return name if name in _NAMES else name.removesuffix(_FILE)


def _key(name: str) -> str:
    return DATABASE_URL if name == "database_url" else PREFIX + name
