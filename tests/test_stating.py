"""An application with a view that does not state its permission does not start."""

from typing import Any

import pytest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from pypi_lite.accounts.permissions import Permission
from pypi_lite.errors import plain


def forgotten(_request: Any) -> Response:
    return Response("secret")


def explained(_error: Any, _request: Any) -> Response:
    return plain(400, "")


def configured() -> Configurator:
    config = Configurator()
    config.include("pypi_lite.stating")
    config.add_route("forgotten", "/forgotten")
    return config


@pytest.mark.parametrize(
    "stated",
    [{}, {"permission": None}, {"permission": NO_PERMISSION_REQUIRED}, {"permission": "read"}],
)
def test_a_view_that_states_nothing_is_named(stated: dict[str, Any]) -> None:
    """Words that only look like a permission, and Pyramid's own way out, are nothing."""
    config = configured()
    config.add_view(forgotten, route_name="forgotten", **stated)
    with pytest.raises(ConfigurationError, match=r"test_stating\.forgotten \(route 'forgotten'\)"):
        config.make_wsgi_app()


def test_a_view_that_states_its_permission_is_one() -> None:
    config = configured()
    config.add_view(forgotten, route_name="forgotten", permission=Permission.READ)
    config.make_wsgi_app()


def test_views_of_exceptions_state_none() -> None:
    config = configured()
    config.add_view(explained, context=ValueError)
    config.add_exception_view(explained, context=KeyError)
    config.add_forbidden_view(explained)
    config.add_notfound_view(explained)
    config.make_wsgi_app()


def test_the_applications_own_configuration_looks(settings: Any, monkeypatch: Any) -> None:
    """The check is a part of it, and comes too late for no view."""
    import pypi_lite
    from pypi_lite import web

    def includeme(config: Any) -> None:
        config.add_route("forgotten", "/forgotten")
        config.add_view(forgotten, route_name="forgotten")

    monkeypatch.setattr(web, "includeme", includeme)
    with pytest.raises(ConfigurationError, match=r"test_stating\.forgotten"):
        pypi_lite.make_app(settings)
