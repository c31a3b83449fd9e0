"""Fields of the forms that WebOb parses."""

import re
from typing import Any

# Nine digits fit into any database's integers.
_NUMBER = re.compile(r"[0-9]{1,9}\Z", re.ASCII)


def field(request: Any, name: str) -> str:
    """The text of a form's field; empty where there is none, or a file in its place."""
    value = request.POST.get(name)
    return value if isinstance(value, str) else ""


def number(request: Any, name: str) -> int | None:
    """The number in a form's field; None where there is none, or no row's."""
    text = field(request, name)
    return int(text) if _NUMBER.match(text) else None
