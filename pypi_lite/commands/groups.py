"""``pypi-lite group``."""

import argparse

from pypi_lite.accounts import groups
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.commands.opening import change, ready
from pypi_lite.commands.parsing import Commands, add_command
from pypi_lite.opening import open_index


def add_to(commands: Commands) -> None:
    """Add the commands."""
    group = commands.add_parser("group", help="groups").add_subparsers(required=True)
    add_command(group, "list", _list_groups, "all groups: name, members")

    command = add_command(group, "create", change, "make a group")
    command.add_argument("name", metavar="GROUP")
    command.set_defaults(
        change=lambda session, o: groups.create_group(session, o.name, by=OPERATOR)
    )

    command = add_command(group, "delete", change, "delete a group, and its roles")
    command.add_argument("name", metavar="GROUP")
    command.set_defaults(
        change=lambda session, o: groups.delete_group(session, o.name, by=OPERATOR)
    )

    command = add_command(group, "add", change, "put somebody into a group")
    command.add_argument("name", metavar="GROUP")
    command.add_argument("user", metavar="USER")
    command.set_defaults(
        change=lambda session, o: groups.add_member(session, o.name, o.user, by=OPERATOR)
    )

    command = add_command(group, "remove", change, "take somebody out of a group")
    command.add_argument("name", metavar="GROUP")
    command.add_argument("user", metavar="USER")
    command.set_defaults(
        change=lambda session, o: groups.remove_member(session, o.name, o.user, by=OPERATOR)
    )


def _list_groups(options: argparse.Namespace) -> int:
    """One a line: the name, its members."""
    with open_index(ready(options)).index.database.read() as session:
        for group in groups.groups(session):
            print(group.name, ", ".join(sorted(m.user.name for m in group.members)), sep="\t")
    return 0
