"""What an index need not take although it is in order: a list that settings switch.

Each policy is a function, found in `POLICIES` or `HISTORY_POLICIES` under the setting that switches it
on and shapes it; all of them are off unless a setting says otherwise, so that a private index takes what
teams make daily. The former look at the distribution alone. The latter also ask the database: once
before the file is stored, and once more where nobody else writes.
"""

import re
import sys
from collections.abc import Callable, Container, Iterable
from datetime import timedelta

from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session
from trove_classifiers import classifiers as known_classifiers

from pypi_lite.distributions import Distribution, PackageType
from pypi_lite.models import File, Project, Release, Visibility, now
from pypi_lite.names import canonical_version
from pypi_lite.repository import Index
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.settings import Settings

#: Classifiers of this group say that a file is not for PyPI, where none of them is known.
_PRIVATE = "Private :: "

# What PyPI takes, by the tags' first parts.
_PLATFORMS = re.compile(
    r"any|win32|win_(amd64|arm64|ia64)"
    r"|manylinux(1|2010)_(x86_64|i686)"
    r"|manylinux(2014|_\d+_\d+)_(x86_64|i686|aarch64|armv7l|ppc64|ppc64le|s390x|riscv64)"
    r"|musllinux_\d+_\d+_(x86_64|i686|aarch64|armv7l|ppc64le|s390x|riscv64)"
    r"|linux_armv[67]l"
    r"|macosx_(10_\d+|(1[1-5]|26)_0)_"
    r"(ppc|ppc64|i386|intel|fat|fat32|fat64|x86_64|arm64|universal|universal2)"
    r"|ios_\d+_\d+_(arm64|x86_64)_iphone(os|simulator)"
    r"|android_\d+_(armeabi_v7a|arm64_v8a|x86|x86_64)"
    r"|pyemscripten_\d+_\d+_wasm32"
)
_STANDARD_LIBRARY = frozenset(canonicalize_name(name) for name in sys.stdlib_module_names)
#: Characters that look alike in some typeface, and what they are taken for.
_LOOKALIKES = (("1", "l"), ("i", "l"), ("0", "o"), ("-", ""))
_EXCEPTION = re.compile(r" WITH [^\s()]+")
_INNERMOST = re.compile(r"\(([^()]*)\)")
#: What a part in parentheses is replaced by: no identifiers.
_MET, _UNMET = "+", "-"
_LONGEST_EXPRESSION = 1000

Policy = Callable[[Settings, Distribution], None]
HistoryPolicy = Callable[[Session, Settings, Distribution], None]


def check(index: Index, distribution: Distribution) -> None:
    """Raise Refusal if a policy that is on does not want *distribution*."""
    settings = index.settings
    for name, policy in POLICIES.items():
        if getattr(settings, name):
            policy(settings, distribution)
    if any(getattr(settings, name) for name in HISTORY_POLICIES):
        with index.database.read() as session:
            check_history(session, settings, distribution)


def check_history(session: Session, settings: Settings, distribution: Distribution) -> None:
    """The policies that ask the database, in *session*. Raises Refusal."""
    for name, policy in HISTORY_POLICIES.items():
        if getattr(settings, name):
            policy(session, settings, distribution)


# -- of the distribution alone


def check_local_version(settings: Settings, distribution: Distribution) -> None:
    """No version such as 1.0+ours (PEP 440: they are not for a public index)."""
    version = distribution.filename.version
    if version.local is not None:
        raise Refusal(
            Code.LOCAL_VERSION,
            f"This index takes no local versions such as {str(version)!r}: use {version.public!r}"
            " or the next number.",
        )


def check_direct_urls(settings: Settings, distribution: Distribution) -> None:
    """No dependency with a URL (PEP 440: a public index should not take them)."""
    for requirement in distribution.metadata.fields.get("requires_dist", ()):
        if Requirement(requirement).url is not None:
            raise Refusal(
                Code.DIRECT_URL,
                f"This index takes no dependencies with a URL: {_shown(requirement)}. Depend on a"
                " version of a project.",
            )


def check_platforms(settings: Settings, distribution: Distribution) -> None:
    """Platform tags that PyPI takes, alone."""
    filename = distribution.filename
    if filename.packagetype is not PackageType.BDIST_WHEEL:
        return
    for tag in filename.filename.removesuffix(".whl").rpartition("-")[2].split("."):
        if not _PLATFORMS.fullmatch(tag):
            raise Refusal(
                Code.PLATFORM_TAG,
                f"This index takes no wheels for {_shown(tag)}: repair it for manylinux or"
                " musllinux, for instance with auditwheel.",
            )


def check_filename(settings: Settings, distribution: Distribution) -> None:
    """The name that the standards give to the file today (PEP 427, PEP 625)."""
    filename = distribution.filename
    stem = f"{filename.project.replace('-', '_')}-{filename.version}"
    if filename.packagetype is PackageType.BDIST_WHEEL:
        good = filename.filename.startswith(stem + "-")
        stem += "-..."
    else:
        stem += ".tar.gz"
        good = filename.filename == stem
    if not good:
        raise Refusal(
            Code.FILENAME_UNUSUAL,
            f"This index takes normalized filenames: {stem!r}, and not {filename.filename!r};"
            " build it with an up-to-date tool.",
        )


def check_licence(settings: Settings, distribution: Distribution) -> None:
    """The licence is one of those that are allowed, or a choice of which one is (PEP 639)."""
    fields = distribution.metadata.fields
    # Older files have a License field for whatever text; where it is an identifier it counts.
    licence = fields.get("license_expression") or fields.get("license") or ""
    if not is_allowed(licence, settings.allowed_licences):
        raise Refusal(
            Code.LICENCE_NOT_ALLOWED,
            f"The licence {_shown(licence)} is none of those that this index takes, as"
            f" License-Expression: {_listed(settings.allowed_licences)}.",
        )


def is_allowed(licence: str, allowed: Iterable[str]) -> bool:
    """Whether the SPDX expression *licence* can be met with the identifiers in *allowed*.

    ``A WITH exception`` gives more rights than A, which is enough therefore. What is no expression is
    not allowed.
    """
    try:
        if len(licence) > _LONGEST_EXPRESSION:
            return False
        expression = str(canonicalize_license_expression(licence))
    except (ValueError, RecursionError, MemoryError):
        return False
    names = {name.lower() for name in allowed} | {_MET}
    expression = _EXCEPTION.sub("", expression)
    while group := _INNERMOST.search(expression):
        met = _MET if _is_met(group[1], names) else _UNMET
        expression = expression[: group.start()] + met + expression[group.end() :]
    return _is_met(expression, names)


def _is_met(expression: str, names: Container[str]) -> bool:
    """Of an expression without parentheses. AND binds more strongly than OR (SPDX, annex D.4.5)."""
    choices = [choice.split(" AND ") for choice in expression.split(" OR ")]
    return any(all(name.strip().lower() in names for name in choice) for choice in choices)


def check_required_classifiers(settings: Settings, distribution: Distribution) -> None:
    """The metadata have all classifiers that the index wants to see."""
    has = distribution.metadata.fields.get("classifiers", ())
    missing = [wanted for wanted in settings.required_classifiers if wanted not in has]
    if missing:
        raise Refusal(
            Code.CLASSIFIER_REQUIRED,
            f"This index asks for the classifier {missing[0]!r}: add it to the metadata.",
        )


def check_known_classifiers(settings: Settings, distribution: Distribution) -> None:
    """Classifiers that PyPI knows, and any that begins with ``Private ::``."""
    for classifier in distribution.metadata.fields.get("classifiers", ()):
        if classifier not in known_classifiers and not classifier.startswith(_PRIVATE):
            raise Refusal(
                Code.CLASSIFIER_UNKNOWN,
                f"The classifier {_shown(classifier)} is unknown: correct it, or begin it with"
                f" {_PRIVATE.strip()!r}.",
            )


# -- that ask the database


def check_one_sdist(session: Session, settings: Settings, distribution: Distribution) -> None:
    """A release has one source distribution: of two, nobody knows which one is built."""
    if distribution.filename.packagetype is not PackageType.SDIST:
        return
    other = session.scalar(
        select(File.filename)
        .join(File.release)
        .where(*_is_release(distribution), File.packagetype == PackageType.SDIST)
        .limit(1)
    )
    if other is not None:
        raise Refusal(
            Code.SECOND_SDIST,
            f"The release has a source distribution already, {other!r}, and this index takes one for"
            " each: use a different version.",
        )


def check_open_release(session: Session, settings: Settings, distribution: Distribution) -> None:
    """A release is complete after some days: what is added later is what an intruder would add."""
    days = settings.close_releases_after
    created = session.scalar(select(Release.created).where(*_is_release(distribution)))
    if created is not None and now() - created > timedelta(days=days):
        raise Refusal(
            Code.RELEASE_CLOSED,
            f"The release is older than {days:g} days, and takes no more files: use a different"
            " version.",
        )


def check_project_size(session: Session, settings: Settings, distribution: Distribution) -> None:
    """All files of a project together have a limit."""
    has = session.scalar(
        select(func.sum(File.size))
        .join(File.release)
        .where(Release.project_id == _project_id(distribution))
    )
    size = int(has or 0) + distribution.size
    if size > settings.max_project_size:
        raise Refusal(
            Code.TOO_LARGE,
            f"With this file the project would have {size} bytes, and this index takes"
            f" {settings.max_project_size} of one project: delete what nobody needs, or ask an"
            " administrator.",
        )


def check_similar_names(session: Session, settings: Settings, distribution: Distribution) -> None:
    """A new project's name is not to be taken for another one's.

    Names look alike that differ in separators, and in letters and digits that look like others.
    """
    if _is_known(session, distribution):
        return
    alike = session.execute(
        select(Project.name, Project.visibility)
        .where(_looks(Project.normalized_name.expression) == look(distribution.filename.project))
        .order_by(Project.visibility == Visibility.PRIVATE)
        .limit(1)
    ).first()
    if alike is not None:
        is_hidden = alike.visibility == Visibility.PRIVATE  # and its name is not told
        what = "that of another project" if is_hidden else repr(alike.name)
        raise Refusal(
            Code.NAME_SIMILAR,
            f"The name {distribution.metadata.name!r} looks like {what}, which is here already:"
            " give the project a name that nobody takes for it.",
        )


def look(normalized_name: str) -> str:
    """What two names that look alike have in common: ``1-0-1`` and ``lol`` do."""
    for character, taken_for in _LOOKALIKES:
        normalized_name = normalized_name.replace(character, taken_for)
    return normalized_name


def _looks(column: ColumnElement[str]) -> ColumnElement[str]:
    """`look`, in SQL."""
    for character, taken_for in _LOOKALIKES:
        column = func.replace(column, character, taken_for)
    return column


def check_standard_library(
    session: Session, settings: Settings, distribution: Distribution
) -> None:
    """A new project does not take the name of a module that everybody has."""
    name = distribution.filename.project
    if name in _STANDARD_LIBRARY and not _is_known(session, distribution):
        raise Refusal(
            Code.NAME_OF_STANDARD_LIBRARY,
            f"The name {distribution.metadata.name!r} is that of a module of Python's standard"
            " library: give the project another one.",
        )


def _is_known(session: Session, distribution: Distribution) -> bool:
    name = distribution.filename.project
    query = select(Project.id).where(Project.normalized_name == name)
    return session.scalar(query) is not None


def _project_id(distribution: Distribution) -> ColumnElement[int]:
    name = distribution.filename.project
    return select(Project.id).where(Project.normalized_name == name).scalar_subquery()


def _is_release(distribution: Distribution) -> tuple[ColumnElement[bool], ...]:
    return (
        Release.project_id == _project_id(distribution),
        Release.canonical_version == canonical_version(distribution.filename.version),
    )


def _listed(values: Iterable[str]) -> str:
    """Some of *values*, for a reason phrase has no room for many."""
    values = list(values)
    return ", ".join(values[:10]) + (", ..." if len(values) > 10 else "")


def _shown(value: str) -> str:
    """*value*, which came with the file, in quotes and short."""
    return ascii(value if len(value) <= 80 else value[:77] + "...")


#: By the setting that switches each on.
POLICIES: dict[str, Policy] = {
    "refuse_local_versions": check_local_version,
    "refuse_direct_urls": check_direct_urls,
    "refuse_other_platforms": check_platforms,
    "refuse_unusual_filenames": check_filename,
    "allowed_licences": check_licence,
    "required_classifiers": check_required_classifiers,
    "refuse_unknown_classifiers": check_known_classifiers,
}
HISTORY_POLICIES: dict[str, HistoryPolicy] = {
    "refuse_standard_library_names": check_standard_library,
    "refuse_similar_names": check_similar_names,
    "refuse_second_sdists": check_one_sdist,
    "close_releases_after": check_open_release,
    "max_project_size": check_project_size,
}
