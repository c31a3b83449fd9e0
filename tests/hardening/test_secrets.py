"""Nothing secret is told: not in an error, not in the log, not in the journal."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import select

from pypi_lite.database import Database
from pypi_lite.models import JournalEntry, User, now
from pypi_lite.opening import FORM_SECRET, SETUP_SECRET
from pypi_lite.repository import Index
from pypi_lite.settings import SettingsError
from tests.api.forms import basic
from tests.clients import raw
from tests.clients.running import RunningIndex
from tests.distributions.build import wheel

PASSWORD, WRONG = "correct horse battery", "wrong donkey generator"
#: Logs all that anybody has to say, the database's library included.
LOGGING = """
[loggers]
keys = root, sqlalchemy
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = DEBUG
handlers = console
[logger_sqlalchemy]
level = DEBUG
handlers =
qualname = sqlalchemy.engine
[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic
[formatter_generic]
format = %(levelname)s %(name)s %(message)s
"""


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg2://u:s3cret@127.0.0.1:1/db",
        "postgresql+psycopg2://u:s3c@s3cret@127.0.0.1:1/db",
        "postgresql+psycopg2://u:s3cret/s3cret@h.invalid/db",
        "postgresql+psycopg2://u:12/s3cret@127.0.0.1:1/db",
        "postgresql+psycopg2://u:s3cret@h.invalid:port/db",
        "postgresql+psycopg2://u:s3cret@[::1/db",
        "postgresql+nodriver://u:s3cret@127.0.0.1:1/db",
        "s3cret",
    ],
)
def test_the_databases_password_is_in_no_error(
    address: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from pypi_lite.__main__ import main

    ini = tmp_path / "index.ini"
    text = f"[app:main]\nuse = egg:pypi_lite\npypi_lite.data = {tmp_path}/data\n"
    ini.write_text(text + f"sqlalchemy.url = {address}\n")
    assert main(["--config", str(ini), "migrate"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("pypi-lite: ")
    assert "s3cret" not in said.out + said.err


def test_what_is_no_address_of_a_database_is_told_so() -> None:
    with pytest.raises(SettingsError, match=r"sqlalchemy\.url is no address") as caught:
        Database("postgresql+psycopg2://u:s3c@ret@host/db")
    assert caught.value.__suppress_context__


def test_a_statement_that_fails_shows_no_values(
    index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    """Hashes of passwords and tokens are among them."""
    caplog.set_level(logging.DEBUG)
    with index.database.writer() as session:
        for _ in range(2):
            session.add(User(name="ann", password_hash="s3cret", is_admin=False, created=now()))
        with pytest.raises(sqlalchemy.exc.IntegrityError) as caught:
            session.flush()
    assert "INSERT INTO users" in str(caught.value)
    assert "s3cret" not in str(caught.value) + caplog.text


def test_neither_log_nor_journal_has_a_secret_in_it(tmp_path: Path) -> None:
    """Logging in, a token, an upload, and each of them gone wrong; with all of the log switched on."""
    running = RunningIndex(tmp_path / "index")
    ini = tmp_path / "index" / "index.ini"
    ini.write_text(ini.read_text() + LOGGING)
    try:
        running.start()
        setup_secret = (tmp_path / "index" / "data" / SETUP_SECRET).read_text()
        secrets = [*_use(running), PASSWORD, WRONG]
        assert running.stop() == 0
        log = running.log.read_text()
        assert "DEBUG" in log  # or nothing would be proved
        assert "INSERT INTO users" in log
        data = tmp_path / "index" / "data"
        secrets.append((data / FORM_SECRET).read_text())
        # The link is printed at the first start, once, on purpose.
        printed = [line for line in log.splitlines() if "Make the first administrator" in line]
        assert len(printed) == 1
        assert setup_secret in printed[0]
        rest = log.replace(printed[0], "")
        with running.index.database.read() as session:
            rows = session.scalars(select(JournalEntry)).all()
            journal = json.dumps([vars(row) for row in rows], default=str)
        assert "token.create" in journal
        for secret in (*secrets, setup_secret):
            assert len(secret) > 8
            assert secret not in rest
            assert secret not in journal
            assert basic("__token__", secret).split()[1] not in rest
    finally:
        running.close()


def _use(running: RunningIndex) -> list[str]:
    """Do all of it; the secrets that came up."""
    secret = (running.folder / "data" / SETUP_SECRET).read_text()
    browser = _Browser(running.url)
    browser.send(
        f"setup/?secret={secret}", "setup/", 303, secret=secret, name="ann", again=PASSWORD
    )
    browser.send("account/", "logout/", 303)
    browser.send("login/", "login/", 403, name="ann", password=WRONG)
    browser.send("login/", "login/", 303, name="ann")
    made = browser.send("account/", "account/tokens/", 200, scope="upload", name="ci")
    found = re.search(r"<code>(pypi_lite_[^<]+)</code>", made.text)
    assert found is not None
    token = found[1]
    wrong = token[:-6] + "AAAAAA"
    filename, content = wheel("foo", "1.0")
    assert running.upload(filename, content, token).status == 200
    assert running.upload(filename, content, wrong).status in {401, 403}
    assert running.upload("foo-2.0-py3-none-any.whl", b"no zip", token).status == 400
    for name, password in (("ann", WRONG), ("ann", PASSWORD), ("__token__", wrong)):
        raw.request("POST", running.upload_url, {"Authorization": basic(name, password)}, b"")
    headers = {"Authorization": f"Bearer {token}"}
    raw.request("PATCH", f"{running.url}api/projects/foo", headers, b"{")
    # As some clients would send an address with credentials in it, were they to forget themselves.
    host = running.url.removeprefix("http://").rstrip("/")
    raw.get(f"{running.url}{running.url.replace('://', f'://__token__:{token}@')}simple/")
    raw.get(f"{running.url}simple/", {"Host": f"__token__:{token}@{host}"})
    return [token, wrong, *browser.cookies]


class _Browser:
    """Forms, and the session's cookie."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._jar: dict[str, str] = {}
        self.cookies: list[str] = []

    def send(self, page: str, action: str, status: int, **fields: str) -> raw.Answer:
        form = self._ask("GET", page)
        token = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
        assert token is not None, (page, form.status)
        self.cookies.append(token[1])
        fields = {"csrf_token": token[1], "password": PASSWORD, **fields}
        body, content_type = raw.multipart(fields)
        answer = self._ask("POST", action, {"Content-Type": content_type}, body)
        assert answer.status == status, (action, answer.status, answer.text)
        return answer

    def _ask(self, method: str, path: str, headers: Any = None, body: bytes | None = None) -> Any:
        cookie = "; ".join(f"{name}={value}" for name, value in self._jar.items())
        answer = raw.request(method, self._url + path, {"Cookie": cookie, **(headers or {})}, body)
        self._jar |= answer.cookies
        self.cookies += filter(None, answer.cookies.values())  # a log-out empties it
        return answer
