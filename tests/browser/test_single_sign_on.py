"""Logging in by a provider on another site, in a browser that has its own mind about cookies."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.browser.test_browser import fill, press, show, text
from tests.clients.running import RunningIndex
from tests.conftest import PASSWORD, new_user
from tests.issuers import AUTHORIZE, TestIssuer, running_issuer


@pytest.fixture
def theirs() -> Iterator[TestIssuer]:
    """A provider that asks people before it sends them back. localhost and 127.0.0.1 are two sites."""
    with running_issuer("localhost") as issuer:
        issuer.client_secret = "a-client-secret"
        issuer.misbehaviours[AUTHORIZE] = lambda handler: handler.authorize(asks=True)
        yield issuer


@pytest.fixture
def running(theirs: TestIssuer, tmp_path: Path) -> Iterator[RunningIndex]:
    """An index with two workers whose people the provider knows."""
    settings = {
        "oidc_issuer": theirs.url,
        "oidc_client_id": "pypi-lite",
        "oidc_client_secret": theirs.client_secret,
        "oidc_name": "Example",
    }
    running = RunningIndex(tmp_path / "index", settings=settings)
    running.start()
    yield running
    assert running.stop() == 0


def _follow(browser: Chrome, words: str) -> None:
    found = browser.find_elements(By.PARTIAL_LINK_TEXT, words)
    assert found, text(browser)
    show(browser, found[0])
    press(browser, found[0])


def test_a_person_connects_an_account_and_logs_in_by_it(
    browser: Chrome, running: RunningIndex, theirs: TestIssuer
) -> None:
    new_user(running.index, "ann")
    browser.delete_all_cookies()
    browser.get(running.url + "account/")
    fill(browser, name="ann", password=PASSWORD)
    _follow(browser, "connect this account")
    _follow(browser, "Yes, it is me")
    assert "Whoever can log in to Example as rosa will be ann here" in text(browser)
    fill(browser, password=PASSWORD)
    assert "ann is subject-1 there" in text(browser)
    press(browser, browser.find_element(By.CSS_SELECTOR, "form[action$='logout/'] button"))
    browser.get(running.url + "upload/")
    _follow(browser, "Log in with Example")
    _follow(browser, "Yes, it is me")
    assert browser.current_url == running.url + "upload/"
    theirs.misbehaviours[AUTHORIZE] = lambda handler: handler.answer_html("Who are you?")
    browser.delete_all_cookies()
    browser.get(running.url + "login/")
    _follow(browser, "Log in with Example")
    assert "Who are you?" in text(browser)
    refused = [entry for entry in browser.get_log("browser") if "Content Security" in str(entry)]
    assert refused == []
