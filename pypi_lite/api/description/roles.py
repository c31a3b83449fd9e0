"""Roles on projects."""

from pypi_lite.api.bodies import JSON
from pypi_lite.api.description.parts import (
    CREDENTIALS,
    TEXT,
    Object,
    change,
    exactly,
    parameter,
    problem,
    ref,
    response,
)
from pypi_lite.models import RoleName, Scope


def paths() -> Object:
    """By address."""
    name = parameter("name", "A project's name, in any spelling.")
    who = parameter("who", "A user's name, or a group's with `@` before it.")
    grant = change(
        "grantRole",
        "Give a user or a group a role on the project",
        Scope.MANAGE,
        "In place of the one that they have. A project that has an owner keeps one.",
        body="RoleChange",
        answer="Role",
    )
    new = {**grant["responses"]["200"], "description": "They had none, and have this one now."}
    grant["responses"] = dict(sorted({**grant["responses"], "201": new}.items()))
    revoke = change(
        "revokeRole",
        "Take a role away",
        Scope.MANAGE,
        "A project that has an owner keeps one.",
    )
    last = problem("The project would have no owner.")
    revoke["responses"] = dict(sorted({**revoke["responses"], "422": last}.items()))
    return {
        "/api/projects/{name}/roles": {
            "parameters": [name],
            "get": {
                "operationId": "listRoles",
                "tags": ["management"],
                "summary": "Who has which role on the project",
                "description": "For owners of the project and administrators; a token needs the"
                f" scope `{Scope.MANAGE.value}`.",
                "security": CREDENTIALS,
                "responses": {
                    "200": response("The most powerful first.", JSON, ref("Roles")),
                    "401": problem("Credentials are missing or wrong."),
                    "403": problem("Whoever asks may not do that."),
                    "404": problem("Not here."),
                    "429": problem(
                        "Too many passwords were wrong; Retry-After says when to try again."
                    ),
                },
            },
        },
        "/api/projects/{name}/roles/{who}": {
            "parameters": [name, who],
            "put": grant,
            "delete": revoke,
        },
    }


def schemas() -> Object:
    """By name."""
    role = {"type": "string", "enum": [member.value for member in RoleName]}
    return {
        "Role": exactly({"who": TEXT, "role": role}),
        "RoleChange": exactly({"role": role}),
        "Roles": exactly({"roles": {"type": "array", "items": ref("Role")}}),
    }
