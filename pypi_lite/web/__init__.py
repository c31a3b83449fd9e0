"""What people see: thin views over the repository."""

from typing import Any


def includeme(config: Any) -> None:
    """Add the pages for people."""
