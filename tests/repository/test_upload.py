"""The upload's pipeline, below HTTP: the same for the web form, the upload API and the importer."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from pypi_lite.accounts.identity import OPERATOR, Identity
from pypi_lite.accounts.people import authenticate
from pypi_lite.models import File, JournalEntry, Scope, Token, User
from pypi_lite.repository import Index, upload
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.upload import Claims, Submission, publish
from tests.api.conftest import token_of_new
from tests.distributions.build import wheel
from tests.web.helpers import put

FILE = wheel("foo", "1.0")


def submit(index: Index, identity: Identity, claims: Claims | None = None) -> None:
    with index.blobs.receive() as incoming:
        incoming.write(FILE[1])
        submission = Submission(identity, FILE[0], incoming, incoming.finish(), claims or Claims())
        publish(index, submission)


def refusal(index: Index, identity: Identity, claims: Claims | None = None) -> Code:
    with pytest.raises(Refusal) as caught:
        submit(index, identity, claims)
    with index.database.read() as session:
        assert session.scalars(select(File)).all() == []
    assert list((index.settings.blobs / "incoming").iterdir()) == []
    return caught.value.code


@pytest.fixture
def identity(index: Index) -> Identity:
    token = token_of_new(index, "ann")
    with index.database.read() as session:
        found = authenticate(session, "x", token)
    assert found is not None
    return found


def test_who_submits_is_asked_for_again(index: Index, identity: Identity) -> None:
    """What was true when the request came may not be when the file has arrived."""
    with index.database.write() as session:
        token = session.scalars(select(Token)).one()
        token.scopes = [scope for scope in token.scopes if scope.scope == Scope.READ]
    assert refusal(index, identity) is Code.NOT_ALLOWED
    with index.database.write() as session:
        session.delete(session.scalars(select(User)).one())
    assert refusal(index, identity) is Code.NOT_AUTHENTICATED
    assert refusal(index, replace(identity, token_id=None)) is Code.NOT_AUTHENTICATED


def test_what_is_claimed_must_be_true(index: Index, identity: Identity) -> None:
    """U04, U07: where anything is claimed at all."""
    for claims in (Claims(name="bar"), Claims(version="2"), Claims(filetype="sdist")):
        assert refusal(index, identity, claims) is Code.MISMATCH
    assert refusal(index, identity, Claims(digests={"md5": "0"})) is Code.BAD_DIGEST
    submit(index, identity)


def test_each_step_of_an_upload_is_in_the_journal(index: Index) -> None:
    put(index, FILE)
    put(index, wheel("Foo", "1.0", tag="py3-none-win32"))
    with index.database.read() as session:
        entries = session.scalars(select(JournalEntry).order_by(JournalEntry.serial)).all()
    assert [(e.action, e.version, e.filename) for e in entries[-5:]] == [
        ("project.create", None, None),
        ("release.create", "1.0", None),
        ("file.add", "1.0", FILE[0]),
        ("project.rename", None, None),
        ("file.add", "1.0", "foo-1.0-py3-none-win32.whl"),
    ]
    assert {(e.project, e.actor) for e in entries[-5:]} == {("foo", OPERATOR.name)}


def test_every_code_has_a_status() -> None:
    """4xx: the client is to change something; 503: it is to try again."""
    found = {code: Refusal(code, "").status for code in Code}
    assert found.pop(Code.BUSY) == 503
    assert all(400 <= status < 500 for status in found.values())
    assert found[Code.FILE_EXISTS] == 409


def test_what_is_uploaded_is_on_the_disk_before_the_commit(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes, its metadata's, and their folders; however long the disk takes."""
    flushed: set[int] = set()
    at_commit: list[set[int]] = []
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        fsync(descriptor)
        time.sleep(0.05)
        flushed.add(os.fstat(descriptor).st_ino)

    def look(_: object) -> None:
        at_commit.append(set(flushed))

    monkeypatch.setattr(os, "fsync", slow)
    event.listen(Engine, "commit", look)
    try:
        submit(index, OPERATOR)
    finally:
        event.remove(Engine, "commit", look)
    with index.database.read() as session:
        [row] = session.execute(select(File.sha256, File.metadata_sha256)).all()
    paths = [index.blobs.path(sha256) for sha256 in row]
    wanted = {each.stat().st_ino for path in paths for each in (path, path.parent)}
    assert wanted <= at_commit[-1]


def test_a_blob_that_went_meanwhile_is_not_recorded(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`verify --fix` removes what no row names: between storing and recording nothing names it."""
    storing = upload._storing

    @contextlib.contextmanager
    def store_and_lose(*arguments: Any) -> Iterator[Any]:
        """Another has the write lock until all is stored, and removes it."""
        submission: Submission = arguments[1]
        with storing(*arguments) as stored:
            stored.finish()
            index.blobs.path(submission.digests.sha256).unlink()
            yield stored

    monkeypatch.setattr(upload, "_storing", store_and_lose)
    assert refusal(index, OPERATOR) is Code.BUSY
    with index.database.read() as session:
        assert session.scalars(select(File)).all() == []
    monkeypatch.undo()
    submit(index, OPERATOR)
