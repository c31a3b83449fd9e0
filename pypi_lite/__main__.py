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
from sqlalchemy.orm import Session

from pypi_lite import make_app
from pypi_lite.accounts import external, factors, groups, links, users
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
from pypi_lite.application import send_what_waits
from pypi_lite.cache.writing import ChangeRefused
from pypi_lite.headers import at_once_of
from pypi_lite.importing import import_paths
from pypi_lite.issuers import GITHUB_ISSUER, GITLAB_ISSUER, IssuerKind, Source
from pypi_lite.models import ProjectStatus, RoleName, Scope, Visibility
from pypi_lite.names import normalize_name
from pypi_lite.notifying import link_url
from pypi_lite.opening import migrate, open_index, welcome
from pypi_lite.repository import changes, journal, namespaces, publishers, roles
from pypi_lite.repository.errors import Refusal
from pypi_lite.repository.pages import moment_text
from pypi_lite.server import ServerError, serve
from pypi_lite.settings import (
    DEFAULT_LISTEN,
    READING_ACCOUNTS,
    URL,
    Settings,
    SettingsError,
)
from pypi_lite.sources import with_environment
from pypi_lite.urls import is_loopback
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

    command = _add(user, "factors", _user_factors, "an account's second factors")
    command.add_argument("name", metavar="NAME")
    command.add_argument("--remove", action="store_true", help="all of them: they are lost")

    _add_people(user)
    _add_groups(commands.add_parser("group", help="groups").add_subparsers(required=True))
    command = _add(
        user, "connect", _connect_user, "let who is SUBJECT at the provider be NAME here"
    )
    command.add_argument("name", metavar="NAME")
    command.add_argument("subject", metavar="SUBJECT")
    command = _add(user, "disconnect", _disconnect_user, "let nobody at the provider be NAME here")
    command.add_argument("name", metavar="NAME")

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

    _add_publishers(commands)

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


def _add_people(user: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands that see to accounts which are there; ``change`` is as in `_add_changes`."""
    _add(user, "list", _list_users, "all accounts: name, what they are, mail address")

    command = _add(user, "disable", _change, "let an account open nothing: no log-in, no token")
    command.add_argument("name")
    command.set_defaults(change=lambda session, o: users.disable_user(session, o.name, by=OPERATOR))

    command = _add(
        user, "enable", _change, "let an account, and its tokens, open again what it did"
    )
    command.add_argument("name")
    command.set_defaults(change=lambda session, o: users.enable_user(session, o.name, by=OPERATOR))

    command = _add(user, "admin", _change, "make somebody an administrator, or one no longer")
    command.add_argument("name")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--yes", action="store_true", help="an administrator from now on")
    which.add_argument("--no", action="store_true", help="no longer")
    command.set_defaults(
        change=lambda session, o: users.set_admin(session, o.name, o.yes, by=OPERATOR)
    )

    command = _add(user, "email", _change, "say where somebody's mail goes")
    command.add_argument("name")
    command.add_argument("address", metavar="ADDRESS", help="empty: nowhere")
    command.set_defaults(
        change=lambda session, o: users.set_email(session, o.name, o.address, by=OPERATOR)
    )

    command = _add(user, "reset", _link, "print a link with which somebody chooses a new password")
    command.add_argument("name")
    command.set_defaults(make=lambda session, o: links.reset(session, o.name, by=OPERATOR))

    command = _add(user, "invite", _link, "print a link with which somebody makes an account")
    command.add_argument("--email", metavar="ADDRESS", default="", help="mail it there as well")
    command.add_argument("--group", metavar="GROUP", action="append", default=[], help="to be in")
    command.add_argument("--days", type=_positive, default=links.DAYS, help=f"{links.DAYS}")
    command.set_defaults(
        make=lambda session, o: links.invite(
            session, email=o.email, groups=o.group, days=o.days, by=OPERATOR
        )
    )


def _add_groups(group: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands for groups; ``change`` is as in `_add_changes`."""
    _add(group, "list", _list_groups, "all groups: name, members")

    command = _add(group, "create", _change, "make a group")
    command.add_argument("name", metavar="GROUP")
    command.set_defaults(
        change=lambda session, o: groups.create_group(session, o.name, by=OPERATOR)
    )

    command = _add(group, "delete", _change, "delete a group, and its roles")
    command.add_argument("name", metavar="GROUP")
    command.set_defaults(
        change=lambda session, o: groups.delete_group(session, o.name, by=OPERATOR)
    )

    command = _add(group, "add", _change, "put somebody into a group")
    command.add_argument("name", metavar="GROUP")
    command.add_argument("user", metavar="USER")
    command.set_defaults(
        change=lambda session, o: groups.add_member(session, o.name, o.user, by=OPERATOR)
    )

    command = _add(group, "remove", _change, "take somebody out of a group")
    command.add_argument("name", metavar="GROUP")
    command.add_argument("user", metavar="USER")
    command.set_defaults(
        change=lambda session, o: groups.remove_member(session, o.name, o.user, by=OPERATOR)
    )


def _add_publishers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands of publishers (`pypi_lite.repository.publishers`)."""
    publisher = commands.add_parser(
        "publisher", help="workflows that publish files of a project, and attest them"
    ).add_subparsers(required=True)
    command = _add(publisher, "add", _add_publisher, "let a workflow publish files of PROJECT")
    command.add_argument("project", metavar="PROJECT")
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--github", metavar="OWNER/REPO", help="a repository on GitHub")
    where.add_argument("--gitlab", metavar="GROUP/PROJECT", help="a project on GitLab")
    where.add_argument("--subject", metavar="SUB", help="of the tokens of another --issuer")
    command.add_argument("--workflow", metavar="FILE", help="release.yml; on GitLab a path")
    command.add_argument("--environment", metavar="NAME", default="", help="in which it must run")
    command.add_argument("--issuer", metavar="URL", help="another than the public GitHub or GitLab")
    command.add_argument(
        "--pending", metavar="USER", help="it begins PROJECT, which will be this user's"
    )
    command.set_defaults(wrong=command.error)
    command = _add(publisher, "list", _list_publishers, "the publishers of PROJECT, or the pending")
    command.add_argument("project", metavar="PROJECT", nargs="?")
    command = _add(publisher, "remove", _remove_publisher, "trust a publisher no longer")
    command.add_argument("project", metavar="PROJECT", nargs="?", help="without: a pending one")
    command.add_argument("id", metavar="ID", type=_positive)


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
    command.set_defaults(change=_set_project, wrong=command.error)

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
    """The settings in the INI file, if there is one, and in the environment."""
    return with_environment(_read_ini(options), os.environ)


def _read_ini(options: argparse.Namespace) -> dict[str, str]:
    """The settings in the INI file; its logging becomes ours."""
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
        trusted_proxies=settings.trusted_proxy,
        on_listening=on_listening,
        at_once_of=lambda app: at_once_of(app.registry),
        on_stopped=send_what_waits,
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


def _user_factors(options: argparse.Namespace) -> int:
    """One a line: what it is, its name, when it was added."""
    index = open_index(_ready(options)).index
    if options.remove:
        with index.database.write() as session:
            factors.remove_all(session, find_user(session, options.name), by=OPERATOR)
        return 0
    with index.database.read() as session:
        found = factors.factors_of(session, find_user(session, options.name).id)
        if found.app:
            print("app", "", found.app.created.date(), sep="\t")
        for passkey in found.passkeys:
            print("passkey", passkey.name, passkey.created.date(), sep="\t")
        if found.recovery_codes:
            print("recovery codes", found.recovery_codes, "", sep="\t")
    return 0


def _list_users(options: argparse.Namespace) -> int:
    """One a line: the name, what the account is, its mail address."""
    with open_index(_ready(options)).index.database.read() as session:
        for user in users.all_users(session):
            kinds = {"administrator": user.is_admin, "disabled": user.is_disabled}
            what = ", ".join(kind for kind, is_so in kinds.items() if is_so)
            print(user.name, what, user.email or "", sep="\t")
    return 0


def _list_groups(options: argparse.Namespace) -> int:
    """One a line: the name, its members."""
    with open_index(_ready(options)).index.database.read() as session:
        for group in groups.groups(session):
            print(group.name, ", ".join(sorted(m.user.name for m in group.members)), sep="\t")
    return 0


def _link(options: argparse.Namespace) -> int:
    """Prints the link alone, once it works."""
    settings = _ready(options)
    with open_index(settings).index.database.write() as session:
        secret = options.make(session, options).secret
    print(link_url(settings, secret))
    return 0


def _connect_user(options: argparse.Namespace) -> int:
    settings = _with_provider(options)
    with open_index(settings).index.database.write() as session:
        user = find_user(session, options.name)
        external.connect(session, user, settings.oidc_issuer, options.subject, by=OPERATOR)
    return 0


def _disconnect_user(options: argparse.Namespace) -> int:
    settings = _with_provider(options)
    with open_index(settings).index.database.write() as session:
        user = find_user(session, options.name)
        external.disconnect(session, user, settings.oidc_issuer, by=OPERATOR)
    return 0


def _with_provider(options: argparse.Namespace) -> Settings:
    settings = _ready(options)
    if not settings.oidc_issuer:
        raise CommandError("there is no setting oidc_issuer: name the INI file that has it")
    return settings


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
    source = _source(options)
    with open_index(_ready(options)).index.database.write() as session:
        if options.pending:
            number = publishers.add_pending(
                session, OPERATOR, options.project, source, user_name=options.pending
            )
        else:
            number = publishers.add(session, OPERATOR, options.project, source)
    print(number)
    return 0


def _source(options: argparse.Namespace) -> Source:
    """Who is to be a publisher. Ends the program where options don't go together."""
    if options.subject:
        if not options.issuer or options.workflow or options.environment:
            options.wrong("with --subject goes --issuer, and nothing else of a workflow")
        return Source(IssuerKind.OTHER, options.issuer, "", options.subject)
    if not options.workflow:
        options.wrong("with --github and --gitlab goes --workflow")
    kind = IssuerKind.GITHUB if options.github else IssuerKind.GITLAB
    public = GITHUB_ISSUER if options.github else GITLAB_ISSUER
    return Source(
        kind,
        options.issuer or public,
        options.github or options.gitlab,
        options.workflow,
        options.environment,
    )


def _list_publishers(options: argparse.Namespace) -> int:
    """One a line: its number, where it runs, repository, workflow, environment; and of a pending one the
    project and whose it will be."""
    with open_index(_ready(options)).index.database.read() as session:
        if options.project:
            entries = publishers.of(session, options.project)
        else:
            entries = publishers.pending(session)
        for entry in entries:
            source = entry.source
            parts = [source.title, source.repository, source.workflow, source.environment]
            if entry.person:
                parts += [entry.pending_name or "", entry.person]
            print(entry.id, *parts, sep="\t")
    return 0


def _remove_publisher(options: argparse.Namespace) -> int:
    with open_index(_ready(options)).index.database.write() as session:
        if options.project:
            publishers.remove(session, OPERATOR, options.project, options.id)
        else:
            publishers.remove_pending(session, OPERATOR, options.id)
    return 0


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
