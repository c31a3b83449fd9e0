"""The journal."""

from pypi_lite.api.description.parts import (
    CREDENTIALS,
    MAYBE_TEXT,
    MOMENT,
    TEXT,
    Object,
    exactly,
    problem,
    ref,
    response,
)
from pypi_lite.api.media import JSON_LINES
from pypi_lite.models import Action, Scope


def paths() -> Object:
    """By address."""
    names = {
        "project": "Of this project, in any spelling; its owners may ask for it.",
        "actor": "By this account, or what else acted.",
        "action": "Of this kind.",
        "since": "A serial: after it; or a day or moment (ISO 8601): from then on.",
        "until": "A day or moment, included.",
    }
    parameters: list[Object] = [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in names.items()
    ]
    parameters[2]["schema"] = {"type": "string", "enum": [action.value for action in Action]}
    text = (
        "JSON lines, the oldest first. For administrators; of one project for its owners too. A token"
        f" needs the scope `{Scope.MANAGE.value}`, and for more than one project all of them."
    )
    return {
        "/api/journal": {
            "get": {
                "operationId": "getJournal",
                "tags": ["management"],
                "summary": "Who did what, by which means, from where, when",
                "description": text,
                "parameters": parameters,
                "security": CREDENTIALS,
                "responses": {
                    "200": response("An entry a line.", JSON_LINES, ref("JournalEntry")),
                    "401": problem("Credentials are missing or wrong."),
                    "403": problem("Whoever asks may not read that."),
                    "404": problem("There is no such project."),
                    "422": problem("A filter is unknown or unfit."),
                },
            }
        }
    }


def schemas() -> Object:
    """By name."""
    action = {"type": "string", "enum": [action.value for action in Action]}
    others = ("means", "address", "project", "version", "filename", "note")
    return {
        "JournalEntry": exactly(
            {
                "serial": {"type": "integer", "minimum": 1},
                "moment": MOMENT,
                "action": action,
                "actor": TEXT,
                **dict.fromkeys(others, MAYBE_TEXT),
            }
        ),
    }
