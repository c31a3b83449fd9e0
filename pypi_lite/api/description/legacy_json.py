"""PyPI's JSON."""

from pypi_lite.api.bodies import JSON
from pypi_lite.api.description.parts import (
    OPEN,
    Object,
    at_least,
    parameter,
    plain_response,
    ref,
    response,
    serial,
)


def paths() -> Object:
    """By address."""
    name = parameter("name", "A project's normalized name; another spelling is redirected.")
    version = parameter("version", "A version in its normal form; another one is redirected.")

    def get(identifier: str, summary: str) -> Object:
        found = response("The document.", JSON, ref("LegacyDocument"))
        return {
            "operationId": identifier,
            "tags": ["json"],
            "summary": summary,
            "security": OPEN,
            "responses": {
                "200": {**found, "headers": serial()},
                "301": {"description": "The canonical spelling is another."},
                "404": plain_response("There is no such project or version."),
            },
        }

    return {
        "/pypi/{name}/json": {
            "parameters": [name],
            "get": get("getLegacyProject", "A project, by its latest release"),
        },
        "/pypi/{name}/{version}/json": {
            "parameters": [name, version],
            "get": get("getLegacyRelease", "A release"),
        },
    }


def schemas() -> Object:
    """By name."""
    return {
        "LegacyDocument": at_least(
            {
                "info": {"type": "object"},
                "last_serial": {"type": "integer"},
                "urls": {"type": "array", "items": {"type": "object"}},
                "vulnerabilities": {"type": "array"},
            }
        ),
    }
