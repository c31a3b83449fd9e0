"""Every route of the application, and addresses that lead to each."""

import re
from typing import Any

#: What stands for the parts of a route's pattern; the longest name first in question.
VALUES = {
    "name": "foo",
    "version": "1.0",
    "filename": "foo-1.0-py3-none-any.whl",
    "sha256": "0" * 64,
    "digest": "x",
    "path": "foo/x/y",
}
_PART = re.compile(r"\{(?P<name>[a-z0-9_]+)(?::[^}]*)?\}")


def routes(application: Any) -> dict[str, str]:
    """The patterns of all routes, by name."""
    found = application.registry.introspector.get_category("routes")
    return {each["introspectable"]["name"]: each["introspectable"]["pattern"] for each in found}


def parts(pattern: str) -> list[str]:
    """The names of a pattern's parts."""
    return _PART.findall(pattern)


def address(pattern: str, **values: str) -> str:
    """An address that *pattern* takes; parts that nobody knows get a word."""
    known = {**VALUES, **values}
    path = _PART.sub(lambda match: known.get(match["name"], "something"), pattern)
    return path if path.startswith("/") else f"/{path}"
