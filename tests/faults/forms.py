"""A person at the web form: logs in, is shown a form, and sends files with it."""

import http.client
import re
from urllib.parse import urlencode

from tests.clients import raw
from tests.conftest import PASSWORD

#: What a request to a server that is being killed may end with.
BROKEN = (OSError, http.client.HTTPException)
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
#: What is answered while the database, or the server behind a front server, is away.
_AWAY = frozenset({502, 503, 504})


class Person:
    """One who is logged in with a browser, once that is needed."""

    def __init__(self, url: str, name: str = "ann") -> None:
        self._url = url
        self._name = name
        self._cookies: dict[str, str] = {}

    def upload(self, files: list[tuple[str, bytes]]) -> dict[str, tuple[bool, str]]:
        """Of each file, by name: whether it was published, and what was said of it.

        Raises one of BROKEN: nobody knows what came of them.
        """
        fields = {"csrf_token": self._token("upload/")}
        body, content_type = raw.multipart(fields, *files)
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        answer = self._request("POST", "upload/", headers, body)
        if answer.status != 200:
            raise AssertionError(f"the form: {answer.status} {answer.text[:300]}")
        return {r["filename"]: (r["ok"], r["text"]) for r in answer.json()["results"]}

    def _token(self, path: str) -> str:
        """The token of the form at *path*."""
        page = self._request("GET", path)
        if page.status != 200:  # it leads to the log-in form
            self._log_in()
            page = self._request("GET", path)
        return self._token_of(page)

    def _log_in(self) -> None:
        token = self._token_of(self._request("GET", "login/"))
        fields = {"name": self._name, "password": PASSWORD, "csrf_token": token}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._request("POST", "login/", headers, urlencode(fields).encode())
        if answer.status != 303:
            raise AssertionError(f"logging in: {answer.status} {answer.text[:300]}")

    def _token_of(self, page: raw.Answer) -> str:
        found = _TOKEN.search(page.text)
        if found is None:
            raise AssertionError(f"no form: {page.status} {page.text[:300]}")
        return found[1]

    def _request(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> raw.Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        found = {"Origin": self._url.rstrip("/"), **(headers or {})}
        if cookie:
            found["Cookie"] = cookie
        answer = raw.request(method, f"{self._url}{path}", found, body)
        self._cookies.update(answer.cookies)
        if answer.status in _AWAY:
            raise http.client.HTTPException(f"{answer.status} {answer.text[:200]}")
        return answer
