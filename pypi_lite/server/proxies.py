"""Reverse proxies in front whose ``X-Forwarded-*`` headers are believed; all others' are removed."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from waitress.proxy_headers import proxy_headers_middleware

Network = IPv4Network | IPv6Network
_HEADERS = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port"}


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses (``192.0.2.1``) and networks (``10.0.0.0/8``). Raises ValueError, which names one."""
    return tuple(ip_network(text) for text in texts)


def believing(app: WSGIApplication, trusted: Sequence[Network]) -> WSGIApplication:
    """*app*, told by proxies in *trusted* where their requests come from, and by nobody else.

    Of an ``X-Forwarded-For`` with several addresses the last counts, which the proxy itself has seen.
    """
    told: Any = proxy_headers_middleware(
        app, trusted_proxy="*", trusted_proxy_count=1, trusted_proxy_headers=_HEADERS
    )
    untold: Any = proxy_headers_middleware(app)

    @lru_cache(maxsize=1024)
    def is_trusted(address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:  # an IPv6 address with a zone
            return False
        return any(found in network for network in trusted)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        chosen = told if is_trusted(environ["REMOTE_ADDR"]) else untold
        result: Iterable[bytes] = chosen(environ, start_response)
        return result

    return answer
