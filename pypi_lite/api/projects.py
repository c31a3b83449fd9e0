"""The HTTP API of what is in the index: projects, releases and files, to look at and to change.

Described for programs in ``/api/openapi.json`` (`pypi_lite.api.description`), for people in
``docs/api.md``. Nothing of it is a page of the cache: it is what scripts ask, now and then.
"""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from pyramid.response import Response
from pyramid.view import exception_view_config, forbidden_view_config, view_config
from sqlalchemy.orm import Session

from pypi_lite.accounts.permissions import Permission
from pypi_lite.api.bodies import read_object
from pypi_lite.api.problems import HEADERS, problem
from pypi_lite.cache.representation import SERIAL_HEADER
from pypi_lite.cache.writing import ChangeRefused
from pypi_lite.names import normalize_name
from pypi_lite.repository import changes, pages
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.pages import FileEntry, ProjectEntry, ReleaseEntry, moment_text
from pypi_lite.repository.reach import EVERYTHING, Reach
from pypi_lite.security import ASKED, asks

log = logging.getLogger(__name__)

PROJECT, RELEASE, FILE = "api.project", "api.release", "api.file.resource"
#: The resources' addresses and, beside GET and HEAD, their methods.
_RESOURCES = {
    PROJECT: ("/api/projects/{name}", ("PATCH", "DELETE")),
    RELEASE: ("/api/projects/{name}/releases/{version}", ("PATCH", "DELETE")),
    FILE: ("/api/files/{filename}", ("DELETE",)),
}
#: By which header a method's body is asked for (RFC 5789, 3.1; RFC 9110, 12.5.1 for all others).
_ACCEPTS = {"POST": "Accept-Post", "PATCH": "Accept-Patch"}


def includeme(config: Any) -> None:
    """Add the routes."""
    for name, (pattern, _) in _RESOURCES.items():
        config.add_route(name, pattern)
    config.scan(__name__)


@view_config(route_name=PROJECT, request_method="GET", permission=Permission.READ)
def project(request: Any) -> Response:
    """A project: its status, and its releases by name."""
    return _project(request, request.reader, request.reach)


@view_config(
    route_name=PROJECT,
    request_method="PATCH",
    permission=Permission.ACCOUNT,
    require_csrf=False,
)
def change_project(request: Any) -> Response:
    """Set the project's status, and the reason along with it, or who may read it, or both."""
    known = {"status": str, "status_reason": str, "visibility": str}
    found = read_object(request, known)
    name, by = request.matchdict["name"], request.identity
    status, visibility = found.get("status"), found.get("visibility")
    if status is None and (visibility is None or "status_reason" in found):
        raise Refusal(Code.BAD_VALUE, "status is missing.")
    with changing(request) as session:
        if status is not None:
            changes.set_status(session, by, name, status, found.get("status_reason"))
        if visibility is not None:
            changes.set_visibility(session, by, name, visibility)
        return _project(request, session, EVERYTHING)


@view_config(
    route_name=PROJECT,
    request_method="DELETE",
    permission=Permission.ACCOUNT,
    require_csrf=False,
)
def delete_project(request: Any) -> Response:
    """Take the project out of the index, with all that it has."""
    with changing(request) as session:
        name = request.matchdict["name"]
        return gone(changes.delete_project(session, request.identity, name))


@view_config(route_name=RELEASE, request_method="GET", permission=Permission.READ)
def release(request: Any) -> Response:
    """A release: whether it is yanked, and its files."""
    return _release(request, request.reader, request.reach)


@view_config(
    route_name=RELEASE,
    request_method="PATCH",
    permission=Permission.ACCOUNT,
    require_csrf=False,
)
def change_release(request: Any) -> Response:
    """Yank or unyank the release."""
    found = read_object(request, {"yanked": bool, "yanked_reason": str}, "yanked")
    reason = found.get("yanked_reason")
    name, version = request.matchdict["name"], request.matchdict["version"]
    if reason and not found["yanked"]:
        raise Refusal(Code.BAD_VALUE, "What is not yanked needs no reason: leave it out.")
    with changing(request) as session:
        if found["yanked"]:
            changes.yank(session, request.identity, name, version, reason)
        else:
            changes.unyank(session, request.identity, name, version)
        return _release(request, session, EVERYTHING)


@view_config(
    route_name=RELEASE,
    request_method="DELETE",
    permission=Permission.ACCOUNT,
    require_csrf=False,
)
def delete_release(request: Any) -> Response:
    """Take the release out of the index, with its files."""
    name, version = request.matchdict["name"], request.matchdict["version"]
    with changing(request) as session:
        return gone(changes.delete_release(session, request.identity, name, version))


@view_config(route_name=FILE, request_method="GET", permission=Permission.READ)
def file(request: Any) -> Response:
    """A file, and where it is."""
    filename = request.matchdict["filename"]
    stored = pages.stored_file(request.reader, filename, request.reach)
    found = stored and pages.project(request.reader, stored.project, request.reach)
    for release in found.releases if found else ():
        for entry in release.files:
            if found and entry.filename == filename:
                return answer(_file_json(request, release, entry), found.facts.serial)
    raise Refusal(Code.NOT_FOUND, f"There is no file {filename!r} here.")


@view_config(
    route_name=FILE,
    request_method="DELETE",
    permission=Permission.ACCOUNT,
    require_csrf=False,
)
def delete_file(request: Any) -> Response:
    """Take the file out of the index; its name stays taken."""
    filename = request.matchdict["filename"]
    with changing(request) as session:
        return gone(changes.delete_file(session, request.identity, filename))


@view_config(route_name=PROJECT, permission=Permission.READ, require_csrf=False)
@view_config(route_name=RELEASE, permission=Permission.READ, require_csrf=False)
@view_config(route_name=FILE, permission=Permission.READ, require_csrf=False)
def other_method(request: Any) -> Response:
    """405, with the methods that there are."""
    allowed = ", ".join(("GET", "HEAD", *_RESOURCES[request.matched_route.name][1]))
    response = problem(request, 405, Code.WRONG_METHOD, f"Use one of {allowed}.")
    response.headers["Allow"] = allowed
    return response


@exception_view_config(Refusal, route_name=PROJECT)
@exception_view_config(Refusal, route_name=RELEASE)
@exception_view_config(Refusal, route_name=FILE)
def refused(error: Refusal, request: Any) -> Response:
    """Why not."""
    if error.code is Code.NOT_FOUND and asks(request):
        return forbidden(request)
    response = problem(request, error.status, error.code, error.text)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.code is Code.WRONG_TYPE:
        response.headers[_ACCEPTS.get(request.method, "Accept")] = "application/json"
    return response


@forbidden_view_config(route_name=PROJECT)
@forbidden_view_config(route_name=RELEASE)
@forbidden_view_config(route_name=FILE)
def forbidden(request: Any) -> Response:
    """Who says nothing of themselves changes nothing; nor does a trusted publisher, who is no account."""
    if request.identity is not None:
        return problem(request, 403, Code.NOT_ALLOWED, "This token may upload, and nothing else.")
    return problem(request, 401, Code.NOT_AUTHENTICATED, ASKED)


@contextlib.contextmanager
def changing(request: Any) -> Iterator[Session]:
    """A transaction for a change and its answer: what is answered is what is committed.

    It is not the request's, so that when the commit fails the answer can say so. Raises Refusal.
    """
    try:
        with request.index.database.write() as session:
            yield session
    except ChangeRefused as error:
        log.exception("a change was refused")
        raise Refusal(Code.BUSY, f"The change was not made: {error}. Try again.") from error


def answer(body: dict[str, Any], serial: int, status: int = 200) -> Response:
    """*body*, as of the change with that *serial*."""
    response = Response(json_body=body, status=status, content_type="application/json")
    response.headers.update(HEADERS)
    response.headers[SERIAL_HEADER] = str(serial)
    return response


def gone(serial: int) -> Response:
    """204, since the change with that *serial*."""
    response = Response(status=204, content_type=None)
    response.headers.update(HEADERS)
    response.headers[SERIAL_HEADER] = str(serial)
    return response


def _project(request: Any, session: Session, reach: Reach) -> Response:
    found = _found_project(request, session, reach)
    body = {
        "name": found.name,
        "normalized_name": found.normalized_name,
        "created": moment_text(found.created),
        "status": found.status.value,
        "status_reason": found.status_reason,
        "visibility": found.visibility.value,
        "releases": [_release_json(release) for release in found.releases],
    }
    return answer(body, found.facts.serial)


def _release(request: Any, session: Session, reach: Reach) -> Response:
    found, version = _found_project(request, session, reach), request.matchdict["version"]
    release = found.release(version)
    if release is None:
        raise Refusal(Code.NOT_FOUND, f"{found.name} has no version {version!r}.")
    files = [_file_json(request, release, file) for file in release.files]
    body = {"project": found.normalized_name, **_release_json(release), "files": files}
    return answer(body, found.facts.serial)


def _found_project(request: Any, session: Session, reach: Reach) -> ProjectEntry:
    name = request.matchdict["name"]
    found = pages.project(session, normalize_name(name), reach)
    if found is None:
        raise Refusal(Code.NOT_FOUND, f"There is no project {name!r} here.")
    return found


def _release_json(release: ReleaseEntry) -> dict[str, Any]:
    return {
        "version": str(release.version),
        "created": moment_text(release.created),
        "yanked": release.yanked,
        "yanked_reason": release.yanked_reason,
    }


def _file_json(request: Any, release: ReleaseEntry, file: FileEntry) -> dict[str, Any]:
    return {
        "filename": file.filename,
        "project": file.project,
        "version": str(release.version),
        "packagetype": file.packagetype,
        "size": file.size,
        "sha256": file.sha256,
        "uploaded": file.upload_time,
        "url": request.index.settings.url + file.path,
    }
