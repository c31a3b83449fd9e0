"""Why a change is refused, in a form that every client can be told."""

from enum import StrEnum


class Code(StrEnum):
    """What is wrong, for programs."""

    NOT_AUTHENTICATED = "not-authenticated"
    NOT_ALLOWED = "not-allowed"
    BAD_FORM = "bad-form"
    BAD_VALUE = "bad-value"
    BAD_DIGEST = "bad-digest"
    BAD_DISTRIBUTION = "bad-distribution"
    MISMATCH = "mismatch"
    BAD_ATTESTATION = "bad-attestation"
    FILE_EXISTS = "file-exists"
    FILENAME_BURNED = "filename-burned"
    RESERVED = "reserved"
    TOO_LARGE = "too-large"
    NOT_FOUND = "not-found"
    PROJECT_CLOSED = "project-closed"
    WRONG_METHOD = "wrong-method"
    WRONG_TYPE = "wrong-type"
    GONE = "gone"
    BUSY = "busy"
    TOO_MANY_ATTEMPTS = "too-many-attempts"
    # Of trusted publishing, as clients know them from PyPI:
    INVALID_TOKEN = "invalid-token"  # noqa: S105
    INVALID_PUBLISHER = "invalid-publisher"
    REUSED_TOKEN = "invalid-reuse-token"  # noqa: S105
    # Of the policies that settings switch on:
    LOCAL_VERSION = "local-version"
    DIRECT_URL = "direct-url"
    PLATFORM_TAG = "platform-tag"
    FILENAME_UNUSUAL = "filename-unusual"
    LICENCE_NOT_ALLOWED = "licence-not-allowed"
    CLASSIFIER_REQUIRED = "classifier-required"
    CLASSIFIER_UNKNOWN = "classifier-unknown"
    SECOND_SDIST = "second-sdist"
    RELEASE_CLOSED = "release-closed"
    NAME_SIMILAR = "name-similar"
    NAME_OF_STANDARD_LIBRARY = "name-of-standard-library"


# The HTTP status that says the same; plain numbers, since nothing here speaks HTTP.
_STATUS = {
    Code.NOT_AUTHENTICATED: 401,
    Code.NOT_ALLOWED: 403,
    Code.PROJECT_CLOSED: 403,
    Code.NOT_FOUND: 404,
    Code.WRONG_METHOD: 405,
    Code.FILE_EXISTS: 409,
    Code.FILENAME_BURNED: 409,
    Code.RESERVED: 409,
    Code.GONE: 410,
    Code.TOO_LARGE: 413,
    Code.WRONG_TYPE: 415,
    Code.BAD_VALUE: 422,
    Code.TOO_MANY_ATTEMPTS: 429,
    Code.INVALID_TOKEN: 422,
    Code.INVALID_PUBLISHER: 422,
    Code.REUSED_TOKEN: 422,
    Code.BUSY: 503,
}


class Refusal(Exception):
    """A change that is not made. The text is one line, for a person, and says what to do."""

    def __init__(self, code: Code, text: str, *, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        #: Seconds after which the same may go well.
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """400 unless the code has a status of its own."""
        return _STATUS.get(self.code, 400)
