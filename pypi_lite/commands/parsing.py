"""What the parsers of the commands share."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

#: What a command is added to.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    commands: Commands,
    name: str,
    function: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    """Add the command *name*: *function* runs it, and gives its exit status. *text* is its help."""
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=function)
    return parser


def positive(text: str) -> int:
    """A number from 1 on. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number from 1 on, not {text!r}")
    return int(text)
