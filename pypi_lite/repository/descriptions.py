"""Long descriptions, rendered once when they are uploaded."""

import hashlib
import html as html_module

from sqlalchemy import select
from sqlalchemy.orm import Session

from pypi_lite.models import Description


def digest(raw: str, content_type: str | None) -> str:
    """What makes two descriptions the same: content type and text."""
    return hashlib.sha256(f"{content_type}\n{raw}".encode()).hexdigest()


def render(raw: str, content_type: str | None) -> str:
    """*raw* as sanitised HTML.

    The type defaults to reStructuredText (core metadata specification, Description-Content-Type);
    what can't be rendered is shown as it is written rather than refused.
    """
    # Imported by the first description that is rendered: docutils and Pygments take 8 MiB and 30 ms,
    # which most processes never need.
    import readme_renderer.markdown
    import readme_renderer.rst
    import readme_renderer.txt

    kind, _, parameters = (content_type or "text/x-rst").partition(";")
    kind = kind.strip().lower()
    if kind == "text/markdown":
        variant = "CommonMark" if "commonmark" in parameters.lower() else "GFM"
        rendered = readme_renderer.markdown.render(raw, variant=variant)
    elif kind == "text/x-rst":
        rendered = readme_renderer.rst.render(raw)
    else:
        rendered = readme_renderer.txt.render(raw)
    return rendered if rendered is not None else f"<pre>{html_module.escape(raw)}</pre>"


def keep(session: Session, raw: str, content_type: str | None, html: str) -> Description:
    """The description's row, found or made."""
    sha256 = digest(raw, content_type)
    found = session.scalar(select(Description).where(Description.sha256 == sha256))
    if found is not None:
        return found
    description = Description(sha256=sha256, content_type=content_type, raw=raw, html=html)
    session.add(description)
    return description
