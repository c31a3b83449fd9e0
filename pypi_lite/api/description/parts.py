"""What the parts of the document are written with."""

from typing import Any

from pypi_lite.api.bodies import JSON, LONGEST_BODY
from pypi_lite.cache.representation import SERIAL_HEADER
from pypi_lite.errors import PROBLEM
from pypi_lite.models import ProjectStatus, Scope

Object = dict[str, Any]

#: What an operation needs: nothing, or a token.
OPEN: list[Object] = []
CREDENTIALS: list[Object] = [{"token": []}]
#: Schemas.
TEXT: Object = {"type": "string"}
MAYBE_TEXT: Object = {"type": ["string", "null"]}
FLAG: Object = {"type": "boolean"}
MOMENT: Object = {"type": "string", "format": "date-time"}
STATUS: Object = {"type": "string", "enum": [member.value for member in ProjectStatus]}


def read(identifier: str, summary: str, schema: str) -> Object:
    """An operation that looks at a *schema*."""
    found = response(f"The {schema.lower()}.", JSON, ref(schema))
    return {
        "operationId": identifier,
        "tags": ["management"],
        "summary": summary,
        "security": OPEN,
        "responses": {"200": {**found, "headers": serial()}, "404": problem("Not here.")},
    }


def change(
    identifier: str,
    summary: str,
    scope: Scope,
    text: str,
    *,
    body: str | None = None,
    answer: str | None = None,
) -> Object:
    """An operation that changes the index: with a JSON *body* and *answer*, or with neither."""
    operation: Object = {
        "operationId": identifier,
        "tags": ["management"],
        "summary": summary,
        "description": f"{text} For owners of the project and administrators; a token needs the scope"
        f" `{scope.value}`.",
        "security": CREDENTIALS,
    }
    responses = {
        "401": problem("Credentials are missing or wrong."),
        "403": problem("Whoever asks may not do that."),
        "404": problem("Not here."),
        "429": problem("Too many passwords were wrong; Retry-After says when to try again."),
        "503": problem("It can't be done now; Retry-After says when to try again."),
    }
    if body and answer:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": ref(body)}},
        }
        found = response("As it is now; every page shows it.", JSON, ref(answer))
        responses |= {
            "200": {**found, "headers": serial()},
            "400": problem("The body is no JSON."),
            "413": problem(f"The body is longer than {LONGEST_BODY} bytes."),
            "415": problem(f"The Content-Type is not {JSON}."),
            "422": problem("A value is missing, unknown or unfit."),
        }
    else:
        responses["204"] = {"description": "It is gone from every page.", "headers": serial()}
    return {**operation, "responses": dict(sorted(responses.items()))}


def exactly(properties: Object, required: list[str] | None = None) -> Object:
    """An object of exactly these *properties*."""
    return {**at_least(properties, required), "additionalProperties": False}


def at_least(properties: Object, required: list[str] | None = None) -> Object:
    """An object with these *properties* and perhaps others, which somebody else defines."""
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names}


def ref(schema: str) -> Object:
    """A schema of the document's."""
    return {"$ref": f"#/components/schemas/{schema}"}


def parameter(name: str, text: str) -> Object:
    """A part of the path."""
    schema = {"type": "string"}
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema}


def serial() -> Object:
    """The header with the serial."""
    text = "The number of the last change that is shown."
    return {SERIAL_HEADER: {"description": text, "schema": {"type": "integer"}}}


def response(text: str, media_type: str, schema: Object | None) -> Object:
    """An answer with a body."""
    return {"description": text, "content": {media_type: {"schema": schema} if schema else {}}}


def plain_response(text: str) -> Object:
    """An answer in plain text."""
    return response(text, "text/plain", {"type": "string"})


def problem(text: str) -> Object:
    """A refusal (RFC 9457)."""
    return response(text, PROBLEM, ref("Problem"))
