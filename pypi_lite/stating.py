"""Every view states its permission, or there is no application: nothing is open by an oversight."""

from typing import Any

from pyramid.config.views import isexception
from pyramid.exceptions import ConfigurationError
from pyramid.viewderivers import INGRESS

from pypi_lite.accounts.permissions import Permission


def includeme(config: Any) -> None:
    """Look at each view while it is configured."""
    config.add_view_deriver(_stating, name="stating", under=INGRESS, over="secured_view")


def _stating(view: Any, info: Any) -> Any:
    """Pyramid's view deriver. Raises ConfigurationError for a view without a `Permission`.

    Views of exceptions are exempt: whatever the request was for has been decided by then. Pyramid's own
    "no permission required" is none of ours: `Permission.ANYBODY` says the same, on purpose.
    """
    permission = info.options.get("permission")
    is_of_exceptions = info.exception_only or isexception(info.options.get("context"))
    if not (is_of_exceptions or isinstance(permission, Permission)):
        original = info.original_view
        name = getattr(original, "__qualname__", repr(original))
        where = f"{getattr(original, '__module__', '?')}.{name}"
        route = info.options.get("route_name")
        raise ConfigurationError(
            f"The view {where} (route {route!r}) states no permission: give it one of"
            f" {', '.join(f'Permission.{p.name}' for p in Permission)}."
        )
    return view
