"""The simple API, and what belongs to it: files, namespaces, provenance."""

from pypi_lite.api.description.parts import (
    MAYBE_TEXT,
    OPEN,
    STATUS,
    TEXT,
    Object,
    at_least,
    exactly,
    parameter,
    plain_response,
    ref,
    response,
    serial,
)
from pypi_lite.api.integrity import MEDIA as INTEGRITY
from pypi_lite.api.media import Media


def paths() -> Object:
    """By address."""
    return {**_simple(), **_namespaces(), **_integrity()}


def schemas() -> Object:
    """By name."""
    api = exactly({"api-version": TEXT})
    names = {"type": "array", "items": TEXT}
    status = exactly({"status": STATUS, "reason": TEXT}, required=["status"])
    namespace = {"name": TEXT, "parent": MAYBE_TEXT, "children": names, "_owners": names}
    return {
        "Namespaces": {"type": "array", "items": at_least({"name": TEXT})},
        "Namespace": at_least(namespace),
        "SimpleIndex": at_least({"meta": api, "projects": {"type": "array"}}),
        "Simple": at_least(
            {
                "meta": api,
                "name": TEXT,
                "project-status": status,
                "versions": names,
                "files": {"type": "array", "items": {"type": "object"}},
            }
        ),
    }


def _simple() -> Object:
    html = {"type": "string", "description": "HTML5; one `a` element for each entry."}

    def page(text: str, schema: str) -> Object:
        content = {media.value: {"schema": html} for media in (Media.TEXT_HTML, Media.HTML)}
        content[Media.JSON.value] = {"schema": ref(schema)}
        return {"description": text, "headers": serial(), "content": content}

    missing = plain_response("There is no such project.")
    name = parameter("name", "A project's normalized name; another spelling is redirected.")
    file = [
        parameter("project", "A project's normalized name."),
        parameter("sha256", "The file's SHA-256 digest, in hexadecimal."),
        parameter("filename", "The file's name; with `.metadata` its core metadata (PEP 658)."),
    ]
    operation = {"tags": ["simple"], "security": OPEN}
    return {
        "/simple/": {
            "get": {
                **operation,
                "operationId": "listProjects",
                "summary": "All projects",
                "responses": {
                    "200": page("The list.", "SimpleIndex"),
                    "406": plain_response("None of the acceptable media types is one of these."),
                },
            }
        },
        "/simple/{name}/": {
            "parameters": [name],
            "get": {
                **operation,
                "operationId": "listFiles",
                "summary": "A project's files",
                "responses": {
                    "200": page("The page; of a project in quarantine without files.", "Simple"),
                    "301": {"description": "The name's canonical spelling is another."},
                    "404": missing,
                    "406": plain_response("None of the acceptable media types is one of these."),
                },
            },
        },
        "/files/{project}/{sha256}/{filename}": {
            "parameters": file,
            "get": {
                **operation,
                "operationId": "download",
                "summary": "A file, or its core metadata",
                "responses": {
                    "200": response("The file.", "application/octet-stream", None),
                    "206": response(
                        "The part that was asked for.", "application/octet-stream", None
                    ),
                    "304": {"description": "The client has it already."},
                    "404": plain_response(
                        "There is no such file, or its project is in quarantine."
                    ),
                    "416": {"description": "The file has no such part."},
                },
            },
        },
    }


def _namespaces() -> Object:
    absent = plain_response("There is no such namespace, or none at all.")
    operation = {"tags": ["simple"], "security": OPEN}
    return {
        "/simple/namespaces": {
            "get": {
                **operation,
                "operationId": "listNamespaces",
                "summary": "All namespaces (PEP 752)",
                "responses": {
                    "200": response("The list.", Media.JSON.value, ref("Namespaces")),
                    "404": absent,
                },
            }
        },
        "/simple/namespace/{name}": {
            "parameters": [parameter("name", "A namespace's normalized name.")],
            "get": {
                **operation,
                "operationId": "getNamespace",
                "summary": "A namespace",
                "responses": {
                    "200": response("The namespace.", Media.JSON.value, ref("Namespace")),
                    "301": {"description": "The name's canonical spelling is another."},
                    "404": absent,
                },
            },
        },
    }


def _integrity() -> Object:
    return {
        "/integrity/{project}/{version}/{filename}/provenance": {
            "parameters": [
                parameter("project", "A project's normalized name."),
                parameter("version", "A version in its normal form."),
                parameter("filename", "The file's name."),
            ],
            "get": {
                "operationId": "getProvenance",
                "tags": ["simple"],
                "summary": "What has been signed about a file (PEP 740)",
                "security": OPEN,
                "responses": {
                    "200": response("The provenance.", INTEGRITY, {"type": "object"}),
                    "301": {"description": "The canonical spelling is another."},
                    "404": plain_response("There is no such file, or nothing was signed about it."),
                    "406": plain_response("The media type is not acceptable."),
                },
            },
        }
    }
