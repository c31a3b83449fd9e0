"""What programs may ask of the index and what they get, as an OpenAPI 3.1 document.

Written from the same names as the code: statuses, media types, limits. A module for each noun, with its
paths and schemas.
"""

from pypi_lite.api.bodies import JSON
from pypi_lite.api.description import (
    journal,
    legacy_json,
    projects,
    publishing,
    roles,
    simple,
    tokens,
    upload,
)
from pypi_lite.api.description.parts import OPEN, TEXT, Object, exactly, response
from pypi_lite.api.media import API_VERSION
from pypi_lite.repository.errors import Code
from pypi_lite.settings import Settings

_ABOUT = """\
Everything that a program can ask of this index: the simple API, which installers use; the upload API,
which twine, uv and others use; PyPI's JSON; and an API to look at and to change what is here.

Whoever changes something shows a token: HTTP Basic, with the user name `__token__` and the token as
password. When the answer to a change arrives, every page of the index shows it.
"""


def describe(settings: Settings, version: str) -> Object:
    """The document, for an index with these *settings*; *version* is the program's."""
    return {
        "openapi": "3.1.0",
        "info": {"title": settings.title, "version": version, "description": _ABOUT},
        "servers": [{"url": settings.url.rstrip("/")}],
        "tags": [
            {"name": "management", "description": "Status, yanking, roles, deleting."},
            {"name": "simple", "description": f"The simple repository API, {API_VERSION}."},
            {"name": "upload", "description": "What twine, uv, poetry, pdm, hatch, flit speak."},
            {"name": "publishing", "description": "A token for a job that has no stored secret."},
            {"name": "tokens", "description": "One's own tokens."},
            {"name": "json", "description": "PyPI's JSON, which is no standard."},
        ],
        "paths": {
            **projects.paths(),
            **_this(),
            **roles.paths(),
            **tokens.paths(),
            **journal.paths(),
            **simple.paths(),
            **upload.paths(settings),
            **publishing.paths(settings),
            **legacy_json.paths(),
        },
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "User name `__token__`, a token as password.",
                }
            },
            "schemas": {
                **projects.schemas(),
                **roles.schemas(),
                **tokens.schemas(),
                **publishing.schemas(),
                **journal.schemas(),
                "Problem": _problem(),
                **simple.schemas(),
                **upload.schemas(),
                **legacy_json.schemas(),
            },
        },
    }


def _this() -> Object:
    return {
        "/api/openapi.json": {
            "get": {
                "operationId": "getDescription",
                "tags": ["management"],
                "summary": "This document",
                "security": OPEN,
                "responses": {"200": response("The document.", JSON, {"type": "object"})},
            }
        }
    }


def _problem() -> Object:
    return exactly(
        {
            "type": {"type": "string", "const": "about:blank"},
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": {**TEXT, "description": "For a person: what is wrong, what to do."},
            "code": {"type": "string", "enum": [code.value for code in Code]},
        }
    )
