"""The command line, ``pypi-lite``: its parser, and its exit status.

Exit status: 0, or 1 (it failed, and says why on stderr), or 2 (wrong usage).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy.exc

from pypi_lite.accounts.people import AccountError
from pypi_lite.accounts.tokens import TokenError
from pypi_lite.cache.writing import ChangeRefused
from pypi_lite.commands import (
    groups,
    imports,
    journal,
    namespaces,
    projects,
    publishers,
    serving,
    tokens,
    upkeep,
    users,
)
from pypi_lite.commands.opening import CommandError, first_line
from pypi_lite.repository.errors import Refusal
from pypi_lite.server import ServerError
from pypi_lite.settings import SettingsError

#: In the order of the help.
_NOUNS = (
    serving,
    users,
    groups,
    tokens,
    namespaces,
    publishers,
    imports,
    projects,
    journal,
    upkeep,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except (CommandError, SettingsError, AccountError, TokenError, Refusal, ServerError) as error:
        print(f"pypi-lite: {error}", file=sys.stderr)
        return 1
    except ChangeRefused as error:
        print(f"pypi-lite: nothing was changed: {error}: {error.__cause__}", file=sys.stderr)
        return 1
    except (sqlalchemy.exc.SQLAlchemyError, OSError, ImportError) as error:
        # ImportError: the driver of a database that is not installed.
        print(f"pypi-lite: {first_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pypi-lite", description="A small Python package index.")
    parser.add_argument("--config", metavar="INI", type=Path, help="settings; without: defaults")
    parser.add_argument("--data", metavar="DIR", type=Path, help="the folder that holds the index")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for noun in _NOUNS:
        noun.add_to(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
