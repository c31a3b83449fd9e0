"""What every response tells browsers, whoever has made it: by default, that they may do nothing with it.

Pages of the cache carry all of it themselves (`pypi_lite.cache.pages.Page.headers`): a hit passes no
tween, and nginx in front may send it. All else gets here what it does not say itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pyramid.response import Response
from pyramid.tweens import INGRESS

from pypi_lite.cache.answer import Answer
from pypi_lite.settings import Settings

#: Of what is no page for people: nothing is loaded, run, framed or told to others.
CLOSED_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)
HSTS_HEADER = "Strict-Transport-Security"

Handler = Callable[[Any], Response]
AtOnce = Callable[[Mapping[str, str]], Answer | None]


def includeme(config: Any) -> None:
    """Put the tween outside all others."""
    config.add_tween("pypi_lite.headers.factory", under=INGRESS, over="pypi_lite.errors.factory")


def factory(handler: Handler, registry: Any) -> Handler:
    """Pyramid's tween factory."""
    headers = (*CLOSED_HEADERS, *hsts_headers(registry["pypi_lite.settings"]))

    def answer(request: Any) -> Response:
        response = handler(request)
        if response.status_int != 304:  # which has the validators alone (RFC 9110, 15.4.5)
            for name, value in headers:
                response.headers.setdefault(name, value)
        return response

    return answer


def hsts_headers(settings: Settings) -> tuple[tuple[str, str], ...]:
    """The header that keeps browsers on https (RFC 6797), where that is wanted."""
    value = settings.hsts_value
    return ((HSTS_HEADER, value),) if value else ()


def at_once_of(registry: Any) -> AtOnce:
    """What answers hits without the application, and says what the tween would have said."""
    answer: AtOnce = registry["pypi_lite.hits"].answer
    more = hsts_headers(registry["pypi_lite.settings"])
    if not more:
        return answer

    def strictly(environ: Mapping[str, str]) -> Answer | None:
        found = answer(environ)
        if found is None or found.code == 304:
            return found
        return replace(found, headers=(*found.headers, *more))

    return strictly
