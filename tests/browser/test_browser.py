"""What a person does, in a browser: become administrator, upload files, read about them."""

from pathlib import Path

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from pypi_lite.opening import SETUP_SECRET
from tests.clients import raw
from tests.clients.running import RunningIndex
from tests.distributions.build import wheel

PASSWORD = "correct horse battery"
MARKDOWN = ("Description-Content-Type", "text/markdown")
DESCRIPTION = """# Sample

A paragraph with `code`.

<script>document.title = "run by a description"</script>
<img src=x onerror="document.title='run by a description'">
"""


def fill(browser: Chrome, **values: str) -> None:
    for name, value in values.items():
        field = browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(value)
    press(browser, browser.find_element(By.CSS_SELECTOR, "main form button"))


def press(browser: Chrome, button: WebElement) -> None:
    """Press *button*, and wait until the page that it leads to has come: a click does not."""
    browser.execute_script("window.isOld = true")
    button.click()
    # Between two pages the driver may find no page to ask.
    WebDriverWait(browser, 60, ignored_exceptions=[WebDriverException]).until(
        lambda b: b.execute_script("return !window.isOld && document.readyState == 'complete'")
    )


def show(browser: Chrome, element: WebElement) -> None:
    """Scroll to *element*, at once."""
    browser.execute_script(
        "arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})", element
    )


def text(browser: Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def wait_for(browser: Chrome, words: str) -> None:
    WebDriverWait(browser, 60, ignored_exceptions=[WebDriverException]).until(
        lambda b: words in text(b), f"no {words!r}"
    )


def complaints(browser: Chrome) -> list[str]:
    """What the console says: scripts that failed, what the security policy has blocked."""
    return [str(entry["message"]) for entry in browser.get_log("browser")]


@pytest.fixture(scope="module")
def setup_link(running: RunningIndex) -> str:
    """The link of the first start; when it is used its secret is gone."""
    secret = (running.folder / "data" / SETUP_SECRET).read_text()
    return f"{running.url}setup/?secret={secret}"


@pytest.fixture(scope="module")
def logged_in(browser: Chrome, setup_link: str) -> Chrome:
    """The browser, used by the first administrator."""
    browser.get(setup_link)
    fill(browser, name="ann", password=PASSWORD, again=PASSWORD)
    wait_for(browser, "ann")
    return browser


def test_the_link_makes_one_administrator_only(logged_in: Chrome, setup_link: str) -> None:
    logged_in.get(setup_link)
    assert "Make the administrator" not in text(logged_in)
    logged_in.get_log("browser")  # the 404 is in it


def test_files_are_uploaded_with_progress_and_shown_one_by_one(
    logged_in: Chrome, running: RunningIndex, dists: Path
) -> None:
    names = []
    for name, content in (
        wheel("sample", "1.0", description=DESCRIPTION, headers=[MARKDOWN]),
        wheel("sample", "2.0"),
        ("broken-1.0-py3-none-any.whl", b"this is no zip"),
    ):
        (dists / name).write_bytes(content)
        names.append(str(dists / name))
    logged_in.get(f"{running.url}upload/")
    logged_in.find_element(By.NAME, "content").send_keys("\n".join(names))
    logged_in.find_element(By.CSS_SELECTOR, "main form button").click()
    for words in ("sample-1.0-py3-none-any.whl", "sample-2.0", "broken-1.0-py3-none-any.whl"):
        wait_for(logged_in, words)
    WebDriverWait(logged_in, 20).until(
        lambda b: len(b.find_elements(By.CSS_SELECTOR, "[data-results] .good")) == 2
    )
    assert len(logged_in.find_elements(By.CSS_SELECTOR, "[data-results] .bad")) == 1
    page = raw.get(f"{running.simple_url}sample/").text
    assert "sample-1.0-py3-none-any.whl" in page
    assert "sample-2.0-py3-none-any.whl" in page
    # The refusal's 400 is all that the console knows.
    assert not [line for line in complaints(logged_in) if "400" not in line]


def test_a_project_page_shows_its_description_and_runs_nothing_of_it(
    logged_in: Chrome, running: RunningIndex
) -> None:
    logged_in.get(f"{running.url}project/sample/1.0/")
    wait_for(logged_in, "A paragraph with code.")
    assert "run by a description" not in logged_in.title
    assert "pip install" in text(logged_in)
    assert not [line for line in complaints(logged_in) if "/x " not in line and "x - " not in line]


def test_a_project_is_found_by_keyboard_alone(logged_in: Chrome, running: RunningIndex) -> None:
    """With a field that every page has, also one of the cache, and the policy blocks no form of ours."""
    for path in ("", "project/sample/"):
        logged_in.get(f"{running.url}{path}")
        field = logged_in.find_element(By.CSS_SELECTOR, "header input[type=search]")
        field.send_keys("SAMP", Keys.ENTER)
        wait_for(logged_in, "1 project with")
        assert logged_in.current_url.endswith("/search/?q=SAMP")
        found = logged_in.find_element(By.CSS_SELECTOR, "ol.rows a")
        found.send_keys(Keys.ENTER)
        wait_for(logged_in, "pip install")
        assert logged_in.current_url == f"{running.url}project/sample/"
    assert complaints(logged_in) == []


def test_an_owner_yanks_and_archives(logged_in: Chrome, running: RunningIndex) -> None:
    def go(path: str) -> None:
        logged_in.get(f"{running.url}{path}")

    def found(css: str) -> WebElement:
        return logged_in.find_element(By.CSS_SELECTOR, css)

    def button(words: str) -> WebElement:
        return logged_in.find_element(By.XPATH, f"//button[.='{words}']")

    def beside(button: WebElement, name: str) -> WebElement:
        """The field of the button's form."""
        return button.find_element(By.XPATH, f"ancestor::form//input[@name='{name}']")

    def click(element: WebElement) -> None:
        """Click, where the page does not scroll smoothly away below the pointer."""
        show(logged_in, element)
        element.click()

    def reveal(button: WebElement) -> WebElement:
        """Unfold what the button is in, as a person has to."""
        assert not button.is_displayed()
        click(button.find_element(By.XPATH, "ancestor::details[1]/summary"))
        assert button.is_displayed()
        show(logged_in, button)
        return button

    go("project/sample/1.0/")
    press(logged_in, logged_in.find_element(By.LINK_TEXT, "Manage"))
    yank = reveal(button("Yank 1.0"))
    beside(yank, "reason").send_keys("oh no")
    show(logged_in, yank)
    press(logged_in, yank)
    assert "Reason: oh no" in text(logged_in)
    go("project/sample/1.0/")
    assert "This release has been yanked." in text(logged_in)
    go("manage/sample/")
    Select(found("#status")).select_by_value("archived")
    found("#status-reason").send_keys("it is done")
    press(logged_in, button("Set the status"))
    go("project/sample/")
    assert "This project is archived." in text(logged_in)
    assert "Reason: it is done" in text(logged_in)
    go("manage/sample/")
    delete = reveal(button("Delete 1.0"))
    click(beside(delete, "sure"))
    show(logged_in, delete)
    press(logged_in, delete)
    assert raw.get(f"{running.url}project/sample/1.0/").status == 404
    # The description's picture is not there.
    assert not [line for line in complaints(logged_in) if "/x " not in line]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "login/",
        "upload/",
        "account/",
        "project/sample/",
        "manage/sample/",
        "manage/sample/journal/",
        "admin/people/",
    ],
)
@pytest.mark.parametrize("width", [400, 1200])
def test_no_page_breaks_the_policy_or_is_wider_than_the_window(
    logged_in: Chrome, running: RunningIndex, path: str, width: int
) -> None:
    logged_in.set_window_size(width, 1000)
    logged_in.get(running.url + path)
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert logged_in.execute_script(wide) <= 0
    styles = "return [...document.styleSheets].every(s => s.cssRules.length > 0)"
    assert logged_in.execute_script(styles)
    assert complaints(logged_in) == []


def test_a_token_is_revoked_by_the_second_click(logged_in: Chrome, running: RunningIndex) -> None:
    logged_in.get(f"{running.url}account/")
    logged_in.find_element(By.ID, "token-name").send_keys("laptop")
    make = logged_in.find_element(By.XPATH, "//button[.='Make a token']")
    show(logged_in, make)
    press(logged_in, make)
    assert "it is not shown again" in text(logged_in)
    revoke = logged_in.find_element(By.XPATH, "//button[.='Revoke laptop']")
    assert not revoke.is_displayed()
    summary = revoke.find_element(By.XPATH, "ancestor::details/summary")
    show(logged_in, summary)
    summary.click()
    show(logged_in, revoke)
    press(logged_in, revoke)
    assert "You have no tokens" in text(logged_in)


def test_logging_out_ends_the_session(logged_in: Chrome, running: RunningIndex) -> None:
    logged_in.get(f"{running.url}account/")
    press(logged_in, logged_in.find_element(By.XPATH, "//button[contains(., 'Log out')]"))
    logged_in.get(f"{running.url}upload/")
    assert "/login/" in logged_in.current_url
    fill(logged_in, name="ann", password="wrong password")
    assert logged_in.current_url == f"{running.url}login/"
    fill(logged_in, name="ann", password=PASSWORD)
    wait_for(logged_in, "Choose files")
    assert logged_in.current_url == f"{running.url}upload/"
