"""The one socket that listens."""

import errno
import os
import socket

#: Connections that the kernel holds until a worker accepts them.
BACKLOG = 1024


class ServerError(Exception):
    """The server cannot be started; the text says why, for the person who tried."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on *host* and *port*; raises `ServerError`."""
    if not 0 <= port <= 65535:
        raise ServerError(f"{port} is not a port: ports are 0 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise ServerError(f"Cannot listen on {host!r}: {error}.") from error
    listener = socket.socket(family, kind, protocol)
    try:
        # A restart must not wait until the last connections' TIME_WAIT is over.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # The same on every system: or else IPv4 clients might show as ::ffff:192.0.2.1.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ServerError(_why_not_listening(error, host, port)) from error
    return listener


def _why_not_listening(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        why = "the address is in use, another process listens there"
    elif error.errno in (errno.EACCES, errno.EPERM):
        why = "not permitted; ports below 1024 usually need a privilege"
    elif error.errno == errno.EADDRNOTAVAIL:
        why = "this machine does not have that address"
    else:
        why = os.strerror(error.errno) if error.errno else str(error)
    return f"Cannot listen on {host} port {port}: {why}."


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
