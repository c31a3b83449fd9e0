"""Passkeys, in a real browser with an authenticator that it pretends to have."""

import base64
from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from selenium.webdriver.remote.webelement import WebElement

from pypi_lite.accounts import totp
from pypi_lite.models import now
from tests.browser.test_browser import complaints, press, text, wait_for
from tests.clients.running import RunningIndex
from tests.conftest import PASSWORD, new_user


@pytest.fixture(scope="module")
def running(browser: Chrome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIndex]:
    """An index at a name: browsers have no passkeys for an address of digits."""
    running = RunningIndex(tmp_path_factory.mktemp("passkeys") / "index", host="localhost")
    running.start()
    new_user(running.index, "ann")
    browser.get_log("browser")  # what other tests have left there
    yield running
    assert running.scary_lines() == []
    assert running.stop() == 0
    running.close()


@pytest.fixture
def authenticator(browser: Chrome) -> Iterator[None]:
    """A device that keeps keys and knows its owner's finger."""
    options = VirtualAuthenticatorOptions(
        has_resident_key=True, has_user_verification=True, is_user_verified=True
    )
    browser.add_virtual_authenticator(options)
    yield
    browser.remove_virtual_authenticator()


def button(browser: Chrome, words: str) -> WebElement:
    return browser.find_element(By.XPATH, f"//main//button[.='{words}']")


def fill(browser: Chrome, pressed: str, **values: str) -> None:
    """Fill in the form of the button *pressed*, and wait for the page that it leads to."""
    found = button(browser, pressed)
    form = found.find_element(By.XPATH, "ancestor::form")
    for name, value in values.items():
        form.find_element(By.NAME, name).send_keys(value)
    press(browser, found)


def log_in(browser: Chrome, running: RunningIndex) -> None:
    browser.delete_all_cookies()
    browser.get(f"{running.url}login/")
    fill(browser, "Log in", name="ann", password=PASSWORD)


@pytest.mark.usefixtures("authenticator")
def test_a_passkey_is_made_and_opens_the_account(browser: Chrome, running: RunningIndex) -> None:
    browser.get(running.url)
    log_in(browser, running)
    browser.get(f"{running.url}account/factors/")
    press(browser, browser.find_element(By.LINK_TEXT, "Add a passkey"))
    fill(browser, "Add a passkey", name="the finger", proof=PASSWORD)
    assert browser.current_url == f"{running.url}account/factors/"
    assert "the finger" in text(browser)
    # Beside the password.
    log_in(browser, running)
    assert "One more step" in text(browser)
    press(browser, button(browser, "Use a passkey"))
    assert browser.current_url == f"{running.url}account/"
    # In its place.
    browser.delete_all_cookies()
    browser.get(f"{running.url}upload/")
    press(browser, button(browser, "Use a passkey"))
    assert browser.current_url == f"{running.url}upload/"
    browser.get(f"{running.url}account/factors/")
    assert "last used" in text(browser)
    assert complaints(browser) == []


def test_a_browser_without_the_passkey_says_so(browser: Chrome, running: RunningIndex) -> None:
    """Another authenticator has no such key: the person reads it, and takes another way."""
    options = VirtualAuthenticatorOptions(has_resident_key=True, has_user_verification=True)
    browser.add_virtual_authenticator(options)
    try:
        log_in(browser, running)
        button(browser, "Use a passkey").click()
        wait_for(browser, "Nothing came from the passkey")
        assert "With a code" in text(browser)
    finally:
        browser.remove_virtual_authenticator()


def test_an_app_is_added_by_its_key(browser: Chrome, running: RunningIndex) -> None:
    new_user(running.index, "bo")
    browser.delete_all_cookies()
    browser.get(f"{running.url}login/")
    fill(browser, "Log in", name="bo", password=PASSWORD)
    browser.get(f"{running.url}account/factors/app/")
    seed = base64.b32decode(browser.find_element(By.CSS_SELECTOR, ".seed").text)
    assert browser.find_element(By.CSS_SELECTOR, ".qr svg").size["width"] > 150
    assert complaints(browser) == []
    fill(browser, "Add the app", code=totp.code_at(seed, totp.step_at(now())), proof=PASSWORD)
    assert "Authenticator app" in text(browser)
    fill(browser, "Make recovery codes", proof=PASSWORD)
    (code, *_) = browser.find_element(By.CSS_SELECTOR, "[role=status] code").text.split()
    browser.delete_all_cookies()
    browser.get(f"{running.url}login/")
    fill(browser, "Log in", name="bo", password=PASSWORD)
    fill(browser, "Log in", code=code)
    assert browser.current_url == f"{running.url}account/"


@pytest.mark.parametrize("path", ["login/", "account/factors/", "account/factors/app/"])
@pytest.mark.parametrize("width", [400, 1200])
def test_no_page_is_wider_than_the_window(
    browser: Chrome, running: RunningIndex, path: str, width: int
) -> None:
    browser.set_window_size(width, 1000)
    browser.get(running.url + path)
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(wide) <= 0
    assert complaints(browser) == []
