"""``pypi-lite publisher``."""

import io
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import PASSWORD, Command
from tests.distributions.build import wheel
from tests.signing import World


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index with trusted publishing."""
    monkeypatch.setenv("PYPI_LITE_TRUSTED_PUBLISHERS", "github, gitlab, https://ci.test/x")


@pytest.mark.usefixtures("trusted")
def test_publishers_are_added_listed_and_removed(command: Command, tmp_path: Path) -> None:
    filename, content = wheel("foo", "1.0")
    (tmp_path / filename).write_bytes(content)
    github = ("--github", "acme/foo", "--workflow", "release.yml")
    assert command("publisher", "add", "Foo", *github) == 1
    assert "no project 'Foo'" in command.says()
    assert command("import", str(tmp_path / filename)) == 0
    assert command("publisher", "add", "Foo", *github, "--environment", "pypi") == 0
    first = command.out.strip()
    gitlab = ("--gitlab", "acme/tools/foo", "--workflow", "ci/release.yml")
    assert command("publisher", "add", "foo", *gitlab) == 0
    second = command.out.strip()
    assert command("publisher", "add", "foo", *gitlab) == 1
    assert "already" in command.says()
    assert command("publisher", "list", "foo") == 0
    assert command.out.splitlines() == [
        f"{first}\tGitHub\tacme/foo\trelease.yml\tpypi",
        f"{second}\tGitLab\tacme/tools/foo\tci/release.yml\t",
    ]
    assert command("publisher", "remove", "foo", first) == 0
    assert command("publisher", "remove", "foo", first) == 1
    assert f"no publisher {first}" in command.says()
    assert command("publisher", "list", "foo") == 0
    assert command.out == f"{second}\tGitLab\tacme/tools/foo\tci/release.yml\t\n"


@pytest.mark.usefixtures("trusted")
def test_publishers_of_what_is_not_there_yet(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = ("--github", "acme/foo", "--workflow", "release.yml")
    assert command("publisher", "add", "Foo", *github, "--pending", "ann") == 1
    assert command.says() == "pypi-lite: There is no user 'ann'.\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
    assert command("user", "create", "ann", "--password-stdin") == 0
    assert command("publisher", "add", "Foo", *github, "--pending", "ann") == 0
    first = command.out.strip()
    elsewhere = ("--issuer", "https://ci.test/x", "--subject", "pipeline:foo")
    assert command("publisher", "add", "foo", *elsewhere, "--pending", "ann") == 0
    second = command.out.strip()
    assert command("publisher", "list") == 0
    assert command.out.splitlines() == [
        f"{first}\tGitHub\tacme/foo\trelease.yml\t\tfoo\tann",
        f"{second}\tci.test/x\t\tpipeline:foo\t\tfoo\tann",
    ]
    assert command("publisher", "remove", first) == 0
    assert command("publisher", "remove", first) == 1
    assert f"no pending publisher {first}" in command.says()


def test_who_could_not_publish_is_no_publisher(
    command: Command, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    workflow = ("--workflow", "release.yml", "--pending", root)
    github, gitlab = ("--github", "acme/foo", *workflow), ("--gitlab", "acme/foo", *workflow)
    elsewhere = (*github, "--issuer", "https://ghe.test")
    other = ("--issuer", "https://gitlab.com", "--subject", "x", "--pending", root)
    for issuers, refused in (
        ("", (github, gitlab, elsewhere, other)),
        ("gitlab", (github, elsewhere, other)),
    ):
        monkeypatch.setenv("PYPI_LITE_TRUSTED_PUBLISHERS", issuers)
        for arguments in refused:
            assert command("publisher", "add", "foo", *arguments) == 1
            assert "into the setting trusted_publishers" in command.says()
    assert command("publisher", "add", "foo", *gitlab) == 0


def test_who_attests_need_not_publish(
    command: Command, monkeypatch: pytest.MonkeyPatch, world: World, tmp_path: Path
) -> None:
    filename, content = wheel("foo", "1.0")
    (tmp_path / filename).write_bytes(content)
    assert command("import", str(tmp_path / filename)) == 0
    monkeypatch.setenv("PYPI_LITE_ATTESTATIONS", str(world.write_root(tmp_path / "root.json")))
    add = ("publisher", "add", "foo", "--workflow", "release.yml", "--github", "acme/foo")
    assert command(*add) == 0
    assert command(*add, "--issuer", "https://ghe.test") == 1
    assert "GitHub at ghe.test" in command.says()
