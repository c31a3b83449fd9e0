"""What people see: thin views over the repository, and their forms."""

from typing import Any


def includeme(config: Any) -> None:
    """Add all of it."""
    config.include("pypi_lite.web.static")
    config.include("pypi_lite.web.home")
    config.include("pypi_lite.web.search")
    config.include("pypi_lite.web.project")
    config.include("pypi_lite.web.manage")
    config.include("pypi_lite.web.publishers")
    config.include("pypi_lite.web.journal")
    config.include("pypi_lite.web.session")
    config.include("pypi_lite.web.second_step")
    config.include("pypi_lite.web.account")
    config.include("pypi_lite.web.factors")
    config.include("pypi_lite.web.sessions")
    config.include("pypi_lite.web.mail")
    config.include("pypi_lite.web.links")
    config.include("pypi_lite.web.people")
    config.include("pypi_lite.web.groups")
    if config.registry["pypi_lite.settings"].oidc_issuer:  # imported then only: 40 ms of each start
        config.include("pypi_lite.web.single_sign_on")
    config.include("pypi_lite.web.namespaces")
    config.include("pypi_lite.web.setup")
    config.include("pypi_lite.web.upload")
    config.include("pypi_lite.web.errors")
