"""The one cookie, and forms that are bound to it.

The cookie holds a random id (`pypi_lite.accounts.sessions`). A form's token is an HMAC of that id: a
page elsewhere can't know it, and nothing is kept for visitors who only look at a form.
"""

import hmac
from typing import Any

from pyramid.interfaces import ICSRFStoragePolicy
from webob.cookies import make_cookie
from zope.interface import implementer

from pypi_lite.accounts.sessions import COOKIE, cookie_id, new_visitor_id

_NEW = "pypi_lite.new_cookie"
_FORGOTTEN = 0  # seconds


def cookie_header(request: Any, value: str | None) -> tuple[str, str]:
    """The header that gives the browser the id *value*; None: that takes it away.

    No script reads the cookie, no other site sends it along with a form, over https it never goes
    without, and it ends with the browser.
    """
    is_secure = request.scheme == "https" or request.index.settings.url.startswith("https:")
    cookie = make_cookie(
        COOKIE,
        value,
        max_age=_FORGOTTEN if value is None else None,
        path="/",
        secure=is_secure,
        httponly=True,
        samesite="Lax",
    )
    return "Set-Cookie", cookie


@implementer(ICSRFStoragePolicy)
class FormTokens:
    """Pyramid's policy of tokens against forged forms (CSRF)."""

    def __init__(self, secret: str) -> None:
        """*secret* is the server's alone."""
        self._secret = secret.encode()

    def new_csrf_token(self, request: Any) -> str:
        """A token for a visitor who has no cookie yet; the answer brings it."""
        visitor_id = request.environ[_NEW] = new_visitor_id()
        request.add_response_callback(
            lambda request, response: response.headers.add(*cookie_header(request, visitor_id))
        )
        return self._token(visitor_id)

    def get_csrf_token(self, request: Any) -> str:
        """The token of whoever asks."""
        found = request.environ.get(_NEW) or cookie_id(request.environ)
        return self._token(found) if found else self.new_csrf_token(request)

    def check_csrf_token(self, request: Any, supplied_token: str) -> bool:
        """Whether the token is that of the request's cookie."""
        found = cookie_id(request.environ)
        return found is not None and hmac.compare_digest(
            self._token(found).encode(), supplied_token.encode("utf-8", "replace")
        )

    def _token(self, cookie_id: str) -> str:
        return hmac.new(self._secret, cookie_id.encode(), "sha256").hexdigest()
