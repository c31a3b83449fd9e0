"""The upload: a pipeline of small steps, the same for the web form, the upload API and the importer.

authorise -> receive -> inspect the archive -> read its metadata -> apply policies -> store the blob
-> record. Each step refuses with a `Refusal`; what costs least is refused first. Receiving is the
caller's: it streams the bytes (`receive`) into an `Incoming` of the blobs, which hashes them.
"""

import hmac
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from packaging.version import Version
from sqlalchemy import and_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pypi_lite.accounts.identity import Identity
from pypi_lite.accounts.permissions import Permission
from pypi_lite.attestations import Attested
from pypi_lite.cache.writing import ChangeRefused
from pypi_lite.distributions import (
    Distribution,
    DistributionFilename,
    InvalidDistribution,
    parse_filename,
    read_distribution,
)
from pypi_lite.models import (
    Action,
    BurnedFilename,
    File,
    JournalEntry,
    Project,
    Release,
    Role,
    RoleName,
    now,
)
from pypi_lite.models.journal import append
from pypi_lite.names import LONGEST_NAME, canonical_version, normalize_name, parse_version
from pypi_lite.repository import (
    Index,
    attestations,
    descriptions,
    latest,
    namespaces,
    policies,
    publishing,
    status,
)
from pypi_lite.repository.authority import (
    check_credentials,
    current_identity,
    not_allowed,
    permissions_on,
)
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.storage import Digests, Incoming

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claims:
    """What the uploader says of the file. Advisory: the archive is the truth, and has to agree."""

    name: str | None = None
    version: str | None = None
    filetype: str | None = None
    #: Hexadecimal, by the names of `Digests`' fields.
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Submission:
    """A file that has arrived, and who sent it."""

    identity: Identity
    filename: str
    incoming: Incoming
    digests: Digests
    claims: Claims = Claims()
    #: A JSON array, as the uploader sent it, to an index that takes them.
    attestations: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A file of the index."""

    filename: str
    project: str
    version: str
    #: The serial of the change, or, of a file that was here already, of its project's last change.
    serial: int
    #: False: the very same file was here already.
    is_new: bool


#: A policy looks at a distribution and refuses it. The list grows with the standards.
Policy = Callable[[Index, Distribution], None]
POLICIES: tuple[Policy, ...] = (policies.check,)


@contextmanager
def arriving(index: Index) -> Iterator[Incoming]:
    """A file to `receive` and `publish` in this block. Raises Refusal where the disk won't have it."""
    try:
        with index.blobs.receive() as incoming:
            yield incoming
    except OSError as error:
        log.exception("an upload could not be stored")
        raise Refusal(Code.BUSY, f"The file could not be stored: {error.strerror}.") from error


def receive(index: Index, incoming: Incoming, chunks: Iterable[bytes]) -> None:
    """Write *chunks* into *incoming*. Raises Refusal where they are more than the index takes."""
    most = index.settings.max_file_size
    for chunk in chunks:
        if incoming.size + len(chunk) > most:
            raise Refusal(
                Code.TOO_LARGE, f"The file is larger than this index takes: {most} bytes."
            )
        incoming.write(chunk)


def publish(index: Index, submission: Submission) -> Published:
    """Take the submission into the index; when this returns, every page shows it.

    Raises Refusal, and then nothing has changed.
    """
    filename = _parse_filename(submission)
    claimed = submission.claims.name
    _check_claims(submission, filename)
    with index.database.read() as session:
        # A legacy sdist's name can be read in two ways; the metadata decides when it is recorded.
        # So does the token or account as it is then.
        _check_may_upload(session, submission.identity, normalize_name(claimed or filename.project))
        status.check_takes_files(session, normalize_name(claimed or filename.project))
        if known := _find_same(session, submission):
            return known
    distribution = _inspect(index, submission)
    for policy in POLICIES:
        policy(index, distribution)
    attested = _check_attestations(index, submission, distribution)
    html = _render(index, distribution)
    try:
        with (
            _storing(index, submission, distribution) as stored,
            index.database.write() as session,
        ):
            published = _record(
                index, session, submission, distribution, html, stored.metadata_sha256, attested
            )
            session.flush()  # while the disk is at work
            stored.finish()
            _check_stored(index, submission.digests.sha256, stored.metadata_sha256)
    except IntegrityError as error:
        # A writer writes alone, so that only a change past the index's own code can get here.
        raise Refusal(Code.BUSY, "The index changed meanwhile. Try again.") from error
    except ChangeRefused as error:
        log.exception("an upload was refused")
        raise Refusal(Code.BUSY, f"The file was not published: {error}. Try again.") from error
    return published


def authorise(session: Session, identity: Identity, normalized_name: str) -> Identity:
    """*identity* as it is now, if it may upload to the project. Raises Refusal.

    Anybody with an account may begin a project, and owns it then.
    """
    current = current_identity(session, identity)
    _check_may_upload(session, current, normalized_name)
    return current


def _check_may_upload(session: Session, identity: Identity, normalized_name: str) -> None:
    check_credentials(identity, normalized_name, Permission.UPLOAD)
    if identity.is_admin:
        return
    project = session.scalar(select(Project).where(Project.normalized_name == normalized_name))
    if project is None:
        owner = publishing.beginner(session, identity, normalized_name)
        namespaces.check_may_begin(session, owner, normalized_name)
        return
    # A publisher's token is for its project alone, and for nothing else than this.
    is_publisher = identity.publisher_token_id is not None
    if not is_publisher and Permission.UPLOAD not in permissions_on(
        session, identity.user_id, project
    ):
        # Not "no such project", even to who may not read it: the name is taken, and that shows.
        raise not_allowed(
            f"{identity.name!r} may not upload to {normalized_name!r}: ask one of its owners."
        )


def _parse_filename(submission: Submission) -> DistributionFilename:
    try:
        return parse_filename(submission.filename)
    except InvalidDistribution as error:
        raise Refusal(Code.BAD_DISTRIBUTION, str(error)) from error


def _check_claims(submission: Submission, filename: DistributionFilename) -> None:
    """What the form says must agree with the file's name and bytes, where it says anything."""
    claims = submission.claims
    if claims.filetype is not None and claims.filetype != filename.packagetype:
        raise Refusal(
            Code.MISMATCH,
            f"The form says filetype {claims.filetype!r}, but {filename.filename!r} is a"
            f" {filename.packagetype.value}.",
        )
    for name, claimed in claims.digests.items():
        found = getattr(submission.digests, name)
        if not hmac.compare_digest(claimed.strip().lower().encode(), found.encode()):
            raise Refusal(
                Code.BAD_DIGEST,
                f"The digest supplied does not match a digest calculated from the uploaded file:"
                f" {name} is {found}. Upload it again.",
            )


def _check_named(claims: Claims, name: str, version: Version) -> None:
    """What the form says must agree with the *name* and *version* of the file's metadata."""
    if claims.name is not None and normalize_name(claims.name) != normalize_name(name):
        raise Refusal(
            Code.MISMATCH,
            f"The form says name {claims.name!r}, but the file's metadata says {name!r}.",
        )
    if claims.version is not None and parse_version(claims.version) != version:
        raise Refusal(
            Code.MISMATCH,
            f"The form says version {claims.version!r}, but the file's metadata says"
            f" {str(version)!r}.",
        )


def _find_same(session: Session, submission: Submission) -> Published | None:
    """The file, if the very same one is here already. Raises Refusal if its name is taken."""
    burned = session.get(BurnedFilename, submission.filename)
    if burned is None:
        return None
    file = session.scalar(select(File).where(File.filename == submission.filename))
    if file is None:
        raise Refusal(
            Code.FILENAME_BURNED,
            f"The name {submission.filename!r} was used by a file that has since been deleted, and"
            " clients may remember it. Use a different version or build number.",
        )
    if file.sha256 != submission.digests.sha256:
        raise Refusal(
            Code.FILE_EXISTS,
            f"File already exists: {submission.filename!r}, with sha256 {file.sha256}."
            " A file is never replaced: use a different version or build number.",
        )
    project = file.release.project
    _check_named(submission.claims, project.name, Version(file.release.version))
    return Published(
        filename=file.filename,
        project=project.normalized_name,
        version=file.release.version,
        serial=project.last_serial,
        is_new=False,
    )


def _inspect(index: Index, submission: Submission) -> Distribution:
    """The distribution, read from the archive itself; the form's name and version agree with it."""
    try:
        distribution = read_distribution(
            submission.incoming.path, submission.filename, hashed=index.settings.record_hashed
        )
    except InvalidDistribution as error:
        raise Refusal(Code.BAD_DISTRIBUTION, str(error)) from error
    metadata = distribution.metadata
    if len(metadata.name) > LONGEST_NAME:
        raise Refusal(
            Code.BAD_DISTRIBUTION, f"The project's name is longer than {LONGEST_NAME} characters."
        )
    _check_named(submission.claims, metadata.name, metadata.version)
    return distribution


def _check_attestations(
    index: Index, submission: Submission, distribution: Distribution
) -> Collection[Attested]:
    return attestations.check(
        index,
        submission.attestations,
        normalize_name(distribution.metadata.name),
        submission.filename,
        submission.digests.sha256,
    )


def _render(index: Index, distribution: Distribution) -> str | None:
    """The description's HTML, outside of the write transaction: rendering takes its time."""
    metadata = distribution.metadata
    if not metadata.description:
        return None
    return descriptions.render(metadata.description, metadata.description_content_type)


@dataclass(frozen=True, slots=True)
class _Stored:
    """The blobs of a submission, on their way to the disk."""

    #: Of the ``.metadata`` sibling, if the distribution has one.
    metadata_sha256: str | None
    #: Returns when they are on the disk for good. Raises OSError.
    finish: Callable[[], None]


@contextmanager
def _storing(index: Index, submission: Submission, distribution: Distribution) -> Iterator[_Stored]:
    """Put the bytes on the disk while the block writes the rows; it commits when both are done."""
    arrived = {submission.digests.sha256: submission.incoming}
    with ExitStack() as stack:
        sha256 = None
        if distribution.has_metadata_file:
            metadata = stack.enter_context(index.blobs.receive())
            metadata.write(distribution.metadata_bytes)
            sha256 = metadata.finish().sha256
            arrived[sha256] = metadata
        yield _Stored(sha256, stack.enter_context(index.blobs.keeping(arrived)))


def _check_stored(index: Index, *digests: str | None) -> None:
    """The blobs are still there, now that nobody else writes: removing what no row names takes the
    same lock, and may have come between storing and recording."""
    if not all(index.blobs.path(digest).exists() for digest in digests if digest is not None):
        raise Refusal(Code.BUSY, "The file was removed while it was recorded. Try again.")


def _record(
    index: Index,
    session: Session,
    submission: Submission,
    distribution: Distribution,
    html: str | None,
    metadata_sha256: str | None,
    attested: Collection[Attested],
) -> Published:
    """Write the rows. What was checked before is checked again: now nobody else writes."""
    name = normalize_name(distribution.metadata.name)
    identity = authorise(session, submission.identity, name)
    if known := _find_same(session, submission):
        return known
    policies.check_history(session, index.settings, distribution)
    found, release = _find_release(session, distribution)
    description = None
    if html is not None and distribution.metadata.description:
        description = descriptions.keep(
            session,
            distribution.metadata.description,
            distribution.metadata.description_content_type,
            html,
        )
    # All has been asked: what follows is written at once.
    project = _project(index, session, found, distribution, identity)
    release = release or _new_release(session, project, distribution, identity)
    file = _file(session, release, submission, distribution, metadata_sha256)
    file.uploaded_by = identity.user_id
    file.description = description
    attestations.record(session, name, file, attested)
    entry = append(
        session,
        Action.FILE_ADD,
        by=identity,
        project=name,
        version=release.version,
        filename=file.filename,
    )
    mark_changed(project, entry)
    latest.keep_with(session, project, release, file)
    return Published(
        filename=file.filename,
        project=name,
        version=release.version,
        serial=entry.serial,
        is_new=True,
    )


def mark_changed(project: Project, entry: JournalEntry) -> None:
    """*entry* is the last change that the project's pages show."""
    project.last_serial = entry.serial
    project.changed = entry.moment


def _find_release(
    session: Session, distribution: Distribution
) -> tuple[Project | None, Release | None]:
    """The project and the release that the distribution belongs to, as far as they are there."""
    metadata = distribution.metadata
    same = (
        Release.project_id == Project.id,
        Release.canonical_version == canonical_version(metadata.version),
    )
    found = session.execute(
        select(Project, Release)
        .outerjoin(Release, and_(*same))
        .where(Project.normalized_name == normalize_name(metadata.name))
    ).first()
    return (None, None) if found is None else (found[0], found[1])


def _project(
    index: Index,
    session: Session,
    project: Project | None,
    distribution: Distribution,
    identity: Identity,
) -> Project:
    """*project*, renamed to the newest spelling, or a new one."""
    name = distribution.metadata.name
    normalized = normalize_name(name)
    if project is not None:
        status.check_is_open(project)
        if project.name != name:
            append(
                session,
                Action.PROJECT_RENAME,
                by=identity,
                project=normalized,
                note=f"{project.name} -> {name}",
            )
            project.name = name
        return project
    owner = publishing.beginner(session, identity, normalized)
    namespaces.check_may_begin(session, owner, normalized)
    entry = append(session, Action.PROJECT_CREATE, by=identity, project=normalized)
    project = Project(
        normalized_name=normalized,
        name=name,
        visibility=index.settings.visibility,
        created=entry.moment,
        last_serial=entry.serial,
        changed=entry.moment,
    )
    session.add(project)
    if owner.user_id is not None:
        session.add(Role(user_id=owner.user_id, project=project, role=RoleName.OWNER))
    publishing.settle(session, identity, project, owner)
    return project


def _new_release(
    session: Session, project: Project, distribution: Distribution, identity: Identity
) -> Release:
    version = distribution.metadata.version
    entry = append(
        session,
        Action.RELEASE_CREATE,
        by=identity,
        project=project.normalized_name,
        version=str(version),
    )
    release = Release(
        project=project,
        version=str(version),
        canonical_version=canonical_version(version),
        created=entry.moment,
        yanked=False,
    )
    session.add(release)
    return release


def _file(
    session: Session,
    release: Release,
    submission: Submission,
    distribution: Distribution,
    metadata_sha256: str | None,
) -> File:
    digests, metadata = submission.digests, distribution.metadata
    session.add(BurnedFilename(filename=submission.filename, sha256=digests.sha256))
    file = File(
        release=release,
        filename=submission.filename,
        packagetype=distribution.filename.packagetype,
        python_version=distribution.filename.python_tag,
        size=digests.size,
        sha256=digests.sha256,
        md5=digests.md5,
        blake2_256=digests.blake2_256,
        uploaded=now(),
        requires_python=metadata.requires_python,
        summary=metadata.summary,
        core_metadata=metadata.fields,
        metadata_sha256=metadata_sha256,
    )
    session.add(file)
    return file
