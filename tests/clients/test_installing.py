"""The pinned clients are those that the README names."""

from pathlib import Path

from tests.clients.installing import PINNED


def test_the_readme_names_the_versions() -> None:
    """Each client's name and its version in one row of the table."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    rows = [line for line in readme.splitlines() if line.startswith("| ")]
    for requirement in {pin for pins in PINNED.values() for pin in pins}:
        name, version = requirement.replace("[locked]", "").split("==")
        if requirement == "pip==23.2.1":
            continue  # in place of 22.3, on Pythons that it does not know
        assert any(name in row and version in row for row in rows), requirement
