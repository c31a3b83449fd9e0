"""Long descriptions, rendered once when they are uploaded."""

import hashlib
import html as html_module
import logging
import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.models import Description

log = logging.getLogger(__name__)

#: Characters of a description that is rendered. The longest published ones have half as many.
LONGEST_RENDERED = 256 * 1024
# What the renderers need a time for that grows with the square of its length, and nobody writes: fifty
# quotes or lists within one another, which fit on one line, and tables with hundreds of columns.
_NESTED = re.compile(r"^(?:[ \t]*(?:>|[*+-][ \t]|\d{1,9}[.)][ \t])){50}", re.MULTILINE)
_WIDE_TABLE = re.compile(r"^[ \t]*(?:=+[ \t]|\+[-=+]).{1000}", re.MULTILINE)


def digest(raw: str, content_type: str | None) -> str:
    """What makes two descriptions the same: content type and text."""
    return hashlib.sha256(f"{content_type}\n{raw}".encode()).hexdigest()


def render(raw: str, content_type: str | None) -> str:
    """*raw* as sanitised HTML.

    The type defaults to reStructuredText (core metadata specification, Description-Content-Type);
    what can't be rendered, or would take too long, is shown as it is written rather than refused.
    """
    rendered = None
    if len(raw) <= LONGEST_RENDERED and not _NESTED.search(raw) and not _WIDE_TABLE.search(raw):
        try:
            rendered = _rendered(raw, content_type)
        # Deeply nested texts end in RecursionError, and nothing is promised about others.
        except Exception:
            log.warning("a description could not be rendered", exc_info=True)
    return rendered if rendered is not None else f"<pre>{html_module.escape(raw)}</pre>"


def _rendered(raw: str, content_type: str | None) -> str | None:
    # Imported by the first description that is rendered: docutils and Pygments take 8 MiB and 30 ms,
    # which most processes never need.
    import readme_renderer.markdown
    import readme_renderer.rst
    import readme_renderer.txt

    kind, _, parameters = (content_type or "text/x-rst").partition(";")
    kind = kind.strip().lower()
    if kind == "text/markdown":
        variant = "CommonMark" if "commonmark" in parameters.lower() else "GFM"
        return readme_renderer.markdown.render(raw, variant=variant)
    if kind == "text/x-rst":
        return readme_renderer.rst.render(raw)
    return readme_renderer.txt.render(raw)


def keep(session: Session, raw: str, content_type: str | None, html: str) -> Description:
    """The description's row, found or made."""
    sha256 = digest(raw, content_type)
    found = session.scalar(select(Description).where(Description.sha256 == sha256))
    if found is not None:
        return found
    description = Description(sha256=sha256, content_type=content_type, raw=raw, html=html)
    session.add(description)
    return description
