"""``pypi-lite migrate`` and ``verify``."""

import argparse
import sys

from pypi_lite import make_app
from pypi_lite.commands.opening import ready, settings_of
from pypi_lite.commands.parsing import Commands, add_command
from pypi_lite.opening import migrate
from pypi_lite.verifying import verify


def add_to(commands: Commands) -> None:
    """Add the commands."""
    add_command(commands, "migrate", _migrate, "bring the database's schema up to date")

    command = add_command(
        commands, "verify", _verify, "compare every page and file with the database"
    )
    command.add_argument("--fix", action="store_true", help="mend what can be mended")


def _migrate(options: argparse.Namespace) -> int:
    migrate(settings_of(options))
    return 0


def _verify(options: argparse.Namespace) -> int:
    application = make_app(ready(options))
    return 0 if verify(application, fix=options.fix, out=sys.stdout) else 1
