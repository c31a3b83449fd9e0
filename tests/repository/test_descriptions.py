"""Long descriptions."""

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from pypi_lite.models import Description, File
from pypi_lite.repository import Index
from pypi_lite.repository.descriptions import LONGEST_RENDERED, render
from tests.distributions.build import wheel
from tests.web.helpers import put

MARKDOWN, RST, TEXT = "text/markdown", "text/x-rst", "text/plain"
TYPES = [MARKDOWN, f"{MARKDOWN}; charset=UTF-8; variant=CommonMark", RST, TEXT, None, "text/odd"]


@pytest.mark.parametrize(
    ("raw", "content_type", "html"),
    [
        ("# Hello\n\n*world*", MARKDOWN, "<em>world</em>"),
        ("# Hello", "TEXT/Markdown ; charset=UTF-8", "Hello<a"),
        ("~~gone~~", f"{MARKDOWN}; variant=GFM", "<del>gone</del>"),
        ("~~kept~~", f"{MARKDOWN}; variant=CommonMark", "~~kept~~"),
        ("Hello\n=====\n\n*world*", RST, "<em>world</em>"),
        ("*world*", None, "<em>world</em>"),
        ("*plain* <b>", TEXT, "*plain* &lt;b&gt;"),
    ],
)
def test_a_description_is_rendered_by_its_type(
    raw: str, content_type: str | None, html: str
) -> None:
    """reStructuredText where no type is given (core metadata, Description-Content-Type)."""
    assert html in render(raw, content_type)


def test_what_cannot_be_rendered_is_shown_as_it_is_written() -> None:
    broken = "Title\n==\n\n.. include:: /etc/passwd\n\n<script>alert(1)</script>"
    assert render(broken, RST).startswith("<pre>Title\n==")
    assert "&lt;script&gt;" in render(broken, RST)
    assert "root:" not in render(broken, RST)


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "[x](javascript:alert(1))",
        "`x <javascript:alert(1)>`_",
        ".. raw:: html\n\n   <script>alert(1)</script>",
        ".. image:: javascript:alert(1)",
        "<iframe src='https://evil.test'></iframe><style>*{}</style>",
        "<svg/onload=alert(1)><form action=x>",
    ],
)
def test_nothing_in_a_description_runs(attack: str, content_type: str | None) -> None:
    elements = BeautifulSoup(render(attack, content_type), "html.parser").find_all(True)
    assert not {e.name for e in elements} & {"script", "iframe", "style", "svg", "form"}
    for attributes in (element.attrs for element in elements):
        assert not [name for name in attributes if name.startswith("on")]
        addresses = (attributes.get("href", ""), attributes.get("src", ""))
        assert not [a for a in addresses if a.lower().startswith("javascript")]


@settings(max_examples=60, deadline=None)
@given(
    raw=st.text(st.characters(exclude_categories=["Cs"]), max_size=100), kind=st.sampled_from(TYPES)
)
def test_anything_can_be_rendered(raw: str, kind: str | None) -> None:
    assert isinstance(render(raw, kind), str)


def test_equal_descriptions_are_kept_once(index: Index) -> None:
    type_ = [("Description-Content-Type", MARKDOWN)]
    put(index, wheel("foo", "1.0", description="# Hello", headers=type_))
    put(index, wheel("foo", "2.0", description="# Hello", headers=type_))
    put(index, wheel("foo", "3.0", description="# Hello"))
    put(index, wheel("foo", "4.0"))
    with index.database.read() as session:
        assert len(session.scalars(select(Description)).all()) == 2
        files = session.scalars(select(File).order_by(File.filename)).all()
        kept = [file.description_id for file in files]
    assert kept[0] == kept[1] != kept[2]
    assert kept[3] is None


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        # docutils ends in a RecursionError
        ("\n".join(" " * depth + "a" for depth in range(500)), RST),
        ("\n\n".join("  " * depth + "* a" for depth in range(350)), RST),
        # these take a minute, and more the longer they are
        (">" * 100_000 + "a", MARKDOWN),
        ("text\n\n" + "> " * 50_000 + "a", MARKDOWN),
        ("- " * 50_000 + "a", MARKDOWN),
        ("== " * 20_000 + "\n" + "a  " * 20_000 + "\n" + "== " * 20_000, RST),
        ("+--" * 20_000 + "+\n" + "|a " * 20_000 + "|\n" + "+--" * 20_000 + "+\n", RST),
        ("word word\n\n" * (LONGEST_RENDERED // 10), RST),
    ],
)
def test_what_takes_too_long_is_shown_as_it_is(raw: str, content_type: str) -> None:
    assert render(raw, content_type).startswith("<pre>")


def test_what_people_write_is_rendered() -> None:
    for text in ("-" * 300, "* " * 40, ">" * 20 + " a", "=" * 2000, "+1 " * 1000):
        assert not render(f"text\n\n{text}\n\ntext", MARKDOWN).startswith("<pre>")
    table = "=== ===\n a   b\n=== ===\n 1   2\n=== ===\n"
    assert "<table>" in render(table, RST)
