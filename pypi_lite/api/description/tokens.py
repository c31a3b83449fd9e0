"""One's own tokens."""

from pypi_lite.accounts.tokens import LONGEST_NAME, MOST_DAYS
from pypi_lite.api.bodies import JSON, LONGEST_BODY
from pypi_lite.api.description.parts import (
    CREDENTIALS,
    MOMENT,
    Object,
    exactly,
    parameter,
    problem,
    ref,
    response,
)
from pypi_lite.models import Scope


def paths() -> Object:
    """By address."""
    operation = {"tags": ["tokens"], "security": CREDENTIALS}
    refusals = {
        "401": problem("Credentials are missing or wrong."),
        "403": problem("The token has not the scope `manage`, or would give what it has not."),
        "429": problem("Too many wrong passwords; Retry-After says when to try again."),
    }
    busy = problem("It can't be done now; Retry-After says when to try again.")
    about = "Shows a password, or a token with the scope `manage`, which sees, makes and revokes"
    about += " tokens that may do no more than itself."
    made = response("The token, which is not shown again.", JSON, ref("NewToken"))
    return {
        "/api/tokens": {
            "get": {
                **operation,
                "operationId": "listTokens",
                "summary": "One's own tokens",
                "description": about,
                "responses": {
                    "200": response("The newest first.", JSON, ref("Tokens")),
                    **refusals,
                },
            },
            "post": {
                **operation,
                "operationId": "createToken",
                "summary": "Make a token",
                "description": about + " Without `projects` it is for all projects that the maker"
                " is for; it ends no later than the token that makes it.",
                "requestBody": {
                    "required": True,
                    "content": {JSON: {"schema": ref("TokenRequest")}},
                },
                "responses": {
                    "201": made,
                    "400": problem("The body is no JSON."),
                    **refusals,
                    "413": problem(f"The body is longer than {LONGEST_BODY} bytes."),
                    "415": problem(f"The Content-Type is not {JSON}."),
                    "422": problem("A value is missing, unknown or unfit."),
                    "503": busy,
                },
            },
        },
        "/api/tokens/{id}": {
            "parameters": [parameter("id", "The token's number.")],
            "delete": {
                **operation,
                "operationId": "revokeToken",
                "summary": "Revoke a token",
                "description": about,
                "responses": {
                    "204": {"description": "It opens nothing any more."},
                    **refusals,
                    "404": problem("There is no such token."),
                    "503": busy,
                },
            },
        },
    }


def schemas() -> Object:
    """By name."""
    maybe = {"type": ["string", "null"], "format": "date-time"}
    name = {"type": "string", "maxLength": LONGEST_NAME}
    scopes = {"type": "array", "items": {"type": "string", "enum": [s.value for s in Scope]}}
    projects = {
        "type": "array",
        "items": {"type": "string"},
        "description": "Empty: every project that the account reaches.",
    }
    last_used = {**maybe, "description": "To the hour."}
    token = {
        "id": {"type": "integer"},
        "name": name,
        "scopes": scopes,
        "projects": projects,
        "created": MOMENT,
        "expires": maybe,
        "last_used": last_used,
    }
    days = {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_DAYS}
    request = {"name": {**name, "minLength": 1}, "scopes": scopes, "projects": projects}
    return {
        "Token": exactly(token),
        "Tokens": exactly({"tokens": {"type": "array", "items": ref("Token")}}),
        "NewToken": exactly({**token, "token": {"type": "string"}}),
        "TokenRequest": exactly({**request, "days": days}, required=["name", "scopes"]),
    }
