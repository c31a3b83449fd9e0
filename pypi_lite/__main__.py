"""The command line, ``pypi-lite``: thin, it calls what the web calls.

Exit status: 0, or 1 (it failed, and says why on stderr), or 2 (wrong usage).
"""

import argparse
import configparser
import getpass
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import sqlalchemy.exc
from pyramid.paster import get_appsettings, setup_logging

from pypi_lite import make_app
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.people import AccountError, create_token, create_user
from pypi_lite.attestations import Kind, Workflow
from pypi_lite.cache.writing import ChangeRefused
from pypi_lite.importing import import_paths
from pypi_lite.models import ProjectStatus, Scope
from pypi_lite.opening import migrate, open_index, welcome
from pypi_lite.repository import changes, journal, namespaces, publishers
from pypi_lite.repository.errors import Refusal
from pypi_lite.server import ServerError, serve
from pypi_lite.settings import DEFAULT_LISTEN, URL, Settings, SettingsError
from pypi_lite.verifying import verify

# Multipart's own bytes around a file of the largest size.
_FORM_BYTES = 64 * 1024**2


class CommandError(Exception):
    """A command failed; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except (CommandError, SettingsError, AccountError, Refusal, ServerError) as error:
        print(f"pypi-lite: {error}", file=sys.stderr)
        return 1
    except ChangeRefused as error:
        print(f"pypi-lite: nothing was changed: {error}: {error.__cause__}", file=sys.stderr)
        return 1
    except (sqlalchemy.exc.SQLAlchemyError, OSError, ImportError) as error:
        # ImportError: the driver of a database that is not installed.
        print(f"pypi-lite: {_first_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pypi-lite", description="A small Python package index.")
    parser.add_argument("--config", metavar="INI", type=Path, help="settings; without: defaults")
    parser.add_argument("--data", metavar="DIR", type=Path, help="the folder that holds the index")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = _add(commands, "serve", _serve, "serve the index")
    command.add_argument(
        "--listen", metavar="HOST:PORT", type=_address, default=DEFAULT_LISTEN, help=DEFAULT_LISTEN
    )
    command.add_argument("--workers", metavar="N", type=_positive, default=1, help="processes")

    user = commands.add_parser("user", help="accounts").add_subparsers(required=True)
    command = _add(user, "create", _create_user, "make an account")
    command.add_argument("name")
    command.add_argument("--admin", action="store_true", help="an administrator")
    command.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )

    token = commands.add_parser("token", help="tokens").add_subparsers(required=True)
    command = _add(token, "create", _create_token, "make a token for a user, and print it")
    command.add_argument("name")
    command.add_argument("--scope", action="append", type=Scope, choices=list(Scope))
    command.add_argument("--project", action="append", default=[], help="for this project alone")
    command.add_argument("--days", type=_positive, help="until so many days from now")

    namespace = commands.add_parser(
        "namespace", help="reserve prefixes of project names"
    ).add_subparsers(required=True)
    command = _add(namespace, "grant", _grant_namespace, "let NAME, and all NAME-*, be USER's")
    command.add_argument("name", metavar="NAME")
    command.add_argument(
        "--to", metavar="USER", action="append", required=True, help="an owner; once for each"
    )
    _add(namespace, "list", _list_namespaces, "all namespaces, and whose they are")
    command = _add(namespace, "revoke", _revoke_namespace, "let the names be everybody's again")
    command.add_argument("name", metavar="NAME")

    publisher = commands.add_parser(
        "publisher", help="workflows whose attestations a project takes"
    ).add_subparsers(required=True)
    command = _add(publisher, "add", _add_publisher, "let a workflow attest files of PROJECT")
    command.add_argument("project", metavar="PROJECT")
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--github", metavar="OWNER/REPO", help="a repository on GitHub")
    where.add_argument("--gitlab", metavar="GROUP/PROJECT", help="a project on GitLab")
    command.add_argument(
        "--workflow", metavar="FILE", required=True, help="release.yml; on GitLab a path"
    )
    command.add_argument("--environment", metavar="NAME", default="", help="in which it must run")
    command = _add(publisher, "list", _list_publishers, "the publishers of PROJECT")
    command.add_argument("project", metavar="PROJECT")
    command = _add(publisher, "remove", _remove_publisher, "trust a publisher no longer")
    command.add_argument("project", metavar="PROJECT")
    command.add_argument("id", metavar="ID", type=_positive)

    command = _add(commands, "import", _import, "take files, or folders of files, into the index")
    command.add_argument("paths", metavar="PATH", nargs="+", type=Path)

    _add_changes(commands)

    command = _add(commands, "journal", _journal, "print who did what, as JSON lines")
    command.add_argument("--project", metavar="PROJECT", default="", help="of this project")
    command.add_argument("--actor", metavar="NAME", default="", help="by this account")
    command.add_argument("--action", metavar="ACTION", default="", help="such as file.add")
    command.add_argument(
        "--since", metavar="SERIAL|DATE", default="", help="after a serial, or from a day on (UTC)"
    )
    command.add_argument("--until", metavar="DATE", default="", help="to the end of a day (UTC)")

    _add(commands, "migrate", _migrate, "bring the database's schema up to date")

    command = _add(commands, "verify", _verify, "compare every page and file with the database")
    command.add_argument("--fix", action="store_true", help="mend what can be mended")
    return parser


def _add_changes(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands that change what is in the index already (`pypi_lite.repository.changes`).

    Each leaves in ``change`` a function of a writing session and the options.
    """
    command = _add(commands, "yank", _change, "let installers pass over a release")
    _add_release(command)
    command.add_argument("--reason", metavar="TEXT", help="what installers tell people")
    command.set_defaults(
        change=lambda session, o: changes.yank(session, OPERATOR, o.project, o.version, o.reason)
    )

    command = _add(commands, "unyank", _change, "take a yank back")
    _add_release(command)
    command.set_defaults(
        change=lambda session, o: changes.unyank(session, OPERATOR, o.project, o.version)
    )

    project = commands.add_parser("project", help="projects").add_subparsers(required=True)
    command = _add(project, "set", _change, "say what may be expected of a project")
    command.add_argument("project", metavar="PROJECT")
    command.add_argument("--status", required=True, choices=[s.value for s in ProjectStatus])
    command.add_argument("--reason", metavar="TEXT", help="what its pages tell people")
    command.set_defaults(
        change=lambda session, o: changes.set_status(
            session, OPERATOR, o.project, o.status, o.reason
        )
    )

    command = _add(project, "delete", _change, "delete a project; its files' names stay taken")
    command.add_argument("project", metavar="PROJECT")
    command.set_defaults(
        change=lambda session, o: changes.delete_project(session, OPERATOR, o.project)
    )

    release = commands.add_parser("release", help="releases").add_subparsers(required=True)
    command = _add(release, "delete", _change, "delete a release; its files' names stay taken")
    _add_release(command)
    command.set_defaults(
        change=lambda session, o: changes.delete_release(session, OPERATOR, o.project, o.version)
    )

    file = commands.add_parser("file", help="files").add_subparsers(required=True)
    command = _add(file, "delete", _change, "delete a file; its name stays taken")
    command.add_argument("filename", metavar="FILENAME")
    command.set_defaults(
        change=lambda session, o: changes.delete_file(session, OPERATOR, o.filename)
    )


def _add_release(command: argparse.ArgumentParser) -> None:
    command.add_argument("project", metavar="PROJECT")
    command.add_argument("version", metavar="VERSION")


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    function: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=function)
    return parser


def _ini(options: argparse.Namespace) -> dict[str, str]:
    """The settings in the INI file, if there is one; its logging becomes ours."""
    if options.config is None:
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
        return {}
    if not options.config.is_file():
        raise CommandError(f"there is no file {options.config}")
    try:
        setup_logging(str(options.config))
        ini: dict[str, str] = get_appsettings(str(options.config))
    except (configparser.Error, LookupError, ValueError) as error:
        raise CommandError(f"{options.config} can't be read: {_first_line(error)}") from error
    return ini


def _settings(options: argparse.Namespace) -> Settings:
    return Settings.from_ini(_ini(options), data=options.data)


def _ready(options: argparse.Namespace) -> Settings:
    """The settings of an index whose schema is up to date."""
    settings = _settings(options)
    if settings.migrate:
        migrate(settings)
    return settings


def _serve(options: argparse.Namespace) -> int:
    ini = _ini(options)
    settings = Settings.from_ini(ini, data=options.data)
    if settings.migrate:
        migrate(settings)

    def on_listening(url: str) -> None:
        nonlocal settings
        if URL not in ini:
            settings = replace(settings, url=url)
        welcome(settings, partial(print, flush=True))

    host, port = options.listen
    return serve(
        lambda: make_app(settings),
        host=host,
        port=port,
        workers=options.workers,
        max_body=settings.max_file_size + _FORM_BYTES,
        trusted_proxy=settings.trusted_proxy or None,
        on_listening=on_listening,
        at_once_of=lambda app: app.registry["pypi_lite.hits"].answer,
    )


def _typed_password(name: str) -> str:
    try:
        password = getpass.getpass(f"Password for {name}: ")
        again = getpass.getpass("The same again: ")
    except EOFError:
        raise CommandError("nobody types a password here: use --password-stdin") from None
    if again != password:
        raise CommandError("the two passwords differ")
    return password


def _create_user(options: argparse.Namespace) -> int:
    settings = _ready(options)
    if options.password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = _typed_password(options.name)
    with open_index(settings).index.database.write() as session:
        create_user(session, options.name, password=password, is_admin=options.admin, by=OPERATOR)
    return 0


def _create_token(options: argparse.Namespace) -> int:
    with open_index(_ready(options)).index.database.write() as session:
        secret = create_token(
            session,
            options.name,
            scopes=options.scope or [Scope.READ, Scope.UPLOAD],
            projects=options.project,
            days=options.days,
            by=OPERATOR,
        )
    print(secret)
    return 0


def _grant_namespace(options: argparse.Namespace) -> int:
    with open_index(_ready(options)).index.database.write() as session:
        namespaces.grant(session, OPERATOR, options.name, options.to)
    return 0


def _list_namespaces(options: argparse.Namespace) -> int:
    """One a line: the name, its owners, and projects of others that were there before."""
    with open_index(_ready(options)).index.database.read() as session:
        for grant in namespaces.grants(session):
            print(grant.name, ", ".join(grant.owners), ", ".join(grant.strangers), sep="\t")
    return 0


def _revoke_namespace(options: argparse.Namespace) -> int:
    with open_index(_ready(options)).index.database.write() as session:
        namespaces.revoke(session, OPERATOR, options.name)
    return 0


def _add_publisher(options: argparse.Namespace) -> int:
    """Prints the number alone."""
    kind = Kind.GITHUB if options.github else Kind.GITLAB
    workflow = Workflow(kind, options.github or options.gitlab, options.workflow)
    with open_index(_ready(options)).index.database.write() as session:
        number = publishers.add(session, OPERATOR, options.project, workflow, options.environment)
    print(number)
    return 0


def _list_publishers(options: argparse.Namespace) -> int:
    """One a line: its number, where it runs, repository, workflow, environment."""
    with open_index(_ready(options)).index.database.read() as session:
        for entry in publishers.of(session, options.project):
            workflow = entry.workflow
            parts = (workflow.kind.value, workflow.repository, workflow.file, entry.environment)
            print(entry.id, *parts, sep="\t")
    return 0


def _remove_publisher(options: argparse.Namespace) -> int:
    with open_index(_ready(options)).index.database.write() as session:
        publishers.remove(session, OPERATOR, options.project, options.id)
    return 0


def _import(options: argparse.Namespace) -> int:
    index = open_index(_ready(options)).index
    return 0 if import_paths(index, options.paths) else 1


def _change(options: argparse.Namespace) -> int:
    with open_index(_ready(options)).index.database.write() as session:
        options.change(session, options)
    return 0


def _journal(options: argparse.Namespace) -> int:
    wanted = journal.read_wanted(
        project=options.project,
        actor=options.actor,
        action=options.action,
        since=options.since,
        until=options.until,
    )
    try:
        for text in journal.lines(open_index(_ready(options)).index.database, wanted):
            sys.stdout.write(text)
        sys.stdout.flush()
    except (
        BrokenPipeError
    ):  # whoever reads has had enough: nothing is left to be flushed at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _migrate(options: argparse.Namespace) -> int:
    migrate(_settings(options))
    return 0


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _verify(options: argparse.Namespace) -> int:
    application = make_app(_ready(options))
    return 0 if verify(application, fix=options.fix, out=sys.stdout) else 1


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"write HOST:PORT, not {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number from 1 on, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
