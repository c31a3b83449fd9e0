"""``pypi-lite token``."""

import argparse

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.people import find_user
from pypi_lite.accounts.tokens import (
    create_token,
    find_token,
    revoke_token,
    revoke_tokens,
    tokens_of,
)
from pypi_lite.commands.opening import ready
from pypi_lite.commands.parsing import Commands, add_command, positive
from pypi_lite.models import Scope
from pypi_lite.opening import open_index
from pypi_lite.repository.pages import moment_text

#: Of a token that is given none.
_SCOPES = (Scope.READ, Scope.UPLOAD)


def add_to(commands: Commands) -> None:
    """Add the commands."""
    token = commands.add_parser("token", help="tokens").add_subparsers(required=True)
    command = add_command(token, "create", _create_token, "make a token for a user, and print it")
    command.add_argument("name")
    command.add_argument(
        "--scope",
        action="append",
        choices=[scope.value for scope in Scope],
        help=f"what it may; once for each (default: {', '.join(_SCOPES)})",
    )
    command.add_argument("--project", action="append", default=[], help="for this project alone")
    command.add_argument("--days", type=positive, help="until so many days from now")
    command.add_argument(
        "--name", dest="called", default="token", help="what to call it (default: token)"
    )
    command = add_command(token, "list", _list_tokens, "the tokens of a user")
    command.add_argument("name", metavar="NAME")
    command = add_command(token, "revoke", _revoke_tokens, "let a token open nothing any more")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("token", metavar="TOKEN-OR-ID", nargs="?")
    which.add_argument("--all", metavar="NAME", help="all tokens of a user")


def _create_token(options: argparse.Namespace) -> int:
    with open_index(ready(options)).index.database.write() as session:
        secret = create_token(
            session,
            find_user(session, options.name),
            name=options.called,
            scopes=[Scope(name) for name in options.scope or _SCOPES],
            projects=options.project,
            days=options.days,
            by=OPERATOR,
        )
    print(secret)
    return 0


def _list_tokens(options: argparse.Namespace) -> int:
    """One a line: its number, name, scopes, projects; when it was made, ends, and was last used."""
    with open_index(ready(options)).index.database.read() as session:
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
    with open_index(ready(options)).index.database.write() as session:
        if options.all is not None:
            revoke_tokens(session, find_user(session, options.all).id, by=OPERATOR)
        else:
            token = find_token(session, options.token)
            revoke_token(session, token.user_id, token.id, by=OPERATOR)
    return 0
