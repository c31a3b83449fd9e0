"""``pypi-lite import``."""

import argparse
from pathlib import Path

from pypi_lite.commands.opening import ready
from pypi_lite.commands.parsing import Commands, add_command
from pypi_lite.importing import import_paths
from pypi_lite.opening import open_index


def add_to(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands, "import", _import, "take files, or folders of files, into the index"
    )
    command.add_argument("paths", metavar="PATH", nargs="+", type=Path)


def _import(options: argparse.Namespace) -> int:
    index = open_index(ready(options)).index
    return 0 if import_paths(index, options.paths) else 1
