"""An answer of the cache, in the form that the server's loop and the tween both send."""

from dataclasses import dataclass
from typing import BinaryIO

#: What each response of a cacheable URL says about the cache (RFC 9211).
STATUS_HEADER = "Cache-Status"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, all headers but Date and Connection, and the body.

    *body* has *length* bytes: itself, or from a file those from where it stands, which whoever sends
    them closes. None: there is no body, not even an empty one (304).
    """

    code: int
    headers: Headers
    body: bytes | BinaryIO | None
    length: int

    def close(self) -> None:
        """Let go of the body, which nobody is sent."""
        if self.body is not None and not isinstance(self.body, bytes):
            self.body.close()


def says(status: str) -> tuple[str, str]:
    """The header that says what the cache did."""
    return STATUS_HEADER, f"pypi_lite; {status}"
