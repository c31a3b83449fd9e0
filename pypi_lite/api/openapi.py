"""The description of all that programs may ask, at ``/api/openapi.json``.

It is the same for every request to one version of the server under one address, and so it is no page
of the cache but bytes in memory.
"""

import hashlib
import json
from importlib.metadata import version
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from pypi_lite.accounts.permissions import Permission
from pypi_lite.api.description import describe

_BODY = "pypi_lite.api.openapi"


def includeme(config: Any) -> None:
    """Write the document, once, and add its route."""
    settings = config.registry["pypi_lite.settings"]
    document = describe(settings, version("pypi_lite"))
    config.registry[_BODY] = json.dumps(document, ensure_ascii=False).encode()
    config.add_route("api.openapi", "/api/openapi.json")
    config.scan(__name__)


@view_config(route_name="api.openapi", request_method="GET", permission=Permission.READ)
def openapi(request: Any) -> Response:
    """The document."""
    body = request.registry[_BODY]
    response = Response(body, content_type="application/json", conditional_response=True)
    response.etag = hashlib.sha256(body).hexdigest()[:32]
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
