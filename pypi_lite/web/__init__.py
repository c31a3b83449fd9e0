"""What people see: thin views over the repository, and their forms."""

from typing import Any


def includeme(config: Any) -> None:
    """Add all of it."""
    config.include("pypi_lite.web.static")
    config.include("pypi_lite.web.home")
    config.include("pypi_lite.web.project")
    config.include("pypi_lite.web.manage")
    config.include("pypi_lite.web.journal")
    config.include("pypi_lite.web.session")
    config.include("pypi_lite.web.account")
    config.include("pypi_lite.web.namespaces")
    config.include("pypi_lite.web.setup")
    config.include("pypi_lite.web.upload")
    config.include("pypi_lite.web.errors")
