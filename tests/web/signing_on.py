"""What the tests of single sign-on share: browsers that go to the provider and come back."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import func, select
from webtest import TestApp

from pypi_lite.models import ExternalIdentity
from pypi_lite.settings import Settings
from tests.issuers import AUTHORIZE, TestIssuer

CALLBACK = "/login/sso/callback/"


def with_provider(settings: Settings, theirs: TestIssuer) -> Settings:
    """*settings* of an index whose people the provider knows."""
    return replace(
        settings,
        oidc_issuer=theirs.url,
        oidc_client_id="pypi-lite",
        oidc_client_secret=theirs.client_secret,
        oidc_groups_claim="groups",
        oidc_admin_group="admins",
        oidc_name="Example",
    )


def browser(app: TestApp) -> TestApp:
    """Another browser at the same index."""
    return TestApp(app.app)


def callback(theirs: TestIssuer, url: str) -> str:
    """Where the provider sends the browser that it gets at *url*: path and query, below the index."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(theirs.url + AUTHORIZE)
    back = theirs.authorize(query)
    assert back.startswith(f"http://index.test{CALLBACK}?")
    return back.removeprefix("http://index.test")


def sign_on(app: TestApp, theirs: TestIssuer, path: str = "/login/sso/") -> Any:
    """Begin at *path*, and come back; the answer to that."""
    return app.get(callback(theirs, app.get(path, status=303).location), status="*")


def is_nobody(app: TestApp) -> bool:
    return bool(app.get("/account/", status="*").status_int == 303)


def refused(app: TestApp, page: Any, status: int, why: str) -> None:
    """*page* says why, in words, nobody is logged in, and no account was made."""
    assert page.status_int == status, page.text
    assert why in page.html.find(role="alert").get_text()
    assert is_nobody(app)
    with app.app.registry["pypi_lite.index"].database.read() as session:
        assert session.scalar(select(func.count()).select_from(ExternalIdentity)) == 0
