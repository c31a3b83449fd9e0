"""Files of one release may say different things, and pages show what each says (M10)."""

import hashlib
import json
from urllib.parse import urljoin

from webtest import TestApp

from pypi_lite.repository import Index
from tests.api.test_media import JSON
from tests.distributions.build import wheel
from tests.web.helpers import put

OLD = wheel("foo", "1.0", tag="cp38-cp38-win32", requires_python=">=3.8,<3.9", requires=["six"])
NEW = wheel("foo", "1.0", tag="cp312-cp312-win32", requires_python=">=3.12", metadata_version="2.4")


def test_files_of_one_release_differ(app: TestApp, index: Index) -> None:
    put(index, OLD)
    put(index, NEW)
    page = json.loads(app.get("/simple/foo/", headers={"Accept": JSON}).body)
    files = {file["filename"]: file for file in page["files"]}
    assert files[OLD[0]]["requires-python"] == ">=3.8,<3.9"
    assert files[NEW[0]]["requires-python"] == ">=3.12"
    for name, needs_six in ((OLD[0], True), (NEW[0], False)):
        url = urljoin("/simple/foo/", files[name]["url"])
        metadata = app.get(f"{url}.metadata")
        digest = hashlib.sha256(metadata.body).hexdigest()
        assert files[name]["core-metadata"] == {"sha256": digest}
        assert (b"Requires-Dist: six" in metadata.body) is needs_six
    html = app.get("/simple/foo/", headers={"Accept": "text/html"}).text
    assert 'data-requires-python="&gt;=3.8,&lt;3.9"' in html
    assert 'data-requires-python="&gt;=3.12"' in html
    legacy = json.loads(app.get("/pypi/foo/1.0/json").body)
    found = {file["filename"]: file["requires_python"] for file in legacy["urls"]}
    assert found == {OLD[0]: ">=3.8,<3.9", NEW[0]: ">=3.12"}
