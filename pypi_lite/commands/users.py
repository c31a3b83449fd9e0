"""``pypi-lite user``: accounts."""

import argparse
import getpass
import sys
import warnings

from pypi_lite.accounts import external, factors, links, users
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.log_in import change_password
from pypi_lite.accounts.people import create_user, find_user
from pypi_lite.commands.opening import CommandError, change, ini_of, ready
from pypi_lite.commands.parsing import Commands, add_command, positive
from pypi_lite.notifying import link_url
from pypi_lite.opening import open_index
from pypi_lite.settings import URL, Settings


def add_to(commands: Commands) -> None:
    """Add the commands."""
    user = commands.add_parser("user", help="accounts").add_subparsers(required=True)
    command = add_command(user, "create", _create_user, "make an account")
    command.add_argument("name")
    command.add_argument("--admin", action="store_true", help="an administrator")
    _add_password_stdin(command)
    command = add_command(user, "password", _set_password, "give an account another password")
    command.add_argument("name", metavar="NAME")
    _add_password_stdin(command)

    command = add_command(user, "factors", _user_factors, "an account's second factors")
    command.add_argument("name", metavar="NAME")
    command.add_argument("--remove", action="store_true", help="all of them: they are lost")
    _add_care(user)
    command = add_command(
        user, "connect", _connect_user, "let who is SUBJECT at the provider be NAME here"
    )
    command.add_argument("name", metavar="NAME")
    command.add_argument("subject", metavar="SUBJECT")
    command = add_command(
        user, "disconnect", _disconnect_user, "let nobody at the provider be NAME here"
    )
    command.add_argument("name", metavar="NAME")


def _add_care(user: Commands) -> None:
    """The commands that see to accounts which are there."""
    add_command(user, "list", _list_users, "all accounts: name, what they are, mail address")

    command = add_command(
        user, "disable", change, "let an account open nothing: no log-in, no token"
    )
    command.add_argument("name")
    command.set_defaults(change=lambda session, o: users.disable_user(session, o.name, by=OPERATOR))

    command = add_command(
        user, "enable", change, "let an account, and its tokens, open again what it did"
    )
    command.add_argument("name")
    command.set_defaults(change=lambda session, o: users.enable_user(session, o.name, by=OPERATOR))

    command = add_command(user, "admin", change, "make somebody an administrator, or one no longer")
    command.add_argument("name")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--yes", action="store_true", help="an administrator from now on")
    which.add_argument("--no", action="store_true", help="no longer")
    command.set_defaults(
        change=lambda session, o: users.set_admin(session, o.name, o.yes, by=OPERATOR)
    )

    command = add_command(user, "email", change, "say where somebody's mail goes")
    command.add_argument("name")
    command.add_argument("address", metavar="ADDRESS", help="empty: nowhere")
    command.set_defaults(
        change=lambda session, o: users.set_email(session, o.name, o.address, by=OPERATOR)
    )

    command = add_command(
        user, "reset", _link, "print a link with which somebody chooses a new password"
    )
    command.add_argument("name")
    command.set_defaults(make=lambda session, o: links.reset(session, o.name, by=OPERATOR))

    command = add_command(
        user, "invite", _link, "print a link with which somebody makes an account"
    )
    command.add_argument("--email", metavar="ADDRESS", default="", help="mail it there as well")
    command.add_argument("--group", metavar="GROUP", action="append", default=[], help="to be in")
    command.add_argument(
        "--days", type=positive, default=links.DAYS, help=f"how long (default: {links.DAYS})"
    )
    command.set_defaults(
        make=lambda session, o: links.invite(
            session, email=o.email, groups=o.group, days=o.days, by=OPERATOR
        )
    )


def _add_password_stdin(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )


def _password(options: argparse.Namespace) -> str:
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return _typed_password(options.name)


def _typed_password(name: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # there is no terminal
            password = getpass.getpass(f"Password for {name}: ")
            again = getpass.getpass("The same again: ")
    except (EOFError, getpass.GetPassWarning):
        raise CommandError("nobody types a password here: use --password-stdin") from None
    if again != password:
        raise CommandError("the two passwords differ")
    return password


def _create_user(options: argparse.Namespace) -> int:
    settings = ready(options)
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
    settings = ready(options)
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
    index = open_index(ready(options)).index
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
    with open_index(ready(options)).index.database.read() as session:
        for user in users.all_users(session):
            kinds = {"administrator": user.is_admin, "disabled": user.is_disabled}
            what = ", ".join(kind for kind, is_so in kinds.items() if is_so)
            print(user.name, what, user.email or "", sep="\t")
    return 0


def _link(options: argparse.Namespace) -> int:
    """Prints the link alone, once it works; it can't know where the index is served."""
    settings = ready(options)
    with open_index(settings).index.database.write() as session:
        secret = options.make(session, options).secret
    print(link_url(settings, secret))
    if URL not in ini_of(options):
        print(
            f"pypi-lite: the link has the default address {settings.url}: set {URL}, or"
            " PYPI_LITE_URL, where the index is at another one",
            file=sys.stderr,
        )
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
    settings = ready(options)
    if not settings.oidc_issuer:
        raise CommandError("there is no setting oidc_issuer: name the INI file that has it")
    return settings
