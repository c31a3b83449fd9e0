"""Second factors on the web: added, asked for at the log-in, removed."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from sqlalchemy import select
from webtest import TestApp

from pypi_lite import make_app
from pypi_lite.accounts import attempts, factors, totp
from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.models import AuthenticatorApp, JournalEntry, Passkey, User, now
from pypi_lite.opening import FACTOR_SECRET, secret
from pypi_lite.repository import Index
from pypi_lite.settings import Require, Settings
from tests.accounts.authenticator import Authenticator
from tests.conftest import PASSWORD, new_token, new_user
from tests.distributions.build import wheel
from tests.web.helpers import form_for, log_in, newest_log_in, put
from tests.web.qr import read_qr

PAGE, APP, PASSKEY = "/account/factors/", "/account/factors/app/", "/account/factors/passkey/"
RECOVERY, REMOVE = "/account/factors/recovery/", "/account/factors/remove/"
ASK, ENROL, ALONE = "/login/factor/", "/login/enrol/", "/login/passkey/"

#: What the pages do with it is the same on each database.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.moment = now()

    def __call__(self) -> datetime:
        return self.moment

    def next_step(self) -> None:
        self.moment += timedelta(seconds=totp.STEP)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The one that codes are made by, here and there."""
    clock = Clock()
    monkeypatch.setattr("pypi_lite.accounts.factors.now", clock)
    return clock


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An index at an address at which there are passkeys, and whose passwords cost little."""
    return replace(settings, url="https://index.test/", argon2_time=1, argon2_memory=1024)


@pytest.fixture
def app(settings: Settings) -> Iterator[TestApp]:
    application = make_app(settings)
    yield browser(application)
    application.registry["pypi_lite.index"].database.dispose()


def browser(application: Any, address: str = "192.0.2.1") -> TestApp:
    """A browser that is at the index's own address."""
    environ = {"wsgi.url_scheme": "https", "HTTP_HOST": "index.test", "REMOTE_ADDR": address}
    return TestApp(application, extra_environ={**environ, "HTTP_ORIGIN": "https://index.test"})


def code_for(index: Index, clock: Clock) -> str:
    """What the app shows that the one account with an app has."""
    key = secret(index.settings, FACTOR_SECRET)
    with index.database.read() as session:
        salt = session.scalars(select(AuthenticatorApp.salt)).one()
    return totp.code_at(totp.seed_of(key, salt), totp.step_at(clock()))


def shown_code(page: Any, clock: Clock) -> str:
    """What an app shows that has read the seed from *page*."""
    seed = base64.b32decode(page.html.select_one(".seed").get_text())
    return totp.code_at(seed, totp.step_at(clock()))


def add_app(app: TestApp, clock: Clock) -> None:
    """Add an app to the account that is logged in, and let its code's step pass."""
    page = app.get(APP)
    form = form_for(page, APP)
    form["code"], form["proof"] = shown_code(page, clock), PASSWORD
    assert form.submit().location == f"https://index.test{PAGE}"
    clock.next_step()


def add_passkey(app: TestApp, authenticator: Authenticator, name: str = "my key") -> Any:
    form = form_for(app.get(PASSKEY), PASSKEY)
    form["passkey"] = authenticator.create(options_of(form))
    form["name"], form["proof"] = name, PASSWORD
    return form.submit(status="*")


def options_of(form: Any) -> str:
    """What the form's script gives the browser."""
    return str(form.html.form["data-options"])


def make_recovery_codes(app: TestApp) -> list[str]:
    form = form_for(app.get(PAGE), RECOVERY)
    form["proof"] = PASSWORD
    page = form.submit()
    return str(page.html.select_one("[role=status] code").get_text()).split()


def answer(page: Any, code: str) -> Any:
    """Give the page that asks for a factor a code."""
    forms = [f for f in page.forms.values() if "code" in f.fields]
    (form,) = forms
    form["code"] = code
    return form.submit(status="*")


def is_in(app: TestApp) -> bool:
    return bool(app.get("/account/").status_int == 200)


def error_of(page: Any) -> str:
    return str(page.html.select_one("p[role=alert]:not([data-problem])").get_text())


def user_of(session: Any) -> User:
    """ann."""
    found: User = session.scalars(select(User).where(User.name == "ann")).one()
    return found


def actions(index: Index) -> list[str]:
    with index.database.read() as session:
        found = select(JournalEntry.action).order_by(JournalEntry.serial)
        return [str(action) for action in session.scalars(found)]


def test_an_app_is_added_and_asked_for(app: TestApp, index: Index, ann: str, clock: Clock) -> None:
    log_in(app, ann)
    add_app(app, clock)
    page = app.get(PAGE)
    assert "Authenticator app" in page.html.select_one("ul.rows").get_text()
    assert "You have no recovery codes" in page.text
    app.reset()
    page = log_in(app, ann)
    assert page.status_int == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert not is_in(app)
    answered = answer(page, code_for(index, clock))
    assert answered.location == "https://index.test/account/"
    assert is_in(app)
    assert actions(index).count("factor.add") == 1


@ON_SQLITE
@pytest.mark.parametrize("title", ["pypi_lite", "Söhne & Co: 100% <ours>"])
def test_a_phone_reads_the_seed_from_the_page(
    settings: Settings, ann: str, clock: Clock, title: str
) -> None:
    app = browser(make_app(replace(settings, title=title)))
    log_in(app, ann)
    page = app.get(APP)
    text = read_qr(page.html.select_one(".qr svg"))
    assert text is not None
    uri = urlsplit(text)
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == f"/{title.replace(':', ' ')}:ann"
    seed = page.html.select_one(".seed").get_text()
    assert parse_qs(uri.query) == {"secret": [seed], "issuer": [title]}
    assert text == totp.app_uri(base64.b32decode(seed), issuer=title, account="ann")
    form = form_for(page, APP)
    form["code"], form["proof"] = shown_code(page, clock), PASSWORD
    assert form.submit().location == f"https://index.test{PAGE}"


@ON_SQLITE
def test_it_leads_back_to_where_one_was_going(
    app: TestApp, index: Index, ann: str, clock: Clock
) -> None:
    log_in(app, ann)
    add_app(app, clock)
    app.reset()
    form = form_for(app.get("/upload/").follow(), "/login/")
    form["name"], form["password"] = ann, PASSWORD
    done = answer(form.submit(), code_for(index, clock))
    assert done.location == "https://index.test/upload/"


@ON_SQLITE
def test_a_ticket_is_no_session(app: TestApp, index: Index, ann: str, clock: Clock) -> None:
    """Before the second step is done nothing but the step is open, and it has one way in."""
    log_in(app, ann)
    add_app(app, clock)
    app.reset()
    page = log_in(app, ann)
    ticket = page.form["ticket"].value
    for path in ("/account/", PAGE, APP, "/upload/"):
        assert app.get(path).location.startswith("https://index.test/login/")
    for path in (ASK, ENROL, ALONE):
        assert app.get(path).location == "https://index.test/login/"
    csrf = page.form["csrf_token"].value
    fields = {"csrf_token": csrf, "ticket": ticket, "code": code_for(index, clock)}
    for path in (ENROL, ALONE):
        assert "Log in again" in app.post(path, fields, status=403).text
    for wrong in ("", "x", ticket[:-2], ticket + "x"):
        refused = app.post(ASK, {**fields, "ticket": wrong}, status=403)
        assert "Log in again" in error_of(refused)
    app.post(ASK, {"ticket": ticket, "code": fields["code"]}, status=400)  # a forged form
    assert not is_in(app)
    app.post(ASK, fields, status=303)
    assert is_in(app)


@ON_SQLITE
def test_a_ticket_is_for_one_browser(app: TestApp, index: Index, ann: str, clock: Clock) -> None:
    log_in(app, ann)
    add_app(app, clock)
    app.reset()
    ticket = log_in(app, ann).form["ticket"].value
    other = browser(app.app)
    csrf = form_for(other.get("/login/"), "/login/")["csrf_token"].value
    fields = {"csrf_token": csrf, "ticket": ticket, "code": code_for(index, clock)}
    assert "Log in again" in other.post(ASK, fields, status=403).text


@ON_SQLITE
@pytest.mark.parametrize("change", ["password", "disabled", "late"])
def test_a_ticket_ends(
    app: TestApp,
    index: Index,
    ann: str,
    clock: Clock,
    change: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_in(app, ann)
    add_app(app, clock)
    app.reset()
    page = log_in(app, ann)
    with index.database.write() as session:
        user = user_of(session)
        if change == "password":
            user.password_hash = index.passwords.hash("another password", name="ann")
        elif change == "disabled":
            user.is_disabled = True
        else:
            monkeypatch.setattr("pypi_lite.accounts.tickets.LIFETIME", -1)
    if change == "late":
        page = log_in(app, ann)
    assert "Log in again" in error_of(answer(page, code_for(index, clock)))
    assert not is_in(app)


@ON_SQLITE
def test_a_code_logs_in_once(app: TestApp, index: Index, ann: str, clock: Clock) -> None:
    log_in(app, ann)
    add_app(app, clock)
    app.reset()
    code = code_for(index, clock)
    first, second = log_in(app, ann), log_in(app, ann)
    assert answer(first, code).status_int == 303
    app.reset()
    page = answer(log_in(app, ann), code)
    assert page.status_int == 403
    assert "did not fit" in error_of(page)
    assert not is_in(app)
    assert "ticket" in second.form.fields  # a ticket of before the log-in is of another cookie
    assert "form" in answer(second, code_for(index, clock)).text


def test_codes_are_not_guessed_without_end(
    app: TestApp, index: Index, ann: str, clock: Clock
) -> None:
    """Neither from one address, nor from very many; and the owner's recovery codes go on."""
    log_in(app, ann)
    add_app(app, clock)
    (recovery_code, *_) = make_recovery_codes(app)
    app.reset()
    right = code_for(index, clock)
    wrong = "000000" if right != "000000" else "111111"
    page = log_in(app, ann)
    for _ in range(attempts.MOST_OF_PAIR):
        assert answer(page, wrong).status_int == 403
    refused = answer(page, right)
    assert refused.status_int == 429
    assert int(refused.headers["Retry-After"]) > 0
    with index.database.read() as session:
        assert session.scalars(select(AuthenticatorApp)).one().failures == attempts.MOST_OF_PAIR
    for number in range(factors.MOST_WRONG_CODES - attempts.MOST_OF_PAIR):
        stranger = browser(app.app, f"198.51.100.{number}")
        assert answer(log_in(stranger, ann), wrong).status_int == 403
    stranger = browser(app.app, "203.0.113.1")
    page = log_in(stranger, ann)
    assert "Too many wrong codes" in page.text
    assert answer(page, right).status_int == 403
    assert answer(page, recovery_code).status_int == 303
    assert is_in(stranger)


def test_recovery_codes_are_shown_once_and_work_once(
    app: TestApp, index: Index, ann: str, clock: Clock
) -> None:
    log_in(app, ann)
    add_app(app, clock)
    codes = make_recovery_codes(app)
    assert len(codes) == 10
    page = app.get(PAGE)
    assert "You have 10 left" in page.text
    assert codes[0] not in page.text
    app.reset()
    assert answer(log_in(app, ann), codes[0]).status_int == 303
    assert "You have 9 left" in app.get(PAGE).text
    app.reset()
    assert answer(log_in(app, ann), codes[0]).status_int == 403
    assert not is_in(app)


@ON_SQLITE
def test_a_passkey_is_added_and_asked_for(app: TestApp, index: Index, ann: str) -> None:
    authenticator = Authenticator(is_verified=False)
    log_in(app, ann)
    assert add_passkey(app, authenticator).location == f"https://index.test{PAGE}"
    assert "my key" in app.get(PAGE).html.select_one("ul.rows").get_text()
    app.reset()
    page = log_in(app, ann)
    form = next(f for f in page.forms.values() if "passkey" in f.fields)
    form["passkey"] = given = authenticator.get(options_of(form))
    assert form.submit().status_int == 303
    assert is_in(app)
    with index.database.read() as session:
        assert session.scalars(select(Passkey.sign_count)).one() == 1
    # The same answer once more, to another challenge and to its own.
    app.post(
        "/logout/", {"csrf_token": form_for(app.get("/account/"), "/logout/")["csrf_token"].value}
    )
    page = log_in(app, ann)
    form = next(f for f in page.forms.values() if "passkey" in f.fields)
    form["passkey"] = given
    assert form.submit(status="*").status_int == 403
    assert not is_in(app)


@ON_SQLITE
@pytest.mark.parametrize("step", [0, 1])
def test_an_answer_is_used_up_with_its_ticket(app: TestApp, ann: str, step: int) -> None:
    """Of an authenticator that does not count, too."""
    authenticator = Authenticator(step=step)
    log_in(app, ann)
    add_passkey(app, authenticator)
    app.reset()
    page = log_in(app, ann)
    (cookie,) = app.cookiejar
    form = next(f for f in page.forms.values() if "passkey" in f.fields)
    form["passkey"] = authenticator.get(options_of(form))
    assert form.submit().status_int == 303
    app.reset()
    app.cookiejar.set_cookie(cookie)
    assert form.submit(status="*").status_int == 403
    assert not is_in(app)


@ON_SQLITE
def test_a_passkey_that_lies_is_not_added(app: TestApp, index: Index, ann: str) -> None:
    log_in(app, ann)
    for lie in (Authenticator(origin="https://evil.test"), Authenticator(challenge="AAAA")):
        page = add_passkey(app, lie)
        assert page.status_int == 400
        assert "did not answer as it should" in error_of(page)
    assert "factor.add" not in actions(index)


def alone(app: TestApp, authenticator: Authenticator, wanted: str = "") -> Any:
    """Log in with a passkey and nothing else."""
    form = form_for(app.get("/login/", {"next": wanted}), ALONE)
    form["passkey"] = authenticator.get(options_of(form))
    return form.submit(status="*")


def test_a_passkey_logs_in_alone_where_it_has_verified_the_person(
    app: TestApp, index: Index, ann: str
) -> None:
    authenticator = Authenticator()
    log_in(app, ann)
    add_passkey(app, authenticator)
    app.reset()
    assert alone(app, authenticator, "/upload/").location == "https://index.test/upload/"
    assert is_in(app)
    app.reset()
    authenticator.is_verified = False
    assert "No account here" in error_of(alone(app, authenticator))
    authenticator.is_verified = True
    assert "No account here" in error_of(alone(app, Authenticator()))
    authenticator.origin = "https://evil.test"
    assert "No account here" in error_of(alone(app, authenticator))
    assert not is_in(app)
    authenticator.origin = "https://index.test"
    with index.database.write() as session:
        user_of(session).is_disabled = True
    assert "No account here" in error_of(alone(app, authenticator))


@ON_SQLITE
def test_factors_are_changed_by_who_shows_it_is_them(
    app: TestApp, index: Index, ann: str, clock: Clock
) -> None:
    """Not by who finds the browser open: the password again, or a code."""
    log_in(app, ann)
    for proof in ("", "wrong password"):
        page = app.get(APP)
        form = form_for(page, APP)
        form["code"], form["proof"] = shown_code(page, clock), proof
        assert form.html.select_one("label[for=proof]").get_text() == "Your password"
        assert "not your password" in error_of(form.submit(status=400))
    add_app(app, clock)
    form = form_for(app.get(PAGE), REMOVE)
    assert form.html.select_one("label[for=proof-0]").get_text() == "Your password, or a code"
    form["proof"] = "wrong password"
    assert "neither" in error_of(form.submit(status=400))
    form = form_for(app.get(PAGE), RECOVERY)
    form["proof"] = "wrong password"
    assert "neither" in error_of(form.submit(status=400))
    form = form_for(app.get(PAGE), REMOVE)
    form["proof"] = code_for(index, clock)
    form.submit(status=303)
    assert "You have no second factor" in app.get(PAGE).text
    assert actions(index).count("factor.remove") == 1
    app.reset()
    assert log_in(app, ann).status_int == 303


@ON_SQLITE
def test_a_mistake_keeps_the_seed_that_was_scanned(
    app: TestApp, index: Index, ann: str, clock: Clock
) -> None:
    """Until the app is added: then its form adds nothing once more."""
    log_in(app, ann)
    page = app.get(APP)
    code = shown_code(page, clock)
    wrong = "000000" if code != "000000" else "111111"
    for mistake in ((wrong, PASSWORD), (code, "wrong password"), ("", "")):
        form = form_for(page, APP)
        form["code"], form["proof"] = mistake
        page = form.submit(status=400)
        assert shown_code(page, clock) == code
    form = form_for(page, APP)
    form["code"], form["proof"] = code, PASSWORD
    assert form.submit().location == f"https://index.test{PAGE}"
    assert "already" in error_of(form.submit(status=400))
    with index.database.write() as session:
        factors.remove_all(session, user_of(session), by=OPERATOR)
    page = form.submit(status=400)
    assert "done already" in error_of(page)
    assert shown_code(page, clock) != code
    with index.database.read() as session:
        assert not factors.has_factor(session, user_of(session).id)


@ON_SQLITE
def test_a_form_that_is_too_old_comes_back_with_another_seed(
    app: TestApp, ann: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(app, ann)
    with monkeypatch.context() as late:
        late.setattr("pypi_lite.accounts.tickets.LIFETIME", -1)
        page = app.get(APP)
    code = shown_code(page, clock)
    form = form_for(page, APP)
    form["code"], form["proof"] = code, PASSWORD
    page = form.submit(status=400)
    assert "took too long" in error_of(page)
    assert shown_code(page, clock) != code


@ON_SQLITE
def test_proofs_are_not_guessed_without_end(app: TestApp, ann: str, clock: Clock) -> None:
    log_in(app, ann)
    add_app(app, clock)
    form = form_for(app.get(PAGE), REMOVE)
    for _ in range(attempts.MOST_OF_PAIR):
        form["proof"] = "wrong password"
        assert "neither" in error_of(form.submit(status=400))
    form["proof"] = PASSWORD
    assert "Too many" in error_of(form.submit(status=400))


@ON_SQLITE
def test_one_removes_ones_own(app: TestApp, index: Index, ann: str) -> None:
    log_in(app, ann)
    add_passkey(app, Authenticator(), "ann key")
    bo = browser(app.app)
    log_in(bo, new_user(index, "bo"))
    add_passkey(bo, Authenticator(), "bo key")
    form = form_for(bo.get(PAGE), REMOVE)
    with index.database.read() as session:
        number = session.scalar(select(Passkey.id).where(Passkey.name == "ann key"))
    for which in (str(number), "app", "", "x", "9" * 30, "-1"):
        form["factor"].force_value(which)
        form["proof"] = PASSWORD
        form.submit(status=303)
    assert "ann key" in app.get(PAGE).text
    assert "bo key" in bo.get(PAGE).text


def required(settings: Settings, who: Require) -> TestApp:
    """The same index, which asks for a second factor."""
    return browser(make_app(replace(settings, require_second_factor=who)))


def test_who_must_have_a_factor_adds_one_to_get_in(
    settings: Settings, index: Index, ann: str, clock: Clock
) -> None:
    app = required(settings, Require.EVERYBODY)
    page = log_in(app, ann)
    assert page.status_int == 200
    assert "Add a second factor" in page.text
    assert not is_in(app)
    form = next(f for f in page.forms.values() if "code" in f.fields)
    scanned = shown_code(page, clock)
    form["code"] = "000000" if scanned != "000000" else "111111"
    page = form.submit(status=400)
    assert "not the code" in error_of(page)
    assert shown_code(page, clock) == scanned
    assert not is_in(app)
    done = answer(page, shown_code(page, clock))
    assert done.location == f"https://index.test{PAGE}"
    assert is_in(app)
    clock.next_step()
    form = form_for(app.get(PAGE), REMOVE)
    form["proof"] = PASSWORD
    assert "add another one first" in error_of(form.submit(status=400))
    app.reset()
    assert answer(log_in(app, ann), code_for(index, clock)).status_int == 303


@ON_SQLITE
def test_a_passkey_will_do_as_well(settings: Settings, index: Index, ann: str) -> None:
    app = required(settings, Require.EVERYBODY)
    authenticator = Authenticator()
    form = next(f for f in log_in(app, ann).forms.values() if "passkey" in f.fields)
    form["passkey"], form["name"] = authenticator.create(options_of(form)), "key"
    assert form.submit().location == f"https://index.test{PAGE}"
    assert is_in(app)
    assert actions(index).count("factor.add") == 1


@ON_SQLITE
def test_the_form_that_adds_one_is_for_who_has_none(
    settings: Settings, index: Index, ann: str, clock: Clock
) -> None:
    """Or a stolen password would open an account that has got a factor meanwhile."""
    app, thief = required(settings, Require.EVERYBODY), required(settings, Require.EVERYBODY)
    page = log_in(thief, ann)
    own = log_in(app, ann)
    assert answer(own, shown_code(own, clock)).status_int == 303
    assert "Log in again" in error_of(answer(page, shown_code(page, clock)))
    assert not is_in(thief)


@ON_SQLITE
def test_the_journal_says_what_was_shown(
    app: TestApp, settings: Settings, index: Index, ann: str, clock: Clock
) -> None:
    log_in(app, ann)
    assert newest_log_in(index) == "ann: password"
    authenticator = Authenticator()
    add_passkey(app, authenticator)
    add_app(app, clock)
    (recovery_code, *_) = make_recovery_codes(app)
    app.reset()
    answer(log_in(app, ann), code_for(index, clock))
    assert newest_log_in(index) == "ann: password and code of an app"
    app.reset()
    answer(log_in(app, ann), recovery_code)
    assert newest_log_in(index) == "ann: password and recovery code"
    app.reset()
    alone(app, authenticator)
    assert newest_log_in(index) == "ann: passkey"
    app.reset()
    form = next(f for f in log_in(app, ann).forms.values() if "passkey" in f.fields)
    form["passkey"] = authenticator.get(options_of(form))
    form.submit()
    assert newest_log_in(index) == "ann: password and passkey"
    page = log_in(required(settings, Require.EVERYBODY), new_user(index, "bo"))
    answer(answer(page, "no code"), shown_code(page, clock))
    answer(page, shown_code(page, clock))
    assert newest_log_in(index) == "bo: password and code of an app"


@ON_SQLITE
def test_administrators_alone(settings: Settings, index: Index, ann: str) -> None:
    app = required(settings, Require.ADMINISTRATORS)
    assert log_in(app, ann).status_int == 303
    assert is_in(app)
    app.reset()
    assert "Add a second factor" in log_in(app, new_user(index, "root", is_admin=True)).text


@ON_SQLITE
def test_a_session_of_before_is_none_where_a_factor_is_asked_for(
    app: TestApp, settings: Settings, index: Index, ann: str, clock: Clock
) -> None:
    log_in(app, ann)
    assert is_in(app)
    strict = required(settings, Require.EVERYBODY)
    (cookie,) = app.cookiejar
    strict.cookiejar.set_cookie(cookie)
    assert not is_in(strict)
    add_app(app, clock)
    assert is_in(strict)


@ON_SQLITE
def test_programs_need_a_token(app: TestApp, index: Index, ann: str, clock: Clock) -> None:
    token = new_token(index, ann)
    put(index, wheel("foo", "1.0"))
    log_in(app, ann)
    add_app(app, clock)
    app.reset()
    app.authorization = ("Basic", (ann, PASSWORD))
    answer = app.post("/legacy/", {"x": "y"}, status=401)
    assert answer.text.strip() == "This account has a second factor: use a token."
    assert "use a token" in answer.status
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    problem = app.delete("/api/projects/foo", status=401)
    assert problem.json["detail"] == "This account has a second factor: use a token."
    app.authorization = ("Basic", ("__token__", token))
    assert app.post("/legacy/", {"x": "y"}, status=400)


@ON_SQLITE
def test_where_browsers_have_no_passkeys_none_are_asked_for(
    settings: Settings, index: Index, ann: str
) -> None:
    application = make_app(replace(settings, url="http://127.0.0.1:6543/"))
    app = TestApp(application)
    assert "passkey" not in app.get("/login/").text
    log_in(app, ann)
    assert "Passkeys need" in app.get(PAGE).text
    assert app.get(PASSKEY, status=303).location == f"http://localhost{PAGE}"


@ON_SQLITE
def test_names_are_escaped(app: TestApp, ann: str) -> None:
    log_in(app, ann)
    attack = '"><script>alert(1)</script>'
    add_passkey(app, Authenticator(), attack)
    page = app.get(PAGE)
    assert "<script>alert" not in page.text
    assert attack in page.html.select_one("ul.rows").get_text()
