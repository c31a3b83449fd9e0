"""Fields of the forms that WebOb parses."""

import re
from typing import Any

# Nine digits fit into any database's integers.
_NUMBER = re.compile(r"[0-9]{1,9}\Z", re.ASCII)


def field(request: Any, name: str) -> str:
    """The text of a form's field; empty where there is none, or a file in its place."""
    value = request.POST.get(name)
    return value if isinstance(value, str) else ""


def number_field(request: Any, name: str) -> int:
    """The number in a form's field, which a form of ours has put there; 0, which is no row's: none."""
    text = field(request, name)
    return int(text) if _NUMBER.match(text) else 0
