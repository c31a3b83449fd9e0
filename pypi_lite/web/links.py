"""One-time links as people open them, and the forms with which strangers ask for one."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts import links
from pypi_lite.accounts.passwords import SHORTEST
from pypi_lite.accounts.people import AccountError
from pypi_lite.accounts.permissions import Permission
from pypi_lite.mailboxes import is_mailbox
from pypi_lite.models import LinkPurpose, OneTimeLink
from pypi_lite.web.fields import field
from pypi_lite.web.rendering import answer, form

#: The longest that is looked at of what somebody says who they are.
_LONGEST = 254


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_route("web.link", "/link/")
    config.add_route("web.forgotten", "/forgotten/")
    config.add_route("web.register", "/register/")
    config.scan(__name__)


@view_config(route_name="web.link", request_method="GET", permission=Permission.ANYBODY)
def show(request: Any) -> Response:
    """What the link is for. Opening it changes nothing: mail programs look at links too."""
    secret = request.GET.get("secret", "")
    try:
        link = links.find(request.reader, secret)
    except AccountError as error:
        return _private(answer(request, "link_gone.html", status=404, text=str(error)))
    return _form(request, link, secret)


@view_config(route_name="web.link", request_method="POST", permission=Permission.ANYBODY)
def use(request: Any) -> Response:
    """Do what the link is for, once. With a name or password that won't do it stays as it is."""
    secret = field(request, "secret")
    try:
        link = links.find(request.writer, secret)
    except AccountError as error:
        return _private(answer(request, "link_gone.html", status=404, text=str(error)))
    purpose = LinkPurpose(link.purpose)
    try:
        user = _USES[purpose](request, secret)
    except AccountError as error:
        return _form(request, link, secret, str(error))
    return _private(answer(request, "link_done.html", purpose=purpose, name=user.name))


def _accept(request: Any, secret: str) -> Any:
    name, password = field(request, "name"), _new_password(request)
    return links.accept(
        request.writer,
        secret,
        name,
        password,
        address=request.remote_addr,
        passwords=request.index.passwords,
    )


def _set_password(request: Any, secret: str) -> Any:
    password = _new_password(request)
    return links.set_password(
        request.writer,
        secret,
        password,
        address=request.remote_addr,
        passwords=request.index.passwords,
    )


def _confirm(request: Any, secret: str) -> Any:
    return links.set_confirmed_email(request.writer, secret, address=request.remote_addr)


_USES = {
    LinkPurpose.INVITE: _accept,
    LinkPurpose.REGISTER: _accept,
    LinkPurpose.RESET: _set_password,
    LinkPurpose.EMAIL: _confirm,
}


@view_config(route_name="web.forgotten", request_method="GET", permission=Permission.ANYBODY)
def forgotten(request: Any) -> Response:
    """The form for who has forgotten the password."""
    _notifier(request)
    return form(request, "forgotten.html", name="", asked=False)


@view_config(route_name="web.forgotten", request_method="POST", permission=Permission.ANYBODY)
def ask_reset(request: Any) -> Response:
    """Have a link sent, if there is such an account; the answer is the same if there is not."""
    name = field(request, "name").strip()
    if not name:
        text = "Write your name or mail address."
        return form(request, "forgotten.html", status=400, name="", asked=False, error=text)
    _notifier(request).ask_reset(name[:_LONGEST], request.remote_addr)
    return form(request, "forgotten.html", name=name[:_LONGEST], asked=True)


@view_config(route_name="web.register", request_method="GET", permission=Permission.ANYBODY)
def register(request: Any) -> Response:
    """The form for who wants an account: where mail is sent, for the address alone."""
    _check_open(request)
    return _registration(request)


@view_config(route_name="web.register", request_method="POST", permission=Permission.ANYBODY)
def make_account(request: Any) -> Response:
    """Make the account; where mail is sent, have a link sent that does, whoever has the address."""
    _check_open(request)
    notifier = request.registry["pypi_lite.notifier"]
    if notifier is None:
        return _make_account(request)
    email = field(request, "email").strip()
    if not is_mailbox(email):
        return _registration(request, error="That is no mail address.", email=email)
    notifier.ask_account(email, request.remote_addr)
    return _registration(request, email=email, asked=True)


def _make_account(request: Any) -> Response:
    name = field(request, "name")
    try:
        password = _new_password(request)
        user = links.register(
            request.writer,
            name,
            password,
            address=request.remote_addr,
            passwords=request.index.passwords,
        )
    except AccountError as error:
        return _registration(request, error=str(error), name=name)
    return answer(request, "link_done.html", purpose=LinkPurpose.REGISTER, name=user.name)


def _new_password(request: Any) -> str:
    """What was typed twice. Raises AccountError where it was not the same."""
    password = field(request, "password")
    if password != field(request, "again"):
        raise AccountError("The two passwords are not the same.")
    return password


def _check_open(request: Any) -> None:
    if not request.index.settings.registration:
        raise HTTPNotFound


def _notifier(request: Any) -> Any:
    """Who sends links. Raises HTTPNotFound where no mail is sent."""
    notifier = request.registry["pypi_lite.notifier"]
    if notifier is None:
        raise HTTPNotFound
    return notifier


def _registration(request: Any, *, error: str | None = None, **typed: Any) -> Response:
    values = {"name": "", "email": "", "asked": False, "shortest": SHORTEST, **typed}
    return form(request, "register.html", status=400 if error else 200, error=error, **values)


def _form(request: Any, link: OneTimeLink, secret: str, error: str | None = None) -> Response:
    response = form(
        request,
        "link.html",
        status=400 if error else 200,
        purpose=LinkPurpose(link.purpose),
        user=link.user,
        email=link.email,
        secret=secret,
        name=field(request, "name"),
        shortest=SHORTEST,
        error=error,
    )
    return _private(response)


def _private(response: Response) -> Response:
    """The secret is in the address: no referrer carries it; see `pypi_lite.web.setup`."""
    response.headers["Referrer-Policy"] = "strict-origin"
    return response
