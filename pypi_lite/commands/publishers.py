"""``pypi-lite publisher``: workflows that publish files of a project, and attest them."""

import argparse

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.commands.opening import ready
from pypi_lite.commands.parsing import Commands, add_command, positive
from pypi_lite.issuers import GITHUB_ISSUER, GITLAB_ISSUER, IssuerKind, Source
from pypi_lite.opening import open_index
from pypi_lite.repository import publishers


def add_to(commands: Commands) -> None:
    """Add the commands."""
    publisher = commands.add_parser(
        "publisher", help="workflows that publish files of a project, and attest them"
    ).add_subparsers(required=True)
    command = add_command(
        publisher, "add", _add_publisher, "let a workflow publish files of PROJECT"
    )
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
    command = add_command(
        publisher, "list", _list_publishers, "the publishers of PROJECT, or the pending"
    )
    command.add_argument("project", metavar="PROJECT", nargs="?")
    command = add_command(publisher, "remove", _remove_publisher, "trust a publisher no longer")
    command.add_argument("project", metavar="PROJECT", nargs="?", help="without: a pending one")
    command.add_argument("id", metavar="ID", type=positive)


def _add_publisher(options: argparse.Namespace) -> int:
    """Prints the number alone."""
    source = _source(options)
    settings = ready(options)
    publishers.check_trusted(settings, source)
    with open_index(settings).index.database.write() as session:
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
    with open_index(ready(options)).index.database.read() as session:
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
    with open_index(ready(options)).index.database.write() as session:
        if options.project:
            publishers.remove(session, OPERATOR, options.project, options.id)
        else:
            publishers.remove_pending(session, OPERATOR, options.id)
    return 0
