"""What mirrors follow the index with (K08)."""

import json
from typing import Any

import pytest
from webtest import TestApp

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.api import mirrors as views
from pypi_lite.repository import Index, changes
from tests.api.conftest import token_of_new
from tests.api.test_media import JSON
from tests.distributions.build import wheel
from tests.web.helpers import put


def serials(app: TestApp) -> dict[str, int]:
    return {p["name"]: p["_last-serial"] for p in app.get("/mirror/simple/").json["projects"]}


def since(app: TestApp, serial: int) -> list[dict[str, Any]]:
    answer = app.get(f"/mirror/changes?since={serial}")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def by(index: Index, change: Any, *arguments: str) -> int:
    with index.database.write() as session:
        return int(change(session, OPERATOR, *arguments))


@pytest.mark.parametrize("url", ["/mirror/simple/", "/mirror/simple"])
def test_the_serials_are_those_of_the_pages(app: TestApp, index: Index, url: str) -> None:
    for name in ("Foo.Bar", "other", "Foo.Bar"):
        last = put(index, wheel(name, f"1.{len(name)}")).serial
    last = put(index, wheel("Foo.Bar", "2.0")).serial
    answer = app.get(url)
    assert answer.headers["Content-Type"] == JSON
    assert answer.json["meta"] == {"api-version": "1.4", "_last-serial": last}
    assert answer.headers["X-PyPI-Last-Serial"] == str(last)
    found = serials(app)
    assert list(found) == ["foo-bar", "other"]
    for name, serial in found.items():
        for page in (f"/simple/{name}/", f"/pypi/{name}/json"):
            assert app.get(page).headers["X-PyPI-Last-Serial"] == str(serial)
        answer = app.get(f"/mirror/pypi/{name}/json")
        assert answer.headers["X-PyPI-Last-Serial"] == str(serial)
        assert answer.json["last_serial"] == serial
    for project in app.get("/simple/", headers={"Accept": JSON}).json["projects"]:
        assert "_last-serial" not in project


def test_a_poll_gets_a_304_until_something_changes(app: TestApp, index: Index) -> None:
    put(index, wheel("foo", "1.0"))
    for _ in range(2):
        answer = app.get("/mirror/simple/")
        assert answer.headers["Cache-Control"] == "no-cache"
        known = {"If-None-Match": answer.headers["ETag"]}
        assert app.get("/mirror/simple/", headers=known, status=304).body == b""
        serial = by(index, changes.yank, "foo", "1.0")
        again = app.get("/mirror/simple/", headers=known, status=200)
        assert again.json["projects"] == [{"name": "foo", "_last-serial": serial}]


def test_the_changes_are_the_journals(app: TestApp, index: Index) -> None:
    first = put(index, wheel("foo", "1.0")).serial
    token_of_new(index, "ann")  # is nobody's business
    yanked = by(index, changes.yank, "foo", "1.0", "a reason")
    gone = by(index, changes.delete_project, "foo")
    found = since(app, 0)
    assert [entry["action"] for entry in found] == [
        "project.create",
        "release.create",
        "file.add",
        "release.yank",
        "project.delete",
    ]
    assert [entry["serial"] for entry in found[2:]] == [first, yanked, gone]
    assert {entry["project"] for entry in found} == {"foo"}
    assert found[2]["filename"] == wheel("foo", "1.0")[0]
    assert found[2]["moment"].endswith("Z")
    assert set(found[3]) == {"serial", "moment", "action", "project", "version", "filename"}
    assert since(app, first) == found[3:]
    assert since(app, gone) == []
    assert app.get("/mirror/changes").text == app.get("/mirror/changes?since=0").text
    assert serials(app) == {}


def test_what_was_hidden_when_it_went_stays_so_whoever_has_the_name_then(
    app: TestApp, index: Index
) -> None:
    put(index, wheel("foo", "1.0"))
    shown = by(index, changes.delete_project, "foo")
    put(index, wheel("foo", "2.0"))
    by(index, changes.set_visibility, "foo", "private")
    hidden = by(index, changes.delete_project, "foo")
    assert [e["version"] for e in since(app, 0) if e["action"] == "file.add"] == ["1.0"]
    put(index, wheel("foo", "3.0"))
    found = since(app, 0)
    assert [e["version"] for e in found if e["action"] == "file.add"] == ["1.0", "3.0"]
    assert not [e for e in found if shown < e["serial"] <= hidden]
    by(index, changes.set_visibility, "foo", "private")
    assert max(e["serial"] for e in since(app, 0)) == shown


def test_a_long_journal_is_read_in_pieces(
    app: TestApp, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        put(index, wheel("foo", f"1.{number}"))
    whole = since(app, 0)
    monkeypatch.setattr(views, "MOST", 3)
    pieces: list[dict[str, Any]] = []
    while piece := since(app, pieces[-1]["serial"] if pieces else 0):
        assert len(piece) <= 3
        pieces += piece
    assert pieces == whole


@pytest.mark.parametrize("wrong", ["", "-1", "x", "1.5", "%D9%A3", "9" * 19, "1&since=%00"])
def test_a_serial_is_a_number(app: TestApp, wrong: str) -> None:
    assert "SERIAL" in app.get(f"/mirror/changes?since={wrong}", status=400).text


def test_a_mirror_of_another_index_is_told(app: TestApp) -> None:
    """A backup was put back, say: there would be no changes for a long time, and then wrong ones."""
    assert "Start over" in app.get("/mirror/changes?since=999", status=409).text


def test_a_projects_json_has_addresses_for_bandersnatch(app: TestApp, index: Index) -> None:
    filename, content = wheel("Foo.Bar", "1.0")
    put(index, (filename, content))
    legacy, mirrored = app.get("/pypi/foo-bar/json").json, app.get("/mirror/pypi/foo-bar/json").json
    (file,) = mirrored["urls"]
    assert mirrored["releases"] == {"1.0": [file]}
    address = file["url"]
    assert address.startswith("http://index.test/packages/foo-bar/")
    moved = app.get(address.removeprefix("http://index.test"), status=301)
    assert moved.follow().body == content
    (file["url"],) = (f["url"] for f in legacy["urls"])
    legacy["releases"] = mirrored["releases"]
    assert mirrored == legacy


def test_the_way_to_a_projects_json(app: TestApp, index: Index) -> None:
    put(index, wheel("Foo.Bar", "1.0"))
    moved = app.get("/mirror/pypi/Foo.Bar/json", status=301)
    assert moved.location == "http://localhost/mirror/pypi/foo-bar/json"
    for url in ("/mirror/pypi/other/json", "/mirror/pypi/-/json", "/mirror/", "/packages/"):
        assert app.get(url, status=404).content_type == "text/plain"
    moved = app.get("/packages/foo/bar", status=301)
    assert moved.follow(status=404).content_type == "text/plain"
