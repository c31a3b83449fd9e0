"""Core metadata as a distribution's own METADATA or PKG-INFO file gives it.

The standard is the packaging user guide's "Core metadata specifications" (PEP 241, 314, 345, 566,
643, 685, 639, 794, 808). Files that real tools wrote break it in many ways, so what is wrong is
judged by whom it would hurt:

- **Refused** is what makes an installer fail or go wrong, in `BINDING`: a missing, repeated,
  undecodable or invalid Metadata-Version, Name, Version, Requires-Python or Requires-Dist. So is a
  contradiction that a standard obliges an index to refuse, in `CONTRADICTIONS`.
- **Dropped** is any other field that is undecodable, repeated without leave, or invalid: these
  advise people, and no installation depends on them. Unknown fields are dropped as well.
- **Repaired**, because the meaning is plain: values folded over lines (joined), values that are
  empty or ``UNKNOWN`` (absent; distutils wrote them so), Provides-Extra (normalized, PEP 685), a
  Description in the header (its indentation is removed, PEP 345).
- **Ignored** is when a field was introduced: setuptools wrote License-File under Metadata-Version
  2.1 for years.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from packaging.metadata import Metadata, RawMetadata, parse_email
from packaging.version import Version

from pypi_lite.distributions.errors import DistributionFault, InvalidDistribution, shown
from pypi_lite.names import is_valid_name, normalize_name, parse_version

#: No standard defined it, but for years (2013 to 2018) every wheel said so; it means 2.1.
_DRAFT_VERSION, _MEANT_VERSION = "2.0", "2.1"
METADATA_VERSIONS = ("1.0", "1.1", "1.2", _DRAFT_VERSION, "2.1", "2.2", "2.3", "2.4", "2.5", "2.6")

# The fields, as RawMetadata calls them, that installers act upon, and as the file calls them.
BINDING = {
    "metadata_version": "Metadata-Version",
    "name": "Name",
    "version": "Version",
    "requires_python": "Requires-Python",
    "requires_dist": "Requires-Dist",
}
_REQUIRED = ("metadata_version", "name", "version")
_MULTI_LINE = ("description", "license")
MAX_IDENTIFIER = 200

# packaging goes through all fields once for each name. The largest published files have some
# thousand fields, and the standard has about thirty names.
MAX_FIELDS = 20_000
MAX_FIELD_NAMES = 200
# The email package's header parser takes seconds for one of thirty kilobytes.
MAX_CONTENT_TYPE = 200

_LINE_END = re.compile(rb"\r\n|\r|\n")
_FIELD_NAME = re.compile(rb"[^\s:][^:]*(?=:)")
# Of these the email parser would read the body as further messages, each within the last.
_NESTED = re.compile(rb"content-type:(?![ \t]*text/)", re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# distutils indents a description's lines by eight blanks, PEP 345 by seven and a bar.
_INDENT = re.compile(r" {7}[ |]")


@dataclass(frozen=True, slots=True)
class CoreMetadata:
    """The metadata of one file.

    *name* and *raw_version* are spelled as in the file, *requires_python* is the specifier as in
    the file. *fields* is all that is known under the names of packaging's RawMetadata, ready for
    JSON (strings, lists and dictionaries of strings), without the description.
    """

    metadata_version: str
    name: str
    version: Version
    raw_version: str
    summary: str | None
    description: str | None
    description_content_type: str | None
    requires_python: str | None
    fields: dict[str, Any]


def parse_metadata(content: bytes) -> CoreMetadata:
    """Read *content*, a METADATA or PKG-INFO file.

    Raises InvalidDistribution under the rules that this module's docstring gives.
    """
    _check_bounds(content)
    raw, unparsed = _parse_email(content)
    _check_binding_parsed(unparsed)
    fields = _repaired(raw)
    _check_required(fields)
    _drop_invalid(fields)
    for contradicts in CONTRADICTIONS:
        contradicts(fields)
    description = fields.pop("description", None)
    return CoreMetadata(
        metadata_version=fields["metadata_version"],
        name=fields["name"],
        version=_version(fields["version"]),
        raw_version=fields["version"],
        summary=fields.get("summary"),
        description=description,
        description_content_type=fields.get("description_content_type"),
        requires_python=fields.get("requires_python"),
        fields=fields,
    )


# -- reading


def _check_bounds(content: bytes) -> None:
    lines = _header_lines(content)
    names = [match[0].lower() for line in lines if (match := _FIELD_NAME.match(line))]
    if any(_NESTED.match(line) for line in lines):
        raise _unreadable()
    if len(names) > MAX_FIELDS or len(set(names)) > MAX_FIELD_NAMES:
        raise InvalidDistribution(
            DistributionFault.METADATA_TOO_LARGE,
            f"The metadata file has too many fields: {MAX_FIELDS} fields of {MAX_FIELD_NAMES} names"
            " are allowed; remove some.",
        )


def _header_lines(content: bytes) -> list[bytes]:
    """The lines before the first empty one, which is where the email parser stops at the latest."""
    lines: list[bytes] = []
    start = 0
    for end in _LINE_END.finditer(content):
        if end.start() == start:
            return lines
        lines.append(content[start : end.start()])
        start = end.end()
    return [*lines, content[start:]]


def _parse_email(content: bytes) -> tuple[RawMetadata, dict[str, list[str]]]:
    try:
        return parse_email(content)
    # Fuzzing has found no bytes that get here, but the email package promises nothing about them.
    except Exception as error:
        raise _unreadable() from error


def _unreadable() -> InvalidDistribution:
    return InvalidDistribution(
        DistributionFault.METADATA_UNREADABLE,
        "The metadata file cannot be read: it must be UTF-8 text of the form"
        ' "Name: value"; build the file again.',
    )


def _check_binding_parsed(unparsed: dict[str, list[str]]) -> None:
    for field in BINDING.values():
        if field.lower() in unparsed:
            raise _invalid(field, "is given twice or is not UTF-8")


def _repaired(raw: RawMetadata) -> dict[str, Any]:
    """A copy of *raw* with strings that are storable and on one line, and without empty values."""
    fields: dict[str, Any] = {}
    for field, value in cast("dict[str, Any]", raw).items():
        repaired = _repaired_value(field, value)
        # An Import-Name without a value says that nothing can be imported (PEP 794).
        if repaired or value == []:
            fields[field] = repaired
    if "description" in fields:
        fields["description"] = _without_indent(fields["description"])
    if len(fields.get("description_content_type", "")) > MAX_CONTENT_TYPE:
        del fields["description_content_type"]
    if "provides_extra" in fields:
        extras = [normalize_name(e) for e in fields["provides_extra"] if is_valid_name(e)]
        fields["provides_extra"] = list(dict.fromkeys(extras))
    return fields


def _repaired_value(field: str, value: Any) -> Any:
    if isinstance(value, list):
        return [item for item in (_repaired_text(field, text) for text in value) if item]
    if isinstance(value, dict):
        texts = {_repaired_text(field, k): _repaired_text(field, v) for k, v in value.items()}
        return {label: text for label, text in texts.items() if text}
    return _repaired_text(field, value)


def _repaired_text(field: str, text: str) -> str:
    # No database stores a NUL, and UTF-8 has no surrogates.
    text = _UNSTORABLE.sub("\ufffd", text)
    if field not in _MULTI_LINE:
        text = " ".join(line.strip() for line in text.splitlines()).strip()
    return "" if text.strip() in ("", "UNKNOWN") else text


def _without_indent(description: str) -> str:
    first, *others = description.splitlines()
    if others and all(_INDENT.match(line) for line in others):
        return "\n".join([first, *(line[8:] for line in others)]).rstrip()
    return description


# -- judging


def _check_required(fields: dict[str, Any]) -> None:
    for field in _REQUIRED:
        if field not in fields:
            raise _invalid(BINDING[field], "is missing")
    if fields["metadata_version"] not in METADATA_VERSIONS:
        raise InvalidDistribution(
            DistributionFault.METADATA_VERSION_UNKNOWN,
            f"Metadata-Version {shown(fields['metadata_version'])} is unknown: "
            f"{', '.join(METADATA_VERSIONS)} are accepted; build with an up-to-date tool.",
        )
    name, version = fields["name"], fields["version"]
    if len(name) > MAX_IDENTIFIER or not is_valid_name(name):
        raise _invalid("Name", f"{shown(name)} is no valid name")
    if len(version) > MAX_IDENTIFIER or parse_version(version) is None:
        raise _invalid("Version", f"{shown(version)} is no version as in PEP 440")


def _version(version: str) -> Version:
    parsed = parse_version(version)
    assert parsed is not None, "checked in _check_required"
    return parsed


def _drop_invalid(fields: dict[str, Any]) -> None:
    """Have packaging judge field by field: refuse for those in `BINDING`, drop the others."""
    judged = dict(fields)
    if fields["metadata_version"] == _DRAFT_VERSION:
        judged["metadata_version"] = _MEANT_VERSION
    judge = Metadata.from_raw(cast("RawMetadata", judged), validate=False)
    for field in sorted(fields):
        try:
            getattr(judge, field)
        # Not InvalidMetadata alone: deeply nested markers and licences end in RecursionError,
        # overlong numbers in ValueError.
        except Exception as error:
            if field in BINDING:
                raise _invalid_value(BINDING[field], fields[field]) from error
            del fields[field]


def _invalid_value(field: str, value: str | list[str]) -> InvalidDistribution:
    """The error for *value*, or for the one in the list that is to blame."""
    values = [value] if isinstance(value, str) else value
    raw_name = field.lower().replace("-", "_")
    for one in values:
        raw = {raw_name: one if isinstance(value, str) else [one]}
        try:
            getattr(Metadata.from_raw(cast("RawMetadata", raw), validate=False), raw_name)
        except Exception:
            return _invalid(field, f"{shown(one)} is invalid")
    return _invalid(field, "is invalid")


def _invalid(field: str, what: str) -> InvalidDistribution:
    return InvalidDistribution(
        DistributionFault.METADATA_FIELD_INVALID,
        f"The metadata's {field}: {what}; correct it in the project and build it again.",
    )


def check_one_licence(fields: dict[str, Any]) -> None:
    """License and License-Expression exclude each other (PEP 639), where both are defined."""
    if {"license", "license_expression"} <= fields.keys() and _number(fields) >= (2, 4):
        raise _contradiction("License and License-Expression are both given; keep the latter")


def check_import_names(fields: dict[str, Any]) -> None:
    """No name is both in Import-Name and Import-Namespace (PEP 794: tools must refuse it)."""
    names = {_import_name(name) for name in fields.get("import_names", ())}
    for name in fields.get("import_namespaces", ()):
        if _import_name(name) in names:
            raise _contradiction(f"{shown(name)} is an Import-Name and an Import-Namespace")


CONTRADICTIONS: tuple[Callable[[dict[str, Any]], None], ...] = (
    check_one_licence,
    check_import_names,
)


def _contradiction(what: str) -> InvalidDistribution:
    return InvalidDistribution(
        DistributionFault.METADATA_CONTRADICTORY,
        f"The metadata contradicts itself: {what}; correct it and build it again.",
    )


def _import_name(value: str) -> str:
    """The name without its marker, ``; private``."""
    return value.partition(";")[0].strip()


def _number(fields: dict[str, Any]) -> tuple[int, ...]:
    return metadata_version_number(fields["metadata_version"])


def metadata_version_number(metadata_version: str) -> tuple[int, ...]:
    """``"2.1"`` as (2, 1), to compare; *metadata_version* is one of `METADATA_VERSIONS`."""
    return tuple(int(part) for part in metadata_version.split("."))
