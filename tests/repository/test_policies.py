"""Policies: each is off by default, refuses when it is on, and says why (U24, U26, F02-F04)."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from pypi_lite.accounts.identity import OPERATOR
from pypi_lite.distributions import Distribution
from pypi_lite.models import File, Project, Release
from pypi_lite.repository import Index, changes, policies, upload
from pypi_lite.repository.errors import Code, Refusal
from pypi_lite.repository.upload import Submission
from pypi_lite.settings import Settings, SettingsError
from tests.distributions.build import sdist, wheel
from tests.web.helpers import put

UploadFile = tuple[str, bytes]


def having(index: Index, **settings: Any) -> Index:
    """The same index with other settings."""
    return dataclasses.replace(index, settings=dataclasses.replace(index.settings, **settings))


def refusal(index: Index, file: UploadFile, **settings: Any) -> Refusal:
    """With which *file* is refused: nothing of it is left, and without the settings it is taken."""
    blobs = set(index.blobs.all_paths())
    with pytest.raises(Refusal) as caught:
        put(having(index, **settings), file)
    text = caught.value.text
    assert text.isprintable()
    assert len(text) < 400
    assert set(index.blobs.all_paths()) == blobs
    assert put(index, file).is_new
    return caught.value


def classified(*classifiers: str, name: str = "foo") -> UploadFile:
    return wheel(name, "1.0", headers=[("Classifier", value) for value in classifiers])


def licensed(header: str, value: str) -> UploadFile:
    return wheel("foo", "1.0", metadata_version="2.4", headers=[(header, value)])


def test_policies_and_settings_are_the_same() -> None:
    """By default none is on: a private index takes what teams make daily."""
    defaults = Settings()
    for name in [*policies.POLICIES, *policies.HISTORY_POLICIES]:
        assert not getattr(defaults, name)
    switches = {field.name for field in dataclasses.fields(Settings) if "refuse" in field.name}
    assert switches <= policies.POLICIES.keys() | policies.HISTORY_POLICIES.keys()


def test_local_versions(index: Index) -> None:
    error = refusal(index, wheel("foo", "1.0+ours.1"), refuse_local_versions=True)
    assert error.code is Code.LOCAL_VERSION
    assert "'1.0'" in error.text
    put(having(index, refuse_local_versions=True), wheel("foo", "1.0"))


def test_direct_urls(index: Index) -> None:
    file = wheel("foo", "1.0", requires=["six", "bar @ https://example.org/bar-1.0.tar.gz"])
    error = refusal(index, file, refuse_direct_urls=True)
    assert error.code is Code.DIRECT_URL
    assert "bar @ https" in error.text
    put(having(index, refuse_direct_urls=True), wheel("foo", "2.0", requires=["six>=1"]))


@pytest.mark.parametrize(
    "tag",
    [
        *("any", "win32", "win_amd64", "win_arm64", "manylinux1_x86_64", "manylinux2010_i686"),
        *("manylinux2014_aarch64", "manylinux_2_28_riscv64", "manylinux_2_17_ppc64"),
        *("musllinux_1_2_x86_64", "linux_armv7l", "macosx_10_9_universal2", "macosx_26_0_arm64"),
        *("ios_13_0_arm64_iphonesimulator", "android_24_arm64_v8a", "pyemscripten_2025_0_wasm32"),
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
    ],
)
def test_platforms_of_pypi(tag: str) -> None:
    for part in tag.split("."):
        assert policies._PLATFORMS.fullmatch(part)


@pytest.mark.parametrize(
    "tag",
    [
        *("linux_x86_64", "linux_aarch64", "manylinux2010_aarch64", "musllinux_1_2_ppc64"),
        *("macosx_12_3_arm64", "macosx_16_0_arm64", "freebsd_14_amd64", "win_amd65", "anything"),
    ],
)
def test_other_platforms(tag: str) -> None:
    assert not policies._PLATFORMS.fullmatch(tag)


def test_wheels_for_other_platforms(index: Index) -> None:
    file = wheel("foo", "1.0", tag="py3-none-linux_x86_64")
    error = refusal(index, file, refuse_other_platforms=True)
    assert error.code is Code.PLATFORM_TAG
    assert "linux_x86_64" in error.text
    strict = having(index, refuse_other_platforms=True)
    put(strict, wheel("foo", "1.0", tag="py3-none-manylinux_2_28_x86_64.manylinux2014_x86_64"))
    put(strict, sdist("foo", "1.0"))


@pytest.mark.parametrize(
    ("file", "usual"),
    [
        (sdist("Foo.Bar", "1.0", filename="Foo.Bar-1.0.tar.gz"), "foo_bar-1.0.tar.gz"),
        (sdist("Foo.Bar", "1.0", extension=".zip"), "foo_bar-1.0.tar.gz"),
        (wheel("foo.bar", "1.0", filename="Foo.Bar-1.0-py3-none-any.whl"), "foo_bar-1.0-..."),
    ],
)
def test_unusual_filenames(index: Index, file: UploadFile, usual: str) -> None:
    error = refusal(index, file, refuse_unusual_filenames=True)
    assert error.code is Code.FILENAME_UNUSUAL
    assert f"'{usual}'" in error.text


def test_usual_filenames(index: Index) -> None:
    strict = having(index, refuse_unusual_filenames=True)
    for file in (sdist("Foo.Bar", "1.0"), wheel("Foo.Bar", "1.0rc1+x", build="1")):
        assert put(strict, file).is_new


def test_licences(index: Index) -> None:
    allowed = {"allowed_licences": ("MIT", "Apache-2.0")}
    error = refusal(index, licensed("License-Expression", "GPL-3.0-only"), **allowed)
    assert error.code is Code.LICENCE_NOT_ALLOWED
    assert "'GPL-3.0-only'" in error.text
    assert "MIT, Apache-2.0" in error.text
    strict = having(index, **allowed)
    with pytest.raises(Refusal):
        put(strict, wheel("none", "1.0"))
    with pytest.raises(Refusal):
        put(strict, wheel("many", "1.0", headers=[("License", "as you like it " * 1000)]))
    old = wheel("old", "1.0", headers=[("License", "mit")])
    assert put(strict, old).is_new


@pytest.mark.parametrize(
    ("expression", "good"),
    [
        ("MIT", True),
        ("mit", True),
        ("BSD-3-Clause", False),
        ("MIT OR BSD-3-Clause", True),
        ("BSD-3-Clause OR MIT", True),
        ("MIT AND BSD-3-Clause", False),
        ("MIT AND Apache-2.0", True),
        ("BSD-3-Clause AND ISC OR MIT", True),
        ("MIT OR ISC AND BSD-3-Clause", True),
        ("(MIT OR ISC) AND BSD-3-Clause", False),
        ("(MIT OR ISC) AND (BSD-3-Clause OR (Apache-2.0))", True),
        ("((((MIT))))", True),
        ("LicenseRef-Ours", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("ISC WITH LLVM-exception", False),
        ("(Apache-2.0 WITH LLVM-exception) OR ISC", True),
        ("", False),
        ("MIT MIT", False),
        ("MIT AND", False),
        ("(MIT", False),
        ("+", False),
        ("(" * 400 + "MIT" + ")" * 400, False),
        ("MIT OR " * 1000 + "MIT", False),
    ],
)
def test_which_expressions_can_be_met(expression: str, good: bool) -> None:
    allowed = ("MIT", "Apache-2.0", "LicenseRef-Ours")
    assert policies.is_allowed(expression, allowed) is good


@given(st.text("()+- ANDORWITHmit1.", max_size=80))
def test_any_text_is_no_licence_by_mistake(expression: str) -> None:
    if policies.is_allowed(expression, ("MIT",)):
        assert "mit" in expression.lower()


def test_required_classifiers(index: Index) -> None:
    wanted = "Private :: Do Not Upload"
    error = refusal(index, classified("Topic :: Utilities"), required_classifiers=(wanted,))
    assert error.code is Code.CLASSIFIER_REQUIRED
    assert wanted in error.text
    put(having(index, required_classifiers=(wanted,)), classified(wanted, name="bar"))


def test_unknown_classifiers(index: Index) -> None:
    error = refusal(index, classified("Topic :: No Such"), refuse_unknown_classifiers=True)
    assert error.code is Code.CLASSIFIER_UNKNOWN
    assert "'Topic :: No Such'" in error.text
    known = classified("Topic :: Utilities", "Private :: Whatever", name="bar")
    put(having(index, refuse_unknown_classifiers=True), known)


def test_one_source_distribution(index: Index) -> None:
    put(index, sdist("foo", "1.0"))
    again = sdist("foo", "1.0", extension=".zip")
    strict = having(index, refuse_second_sdists=True)
    assert not put(strict, sdist("foo", "1.0")).is_new
    assert put(strict, wheel("foo", "1.0")).is_new
    assert put(strict, sdist("foo", "1.1")).is_new
    assert put(strict, sdist("bar", "1.0")).is_new
    error = refusal(index, again, refuse_second_sdists=True)
    assert error.code is Code.SECOND_SDIST
    assert "'foo-1.0.tar.gz'" in error.text


def test_closed_releases(index: Index) -> None:
    put(index, wheel("foo", "1.0"))
    put(index, wheel("foo", "2.0"))
    with index.database.write() as session:
        for release in session.scalars(select(Release).where(Release.version == "1.0")):
            release.created -= timedelta(days=15)
    strict = having(index, close_releases_after=14.0)
    assert not put(strict, wheel("foo", "1.0")).is_new
    assert put(strict, sdist("foo", "2.0")).is_new
    assert put(strict, sdist("foo", "3.0")).is_new
    error = refusal(index, sdist("foo", "1.0"), close_releases_after=14.0)
    assert error.code is Code.RELEASE_CLOSED
    assert "14 days" in error.text


def test_the_size_of_a_project(index: Index) -> None:
    first, second, other = wheel("foo", "1.0"), wheel("foo", "2.0"), wheel("bar", "1.0")
    most = len(first[1]) + len(second[1]) - 1
    strict = having(index, max_project_size=most)
    put(strict, first)
    put(strict, other)
    error = refusal(index, second, max_project_size=most)
    assert (error.code, error.status) == (Code.TOO_LARGE, 413)
    assert str(most) in error.text
    put(having(index, max_project_size=10 * most), wheel("foo", "3.0"))


@pytest.mark.parametrize("name", ["f00", "f-oo", "F.O.O", "fo0"])
def test_similar_names(index: Index, name: str) -> None:
    put(index, wheel("foo", "1.0"))
    strict = having(index, refuse_similar_names=True)
    assert put(strict, wheel("foo", "2.0")).is_new
    assert put(strict, wheel("fooo", "1.0")).is_new
    error = refusal(index, wheel(name, "1.0"), refuse_similar_names=True)
    assert error.code is Code.NAME_SIMILAR
    assert f"'{name}' looks like 'foo'" in error.text
    # Now that it is here it stays.
    assert put(strict, wheel(name, "2.0")).is_new


def test_a_hidden_name_is_not_told(index: Index) -> None:
    put(index, wheel("foo", "1.0"))
    with index.database.write() as session:
        changes.set_visibility(session, OPERATOR, "foo", "private")
    error = refusal(index, wheel("f00", "1.0"), refuse_similar_names=True)
    assert error.code is Code.NAME_SIMILAR
    assert "'f00' looks like that of another project" in error.text
    assert "'foo'" not in error.text


@given(st.text("l1i0o-ab", min_size=1, max_size=20))
def test_looks_are_looks_of_themselves(name: str) -> None:
    look = policies.look(name)
    assert policies.look(look) == look
    assert not set(look) & set("1i0-")


def test_the_database_sees_the_same_looks(index: Index) -> None:
    for name in ("l1i0o", "a-b-1", "pip", "io"):
        put(index, wheel(name, "1.0"))
    with index.database.read() as session:
        looks = select(Project.normalized_name, policies._looks(Project.normalized_name.expression))
        found = session.execute(looks).all()
    assert len(found) == 4
    assert all(policies.look(name) == look for name, look in found)


def test_names_of_the_standard_library(index: Index) -> None:
    error = refusal(index, wheel("Secrets", "1.0"), refuse_standard_library_names=True)
    assert error.code is Code.NAME_OF_STANDARD_LIBRARY
    strict = having(index, refuse_standard_library_names=True)
    assert put(strict, wheel("secrets", "2.0")).is_new
    assert put(strict, wheel("secrets2", "2.0")).is_new


def test_a_policy_holds_although_two_come_at_once(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first look and the recording somebody else publishes."""
    strict = having(index, refuse_second_sdists=True)
    store = upload._storing

    def store_and_be_overtaken(
        index: Index, submission: Submission, distribution: Distribution
    ) -> object:
        monkeypatch.undo()
        put(strict, sdist("foo", "1.0"))
        return store(index, submission, distribution)

    monkeypatch.setattr(upload, "_storing", store_and_be_overtaken)
    with pytest.raises(Refusal) as caught:
        put(strict, sdist("foo", "1.0", extension=".zip"))
    assert caught.value.code is Code.SECOND_SDIST
    with index.database.read() as session:
        assert session.scalars(select(File.filename)).all() == ["foo-1.0.tar.gz"]


def test_lists_in_settings() -> None:
    found = Settings.from_ini({"pypi_lite.allowed_licences": "\n  MIT\n  Apache-2.0 , ISC\n"})
    assert found.allowed_licences == ("MIT", "Apache-2.0", "ISC")
    assert Settings.from_ini({"pypi_lite.allowed_licences": " "}).allowed_licences == ()
    with pytest.raises(SettingsError, match="close_releases_after"):
        Settings.from_ini({"pypi_lite.close_releases_after": "never"})
