"""What the database itself refuses, whoever asks: rows written past the application's own checks."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from pypi_lite.cache.writing import KEYS_OPTION
from pypi_lite.models import (
    BurnedFilename,
    Description,
    File,
    FileAttestation,
    JournalEntry,
    Namespace,
    NamespaceOwner,
    Project,
    Publisher,
    PublisherToken,
    PublisherTokenPublisher,
    Release,
    Role,
    RoleName,
    Token,
    TokenProject,
    TokenScope,
    UsedAssertion,
    User,
    now,
)
from pypi_lite.models.base import Base, UTCDateTime, one_of
from pypi_lite.repository import Index

DIGEST = "0" * 64


def values(model: type[Base]) -> dict[str, Any]:
    """A row that is fine, in an index with one of everything (`filled`)."""
    return {**({"id": 50} if "id" in model.__table__.columns else {}), **_values(model)}


def _values(model: type[Base]) -> dict[str, Any]:
    moment = now()
    return {
        User: {"name": "bob", "is_admin": False, "created": moment},
        Project: {
            "normalized_name": "other",
            "name": "Other",
            "created": moment,
            "changed": moment,
            "last_serial": 1,
        },
        Release: {
            "project_id": 1,
            "version": "2.0",
            "canonical_version": "2",
            "created": moment,
            "yanked": False,
        },
        BurnedFilename: {"filename": "other.whl", "sha256": DIGEST},
        File: {
            "release_id": 1,
            "filename": "free.whl",
            "packagetype": "bdist_wheel",
            "python_version": "py3",
            "size": 1,
            "sha256": DIGEST,
            "md5": "0" * 32,
            "blake2_256": DIGEST,
            "uploaded": moment,
            "core_metadata": {},
        },
        Description: {"sha256": "1" * 64, "raw": "", "html": ""},
        JournalEntry: {"serial": 1000, "moment": moment, "action": "file.add", "actor": "test"},
        Token: {"user_id": 1, "sha256": "1" * 64, "created": moment},
        TokenScope: {"token_id": 1, "scope": "upload"},
        TokenProject: {"token_id": 1, "normalized_name": "other"},
        Role: {"user_id": 2, "project_id": 1, "role": "owner"},
        Publisher: {
            "project_id": 1,
            "kind": "GitHub",
            "issuer": "https://issuer.test",
            "repository": "acme/foo",
            "workflow": "release.yml",
            "environment": "free",
            "created": moment,
        },
        PublisherToken: {
            "sha256": "1" * 64,
            "name": "GitHub acme/foo (release.yml)",
            "created": moment,
            "expires": moment,
        },
        PublisherTokenPublisher: {"token_id": 1, "publisher_id": 2},
        UsedAssertion: {"sha256": "1" * 64, "expires": moment},
        FileAttestation: {
            "file_id": 1,
            "predicate_type": "a free type",
            "kind": "GitHub",
            "repository": "acme/foo",
            "workflow": "release.yml",
            "body": {},
        },
        Namespace: {"normalized_name": "other", "created": moment},
        NamespaceOwner: {"namespace_id": 1, "user_id": 2},
    }[model]


@pytest.fixture
def filled(index: Index) -> Index:
    """One of everything, each with number 1; and a second user."""
    moment = now()
    with index.database.write() as session:
        user = User(id=1, name="ann", is_admin=False, created=moment)
        project = Project(
            id=1, normalized_name="foo", name="Foo", created=moment, changed=moment, last_serial=1
        )
        release = Release(
            id=1, project=project, version="1.0", canonical_version="1", created=moment
        )
        token = Token(id=1, user=user, sha256=DIGEST, created=moment)
        token.scopes = [TokenScope(scope="read")]
        token.projects = [TokenProject(normalized_name="foo")]
        session.add_all([user, User(id=2, name="eve", is_admin=False, created=moment)])
        session.add_all([release, token, Role(user=user, project=project, role=RoleName.OWNER)])
        namespace = Namespace(id=1, normalized_name="acme", created=moment)
        session.add(NamespaceOwner(namespace=namespace, user=user))
        session.add(Description(id=1, sha256=DIGEST, raw="", html=""))
        session.add_all(
            [BurnedFilename(filename=f"{n}.whl", sha256=DIGEST) for n in ("foo", "free")]
        )
        session.flush()
        file = File(**{**values(File), "id": 1, "filename": "foo.whl", "release": release})
        session.add(file)
        attestation = {**values(FileAttestation), "id": 1, "predicate_type": "a type", "file": file}
        session.add(FileAttestation(**attestation))
        publisher = {**values(Publisher), "id": 1, "environment": ""}
        session.add(Publisher(**publisher, project=project))
        publisher |= {"id": 2, "project_id": None}
        session.add(Publisher(**publisher, pending_name="bar", person=user))
        publisher_token = PublisherToken(**{**values(PublisherToken), "id": 1, "sha256": DIGEST})
        publisher_token.publishers = [PublisherTokenPublisher(publisher_id=1)]
        session.add(publisher_token)
        session.add(UsedAssertion(sha256=DIGEST, expires=moment))
    return index


def execute(index: Index, statement: Any) -> None:
    with index.database.write() as session:
        session.execute(statement, execution_options={KEYS_OPTION: []})


CASES = [
    (Project, {"normalized_name": "foo"}),
    (Project, {"normalized_name": "Foo"}),
    (Project, {"normalized_name": ""}),
    (Project, {"name": None}),
    (Release, {"canonical_version": "1"}),
    (Release, {"project_id": 99}),
    (Release, {"yanked_reason": "a reason without a yank"}),
    (File, {"filename": "foo.whl"}),
    (File, {"filename": "never-burned.whl"}),
    (File, {"packagetype": "bdist_egg"}),
    (File, {"size": -1}),
    (File, {"sha256": "short"}),
    (File, {"metadata_sha256": "short"}),
    (File, {"release_id": 99}),
    (File, {"description_id": 99}),
    (BurnedFilename, {"filename": "foo.whl"}),
    (Description, {"sha256": DIGEST}),
    (JournalEntry, {"serial": 1}),
    (JournalEntry, {"serial": 0}),
    (JournalEntry, {"action": "dance"}),
    (User, {"name": "ann"}),
    (User, {"name": "Bob"}),
    (Token, {"sha256": DIGEST}),
    (Token, {"sha256": "short"}),
    (Token, {"user_id": 99}),
    (TokenScope, {"scope": "root"}),
    (TokenScope, {"scope": "read"}),
    (TokenProject, {"normalized_name": "foo"}),
    (Role, {"role": "king"}),
    (Role, {"user_id": 1}),
    (Role, {"project_id": 99}),
    (Namespace, {"normalized_name": "acme"}),
    (Namespace, {"normalized_name": "Acme"}),
    (Namespace, {"normalized_name": ""}),
    (Publisher, {"environment": ""}),
    (Publisher, {"environment": None}),
    (Publisher, {"kind": "Sourceforge"}),
    (Publisher, {"repository": ""}),
    (Publisher, {"workflow": ""}),
    (Publisher, {"project_id": 99}),
    (Publisher, {"project_id": None}),
    (Publisher, {"project_id": None, "pending_name": "baz"}),
    (Publisher, {"project_id": None, "pending_by": 1}),
    (Publisher, {"pending_name": "baz"}),
    (Publisher, {"pending_name": "baz", "pending_by": 1}),
    (
        Publisher,
        {"project_id": None, "pending_name": "bar", "pending_by": 2, "environment": ""},
    ),
    (Publisher, {"issuer": ""}),
    (Publisher, {"kind": "other"}),
    (PublisherToken, {"sha256": DIGEST}),
    (PublisherToken, {"sha256": "short"}),
    (PublisherTokenPublisher, {"publisher_id": 1}),
    (PublisherTokenPublisher, {"publisher_id": 99}),
    (PublisherTokenPublisher, {"token_id": 99}),
    (UsedAssertion, {"sha256": DIGEST}),
    (UsedAssertion, {"sha256": "short"}),
    (FileAttestation, {"predicate_type": "a type"}),
    (FileAttestation, {"kind": "Sourceforge"}),
    (FileAttestation, {"file_id": 99}),
    (NamespaceOwner, {"user_id": 1}),
    (NamespaceOwner, {"user_id": 99}),
    (NamespaceOwner, {"namespace_id": 99}),
]


def test_what_must_never_be_false_the_database_refuses(filled: Index) -> None:
    for model, wrong in CASES:
        with pytest.raises(IntegrityError):
            execute(filled, insert(model).values({**values(model), **wrong}))


def test_what_is_fine_it_takes(filled: Index) -> None:
    """Or the test before would prove nothing."""
    for model in {model for model, _ in CASES}:
        execute(filled, insert(model).values(values(model)))


def test_rows_go_with_what_they_belong_to(filled: Index) -> None:
    """A project with its releases, files, roles and publishers; a namespace with its owners; a user
    with tokens. Names stay burned."""
    with filled.database.write() as session:
        session.delete(session.get_one(Namespace, 1))
        session.delete(session.get_one(Project, 1))
        session.delete(session.get_one(User, 1))
    with filled.database.read() as session:
        gone = (Release, File, FileAttestation, Role, Publisher, PublisherTokenPublisher)
        for model in (*gone, Token, TokenScope, TokenProject, NamespaceOwner):
            assert session.scalars(select(model)).all() == []
        assert len(session.scalars(select(BurnedFilename)).all()) == 2


def test_a_file_outlives_the_account_of_its_uploader(filled: Index) -> None:
    execute(filled, update(File).values(uploaded_by=2))
    with filled.database.write() as session:
        session.delete(session.get_one(User, 2))
    with filled.database.read() as session:
        assert session.scalars(select(File.uploaded_by)).all() == [None]


def test_who_owns_a_namespace_stays(filled: Index) -> None:
    """Else it would be nobody's, and keep everybody out."""
    with pytest.raises(IntegrityError), filled.database.write() as session:
        session.delete(session.get_one(User, 1))


def test_moments_are_aware_and_in_utc(filled: Index) -> None:
    with filled.database.read() as session:
        created = session.scalars(select(Project.created)).one()
    assert created.utcoffset() is not None
    assert not created.utcoffset()
    with pytest.raises(ValueError, match="naive"):
        UTCDateTime().process_bind_param(datetime(2026, 1, 1), None)  # type: ignore[arg-type]


def test_every_constraint_and_index_has_a_name() -> None:
    for table in Base.metadata.tables.values():
        for constraint in table.constraints:
            assert constraint.name
        for index in table.indexes:
            assert index.name


def test_enums_become_constraints() -> None:
    assert one_of("role", RoleName) == "role IN ('owner', 'maintainer', 'uploader', 'reader')"
