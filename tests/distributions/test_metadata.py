"""Metadata files: what is read from them, what is refused, dropped and repaired."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from pypi_lite.distributions.errors import DistributionFault, InvalidDistribution
from pypi_lite.distributions.metadata import METADATA_VERSIONS, CoreMetadata, parse_metadata
from tests.distributions.build import metadata
from tests.distributions.test_filename import assert_presentable

#: Seconds after which something goes on for ever; no measure of speed.
ENOUGH = 60


def parsed(*headers: tuple[str, str], version: str = "2.1", description: str = "") -> CoreMetadata:
    return parse_metadata(
        metadata("Foo", "1.0", metadata_version=version, headers=headers, description=description)
    )


def refused(content: bytes) -> InvalidDistribution:
    with pytest.raises(InvalidDistribution) as caught:
        parse_metadata(content)
    assert_presentable(caught.value)
    return caught.value


def test_everything_known_is_there() -> None:
    core = parse_metadata(
        metadata(
            "Foo.Bar",
            "1.0.0-RC1",
            metadata_version="2.4",
            requires=["six>=1.0", 'colorama; sys_platform == "win32"'],
            requires_python=">=3.8, !=3.9.*",
            summary="Tiny — smäll",
            description="# Foo\n\nText\n",
            headers=[
                ("Description-Content-Type", "text/markdown; charset=UTF-8; variant=GFM"),
                ("Keywords", "a, b"),
                ("Project-URL", "Source, https://example.com/src"),
                ("Classifier", "Programming Language :: Python"),
                ("License-File", "LICENSE"),
            ],
        )
    )
    assert core == CoreMetadata(
        metadata_version="2.4",
        name="Foo.Bar",
        version=Version("1.0.0rc1"),
        raw_version="1.0.0-RC1",
        summary="Tiny — smäll",
        description="# Foo\n\nText\n",
        description_content_type="text/markdown; charset=UTF-8; variant=GFM",
        requires_python=">=3.8, !=3.9.*",
        fields={
            "metadata_version": "2.4",
            "name": "Foo.Bar",
            "version": "1.0.0-RC1",
            "summary": "Tiny — smäll",
            "requires_python": ">=3.8, !=3.9.*",
            "requires_dist": ["six>=1.0", 'colorama; sys_platform == "win32"'],
            "description_content_type": "text/markdown; charset=UTF-8; variant=GFM",
            "keywords": ["a", "b"],
            "project_urls": {"Source": "https://example.com/src"},
            "classifiers": ["Programming Language :: Python"],
            "license_files": ["LICENSE"],
        },
    )


def test_little_is_enough() -> None:
    core = parse_metadata(b"Metadata-Version: 1.0\nName: foo\nVersion: 1\n")
    assert (core.summary, core.description, core.requires_python) == (None, None, None)
    assert core.fields == {"metadata_version": "1.0", "name": "foo", "version": "1"}


@pytest.mark.parametrize("version", METADATA_VERSIONS)
def test_metadata_versions_accepted(version: str) -> None:
    assert parsed(version=version).metadata_version == version


def test_the_draft_that_wheels_were_written_in_for_years_is_accepted() -> None:
    parsed = parse_metadata(
        b"Metadata-Version: 2.0\nName: six\nVersion: 1.10.0\n"
        b"Requires-Dist: enum34 (>=1.0) ; python_version < '3'\nSummary: fine\n"
    )
    assert parsed.metadata_version == "2.0"
    assert parsed.fields["requires_dist"] == ["enum34 (>=1.0) ; python_version < '3'"]
    assert parsed.summary == "fine"
    with pytest.raises(InvalidDistribution, match="Requires-Dist"):
        parse_metadata(b"Metadata-Version: 2.0\nName: a\nVersion: 1\nRequires-Dist: 1 2 3\n")


@pytest.mark.parametrize("version", ["2.7", "3.0", "2", "2.10", "two", "1.0.0"])
def test_metadata_versions_refused(version: str) -> None:
    error = refused(metadata("Foo", "1.0", metadata_version=version))
    assert error.code is DistributionFault.METADATA_VERSION_UNKNOWN
    assert f'"{version}"' in str(error)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"", "Metadata-Version: is missing"),
        (b"Metadata-Version: 2.1\nVersion: 1\n", "Name: is missing"),
        (b"Metadata-Version: 2.1\nName: UNKNOWN\nVersion: 1\n", "Name: is missing"),
        (b"Metadata-Version: 2.1\nName: foo\n", "Version: is missing"),
        (b"Metadata-Version: 2.1\nName: foo\nName: bar\nVersion: 1\n", "Name: is given twice"),
        (b"Metadata-Version: 2.1\nName: f\xff\nVersion: 1\n", "Name: is given twice or"),
        (metadata("foo bar", "1"), 'Name: "foo bar"'),
        (metadata("f" * 201, "1"), "Name: "),
        (metadata("foo", "one"), 'Version: "one"'),
        (metadata("foo", "1" * 5000), "Version: "),
        (metadata("foo", "1" + ".0" * 100), "Version: "),
        (metadata("foo", "1", requires=["six", "six >> 2"]), 'Requires-Dist: "six >> 2"'),
        (metadata("foo", "1", requires=["six; " + "(" * 3000]), "Requires-Dist: "),
        (metadata("foo", "1", requires_python="3.x"), 'Requires-Python: "3.x"'),
        (metadata("foo", "1", headers=[("Requires-Python", ">3")] * 2), "Requires-Python: "),
    ],
)
def test_what_breaks_installers_is_refused(content: bytes, names: str) -> None:
    error = refused(content)
    assert error.code is DistributionFault.METADATA_FIELD_INVALID
    assert names in str(error)


@pytest.mark.parametrize(
    ("field", "header"),
    [
        ("description_content_type", ("Description-Content-Type", "text/html")),
        ("license_expression", ("License-Expression", "Whatever I want")),
        ("license_expression", ("License-Expression", "(" * 3000 + "MIT")),
        ("license_files", ("License-File", "../LICENSE")),
        ("import_names", ("Import-Name", "not-a-name")),
        ("dynamic", ("Dynamic", "Whatever")),
        ("provides_extra", ("Provides-Extra", "-bad-")),
        ("x_unknown", ("X-Unknown", "1")),
        ("home_page", ("Home-page", "UNKNOWN")),
        ("author", ("Author", "")),
    ],
)
def test_what_only_advises_is_dropped(field: str, header: tuple[str, str]) -> None:
    assert not parsed(header, version="2.5").fields.get(field)


def test_undecodable_and_repeated_advice_is_dropped() -> None:
    core = parse_metadata(
        metadata("Foo", "1.0", summary=None)
        + b"Author: M\xfcller\nSummary: one\nSummary: two\n"
        + b"Project-URL: A, https://example.com/1\nProject-URL: A, https://example.com/2\n"
        + b"\nText with a \xff\n"
    )
    assert core.fields.keys() == {"metadata_version", "name", "version"}
    assert (core.summary, core.description) == (None, None)


def test_licence_files_of_2020_to_2024_are_kept() -> None:
    assert parsed(("License-File", "LICENSE"), version="2.1").fields["license_files"] == ["LICENSE"]


def test_fields_may_be_newer_than_the_metadata_version() -> None:
    core = parsed(("Requires-Dist", "six (>=1.0)"), version="1.0")
    assert core.fields["requires_dist"] == ["six (>=1.0)"]


def test_extras_are_normalized_in_every_version() -> None:
    core = parsed(("Provides-Extra", "Dev_Tools"), ("Provides-Extra", "dev-tools"), version="2.3")
    assert core.fields["provides_extra"] == ["dev-tools"]


def test_folded_values_are_joined() -> None:
    core = parsed(("Requires-Dist", "six\n  >=1.0"), ("Author", "A\r\n\tB"))
    assert core.fields["requires_dist"] == ["six >=1.0"]
    assert core.fields["author"] == "A B"


@pytest.mark.parametrize("indent", ["        ", "       |"])
def test_a_description_in_the_header_loses_its_indentation(indent: str) -> None:
    text = f"Title\n{indent}=====\n{indent}\n{indent}  code"
    assert parsed(("Description", text), version="1.1").description == "Title\n=====\n\n  code"


def test_a_description_in_the_body_is_left_alone() -> None:
    text = "Title\n\n        code\n"
    assert parsed(description=text).description == text


def test_what_no_database_stores_is_replaced() -> None:
    core = parsed(("Author", "A\x00B"), description="a\x00b")
    assert (core.fields["author"], core.description) == ("A\ufffdB", "a\ufffdb")


def test_the_absence_of_import_names_is_kept() -> None:
    assert parsed(("Import-Name", ""), version="2.5").fields["import_names"] == []


def test_two_kinds_of_licence_contradict_each_other() -> None:
    headers = [("License", "MIT"), ("License-Expression", "MIT")]
    error = refused(metadata("foo", "1", metadata_version="2.4", headers=headers))
    assert error.code is DistributionFault.METADATA_CONTRADICTORY
    assert parse_metadata(metadata("foo", "1", metadata_version="2.3", headers=headers))


def test_import_names_and_namespaces_contradict_each_other() -> None:
    headers = [("Import-Name", "foo.bar ; private"), ("Import-Namespace", "foo.bar")]
    error = refused(metadata("foo", "1", metadata_version="2.5", headers=headers))
    assert error.code is DistributionFault.METADATA_CONTRADICTORY


@pytest.mark.parametrize(
    "headers",
    [
        [("Classifier", "A")] * 20_001,
        [(f"X-{number}", "A") for number in range(201)],
    ],
)
def test_headers_are_bounded(headers: list[tuple[str, str]]) -> None:
    started = time.monotonic()
    assert refused(metadata("foo", "1", headers=headers)).code is (
        DistributionFault.METADATA_TOO_LARGE
    )
    assert time.monotonic() - started < ENOUGH


@pytest.mark.parametrize(
    "hostile",
    [
        b"Author: " + b"\xff=?a?q?" * 500_000,
        b"Author: a\n" + b" \n" * 500_000,
        b"Summary: a" + b" \t" * 500_000 + b"x",
        b"Description-Content-Type: " + b"text/plain;" * 50_000,
        b"Requires-Python: " + b">=1," * 20_000,
        b"Description: a\n" + b"       |\n" * 500_000,
        b"Keywords: " + b"," * 2_000_000,
        b"Name" * 1_000_000,
    ],
    ids=range(8),
)
def test_long_fields_take_no_long_time(hostile: bytes) -> None:
    started = time.monotonic()
    parse_or_refuse(metadata("foo", "1") + hostile)
    assert time.monotonic() - started < ENOUGH


def test_whatever_the_parser_raises_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(content: bytes) -> None:
        raise LookupError("unknown encoding")

    monkeypatch.setattr("pypi_lite.distributions.metadata.parse_email", broken)
    assert refused(metadata("foo", "1")).code is DistributionFault.METADATA_UNREADABLE


def test_messages_within_the_message_are_refused() -> None:
    nested = "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(50))
    error = refused(metadata("foo", "1") + nested.encode())
    assert error.code is DistributionFault.METADATA_UNREADABLE
    plain = [("Content-Type", "text/plain; charset=UTF-8")]
    assert parse_metadata(metadata("foo", "1", headers=plain))


def parse_or_refuse(content: bytes) -> None:
    try:
        core = parse_metadata(content)
    except InvalidDistribution as error:
        assert_presentable(error)
    else:
        text = json.dumps(core.fields)
        assert "\\u0000" not in text
        text.encode()


@given(st.binary())
def test_any_bytes_are_parsed_or_refused(content: bytes) -> None:
    parse_or_refuse(content)


_header = st.tuples(
    st.sampled_from(
        b"Name Version Requires-Dist Requires-Python Summary Description Keywords Project-URL"
        b" License-Expression License-File Dynamic Provides-Extra Description-Content-Type"
        b" Import-Name X-Other Content-Transfer-Encoding Content-Type MIME-Version From".split()
    ),
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"base64", b"uuencode", b"text/plain; charset=x", b"=?utf-8?b?\xff?="]),
        st.text(max_size=10).map(lambda text: text.encode("utf-8", "surrogatepass")),
    ),
).map(b": ".join)


@given(st.lists(_header, max_size=8), st.binary(max_size=30))
def test_any_headers_are_parsed_or_refused(headers: list[bytes], body: bytes) -> None:
    parse_or_refuse(metadata("foo", "1") + b"\n".join([*headers, b"", body]))
