"""``pypi-lite namespace``: prefixes of project names that are somebody's."""

import argparse

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.commands.opening import ready
from pypi_lite.commands.parsing import Commands, add_command
from pypi_lite.opening import open_index
from pypi_lite.repository import namespaces


def add_to(commands: Commands) -> None:
    """Add the commands."""
    namespace = commands.add_parser(
        "namespace", help="reserve prefixes of project names"
    ).add_subparsers(required=True)
    command = add_command(
        namespace, "grant", _grant_namespace, "let NAME, and all NAME-*, be USER's"
    )
    command.add_argument("name", metavar="NAME")
    command.add_argument(
        "--to", metavar="USER", action="append", required=True, help="an owner; once for each"
    )
    add_command(namespace, "list", _list_namespaces, "all namespaces, and whose they are")
    command = add_command(
        namespace, "revoke", _revoke_namespace, "let the names be everybody's again"
    )
    command.add_argument("name", metavar="NAME")


def _grant_namespace(options: argparse.Namespace) -> int:
    with open_index(ready(options)).index.database.write() as session:
        namespaces.grant(session, OPERATOR, options.name, options.to)
    return 0


def _list_namespaces(options: argparse.Namespace) -> int:
    """One a line: the name, its owners, and projects of others that were there before."""
    with open_index(ready(options)).index.database.read() as session:
        for grant in namespaces.grants(session):
            print(grant.name, ", ".join(grant.owners), ", ".join(grant.strangers), sep="\t")
    return 0


def _revoke_namespace(options: argparse.Namespace) -> int:
    with open_index(ready(options)).index.database.write() as session:
        namespaces.revoke(session, OPERATOR, options.name)
    return 0
