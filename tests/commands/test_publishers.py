"""``pypi-lite publisher``."""

import io
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import PASSWORD, Command
from tests.distributions.build import wheel


def test_publishers_are_added_listed_and_removed(command: Command, tmp_path: Path) -> None:
    filename, content = wheel("foo", "1.0")
    (tmp_path / filename).write_bytes(content)
    github = ("--github", "acme/foo", "--workflow", "release.yml")
    assert command("publisher", "add", "Foo", *github) == 1
    assert "no project 'Foo'" in command.says()
    assert command("import", str(tmp_path / filename)) == 0
    assert command("publisher", "add", "Foo", *github, "--environment", "pypi") == 0
    assert command.out == "1\n"
    gitlab = ("--gitlab", "acme/tools/foo", "--workflow", "ci/release.yml")
    assert command("publisher", "add", "foo", *gitlab) == 0
    assert command("publisher", "add", "foo", *gitlab) == 1
    assert "already" in command.says()
    assert command("publisher", "list", "foo") == 0
    assert command.out.splitlines() == [
        "1\tGitHub\tacme/foo\trelease.yml\tpypi",
        "2\tGitLab\tacme/tools/foo\tci/release.yml\t",
    ]
    assert command("publisher", "remove", "foo", "1") == 0
    assert command("publisher", "remove", "foo", "1") == 1
    assert "no publisher 1" in command.says()
    assert command("publisher", "list", "foo") == 0
    assert command.out == "2\tGitLab\tacme/tools/foo\tci/release.yml\t\n"


def test_publishers_of_what_is_not_there_yet(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = ("--github", "acme/foo", "--workflow", "release.yml")
    assert command("publisher", "add", "Foo", *github, "--pending", "ann") == 1
    assert "no user 'ann'" in command.says()
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\n"))
    assert command("user", "create", "ann", "--password-stdin") == 0
    assert command("publisher", "add", "Foo", *github, "--pending", "ann") == 0
    elsewhere = ("--issuer", "https://ci.test/x", "--subject", "pipeline:foo")
    assert command("publisher", "add", "foo", *elsewhere, "--pending", "ann") == 0
    assert command("publisher", "list") == 0
    assert command.out.splitlines() == [
        "1\tGitHub\tacme/foo\trelease.yml\t\tfoo\tann",
        "2\tci.test/x\t\tpipeline:foo\t\tfoo\tann",
    ]
    assert command("publisher", "remove", "1") == 0
    assert command("publisher", "remove", "1") == 1
    assert "no pending publisher 1" in command.says()
