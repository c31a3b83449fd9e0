"""The tables: one noun a module, typed, with the constraints that the database enforces itself."""

from pypi_lite.models.account import (
    Group,
    GroupMember,
    Role,
    RoleName,
    Scope,
    Token,
    TokenProject,
    TokenScope,
    User,
    WebSession,
)
from pypi_lite.models.attempt import FailedAttempt, KnownAddress
from pypi_lite.models.attestation import FileAttestation
from pypi_lite.models.base import Base, now
from pypi_lite.models.external import ExternalIdentity
from pypi_lite.models.factor import AuthenticatorApp, Passkey, RecoveryCode, SpentTicket
from pypi_lite.models.file import BurnedFilename, Description, File
from pypi_lite.models.journal import Action, JournalEntry
from pypi_lite.models.link import LinkPurpose, OneTimeLink
from pypi_lite.models.namespace import Namespace, NamespaceOwner
from pypi_lite.models.project import Project, ProjectStatus, Release, Visibility
from pypi_lite.models.publisher import (
    Publisher,
    PublisherToken,
    PublisherTokenPublisher,
    UsedAssertion,
)

__all__ = [
    "Action",
    "AuthenticatorApp",
    "Base",
    "BurnedFilename",
    "Description",
    "ExternalIdentity",
    "FailedAttempt",
    "File",
    "FileAttestation",
    "Group",
    "GroupMember",
    "JournalEntry",
    "KnownAddress",
    "LinkPurpose",
    "Namespace",
    "NamespaceOwner",
    "OneTimeLink",
    "Passkey",
    "Project",
    "ProjectStatus",
    "Publisher",
    "PublisherToken",
    "PublisherTokenPublisher",
    "RecoveryCode",
    "Release",
    "Role",
    "RoleName",
    "Scope",
    "SpentTicket",
    "Token",
    "TokenProject",
    "TokenScope",
    "UsedAssertion",
    "User",
    "Visibility",
    "WebSession",
    "now",
]
