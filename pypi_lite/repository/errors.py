"""Why a change is refused, in a form that every client can be told."""

from enum import StrEnum


class Code(StrEnum):
    """What is wrong, for programs."""

    NOT_AUTHENTICATED = "not-authenticated"
    NOT_ALLOWED = "not-allowed"
    BAD_FORM = "bad-form"
    BAD_DIGEST = "bad-digest"
    BAD_DISTRIBUTION = "bad-distribution"
    MISMATCH = "mismatch"
    BAD_ATTESTATION = "bad-attestation"
    FILE_EXISTS = "file-exists"
    FILENAME_BURNED = "filename-burned"
    RESERVED = "reserved"
    TOO_LARGE = "too-large"
    NOT_FOUND = "not-found"
    GONE = "gone"
    BUSY = "busy"


# The HTTP status that says the same; plain numbers, since nothing here speaks HTTP.
_STATUS = {
    Code.NOT_AUTHENTICATED: 401,
    Code.NOT_ALLOWED: 403,
    Code.NOT_FOUND: 404,
    Code.FILE_EXISTS: 409,
    Code.FILENAME_BURNED: 409,
    Code.RESERVED: 409,
    Code.GONE: 410,
    Code.TOO_LARGE: 413,
    Code.BUSY: 503,
}


class Refusal(Exception):
    """A change that is not made. The text is one line, for a person, and says what to do."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        """400 unless the code has a status of its own."""
        return _STATUS.get(self.code, 400)
