"""No page runs, or is changed by, what a distribution, a reason or a title says of itself."""

import json
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
from bs4 import BeautifulSoup, Comment
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.accounts.people import create_user
from pypi_lite.models import ProjectStatus
from pypi_lite.repository import Index, changes, namespaces
from tests.browser.conftest import browser  # noqa: F401
from tests.clients import raw
from tests.clients.running import RunningIndex
from tests.conftest import PASSWORD, acting
from tests.hardening.payloads import ATTACK, distributions
from tests.web.helpers import put

PAGES = (
    "",
    "simple/",
    "simple/evil/",
    "search/",
    "search/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    "project/evil/",
    "project/evil/0.0/",
    "project/evil/1.0/",
    "project/evil/2.0/",
    f"nothing/{'%3Cscript%3Ealert(1)%3C/script%3E'}",
    "login/?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
)
#: What templates of ours have, and what a description may have after all.
SCRIPTS = {"copy.js", "upload.js"}
FORBIDDEN = ("iframe", "object", "embed", "base", "style", "math", "audio", "video", "frame")
HANDLERS = "on"
OURS = "description"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIndex]:
    """An index with one project, in which all that may be text is an attack."""
    settings = {"title": ATTACK.replace("\n", " ")}
    running = RunningIndex(tmp_path_factory.mktemp("scripts") / "index", settings=settings)
    running.start()
    try:
        fill(running.index)
        yield running
        assert running.stop() == 0
        assert running.scary_lines() == []
    finally:
        running.close()


def fill(index: Index) -> None:
    for file in distributions():
        put(index, file)
    with index.database.write() as session:
        create_user(session, "ann", password=PASSWORD, is_admin=True, by=acting("test"))
        changes.yank(session, OPERATOR, "evil", "2.0", ATTACK)
        changes.set_status(session, OPERATOR, "evil", ProjectStatus.DEPRECATED, ATTACK)
        namespaces.grant(session, OPERATOR, "acme", ["ann"])


def check(html: str, what: str) -> None:
    """Only what our templates write, and what a sanitised description may have."""
    page = BeautifulSoup(html, "html.parser")
    assert not page.find_all(FORBIDDEN), what
    assert not page.find_all(string=lambda text: isinstance(text, Comment)), what
    for script in page.find_all("script"):
        assert script.find_parent("head"), what
        assert script["src"].rpartition("/")[2] in SCRIPTS, what
        assert not script.get_text(), what
    for element in page.find_all(True):
        is_described = element.find_parent(class_=OURS) is not None
        for name, value in element.attrs.items():
            assert not name.lower().startswith(HANDLERS), (what, element)
            assert name not in {"style", "srcdoc", "formaction", "target", "ping"}, (what, element)
            if name in {"href", "src", "action", "xlink:href", "data"}:
                check_address(str(value), (what, element), is_described)
        if is_described:
            assert element.name not in {"form", "button", "link", "meta", "svg"}, element
            if element.name == "input":  # the boxes of lists of tasks
                assert set(element.attrs) <= {"type", "checked", "disabled"}, element
                assert element.has_attr("disabled"), element
            if element.name == "a" and element.has_attr("href"):
                assert "nofollow" in element["rel"], element


def check_address(address: str, what: object, is_described: bool) -> None:
    scheme, colon, _ = address.partition(":")
    if colon and "/" not in scheme:
        allowed = {"http", "https", "mailto"}
        assert scheme.strip().lower() in allowed, what
    elif not is_described:
        assert not address.startswith("//"), what


@pytest.mark.parametrize("path", PAGES)
def test_no_element_or_attribute_comes_from_outside(running: RunningIndex, path: str) -> None:
    for _ in range(2):
        answer = raw.get(running.url + path, {"Accept": "text/html"})
        assert answer.status in {200, 404}
        check(answer.text, path)
        # No template has been made of it.
        assert "{{7*7}}" in answer.text or "simple" in path


@pytest.mark.parametrize(
    "path",
    ["pypi/evil/json", "pypi/evil/1.0/json", "simple/evil/", "api/projects/evil", "mirror/simple/"],
)
def test_documents_stay_documents(running: RunningIndex, path: str) -> None:
    answer = raw.get(running.url + path, {"Accept": f"{raw.JSON}, application/json;q=0.9"})
    assert answer.status == 200
    assert "html" not in answer.headers["content-type"]
    json.loads(answer.text)


@pytest.mark.parametrize(
    "path", ["rss/updates.xml", "rss/packages.xml", "rss/project/evil/releases.xml"]
)
def test_feeds_stay_feeds(running: RunningIndex, path: str) -> None:
    """Readers take a description for HTML: it is escaped twice."""
    answer = raw.get(running.url + path)
    assert "html" not in answer.headers["content-type"]
    feed = ET.fromstring(answer.text)
    texts = [element.text or "" for element in feed.iter("description")]
    assert any("alert(1)" in text for text in texts)
    for text in texts[1:]:  # the first is the channel's, and is no HTML
        assert BeautifulSoup(text, "html.parser").find(True) is None


def test_uploaded_files_are_saved_and_not_shown(running: RunningIndex) -> None:
    for file in raw.get(f"{running.simple_url}evil/", {"Accept": raw.JSON}).json()["files"]:
        answer = raw.get(
            f"{running.simple_url}evil/{file['url']}".replace("simple/evil/../../", "")
        )
        assert answer.status == 200
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert "sandbox" in answer.headers["content-security-policy"]


def test_no_script_runs_in_a_browser(running: RunningIndex, browser: Chrome) -> None:  # noqa: F811
    """Chromium opens each page; nothing is loaded or run that the policy has to block."""
    watch = "window.alert = window.print = () => { document.documentElement.dataset.ran = 'yes'; };"
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": watch})
    try:
        browser.get(f"{running.url}login/")
        for name, value in (("name", "ann"), ("password", PASSWORD)):
            browser.find_element(By.NAME, name).send_keys(value)
        browser.find_element(By.CSS_SELECTOR, "main form button").click()
        browser.get_log("browser")
        for path in (*PAGES, "manage/evil/", "account/", "namespaces/", "upload/"):
            browser.get(running.url + path)
            _check_in_browser(browser, path)
    finally:
        browser.execute_cdp_cmd(
            "Page.removeScriptToEvaluateOnNewDocument", {"identifier": added["identifier"]}
        )
        browser.delete_all_cookies()


def _check_in_browser(browser: Chrome, path: str) -> None:  # noqa: F811
    with pytest.raises(NoAlertPresentException):
        _ = browser.switch_to.alert.text
    ran = browser.execute_script("return document.documentElement.dataset.ran || ''")
    assert ran == "", path
    check(browser.execute_script("return document.documentElement.outerHTML"), path)
    blocked = [
        str(entry["message"])
        for entry in browser.get_log("browser")
        if "Content Security Policy" in entry["message"]
    ]
    assert blocked == [], path
