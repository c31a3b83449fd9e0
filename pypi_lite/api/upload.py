"""The upload API that twine, uv, poetry, pdm, hatch and flit speak ("legacy").

No standard defines it; what is done here is what those clients send and understand. A refusal is in
the reason phrase and in the body, since each client shows one or the other.
"""

from collections.abc import Iterable
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.cache.representation import SERIAL_HEADER
from pypi_lite.distributions import PackageType
from pypi_lite.errors import RETRY_AFTER
from pypi_lite.forms import FormError, Part, drain, read_parts
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.upload import Claims, Submission, arriving, publish, receive
from pypi_lite.security import ASKED, CHALLENGE
from pypi_lite.storage import Incoming

#: Where uploads are taken: the address itself, and those that people mistake for it.
_PATTERNS = ("/legacy/", "/legacy", "/", "/simple/", "/simple")
_ACTION, _FILE_UPLOAD = ":action", "file_upload"
_GONE = frozenset({"submit", "submit_pkg_info", "doc_upload"})
#: The form's names of digests, and ours.
_DIGESTS = {"md5_digest": "md5", "sha256_digest": "sha256", "blake2_256_digest": "blake2_256"}
_FIELDS = frozenset(
    {_ACTION, "protocol_version", "name", "version", "filetype", "pyversion", *_DIGESTS}
)
#: What clients write for "nothing".
_ABSENT = frozenset({"", "UNKNOWN"})
_LONGEST_REASON = 400
#: The field of PEP 740, which an index that does not verify them ignores.
_ATTESTATIONS = "attestations"


def includeme(config: Any) -> None:
    """Add the routes, each without a redirect: most clients don't follow one."""
    for number, pattern in enumerate(_PATTERNS):
        name = f"api.upload.{number}"
        config.add_upload_path(pattern)
        config.add_route(name, pattern, request_method="POST")
        config.add_view(upload, route_name=name, permission=Permission.UPLOAD, require_csrf=False)
        config.add_forbidden_view(forbidden, route_name=name)
    config.scan(__name__)


def upload(request: Any) -> Response:
    """Take a file into the index. When the 200 arrives, every page shows it."""
    try:
        with arriving(request.index) as incoming:
            fields, filename = _receive(request, incoming)
            claims = _claims(fields)
            submission = Submission(
                identity=request.identity,
                filename=filename,
                incoming=incoming,
                digests=incoming.finish(),
                claims=claims,
                attestations=fields.get(_ATTESTATIONS),
            )
            published = publish(request.index, submission)
    except FormError as error:
        text = str(error)
        raise Refusal(Code.BAD_FORM, text[:1].upper() + text[1:]) from error
    what = "published" if published.is_new else "was here already, the same"
    response = Response(f"{published.filename} {what}\n", content_type="text/plain")
    response.headers[SERIAL_HEADER] = str(published.serial)
    return response


@view_config(context=Refusal, permission=Permission.ANYBODY, require_csrf=False)
def refused(error: Refusal, request: Any) -> Response:
    """A refusal, in every place where some client looks for it."""
    drain(request.environ)
    response = refusal_response(request, error.status, error.code, error.text)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def forbidden(request: Any) -> Response:
    """Who may not upload at all is told so before the file is looked at, but not before its end."""
    drain(request.environ)
    if request.identity is None:
        return refusal_response(request, 401, Code.NOT_AUTHENTICATED, ASKED)
    text = "This token may not upload: make one with the scope upload."
    return refusal_response(request, 403, Code.NOT_ALLOWED, text)


def refusal_response(request: Any, status: int, code: str, text: str) -> Response:
    """*text* as reason phrase (Latin-1, one line) and as plain text or JSON, as accepted."""
    reason = "".join(c if c.isprintable() else " " for c in text)[:_LONGEST_REASON]
    reason = reason.encode("latin-1", "replace").decode("latin-1")
    offers = request.accept.acceptable_offers(["text/plain", "application/json"])
    if offers and offers[0][0] == "application/json":
        body = {"code": f"{status} {text}", "message": text, "title": code}
        response = Response(json_body=body, content_type="application/json")
    else:
        response = Response(text + "\n", content_type="text/plain", charset="UTF-8")
    response.status = f"{status} {reason}"
    if status == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    if status == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def _receive(request: Any, incoming: Incoming) -> tuple[dict[str, str], str]:
    """Stream the body: the fields that count, and the file into *incoming*; its name."""
    fields: dict[str, str] = {}
    filename = None
    wanted = _FIELDS | {_ATTESTATIONS} if request.index.settings.takes_attestations else _FIELDS
    for part in read_parts(request.environ):
        if part.name == "content" and part.filename is not None:
            if filename is not None:
                raise FormError("the form has more than one file: send one at a time")
            filename = part.filename
            receive(request.index, incoming, part.chunks())
        elif part.name in wanted:
            value = _plain(part)
            if value not in _ABSENT:
                fields[part.name] = value
    if filename is None:
        _check_action(fields)
        raise FormError("the form has no file: send the distribution as 'content'")
    return fields, filename


def _plain(part: Part) -> str:
    if part.filename is not None:
        raise FormError(f"the field {part.name!r} was sent as a file")
    value = part.text().strip()
    if "\0" in value:
        raise FormError(f"the field {part.name!r} has a NUL character in it")
    return value


def _claims(fields: dict[str, str]) -> Claims:
    """What the form says of the file; it has to say what identifies it."""
    _check_action(fields)
    if fields.get("protocol_version", "1") != "1":
        raise FormError("unknown protocol version: send protocol_version 1")
    _require(fields, ("name", "version", "filetype"))
    filetype = fields["filetype"]
    if filetype not in list(PackageType):
        raise FormError(
            f"filetype {filetype!r} is not taken: send wheels (bdist_wheel) and"
            " source distributions (sdist)"
        )
    _check_python_version(filetype, fields.get("pyversion"))
    digests = {ours: fields[theirs] for theirs, ours in _DIGESTS.items() if theirs in fields}
    if not digests:
        raise FormError(f"the form has no digest: send one of {', '.join(_DIGESTS)}")
    return Claims(
        name=fields["name"], version=fields["version"], filetype=filetype, digests=digests
    )


def _check_action(fields: dict[str, str]) -> None:
    action = fields.get(_ACTION, _FILE_UPLOAD)
    if action in _GONE:
        raise Refusal(
            Code.GONE, f"{action} is not supported any more: upload a file, its metadata is read."
        )
    if action != _FILE_UPLOAD:
        raise FormError(f"unknown :action {action!r}: send file_upload")


def _require(fields: dict[str, str], names: Iterable[str]) -> None:
    missing = [name for name in names if name not in fields]
    if missing:
        raise FormError(f"the form lacks {', '.join(missing)}")


def _check_python_version(filetype: str, python_version: str | None) -> None:
    if filetype == PackageType.SDIST and python_version not in (None, "source"):
        raise FormError(f"use 'source' as pyversion of an sdist, not {python_version!r}")
    if filetype == PackageType.BDIST_WHEEL and python_version is None:
        raise FormError("a wheel needs a pyversion")
