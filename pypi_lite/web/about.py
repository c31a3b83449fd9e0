"""What a release says of itself, arranged for the eye. All of it is text that nobody has checked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import getaddresses
from typing import Any
from urllib.parse import quote, urlsplit

from pypi_lite.repository.pages import ReleaseMetadata

#: A licence of more letters or lines is the licence's text, not its name.
_LONGEST_LICENSE = 100
_EXTRA = re.compile(r"""\bextra\s*==\s*(["'])([^"']+)\1""")
_EXTRA_AT_END = re.compile(r"""(?:\s*;|\s+and)\s*extra\s*==\s*(["'])[^"']+\1\s*\Z""")


@dataclass(frozen=True, slots=True)
class Link:
    """An address that is safe to follow: http or https."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Person:
    """An author or maintainer."""

    name: str
    mailto: str | None


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a release requires, always or with an extra."""

    extra: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class About:
    """A release's metadata as its page shows it."""

    summary: str | None = None
    #: Sanitised when it was uploaded; the one value that is HTML.
    description_html: str | None = None
    requires_python: str | None = None
    license: str | None = None
    #: The licence itself, where the metadata has it in place of its name.
    license_text: str | None = None
    links: tuple[Link, ...] = ()
    authors: tuple[Person, ...] = ()
    maintainers: tuple[Person, ...] = ()
    keywords: tuple[str, ...] = ()
    classifiers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    requirements: tuple[Requirements, ...] = ()


def about(metadata: ReleaseMetadata | None) -> About:
    """*metadata* arranged; nothing at all where there is none."""
    if metadata is None:
        return About()
    fields = metadata.fields
    name, text = license_of(fields)
    return About(
        summary=metadata.summary,
        description_html=metadata.description_html,
        requires_python=metadata.requires_python,
        license=name,
        license_text=text,
        links=links(fields),
        authors=people(fields.get("author"), fields.get("author_email")),
        maintainers=people(fields.get("maintainer"), fields.get("maintainer_email")),
        keywords=tuple(fields.get("keywords", ())),
        classifiers=classifier_groups(fields.get("classifiers", ())),
        requirements=requirement_groups(
            fields.get("requires_dist", ()), fields.get("provides_extra", ())
        ),
    )


def links(fields: dict[str, Any]) -> tuple[Link, ...]:
    """The home page and the project's URLs, each address once, and none that could be a script."""
    candidates = [("Homepage", fields.get("home_page") or "")]
    candidates += (fields.get("project_urls") or {}).items()
    candidates += [("Download", fields.get("download_url") or "")]
    found: dict[str, Link] = {}
    for label, url in candidates:
        if is_web_address(url):
            found.setdefault(url, Link(label, url))
    return tuple(found.values())


def is_web_address(url: str) -> bool:
    """Whether *url* is an http or https address with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def people(names: str | None, addresses: str | None) -> tuple[Person, ...]:
    """The people of a name field and its address field, which may hold names as well."""
    found = [Person(names, None)] if names else []
    for name, address in getaddresses([addresses or ""]):
        # The address alone belongs to the name beside it, if there is just one of each.
        if "@" not in address:
            continue
        mailto = f"mailto:{quote(address, safe='@+')}"
        if not name and len(found) == 1 and found[0].mailto is None:
            found[0] = Person(found[0].name, mailto)
        else:
            found.append(Person(name or address, mailto))
    return tuple(found)


def license_of(fields: dict[str, Any]) -> tuple[str | None, str | None]:
    """The licence's name, and its text where the metadata has that in the name's place."""
    if fields.get("license_expression"):
        return fields["license_expression"], None
    text = (fields.get("license") or "").strip()
    if not text:
        return None, None
    if len(text) <= _LONGEST_LICENSE and "\n" not in text:
        return text, None
    first = text.splitlines()[0].strip()
    return first[:_LONGEST_LICENSE], text


def classifier_groups(classifiers: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Classifiers by their first part, in their order."""
    groups: dict[str, list[str]] = {}
    for classifier in classifiers:
        group, _, rest = classifier.partition(" :: ")
        groups.setdefault(group, []).append(rest or group)
    return tuple((group, tuple(values)) for group, values in groups.items())


def requirement_groups(
    requirements: Iterable[str], extras: Iterable[str]
) -> tuple[Requirements, ...]:
    """Requirements by the extra that asks for them; those of no extra first, if there are any."""
    groups: dict[str | None, list[str]] = {None: [], **{extra: [] for extra in extras}}
    for requirement in requirements:
        asked = [match[2] for match in _EXTRA.finditer(requirement)]
        # A condition with several extras in it is shown whole, under the first of them.
        line = _EXTRA_AT_END.sub("", requirement) if len(asked) == 1 else requirement
        groups.setdefault(asked[0] if asked else None, []).append(line)
    return tuple(
        Requirements(extra, tuple(lines))
        for extra, lines in groups.items()
        if lines or extra is not None
    )
