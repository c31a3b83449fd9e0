"""The command line, ``pypi-lite``: thin, it calls what the web calls.

Exit status: 0, or 1 (it failed, and says why on stderr), or 2 (wrong usage).
"""

import argparse
import configparser
import getpass
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import sqlalchemy.exc
from pyramid.paster import get_appsettings, setup_logging
from sqlalchemy.orm import Session

from pypi_lite import make_app
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.log_in import change_password
from pypi_lite.accounts.people import AccountError, create_user, find_user
from pypi_lite.accounts.tokens import (
    TokenError,
    create_token,
    find_token,
    revoke_token,
    revoke_tokens,
    tokens_of,
)
from pypi_lite.attestations import Kind, Workflow
from pypi_lite.cache.writing import ChangeRefused
from pypi_lite.importing import import_paths
from pypi_lite.models import ProjectStatus, RoleName, Scope, Visibility
from pypi_lite.names import normalize_name
from pypi_lite.opening import migrate, open_index, welcome
from pypi_lite.repository import changes, namespaces, publishers, roles
from pypi_lite.repository.errors import Refusal
from pypi_lite.repository.pages import moment_text
from pypi_lite.server import ServerError, serve
from pypi_lite.settings import (
    DEFAULT_LISTEN,
    READING_ACCOUNTS,
    URL,
    Settings,
    SettingsError,
    is_loopback,
)
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
    except (CommandError, SettingsError, AccountError, TokenError, Refusal, ServerError) as error:
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
    _add_password_stdin(command)
    command = _add(user, "password", _set_password, "give an account another password")
    command.add_argument("name", metavar="NAME")
    _add_password_stdin(command)

    token = commands.add_parser("token", help="tokens").add_subparsers(required=True)
    command = _add(token, "create", _create_token, "make a token for a user, and print it")
    command.add_argument("name")
    command.add_argument("--scope", action="append", type=Scope, choices=list(Scope))
    command.add_argument("--project", action="append", default=[], help="for this project alone")
    command.add_argument("--days", type=_positive, help="until so many days from now")
    command.add_argument("--name", dest="called", default="token", help="what to call it")
    command = _add(token, "list", _list_tokens, "the tokens of a user")
    command.add_argument("name", metavar="NAME")
    command = _add(token, "revoke", _revoke_tokens, "let a token open nothing any more")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("token", metavar="TOKEN-OR-ID", nargs="?")
    which.add_argument("--all", metavar="NAME", help="all tokens of a user")

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
    command = _add(
        project, "set", _change, "say what may be expected of a project, and who sees it"
    )
    command.add_argument("project", metavar="PROJECT")
    command.add_argument("--status", choices=[s.value for s in ProjectStatus])
    command.add_argument("--reason", metavar="TEXT", help="what its pages tell people")
    command.add_argument("--visibility", choices=[v.value for v in Visibility], help="who may read")
    command.set_defaults(change=_set_project)

    command = _add(project, "delete", _change, "delete a project; its files' names stay taken")
    command.add_argument("project", metavar="PROJECT")
    command.set_defaults(
        change=lambda session, o: changes.delete_project(session, OPERATOR, o.project)
    )

    role = commands.add_parser("role", help="who is what to a project").add_subparsers(
        required=True
    )
    command = _add(role, "grant", _change, "let WHO, a user or an @group, be ROLE on PROJECT")
    command.add_argument("project", metavar="PROJECT")
    command.add_argument("who", metavar="WHO")
    command.add_argument("role", metavar="ROLE", choices=[r.value for r in RoleName])
    command.set_defaults(
        change=lambda session, o: roles.grant(session, OPERATOR, o.project, o.who, o.role)
    )
    command = _add(role, "revoke", _change, "let WHO have no role on PROJECT")
    command.add_argument("project", metavar="PROJECT")
    command.add_argument("who", metavar="WHO")
    command.set_defaults(
        change=lambda session, o: roles.revoke(session, OPERATOR, o.project, o.who)
    )
    command = _add(role, "list", _list_roles, "all roles on PROJECT")
    command.add_argument("project", metavar="PROJECT")

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


def _add_password_stdin(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
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
        if not settings.reading and not is_loopback(options.listen[0]):
            settings = replace(settings, reading=READING_ACCOUNTS)
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


def _password(options: argparse.Namespace) -> str:
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return _typed_password(options.name)


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
    password = _password(options)
    index = open_index(settings).index
    with index.database.write() as session:
        create_user(
            session,
            options.name,
            password=password,
            is_admin=options.admin,
            by=OPERATOR,
            passwords=index.passwords,
        )
    return 0


def _set_password(options: argparse.Namespace) -> int:
    settings = _ready(options)
    password = _password(options)
    index = open_index(settings).index
    try:
        password_hash = index.passwords.hash(password, name=options.name)
    except ValueError as error:
        raise CommandError(str(error)) from None
    with index.database.write() as session:
        user = find_user(session, options.name)
        change_password(session, user, password_hash, by=OPERATOR)
    return 0


def _create_token(options: argparse.Namespace) -> int:
    with open_index(_ready(options)).index.database.write() as session:
        secret = create_token(
            session,
            find_user(session, options.name),
            name=options.called,
            scopes=options.scope or [Scope.READ, Scope.UPLOAD],
            projects=options.project,
            days=options.days,
            by=OPERATOR,
        )
    print(secret)
    return 0


def _list_tokens(options: argparse.Namespace) -> int:
    """One a line: its number, name, scopes, projects; when it was made, ends, and was last used."""
    with open_index(_ready(options)).index.database.read() as session:
        for token in tokens_of(session, find_user(session, options.name).id):
            scopes = sorted(row.scope for row in token.scopes)
            projects = sorted(row.normalized_name for row in token.projects)
            moments = (token.created, token.expires, token.last_used)
            print(
                token.id,
                token.name,
                ",".join(scopes),
                ",".join(projects) or "*",
                *(moment_text(moment) if moment else "never" for moment in moments),
                sep="\t",
            )
    return 0


def _revoke_tokens(options: argparse.Namespace) -> int:
    with open_index(_ready(options)).index.database.write() as session:
        if options.all is not None:
            revoke_tokens(session, find_user(session, options.all).id, by=OPERATOR)
        else:
            token = find_token(session, options.token)
            revoke_token(session, token.user_id, token.id, by=OPERATOR)
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


def _set_project(session: Session, options: argparse.Namespace) -> None:
    if options.status is None and options.visibility is None:
        raise CommandError("say what to set: --status or --visibility")
    if options.reason is not None and options.status is None:
        raise CommandError("a reason goes with a --status")
    if options.status is not None:
        changes.set_status(session, OPERATOR, options.project, options.status, options.reason)
    if options.visibility is not None:
        changes.set_visibility(session, OPERATOR, options.project, options.visibility)


def _list_roles(options: argparse.Namespace) -> int:
    """One a line: the role, and who has it."""
    with open_index(_ready(options)).index.database.read() as session:
        for entry in roles.of(session, normalize_name(options.project)):
            print(entry.role.value, entry.who, sep="\t")
    return 0


def _import(options: argparse.Namespace) -> int:
    index = open_index(_ready(options)).index
    return 0 if import_paths(index, options.paths) else 1


def _change(options: argparse.Namespace) -> int:
    with open_index(_ready(options)).index.database.write() as session:
        options.change(session, options)
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
