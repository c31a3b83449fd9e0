"""What can be wrong with an uploaded file: one exception, and one code for each fault."""

from enum import StrEnum

_SHOWN_LENGTH = 60


class DistributionFault(StrEnum):
    """Every reason for which a file is no acceptable distribution."""

    FILENAME_UNSAFE = "filename-unsafe"
    FILENAME_TOO_LONG = "filename-too-long"
    FILENAME_INVALID = "filename-invalid"
    FILE_TYPE_REFUSED = "file-type-refused"

    ARCHIVE_WRONG_FORMAT = "archive-wrong-format"
    ARCHIVE_AMBIGUOUS = "archive-ambiguous"
    ARCHIVE_BROKEN = "archive-broken"
    ARCHIVE_TOO_LARGE = "archive-too-large"
    MEMBER_UNSAFE = "member-unsafe"
    MEMBER_ENCRYPTED = "member-encrypted"
    MEMBER_COMPRESSION = "member-compression"
    MEMBER_DUPLICATE = "member-duplicate"
    MEMBER_KIND = "member-kind"
    DIST_INFO_INVALID = "dist-info-invalid"
    TOP_FOLDER_INVALID = "top-folder-invalid"
    METADATA_MISSING = "metadata-missing"
    METADATA_TOO_LARGE = "metadata-too-large"
    WHEEL_FILE_INVALID = "wheel-file-invalid"
    RECORD_INVALID = "record-invalid"
    ENTRY_POINTS_INVALID = "entry-points-invalid"
    LICENCE_MISSING = "licence-missing"
    BUILD_MISSING = "build-missing"

    METADATA_UNREADABLE = "metadata-unreadable"
    METADATA_VERSION_UNKNOWN = "metadata-version-unknown"
    METADATA_FIELD_INVALID = "metadata-field-invalid"
    METADATA_CONTRADICTORY = "metadata-contradictory"

    NAME_MISMATCH = "name-mismatch"
    VERSION_MISMATCH = "version-mismatch"


class InvalidDistribution(ValueError):
    """A file that is refused: *code* says why to programs, ``str(error)`` to people.

    The text is one line of printable ASCII that also says what to do. Values that came with the
    file stand in it as `shown` gives them, and never as they are.
    """

    def __init__(self, code: DistributionFault, text: str) -> None:
        super().__init__(text)
        self.code = code


def shown(value: str) -> str:
    """*value*, which nobody has checked, in quotes for an error's text: ASCII, and short."""
    # Shortened first: an escaped value is longer, and the value may have megabytes.
    escaped = value[: _SHOWN_LENGTH + 1].encode("unicode_escape").decode("ascii")
    if len(escaped) > _SHOWN_LENGTH:
        escaped = escaped[: _SHOWN_LENGTH - 3] + "..."
    return f'"{escaped}"'
