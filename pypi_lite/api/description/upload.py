"""The upload API."""

from pypi_lite.api.bodies import JSON
from pypi_lite.api.description.parts import (
    CREDENTIALS,
    TEXT,
    Object,
    exactly,
    plain_response,
    ref,
    serial,
)
from pypi_lite.models import Scope
from pypi_lite.settings import Settings


def paths(settings: Settings) -> Object:
    """By address."""
    refusal = {
        "content": {
            "text/plain": {"schema": {"type": "string"}},
            JSON: {"schema": ref("UploadRefusal")},
        }
    }
    statuses = {
        400: "The form, the file or what the two say of each other is wrong.",
        401: "Credentials are missing or wrong.",
        403: "Whoever sends it may not upload there, or the project is archived or in quarantine.",
        409: "Another file has or had this name.",
        410: "The action is not supported any more.",
        413: f"The file is larger than {settings.max_file_size} bytes.",
        429: "Too many passwords were wrong; Retry-After says when to try again.",
        503: "It can't be done now; Retry-After says when to try again.",
    }
    return {
        "/legacy/": {
            "post": {
                "operationId": "upload",
                "tags": ["upload"],
                "summary": "Upload a file",
                "description": f"Needs a token with the scope `{Scope.UPLOAD}`."
                " The same file again is a success.",
                "security": CREDENTIALS,
                "requestBody": {
                    "required": True,
                    "content": {"multipart/form-data": {"schema": ref("UploadForm")}},
                },
                "responses": {
                    "200": {**plain_response("It is published."), "headers": serial()},
                    **{
                        str(status): {"description": text, **refusal}
                        for status, text in statuses.items()
                    },
                },
            }
        }
    }


def schemas() -> Object:
    """By name."""
    form = {
        ":action": {"type": "string", "const": "file_upload"},
        "protocol_version": {"type": "string", "const": "1"},
        "name": TEXT,
        "version": TEXT,
        "filetype": {"type": "string", "enum": ["bdist_wheel", "sdist"]},
        "pyversion": TEXT,
        "sha256_digest": TEXT,
        "blake2_256_digest": TEXT,
        "md5_digest": TEXT,
        "content": {
            "type": "string",
            "contentMediaType": "application/octet-stream",
            "description": "The file. One of the digests has to come with it.",
        },
    }
    return {
        "UploadForm": {
            "type": "object",
            "description": "Other fields are ignored: the file itself says what it is.",
            "properties": form,
            "required": ["name", "version", "filetype", "content"],
        },
        "UploadRefusal": exactly({"code": TEXT, "message": TEXT, "title": TEXT}),
    }
