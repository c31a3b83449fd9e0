"""Fields of the forms that WebOb parses."""

from typing import Any


def field(request: Any, name: str) -> str:
    """The text of a form's field; empty where there is none, or a file in its place."""
    value = request.POST.get(name)
    return value if isinstance(value, str) else ""
