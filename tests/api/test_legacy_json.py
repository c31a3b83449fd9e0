"""PyPI's JSON documents (J01-J05)."""

import hashlib
import json
import re
from typing import Any

import pytest
from sqlalchemy import select
from webtest import TestApp

from pypi_lite.models import Action, Project, Role, RoleName, User
from pypi_lite.models.journal import append
from pypi_lite.repository import Index
from pypi_lite.repository.upload import mark_changed
from tests.api.conftest import DELETED, LOCAL, SDIST, WHEEL, YANKED, Shelf, token_of_new
from tests.api.forms import post, twine
from tests.conftest import acting
from tests.distributions.build import sdist, wheel
from tests.web.helpers import ATTACK, put

INFO = (
    "author author_email bugtrack_url classifiers description description_content_type docs_url"
    " download_url downloads dynamic home_page keywords license license_expression license_files"
    " maintainer maintainer_email name package_url platform project_url project_urls provides_extra"
    " release_url requires_dist requires_python summary version yanked yanked_reason"
)
FILE = (
    "comment_text core-metadata digests downloads filename has_sig md5_digest packagetype"
    " python_version requires_python size upload_time upload_time_iso_8601 url yanked yanked_reason"
)


def get(shelf: Shelf, url: str) -> dict[str, Any]:
    answer = shelf.app.get(url)
    assert answer.headers["Content-Type"] == "application/json"
    document: dict[str, Any] = json.loads(answer.body)
    return document


def test_the_documents_have_the_keys_that_pypis_have(shelf: Shelf) -> None:
    """J01-J03."""
    project, release = get(shelf, "/pypi/foo-bar/json"), get(shelf, "/pypi/foo-bar/1.0/json")
    top = {"info", "last_serial", "urls", "vulnerabilities", "ownership"}
    assert set(release) == top
    assert set(project) == top | {"releases"}
    assert project["vulnerabilities"] == []
    assert project["ownership"] == {"organization": None, "roles": []}
    for document in (project, release):
        assert set(document["info"]) == set(INFO.split())
        for file in document["urls"]:
            assert set(file) == set(FILE.split())


def test_a_project_is_described_by_its_latest_release(shelf: Shelf) -> None:
    """The highest version that is neither yanked nor a pre-release."""
    document = get(shelf, "/pypi/foo-bar/json")
    assert document["info"]["version"] == "5.0+local.1"
    assert list(document["releases"]) == sorted(document["releases"])
    assert document["releases"]["4.0rc1"] == []
    assert [f["filename"] for f in document["releases"]["1.0"]] == [WHEEL[0], SDIST[0]]
    assert get(shelf, "/pypi/foo-bar/5.0+local.1/json")["urls"] == document["urls"]


def test_info_is_the_metadata_of_the_file(shelf: Shelf) -> None:
    info = get(shelf, "/pypi/foo-bar/1.0/json")["info"]
    assert info["name"] == "Foo.Bar"
    assert info["summary"] == "Näh"
    assert info["requires_dist"] == ["six>=1.0"]
    assert info["requires_python"] == ">=3.8,<4"
    assert info["downloads"] == {"last_day": -1, "last_month": -1, "last_week": -1}
    assert info["package_url"] == "http://index.test/project/foo-bar/"
    assert info["release_url"] == "http://index.test/project/foo-bar/1.0/"
    assert (info["yanked"], info["yanked_reason"]) == (False, None)


def test_all_of_the_metadata_is_there(shelf: Shelf) -> None:
    headers = [
        ("Author", "Ann"),
        ("Maintainer-email", "Bob <bob@example.org>"),
        ("Keywords", "fine,small"),
        ("Classifier", "Topic :: Utilities"),
        ("Project-URL", "Docs, https://docs.example.org/"),
        ("Provides-Extra", "fast"),
        ("Platform", "any"),
        ("License", "MIT"),
        ("Description-Content-Type", "text/markdown"),
        ("Dynamic", "requires-dist"),
    ]
    file = sdist("described", "1.0", headers=headers, description="# Hello")
    put(shelf.index, file)
    info = get(shelf, "/pypi/described/json")["info"]
    assert info["author"] == "Ann"
    assert info["maintainer_email"] == "Bob <bob@example.org>"
    assert info["keywords"] == "fine,small"
    assert info["classifiers"] == ["Topic :: Utilities"]
    assert info["project_urls"] == {"Docs": "https://docs.example.org/"}
    assert info["provides_extra"] == ["fast"]
    assert info["platform"] == "any"
    assert info["license"] == "MIT"
    assert info["description"] == "# Hello"
    assert info["description_content_type"] == "text/markdown"
    assert info["dynamic"] == ["requires-dist"]


def test_files_are_told_with_all_digests_and_an_absolute_address(shelf: Shelf) -> None:
    """J03."""
    (file,) = [f for f in get(shelf, "/pypi/foo-bar/1.0/json")["urls"] if f["filename"] == WHEEL[0]]
    content = WHEEL[1]
    assert file["digests"] == {
        "blake2b_256": hashlib.blake2b(content, digest_size=32).hexdigest(),
        "md5": hashlib.md5(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert file["md5_digest"] == file["digests"]["md5"]
    assert file["size"] == len(content)
    assert file["packagetype"] == "bdist_wheel"
    assert file["python_version"] == "py3"
    assert file["upload_time_iso_8601"].endswith("Z")
    assert file["upload_time_iso_8601"].startswith(file["upload_time"])
    assert shelf.app.get(file["url"].removeprefix("http://index.test")).body == content


def test_a_yank_is_told_in_info_and_files(shelf: Shelf) -> None:
    document = get(shelf, "/pypi/foo-bar/2.0/json")
    assert (document["info"]["yanked"], document["info"]["yanked_reason"]) == (True, ATTACK)
    assert {f["filename"]: f["yanked_reason"] for f in document["urls"]}[YANKED[0]] == ATTACK
    without = get(shelf, "/pypi/foo-bar/3.0/json")["info"]
    assert (without["yanked"], without["yanked_reason"]) == (True, None)


def test_the_last_serial_is_the_simple_pages_one(shelf: Shelf) -> None:
    """K08."""
    answer = shelf.app.get("/pypi/foo-bar/json")
    assert str(json.loads(answer.body)["last_serial"]) == answer.headers["X-PyPI-Last-Serial"]
    simple = shelf.app.get("/simple/foo-bar/")
    assert simple.headers["X-PyPI-Last-Serial"] == answer.headers["X-PyPI-Last-Serial"]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("/pypi/Foo.Bar/json", "/pypi/foo-bar/json"),
        ("/pypi/foo_bar/1.0/json", "/pypi/foo-bar/1.0/json"),
        ("/pypi/foo-bar/1.0.0/json", "/pypi/foo-bar/1.0/json"),
        ("/pypi/foo-bar/v1/json", "/pypi/foo-bar/1.0/json"),
    ],
)
def test_other_spellings_lead_to_the_document(
    shelf: Shelf, asked: str, canonical: str, slash: str
) -> None:
    """J05, N08: the query goes along."""
    moved = shelf.app.get(asked + slash + "?a=b", status=301)
    assert moved.location == f"http://localhost{canonical}?a=b"
    environ = {"SCRIPT_NAME": "/pre", "wsgi.url_scheme": "https", "HTTP_HOST": "pkg.test"}
    moved = shelf.app.get(asked, extra_environ=environ, status=301)
    assert moved.location == "https://pkg.test/pre" + canonical


@pytest.mark.parametrize(
    "url",
    [
        "/pypi/nothing/json",
        "/pypi/nothing/1.0/json",
        "/pypi/foo-bar/9.9/json",
        "/pypi/foo-bar/latest/json",
        "/pypi/foo%00/json",
        "/pypi/foo-bar/1.0%00/json",
        "/pypi/f%C3%B6%C3%B6/json",
        "/pypi/-/json",
        "/pypi/foo-bar/" + "9" * 5000 + "/json",
    ],
)
def test_the_unknown_is_404(shelf: Shelf, url: str) -> None:
    """J05."""
    assert shelf.app.get(url, status=404).content_type == "text/plain"


def test_a_project_without_releases_has_a_document(shelf: Shelf) -> None:
    from pypi_lite.accounts.identity import OPERATOR
    from pypi_lite.repository import changes

    put(shelf.index, wheel("emptied", "1.0"))
    with shelf.index.database.write() as session:
        changes.delete_release(session, OPERATOR, "emptied", "1.0")
    document = get(shelf, "/pypi/emptied/json")
    assert document["info"]["version"] is None
    assert document["urls"] == []
    assert document["releases"] == {}


def test_head_is_get_without_the_body(shelf: Shelf) -> None:
    for _ in range(2):
        got = shelf.app.get("/pypi/foo-bar/json")
    head = shelf.app.head("/pypi/foo-bar/json")
    assert head.body == b""
    assert dict(head.headers) == dict(got.headers)


def test_who_owns_a_project_is_told_and_swept(app: TestApp, index: Index) -> None:
    """J01: ownership, on both documents, owners first; a change of it is on them at once."""
    token = token_of_new(index, "zoe")
    token_of_new(index, "ann")
    post(app, twine(wheel("owned", "1.0")), token)
    urls = ("/pypi/owned/json", "/pypi/owned/1.0/json")
    owner, maintainer = (
        {"role": r, "user": u} for r, u in (("Owner", "zoe"), ("Maintainer", "ann"))
    )
    for url in urls:
        assert app.get(url).json["ownership"] == {"organization": None, "roles": [owner]}
    with index.database.write() as session:
        user = session.scalars(select(User).where(User.name == "ann")).one()
        project = session.scalars(select(Project)).one()
        session.add(Role(user=user, project=project, role=RoleName.MAINTAINER))
        entry = append(session, Action.ROLE_GRANT, by=acting("zoe"), project="owned", note="ann")
        mark_changed(project, entry)
        serial = entry.serial
    for url in urls:
        answer = app.get(url)
        assert answer.json["ownership"]["roles"] == [owner, maintainer]
        assert answer.headers["X-PyPI-Last-Serial"] == str(serial)


def test_values_have_the_types_that_readers_expect(shelf: Shelf) -> None:
    """J02, J03: what is absent is null, or an empty list where PyPI has one; never left out."""
    document = get(shelf, "/pypi/foo-bar/1.0/json")
    info = document["info"]
    assert {name for name in info if info[name] is None} == {
        *("author", "author_email", "bugtrack_url", "description_content_type", "docs_url"),
        *("download_url", "dynamic", "home_page", "keywords", "license", "license_expression"),
        *("license_files", "maintainer", "maintainer_email", "platform", "project_urls"),
        *("provides_extra", "yanked_reason"),
    }
    assert (info["classifiers"], info["description"]) == ([], "")
    for file in document["urls"]:
        assert (file["comment_text"], file["downloads"], file["has_sig"]) == (None, -1, False)
        assert (file["yanked"], file["yanked_reason"]) == (False, None)
        assert file["requires_python"] == ">=3.8,<4"
    by_name = {file["filename"]: file for file in document["urls"]}
    assert re.fullmatch(r"[0-9a-f]{64}", by_name[WHEEL[0]]["core-metadata"]["sha256"])
    old = get(shelf, "/pypi/foo-bar/2.0/json")["urls"]
    assert {f["packagetype"]: bool(f["core-metadata"]) for f in old} == {
        "bdist_wheel": True,
        "sdist": False,
    }
    assert {f["packagetype"]: f["python_version"] for f in old} == {
        "bdist_wheel": "py3",
        "sdist": "source",
    }


def test_releases_have_every_version_and_every_file(shelf: Shelf) -> None:
    """J01: also those that are yanked, and those that have no file any more."""
    releases = get(shelf, "/pypi/foo-bar/json")["releases"]
    assert set(releases) == {"0.1", "1.0", "2.0", "3.0", "4.0rc1", "5.0+local.1"}
    assert [f["filename"] for f in releases["5.0+local.1"]] == [LOCAL[0]]
    assert all(f["yanked"] for version in ("2.0", "3.0") for f in releases[version])
    assert DELETED[0] not in {f["filename"] for files in releases.values() for f in files}
    for version, files in releases.items():
        assert get(shelf, f"/pypi/foo-bar/{version}/json")["urls"] == files
