"""The settings that a command is given, and the index that they are of."""

import argparse
import configparser
import logging
import os

from pyramid.paster import get_appsettings, setup_logging

from pypi_lite.opening import migrate, open_index
from pypi_lite.settings import Settings
from pypi_lite.sources import with_environment


class CommandError(Exception):
    """A command failed; the text says why."""


def ini_of(options: argparse.Namespace) -> dict[str, str]:
    """The settings in the INI file, if there is one, and in the environment."""
    return with_environment(_read_ini(options), os.environ)


def _read_ini(options: argparse.Namespace) -> dict[str, str]:
    """The settings in the INI file; its logging becomes ours."""
    if options.config is None:
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
        return {}
    if not options.config.is_file():
        raise CommandError(f"there is no file {options.config}")
    try:
        setup_logging(str(options.config))
        ini: dict[str, str] = get_appsettings(str(options.config))
    except (configparser.Error, LookupError, ValueError) as error:
        raise CommandError(f"{options.config} can't be read: {first_line(error)}") from error
    return ini


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings. Raises CommandError, SettingsError."""
    return Settings.from_ini(ini_of(options), data=options.data)


def ready(options: argparse.Namespace) -> Settings:
    """The settings of an index whose schema is up to date."""
    settings = settings_of(options)
    if settings.migrate:
        migrate(settings)
    return settings


def change(options: argparse.Namespace) -> int:
    """Run ``options.change``, a function of a writing session and the options."""
    with open_index(ready(options)).index.database.write() as session:
        options.change(session, options)
    return 0


def first_line(error: Exception) -> str:
    """What an error says, as far as it fits a line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
