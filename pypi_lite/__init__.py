"""pypi_lite: a complete small package index whose pages are static files and never stale."""

import os
from importlib.metadata import version
from typing import Any

from pyramid.config import Configurator
from pyramid_tm import explicit_manager

from pypi_lite.opening import migrate, welcome
from pypi_lite.settings import Settings
from pypi_lite.sources import with_environment

__version__ = version("pypi_lite")


def main(global_config: dict[str, str], **ini: str) -> Any:
    """The WSGI application, for ``pserve`` and other runners of PasteDeploy's INI files."""
    settings = Settings.from_ini(with_environment(ini, os.environ))
    if settings.migrate:
        migrate(settings)
    welcome(settings)
    return make_app(settings)


def make_app(settings: Settings) -> Any:
    """The WSGI application: a table of contents. The database is `opening.migrate`'s."""
    config = Configurator(settings=_pyramid_settings(settings))
    config.registry["pypi_lite.settings"] = settings
    # Not config.include("pyramid_jinja2"): it reads the sources of all its callers, and makes a second
    # environment.
    config.add_directive("add_jinja2_renderer", "pyramid_jinja2.add_jinja2_renderer")
    config.add_jinja2_renderer(".html")
    config.include("pypi_lite.application")
    config.include("pypi_lite.errors")
    config.include("pypi_lite.headers")
    config.include("pypi_lite.stating")
    config.include("pypi_lite.security")
    config.include("pypi_lite.api.namespaces")
    config.include("pypi_lite.api.simple")
    config.include("pypi_lite.api.integrity")
    config.include("pypi_lite.api.legacy_json")
    config.include("pypi_lite.api.feeds")
    config.include("pypi_lite.api.files")
    config.include("pypi_lite.api.mirrors")
    config.include("pypi_lite.api.upload")
    config.include("pypi_lite.api.oidc")
    config.include("pypi_lite.api.projects")
    config.include("pypi_lite.api.roles")
    config.include("pypi_lite.api.tokens")
    config.include("pypi_lite.api.journal")
    config.include("pypi_lite.api.openapi")
    config.include("pypi_lite.web")
    return config.make_wsgi_app()


def _pyramid_settings(settings: Settings) -> dict[str, Any]:
    return {
        "tm.manager_hook": explicit_manager,
        # It would ask who somebody is before the route, which decides how to tell, is known.
        "tm.annotate_user": False,
        # An answer that is an error changes nothing.
        "tm.commit_veto": "pyramid_tm.default_commit_veto",
        "jinja2.trim_blocks": True,
        "jinja2.lstrip_blocks": True,
        "jinja2.undefined": "strict",
        "pyramid.reload_templates": settings.debug,
    }
