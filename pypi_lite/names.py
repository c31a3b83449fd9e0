"""Project names and versions: pure functions on the field's nouns.

The rules are those of the Python packaging user guide, "Names and normalization" and "Version
specifiers" (PEP 503, PEP 440).
"""

import re

from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import Version

#: Characters of a project's name; a file name has no room for more.
LONGEST_NAME = 200

# \Z and not $: a trailing newline is no part of a name.
_NAME = re.compile(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])\Z", re.IGNORECASE | re.ASCII)
_NORMALIZED = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z", re.ASCII)


def is_valid_name(name: str) -> bool:
    """Whether *name* may name a project ("Names and normalization", valid non-normalized names)."""
    return _NAME.match(name) is not None


def is_normalized_name(name: str) -> bool:
    """Whether *name* is a normalized project name, the only spelling that has pages."""
    return _NORMALIZED.match(name) is not None


def normalize_name(name: str) -> str:
    """The spelling under which two names are the same project: ``Foo._Bar`` is ``foo-bar``."""
    return str(canonicalize_name(name))


def parse_version(version: str) -> Version | None:
    """*version* as PEP 440 reads it, or None where it is not a version."""
    try:
        return Version(version)
    # InvalidVersion is one; another comes from numbers with more digits than int() reads.
    except ValueError:
        return None


def canonical_version(version: Version) -> str:
    """The spelling under which two versions are one release: ``1.0`` and ``1.0.0`` are ``1``."""
    return canonicalize_version(version)
