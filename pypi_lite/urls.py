"""Addresses of other servers: which of them may be asked."""

import ipaddress
from urllib.parse import SplitResult, urlsplit


def safe_url(url: str) -> SplitResult:
    """The parts of *url*, which may be asked: of https, or of http on a loopback address.

    Raises ValueError, with a text that says why.
    """
    shown = repr(url[:200])
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{shown} is no address") from None
    host = parts.hostname or ""
    is_plain = url.isascii() and all("!" <= character <= "~" for character in url)
    if not is_plain or not host or port == 0 or parts.username is not None or parts.fragment:
        raise ValueError(f"{shown} is no address that can be asked")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError(f"{shown} is neither of https nor on this machine")
    return parts


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine, to itself alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
