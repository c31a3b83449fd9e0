"""What changes projects that are there, their releases and files, and who is what to them."""

import argparse

from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.commands.opening import change, ready
from pypi_lite.commands.parsing import Commands, add_command
from pypi_lite.models import ProjectStatus, RoleName, Visibility
from pypi_lite.opening import open_index
from pypi_lite.repository import changes, roles
from pypi_lite.repository.projects import find_project


def add_to(commands: Commands) -> None:
    """Add the commands."""
    _add_yanks(commands)
    _add_project(commands)
    _add_roles(commands)
    _add_deletions(commands)


def _add_yanks(commands: Commands) -> None:
    command = add_command(commands, "yank", change, "let installers pass over a release")
    _add_release(command)
    command.add_argument("--reason", metavar="TEXT", help="what installers tell people")
    command.set_defaults(
        change=lambda session, o: changes.yank(session, OPERATOR, o.project, o.version, o.reason)
    )

    command = add_command(commands, "unyank", change, "take a yank back")
    _add_release(command)
    command.set_defaults(
        change=lambda session, o: changes.unyank(session, OPERATOR, o.project, o.version)
    )


def _add_project(commands: Commands) -> None:
    project = commands.add_parser("project", help="projects").add_subparsers(required=True)
    command = add_command(
        project, "set", change, "say what may be expected of a project, and who sees it"
    )
    command.add_argument("project", metavar="PROJECT")
    command.add_argument("--status", choices=[s.value for s in ProjectStatus])
    command.add_argument("--reason", metavar="TEXT", help="what its pages tell people")
    command.add_argument("--visibility", choices=[v.value for v in Visibility], help="who may read")
    command.set_defaults(change=_set_project, wrong=command.error)

    command = add_command(
        project, "delete", change, "delete a project; its files' names stay taken"
    )
    command.add_argument("project", metavar="PROJECT")
    command.set_defaults(
        change=lambda session, o: changes.delete_project(session, OPERATOR, o.project)
    )


def _add_roles(commands: Commands) -> None:
    role = commands.add_parser("role", help="who is what to a project").add_subparsers(
        required=True
    )
    command = add_command(role, "grant", change, "let WHO, a user or an @group, be ROLE on PROJECT")
    command.add_argument("project", metavar="PROJECT")
    command.add_argument("who", metavar="WHO")
    names = [role.value for role in RoleName]
    command.add_argument("role", metavar="ROLE", choices=names, help=", ".join(names))
    command.set_defaults(
        change=lambda session, o: roles.grant(session, OPERATOR, o.project, o.who, o.role)
    )
    command = add_command(role, "revoke", change, "let WHO have no role on PROJECT")
    command.add_argument("project", metavar="PROJECT")
    command.add_argument("who", metavar="WHO")
    command.set_defaults(
        change=lambda session, o: roles.revoke(session, OPERATOR, o.project, o.who)
    )
    command = add_command(role, "list", _list_roles, "all roles on PROJECT")
    command.add_argument("project", metavar="PROJECT")


def _add_deletions(commands: Commands) -> None:
    release = commands.add_parser("release", help="releases").add_subparsers(required=True)
    command = add_command(
        release, "delete", change, "delete a release; its files' names stay taken"
    )
    _add_release(command)
    command.set_defaults(
        change=lambda session, o: changes.delete_release(session, OPERATOR, o.project, o.version)
    )

    file = commands.add_parser("file", help="files").add_subparsers(required=True)
    command = add_command(file, "delete", change, "delete a file; its name stays taken")
    command.add_argument("filename", metavar="FILENAME")
    command.set_defaults(
        change=lambda session, o: changes.delete_file(session, OPERATOR, o.filename)
    )


def _add_release(command: argparse.ArgumentParser) -> None:
    command.add_argument("project", metavar="PROJECT")
    command.add_argument("version", metavar="VERSION")


def _set_project(session: Session, options: argparse.Namespace) -> None:
    if options.status is None and options.visibility is None:
        options.wrong("say what to set: --status or --visibility")
    if options.reason is not None and options.status is None:
        options.wrong("a reason goes with a --status")
    if options.status is not None:
        changes.set_status(session, OPERATOR, options.project, options.status, options.reason)
    if options.visibility is not None:
        changes.set_visibility(session, OPERATOR, options.project, options.visibility)


def _list_roles(options: argparse.Namespace) -> int:
    """One a line: the role, and who has it."""
    with open_index(ready(options)).index.database.read() as session:
        project = find_project(session, options.project)
        for entry in roles.of(session, project.normalized_name):
            print(entry.role.value, entry.who, sep="\t")
    return 0
