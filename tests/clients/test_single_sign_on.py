"""Logging in by a real provider, with what a browser does: cookies, redirects and forms."""

import http.cookiejar
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from sqlalchemy import select

from pypi_lite.models import Group, GroupMember, JournalEntry, now
from tests.clients.conftest import serving
from tests.clients.installing import NotInstalled, environment
from tests.clients.running import RunningIndex, free_port
from tests.conftest import lacking

pytestmark = pytest.mark.clients

_PROGRAM = Path(__file__).with_name("provider_program.py")
_PASSWORD, _CLIENT_SECRET = "a password of the provider", "a-client-secret-of-32-characters"


@dataclass
class Page:
    """An answer that is no redirect."""

    url: str
    status: int
    text: str

    @property
    def html(self) -> BeautifulSoup:
        """The page, parsed."""
        return BeautifulSoup(self.text, "html.parser")


class Browser:
    """Keeps cookies, follows redirects, fills in forms."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)
        self.page = Page("", 0, "")

    def get(self, url: str, data: bytes | None = None) -> Page:
        """Ask for *url*, or send *data* there."""
        url = urllib.parse.urljoin(self.page.url, url)
        try:
            with self._opener.open(url, data, timeout=60) as answer:
                self.page = Page(answer.url, answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            self.page = Page(error.url or url, error.code, error.read().decode())
        return self.page

    def click(self, text: str) -> Page:
        """Follow the link with that text."""
        [link] = [a for a in self.page.html.find_all("a") if a.get_text(strip=True) == text]
        return self.get(str(link["href"]))

    def submit(self, **fields: str) -> Page:
        """Send the form that has all of *fields*, and what is hidden in it."""
        [form] = [form for form in self.page.html.find_all("form") if fields.keys() <= _names(form)]
        given = {
            str(i["name"]): str(i.get("value", "")) for i in form.find_all("input", {"name": True})
        }
        data = urllib.parse.urlencode({**given, **fields}).encode()
        return self.get(str(form.get("action") or self.page.url), data)


def _names(form: Tag) -> set[str]:
    return {str(field.get("name")) for field in form.find_all(["input", "button"])}


@dataclass(frozen=True)
class Provider:
    """A running provider, and the port that the index has to have."""

    url: str
    index_port: int


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A provider for all of these tests."""
    try:
        python = environment("provider") / "bin" / "python"
    except NotInstalled as error:
        lacking(f"the provider can't be installed: {error}")
    port, index_port = free_port(), free_port()
    redirect_uri = f"http://127.0.0.1:{index_port}/login/sso/callback/"
    process = subprocess.Popen(
        [str(python), str(_PROGRAM), str(port), redirect_uri],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any(line == "ready\n" for line in process.stdout)
        yield Provider(f"http://127.0.0.1:{port}", index_port)
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(params=["index-rs256", "index-es256"])
def running(
    request: pytest.FixtureRequest, provider: Provider, tmp_path: Path
) -> Iterator[RunningIndex]:
    """An index with two workers whose people the provider knows."""
    secret = tmp_path / "secret"
    secret.write_text(_CLIENT_SECRET + "\n")
    settings = {
        "oidc_issuer": provider.url,
        "oidc_client_id": request.param,
        "oidc_client_secret_file": str(secret),
        "oidc_scopes": "openid profile groups",
        "oidc_groups_claim": "groups",
        "oidc_name": "Canaille",
    }
    for served in serving(tmp_path / "index", settings=settings, port=provider.index_port):
        yield served.running


def _sign_on(running: RunningIndex, name: str) -> Browser:
    """A browser that has logged in as *name* there."""
    browser = Browser()
    browser.get(running.url + "account/")
    browser.click("Log in with Canaille")
    assert "/login" in browser.page.url
    browser.submit(login=name)
    browser.submit(password=_PASSWORD)
    if "/oauth/authorize?" in browser.page.url:  # once for each client
        browser.submit(answer="accept")
    return browser


def test_people_log_in_and_their_groups_come_along(running: RunningIndex) -> None:
    with running.index.database.write() as session:
        session.add(Group(name="team", created=now()))
    for name in ("rosa", "olga", "rosa"):
        page = _sign_on(running, name).page
        assert (page.status, page.url) == (200, running.url + "account/"), page.text
        assert page.html.h1 is not None
        assert page.html.h1.get_text() == name
    with running.index.database.read() as session:
        members = session.scalars(select(GroupMember)).all()
        assert [(m.user.name, m.group.name, m.is_synced) for m in members] == [
            ("rosa", "team", True)
        ]
        notes = [row.note for row in session.scalars(select(JournalEntry))]
        assert notes.count("team: rosa") == 1


def test_a_code_that_is_used_again(running: RunningIndex) -> None:
    browser = _sign_on(running, "rosa")
    query = urllib.parse.urlencode({"code": "made-up", "state": "made-up"})
    page = browser.get(f"{running.url}login/sso/callback/?{query}")
    assert page.status == 400
    assert "has not begun" in page.text
