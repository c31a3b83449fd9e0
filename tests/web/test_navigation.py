"""One finds the pages, knows where one is, and takes nothing away by one click."""

import re

import pytest
from webtest import TestApp

from pypi_lite.accounts import groups, links
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.issuers import PUBLIC, IssuerKind, Source
from pypi_lite.repository import Index, namespaces, publishers
from tests.conftest import new_token, new_user
from tests.distributions.build import wheel
from tests.repository.test_status import owned
from tests.web.helpers import below_index, log_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OWN = [
    "/account/",
    "/account/factors/",
    "/account/mail/",
    "/account/publishing/",
    "/account/journal/",
]
ADMINISTRATION = ["/admin/people/", "/admin/groups/", "/namespaces/", "/admin/journal/"]
OF_PROJECT = ["/manage/foo/", "/manage/foo/publishers/", "/manage/foo/journal/"]

_TAKES_AWAY = re.compile(r"(Revoke|Remove|Delete|Disable|Demote|Disconnect)\b")


@pytest.fixture
def filled(index: Index, ann: str) -> Index:
    """An index that has one of everything that can be taken away."""
    owned(index, ann, wheel("foo", "1.0"))
    new_user(index, "root", is_admin=True)
    for name in (ann, "root"):
        for _ in range(2):
            new_token(index, name)
    with index.database.write() as session:
        groups.create_group(session, "devs", by=OPERATOR)
        groups.add_member(session, "devs", ann, by=OPERATOR)
        links.invite(session, email="", groups=[], days=1, by=OPERATOR)
        namespaces.grant(session, OPERATOR, "acme", [ann])
        source = Source(IssuerKind.GITHUB, PUBLIC[IssuerKind.GITHUB], "o/r", "release.yml")
        publishers.add(session, OPERATOR, "foo", source)
    return index


@pytest.mark.parametrize("name", ["ann", "root"])
def test_each_page_leads_to_those_beside_it(app: TestApp, filled: Index, name: str) -> None:
    log_in(app, name)
    own = OWN + ADMINISTRATION if name == "root" else OWN
    for pages in (own, OF_PROJECT):
        for path in pages:
            page = app.get(path)
            ways = page.html.select("nav.tabs a")
            found = [below_index(page, way["href"]) for way in ways]
            assert found == (pages if pages is own else ["/project/foo/", *pages])
            here = [below_index(page, way["href"]) for way in page.html.select("[aria-current]")]
            assert here == [path]


@pytest.mark.parametrize(
    "path",
    [
        "/account/",
        *ADMINISTRATION[:3],
        *OF_PROJECT[:2],
        "/admin/people/ann/",
        "/admin/groups/devs/",
    ],
)
def test_what_takes_away_is_folded(app: TestApp, filled: Index, path: str) -> None:
    log_in(app, "root")
    buttons = app.get(path).html.select("main button")
    taking = [b for b in buttons if _TAKES_AWAY.match(b.get_text(strip=True))]
    assert taking or path == "/admin/groups/"
    for button in taking:
        assert "danger" in button["class"]
        assert button.find_parent("details") is not None
