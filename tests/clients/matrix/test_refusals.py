"""What a person reads whose upload is refused, with each of the clients that upload.

pdm prints the status alone, since the reason is lost in the library that caches its requests; the
text is in the log that it points to. flit builds what it uploads by itself, so that nothing with
another name or without a RECORD ever comes from it.
"""

import contextlib
import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.models import Scope
from pypi_lite.repository import changes
from tests.clients.between import between
from tests.clients.conftest import Served
from tests.clients.matrix.conftest import rows
from tests.clients.publishers import PUBLISHERS, Project, project
from tests.clients.running import RunningIndex
from tests.clients.tools import Clients, Ran
from tests.conftest import new_token, new_user
from tests.distributions.build import metadata, pack_zip, sdist, wheel_filename, wheel_files

#: Bytes; with two more megabytes the server does not even read the form.
LARGEST = 300_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An index that takes small files only."""
    settings = {"max_file_size": str(LARGEST)}
    running = RunningIndex(tmp_path_factory.mktemp("refusing"), settings=settings)
    try:
        running.start()
        ann = new_user(running.index, "ann")
        yield Served(running, new_token(running.index, ann), ann)
        assert running.stop() == 0
        # What is logged is the broken disk of `busy`, and nothing else.
        errors = [line for line in running.scary_lines() if not line.startswith("Traceback")]
        assert all("an upload could not be stored" in line for line in errors), errors
    finally:
        running.close()


@dataclass(frozen=True)
class Uploader:
    """A person with *client*, whose project has its sources in *folder*."""

    served: Served
    clients: Clients
    client: str
    folder: Path
    name: str

    def project(self, version: str, summary: str = "Tiny") -> Project:
        """The sources of a version."""
        return project(self.folder, self.name, version, summary)

    def publish(
        self, project: Project, *, url: str = "", password: str = "", user: str = "__token__"
    ) -> Ran:
        """Publish with the token, unless something else is said."""
        publish = PUBLISHERS[self.client]
        address = url or self.served.running.upload_url
        return publish(self.clients, project, address, user, password or self.served.token)


def wrong_password(uploader: Uploader) -> Ran:
    return uploader.publish(
        uploader.project("1.0"), user=uploader.served.user, password="no such password"
    )


def token_for_reading(uploader: Uploader) -> Ran:
    served = uploader.served
    token = new_token(served.running.index, served.user, Scope.READ)
    return uploader.publish(uploader.project("1.0"), password=token)


def bad_digest(uploader: Uploader) -> Ran:
    """The first digits are changed on the way."""

    def change(body: bytes) -> bytes:
        changed, count = re.subn(rb'(sha256_digest"\s+)[0-9a-f]{8}', rb"\g<1>00000000", body)
        assert count == 1
        return changed

    with between(uploader.served.running.url, change) as way:
        return uploader.publish(uploader.project("1.0"), url=f"{way.url}legacy/")


def file_exists(uploader: Uploader) -> Ran:
    uploader.publish(uploader.project("1.0")).succeeded()
    return uploader.publish(uploader.project("1.0", summary="Another"))


def filename_burned(uploader: Uploader) -> Ran:
    uploader.publish(uploader.project("1.0")).succeeded()
    with uploader.served.running.index.database.write() as session:
        changes.delete_release(session, OPERATOR, uploader.name, "1.0")
    return uploader.publish(uploader.project("1.0"))


def name_mismatch(uploader: Uploader) -> Ran:
    """An sdist under the name of one project with the metadata of another."""
    project = uploader.project("1.0")
    (filename,) = (file.name for file in project.files if file.suffix == ".gz")
    return uploader.publish(_with_file(project, filename, sdist("someone-else", "1.0")[1]))


def broken_archive(uploader: Uploader) -> Ran:
    """A wheel whose RECORD got lost, which no client looks for."""
    content = metadata(uploader.name, "1.0")
    files = wheel_files(uploader.name, "1.0", content)
    (record,) = (path for path in files if path.endswith("/RECORD"))
    del files[record]
    filename = wheel_filename(uploader.name, "1.0")
    return uploader.publish(_with_file(uploader.project("1.0"), filename, pack_zip(files)))


def too_large(uploader: Uploader) -> Ran:
    return uploader.publish(_large(uploader, LARGEST))


def much_too_large(uploader: Uploader) -> Ran:
    return uploader.publish(_large(uploader, LARGEST * 20))


def busy(uploader: Uploader) -> Ran:
    with _no_place(uploader.served.running):
        return uploader.publish(uploader.project("1.0"))


#: Status and key words by class of refusal.
REFUSALS: dict[Callable[[Uploader], Ran], tuple[int, tuple[str, ...]]] = {
    wrong_password: (401, ("Credentials are missing or wrong",)),
    token_for_reading: (403, ("This token may not upload", "scope")),
    bad_digest: (400, ("digest supplied does not match", "Upload it again")),
    file_exists: (409, ("File already exists", "use a different version or build number")),
    filename_burned: (409, ("since been deleted", "Use a different version or build number")),
    name_mismatch: (400, ("someone",)),
    broken_archive: (400, ("RECORD", "build it again")),
    too_large: (413, ("larger than this index takes", str(LARGEST))),
    much_too_large: (413, ("larger than this index takes", str(LARGEST))),
    busy: (503, ("could not be stored",)),
}
_NOT_FROM_FLIT = (name_mismatch, broken_archive)


def _cases() -> list[Any]:
    found = []
    for row, refusal in itertools.product(rows(PUBLISHERS), REFUSALS):
        (client,) = row.values
        if client == "flit" and refusal in _NOT_FROM_FLIT:
            continue
        found.append(
            pytest.param(client, refusal, marks=row.marks, id=f"{client}-{refusal.__name__}")
        )
    return found


@pytest.mark.parametrize(("client", "refusal"), _cases(), indirect=["client"])
def test_shows_why(
    served: Served,
    clients: Clients,
    client: str,
    name: str,
    tmp_path: Path,
    refusal: Callable[[Uploader], Ran],
) -> None:
    status, words = REFUSALS[refusal]
    uploader = Uploader(served, clients, client, tmp_path / "project", name)
    ran = refusal(uploader).failed()
    assert str(status) in ran.words, ran.output
    shown = ran.words
    if client == "pdm":
        assert words[0] not in shown  # once it is there, this test needs no exception
        shown = _log_of_pdm(ran)
    for word in words:
        assert word in shown, shown
    # The first file was refused, and the client has not gone on to the second.
    page = served.running.page(name)
    before = refusal in (file_exists, filename_burned)
    assert page.status == (200 if before else 404), page.text


def _log_of_pdm(ran: Ran) -> str:
    match = re.search(r"See (\S+) for detailed debug log", ran.words)
    assert match, ran.output
    return Path(match[1]).read_text()


def _with_file(project: Project, filename: str, content: bytes) -> Project:
    """*project* with this one file."""
    for file in project.files:
        file.unlink()
    (project.dist / filename).write_bytes(content)
    return project


def _large(uploader: Uploader, size: int) -> Project:
    """A project whose files have *size* random bytes or more."""
    ballast = os.urandom(size).hex()
    made = project(uploader.folder, uploader.name, "1.0", source=f'"""Tiny."""\nX = "{ballast}"\n')
    assert all(file.stat().st_size > size for file in made.files)
    return made


@contextlib.contextmanager
def _no_place(running: RunningIndex) -> Iterator[None]:
    """Where files arrive there is no folder."""
    folder = running.folder / "data" / "blobs" / "incoming"
    away = folder.with_name("away")
    folder.mkdir(parents=True, exist_ok=True)
    folder.rename(away)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        away.rename(folder)
