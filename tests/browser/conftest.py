"""A browser, and an index for it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.clients.running import RunningIndex
from tests.conftest import lacking

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1200,1000",
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Chromium, without a window."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        lacking("chromium and chromedriver are not installed")
    options = ChromeOptions()
    options.binary_location = str(chromium)
    for flag in _FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options=options, service=Service(str(driver)))
    chrome.implicitly_wait(10)
    yield chrome
    chrome.quit()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIndex]:
    """A new index on SQLite, with two workers, where nobody has an account."""
    running = RunningIndex(tmp_path_factory.mktemp("browser") / "index")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def dists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for distributions to upload."""
    return tmp_path_factory.mktemp("dist")
