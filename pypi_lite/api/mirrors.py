"""What mirrors ask for (docs/mirroring.md): the serial of each project, and what has changed since.

``_last-serial`` in the root list, where PyPI has it, would have every upload change the root list. So
``/mirror/`` is an index for mirrors, with the serials in it: bandersnatch takes it for its master. It
keeps files under the path that their addresses have, which must begin with ``/packages``. None of this
is a page of the cache: each answer is made from one snapshot.
"""

import json
import re
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.addresses import Addresses, moved
from pypi_lite.api import legacy_json
from pypi_lite.api.media import API_VERSION, JSON_LINES, Media
from pypi_lite.cache.representation import SERIAL_HEADER
from pypi_lite.errors import plain
from pypi_lite.repository import mirrors

#: Changes in one answer.
MOST = 10_000
_PROJECTS = Addresses("/mirror/pypi/", "json")
_SERIAL = re.compile(r"[0-9]{1,18}\Z", re.ASCII)


def includeme(config: Any) -> None:
    """Add the routes."""
    get = {"request_method": ("GET", "HEAD")}
    config.add_route("api.mirror.simple", "/mirror/simple/", **get)
    config.add_route("api.mirror.simple.noslash", "/mirror/simple", **get)
    config.add_route("api.mirror.json", "/mirror/pypi/{name}/json", **get)
    config.add_route("api.mirror.file", "/packages/{path:.+}", **get)
    config.add_route("api.mirror.changes", "/mirror/changes", **get)
    config.scan(__name__)


@view_config(route_name="api.mirror.simple", permission=Permission.READ)
@view_config(route_name="api.mirror.simple.noslash", permission=Permission.READ)
def simple(request: Any) -> Response:
    """All projects with their serials, in the form of the simple API's root list."""
    last = mirrors.last_serial(request.reader)
    response = _response(Media.JSON.content_type, last)
    circle = request.reach.list_circle  # whose names it has
    response.etag = f"{request.registry['pypi_lite.build']}-{last}{circle and '-' + circle}"
    response.conditional_response = True
    if response.etag in request.if_none_match:
        return response  # a 304, which has no body
    projects = [
        f'{{"name":"{name}","_last-serial":{serial}}}'
        for name, serial in mirrors.serials(request.reader, request.reach)
    ]
    meta = f'{{"api-version":"{API_VERSION}","_last-serial":{last}}}'
    response.text = f'{{"meta":{meta},"projects":[{",".join(projects)}]}}'
    return response


@view_config(route_name="api.mirror.json", permission=Permission.READ)
def project(request: Any) -> Response:
    """A project's JSON, whose files have the addresses that bandersnatch understands."""
    found, release, _ = _PROJECTS.look_up(request)
    base = f"{request.index.settings.url}packages/"
    response = _response("application/json", found.facts.serial)
    response.text = legacy_json.text_of(
        request,
        found,
        release,
        lambda file: base + file.path.removeprefix("files/"),
        has_releases=True,
    )
    return response


@view_config(route_name="api.mirror.file", permission=Permission.READ)
def file(request: Any) -> Response:
    """The way to a file."""
    return moved(request, f"/files/{request.matchdict['path']}")


@view_config(route_name="api.mirror.changes", permission=Permission.READ)
def changes(request: Any) -> Response:
    """The changes of projects after ``since``, as JSON lines, the oldest first, at most `MOST`."""
    since = request.GET.get("since", "0")
    if not _SERIAL.match(since):
        return plain(400, "Write since=SERIAL: the serial of the last change that you know.")
    last = mirrors.last_serial(request.reader)
    if int(since) > last:
        return plain(
            409,
            f"The last change here has serial {last}: what you know is of another index. Start over.",
        )
    found = mirrors.changes_since(request.reader, request.reach, int(since), MOST)
    response = _response(JSON_LINES, last)
    lines = [json.dumps(entry.as_json(), separators=(",", ":")) + "\n" for entry in found]
    response.text = "".join(lines)
    return response


def _response(content_type: str, last: int) -> Response:
    response = Response(content_type=content_type, charset="UTF-8")
    response.content_type_params = {}
    response.headers[SERIAL_HEADER] = str(last)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
