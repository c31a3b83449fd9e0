"""``pypi-lite journal``."""

import argparse
import os
import sys

from pypi_lite.commands.opening import ready
from pypi_lite.commands.parsing import Commands, add_command
from pypi_lite.opening import open_index
from pypi_lite.repository import journal


def add_to(commands: Commands) -> None:
    """Add the command."""
    command = add_command(commands, "journal", _journal, "print who did what, as JSON lines")
    command.add_argument("--project", metavar="PROJECT", default="", help="of this project")
    command.add_argument("--actor", metavar="NAME", default="", help="by this account")
    command.add_argument("--action", metavar="ACTION", default="", help="such as file.add")
    command.add_argument(
        "--since", metavar="SERIAL|DATE", default="", help="after a serial, or from a day on (UTC)"
    )
    command.add_argument("--until", metavar="DATE", default="", help="to the end of a day (UTC)")


def _journal(options: argparse.Namespace) -> int:
    wanted = journal.read_wanted(
        project=options.project,
        actor=options.actor,
        action=options.action,
        since=options.since,
        until=options.until,
    )
    try:
        for text in journal.lines(open_index(ready(options)).index.database, wanted):
            sys.stdout.write(text)
        sys.stdout.flush()
    except (
        BrokenPipeError
    ):  # whoever reads has had enough: nothing is left to be flushed at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
