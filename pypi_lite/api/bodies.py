"""JSON bodies of the HTTP API: small objects with known members."""

import json
from collections.abc import Mapping
from typing import Any

from pypi_lite.errors import LONGEST_JSON, too_long_json
from pypi_lite.repository.errors import Code, Refusal

JSON = "application/json"
#: Bytes of a body; the longest reason has far fewer.
LONGEST_BODY = LONGEST_JSON


def read_object(
    request: Any, members: Mapping[str, type], required: str | None = None
) -> dict[str, Any]:
    """The request's JSON object. Its *members* are of these types or null, and all but *required* may
    be left out.

    Raises Refusal: it has another Content-Type, is no JSON, or has other members.
    """
    if request.content_type != JSON:
        raise Refusal(
            Code.WRONG_TYPE,
            f"Send JSON, with the header Content-Type: {JSON}; see /api/openapi.json.",
        )
    found = parse(request.environ["wsgi.input"].read(LONGEST_BODY + 1))
    if not isinstance(found, dict):
        raise Refusal(Code.BAD_VALUE, "Send a JSON object.")
    for name, value in found.items():
        if name not in members:
            raise Refusal(
                Code.BAD_VALUE, f"There is no member {name[:50]!r}: use {', '.join(members)}."
            )
        if value is not None and type(value) is not members[name]:
            raise Refusal(Code.BAD_VALUE, f"{name} has to be {_JSON_NAMES[members[name]]}.")
    if required is not None and found.get(required) is None:
        raise Refusal(Code.BAD_VALUE, f"{required} is missing.")
    return found


_JSON_NAMES = {bool: "a boolean", str: "a string", int: "a whole number", list: "an array"}


def parse(body: bytes) -> Any:
    """What the JSON in *body*, of at most LONGEST_BODY + 1 bytes, says. Raises Refusal."""
    if len(body) > LONGEST_BODY:
        raise Refusal(Code.TOO_LARGE, too_long_json())
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(Code.BAD_FORM, "The body is no JSON.") from None
