"""How a release's metadata is arranged."""

import pytest

from pypi_lite.web import about


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("https://example.org/", True),
        ("http://example.org", True),
        ("HTTPS://EXAMPLE.ORG/", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.org/", False),
        ("example.org", False),
        ("https:example.org", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_only_web_addresses_become_links(url: str, is_good: bool) -> None:
    assert about.is_web_address(url) is is_good


def test_each_address_is_linked_once() -> None:
    fields = {
        "home_page": "https://example.org/",
        "project_urls": {"Home": "https://example.org/", "Source": "https://example.org/src"},
    }
    assert [link.label for link in about.links(fields)] == ["Homepage", "Source"]


def test_people() -> None:
    ann = about.Person("Ann", "mailto:ann@example.org")
    bo = about.Person("Bo, the 2nd", "mailto:bo+x@example.org")
    assert about.people("Ann", "ann@example.org") == (ann,)
    assert about.people(None, 'Ann <ann@example.org>, "Bo, the 2nd" <bo+x@example.org>') == (
        ann,
        bo,
    )
    assert about.people("Ann and Bo", None) == (about.Person("Ann and Bo", None),)
    assert about.people(None, "nobody") == ()
    assert about.people(None, None) == ()


def test_a_mail_address_can_not_add_headers() -> None:
    (person,) = about.people(None, "a?bcc=everybody@example.org")
    assert person.mailto == "mailto:a%3Fbcc%3Deverybody@example.org"


def test_licences() -> None:
    text = "  The MIT License\n\nPermission is granted" + " to all" * 20
    assert about.license_of({"license_expression": "MIT", "license": "x"}) == ("MIT", None)
    assert about.license_of({"license": "BSD"}) == ("BSD", None)
    assert about.license_of({"license": text}) == ("The MIT License", text.strip())
    assert about.license_of({}) == (None, None)


def test_requirements_by_extra() -> None:
    groups = about.requirement_groups(
        [
            "six",
            'a>=1; extra == "fast"',
            "b; python_version < '3.12' and extra == 'fast'",
            'c; extra == "one" or extra == "two"',
            'd[extra]; os_name == "nt"',
        ],
        ["fast", "empty"],
    )
    assert groups == (
        about.Requirements(None, ("six", 'd[extra]; os_name == "nt"')),
        about.Requirements("fast", ("a>=1", "b; python_version < '3.12'")),
        about.Requirements("empty", ()),
        about.Requirements("one", ('c; extra == "one" or extra == "two"',)),
    )


def test_no_requirements() -> None:
    assert about.requirement_groups([], []) == ()


def test_classifiers() -> None:
    classifiers = ["A :: b", "C :: d :: e", "A :: f", "Private"]
    assert about.classifier_groups(classifiers) == (
        ("A", ("b", "f")),
        ("C", ("d :: e",)),
        ("Private", ("Private",)),
    )


def test_nothing_at_all() -> None:
    assert about.about(None) == about.About()
