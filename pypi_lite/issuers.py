"""Issuers whose tokens a program may show in place of a secret, and what such a token says.

A token's claims are those of GitHub, of GitLab, or of another issuer, of which nothing but the subject
is known. Nothing here verifies a token (`pypi_lite.jwts`) or asks a database.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from pypi_lite.urls import safe_url

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GITLAB_ISSUER = "https://gitlab.com"


class IssuerKind(StrEnum):
    """Whose claims an issuer's tokens have."""

    GITHUB = "GitHub"
    GITLAB = "GitLab"
    OTHER = "other"


#: The issuers that have a name of their own.
PUBLIC = {IssuerKind.GITHUB: GITHUB_ISSUER, IssuerKind.GITLAB: GITLAB_ISSUER}
_NAMES = {kind.value.lower(): kind for kind in PUBLIC}


class ClaimsError(ValueError):
    """A verified token does not say what it has to; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer that the settings name."""

    kind: IssuerKind
    #: Exactly as its tokens write it.
    url: str
    #: Where its keys are; None: its discovery document says it.
    jwks_url: str | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return issuer_title(self.kind, self.url)


@dataclass(frozen=True, slots=True)
class Source:
    """What runs elsewhere, as a person knows it: a workflow in a repository, or a token's subject."""

    kind: IssuerKind
    issuer: str
    #: ``owner/name``, spelled as there; empty where the issuer is neither GitHub nor GitLab.
    repository: str
    #: The workflow's file: on GitHub its name, on GitLab its path. Of another issuer: the subject.
    workflow: str
    #: Empty: none, or of a publisher any.
    environment: str = ""

    @property
    def title(self) -> str:
        """What people call the issuer."""
        return issuer_title(self.kind, self.issuer)

    def __str__(self) -> str:
        repository = f" of {self.repository}" if self.repository else ""
        where = f" in {self.environment}" if self.environment else ""
        return f"{self.workflow}{repository} on {self.title}{where}"


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a token says of the job that shows it."""

    source: Source
    #: The forge's number of the account or group that owns the repository: a name may be given up, and
    #: taken by somebody else. Empty where there is none.
    owner_id: str = ""


def issuer_title(kind: IssuerKind, url: str) -> str:
    """What people call an issuer: ``GitHub``, ``GitLab at git.example.com``, ``ci.example.com/a``."""
    if PUBLIC.get(kind) == url:
        return kind.value
    address = url.partition("://")[2]
    return address if kind is IssuerKind.OTHER else f"{kind.value} at {urlsplit(url).netloc}"


def parse_issuers(texts: Iterable[str]) -> tuple[TrustedIssuer, ...]:
    """The issuers of the setting ``trusted_publishers``; each is ``[github|gitlab] [URL [KEYS-URL]]``.

    Raises ValueError, with a text for a person.
    """
    found: dict[str, TrustedIssuer] = {}
    for text in texts:
        issuer = _parse_issuer(text)
        if issuer.url in found:
            raise ValueError(f"{issuer.url} is there twice")
        found[issuer.url] = issuer
    return tuple(found.values())


def _parse_issuer(text: str) -> TrustedIssuer:
    first, *urls = text.split()
    kind = _NAMES.get(first.lower(), IssuerKind.OTHER)
    if kind is IssuerKind.OTHER:
        urls.insert(0, first)
    elif not urls:
        urls = [PUBLIC[kind]]
    if len(urls) > 2:
        raise ValueError(f"write {text[:200]!r} as github, gitlab, or an address or two")
    for url in urls:
        safe_url(url)
    return TrustedIssuer(kind, *urls)


def claimed(issuer: TrustedIssuer, claims: Mapping[str, Any]) -> Claimed:
    """What the *claims* of a token of *issuer* say. Raises ClaimsError.

    The workflow is the one that was started, not one that it calls: a reusable workflow would otherwise
    speak for each repository, and each workflow, that calls it. GitHub tells it in ``workflow_ref``
    (``job_workflow_ref`` is the called one), GitLab in ``ci_config_ref_uri``.
    """
    return _READ[issuer.kind](issuer, claims)


def _github(issuer: TrustedIssuer, claims: Mapping[str, Any]) -> Claimed:
    repository = _text(claims, "repository")
    path = _without_ref(_text(claims, "workflow_ref"))
    workflow = path.removeprefix(f"{repository}/.github/workflows/")
    if workflow == path:
        raise ClaimsError("the token's workflow is none of its repository")
    return _claimed(issuer, claims, repository, workflow, _text(claims, "repository_owner_id"))


def _gitlab(issuer: TrustedIssuer, claims: Mapping[str, Any]) -> Claimed:
    repository = _text(claims, "project_path")
    path = _without_ref(_text(claims, "ci_config_ref_uri"))
    workflow = path.removeprefix(f"{urlsplit(issuer.url).netloc}/{repository}//")
    if workflow == path:
        raise ClaimsError("the token's pipeline is none of its project")
    return _claimed(issuer, claims, repository, workflow, _text(claims, "namespace_id"))


def _other(issuer: TrustedIssuer, claims: Mapping[str, Any]) -> Claimed:
    return Claimed(Source(issuer.kind, issuer.url, "", _text(claims, "sub")))


def _claimed(
    issuer: TrustedIssuer,
    claims: Mapping[str, Any],
    repository: str,
    workflow: str,
    owner_id: str,
) -> Claimed:
    environment = _text(claims, "environment") if claims.get("environment") else ""
    source = Source(issuer.kind, issuer.url, repository, workflow, environment)
    return Claimed(source, owner_id)


_READ = {
    IssuerKind.GITHUB: _github,
    IssuerKind.GITLAB: _gitlab,
    IssuerKind.OTHER: _other,
}


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value or "\0" in value:
        raise ClaimsError(f"the token has no claim {name}")
    return value


def _without_ref(address: str) -> str:
    """A workflow's address without the ref at which it ran.

    From the last ``@refs/`` on: a file may be called ``release.yml@x.yml``. What is left is a trusted file
    only if that is all of its name, whatever the ref is called.
    """
    path, found, _ = address.rpartition("@refs/")
    if not found:
        raise ClaimsError("the token does not say at which ref its workflow ran")
    return path
