"""The HTTP server: one WSGI application, in one waitress process or in several.

One socket listens. With one worker this process serves it. With more, this process becomes their
supervisor. A stop (SIGTERM or SIGINT) lets the requests in flight end.
"""

import logging
import os
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import WSGIApplication

from pypi_lite.server.channel import AtOnce
from pypi_lite.server.listening import ServerError, listen, url_of
from pypi_lite.server.process import Job, serve_alone
from pypi_lite.server.proxies import networks
from pypi_lite.server.signals import Signals
from pypi_lite.server.supervisor import Supervisor

__all__ = ["ServerError", "serve"]


def serve(
    make_app: Callable[[], WSGIApplication],
    *,
    host: str,
    port: int,
    workers: int,
    threads: int = 4,
    max_body: int,
    trusted_proxies: Iterable[str] = (),
    on_listening: Callable[[str], None] | None = None,
    at_once_of: Callable[[Any], AtOnce] | None = None,
    on_stopped: Callable[[Any], None] | None = None,
) -> int:
    """Serve the application that *make_app* builds until SIGTERM or SIGINT; return an exit status.

    *make_app* is called once in each process that serves. *host* is a name or an address (IPv4, or
    IPv6 without brackets), *port* 0 any free port. *threads* is the number of requests that one
    worker runs at a time. A request body of *max_body* bytes or more is refused with 413.
    *trusted_proxies* are the addresses, or networks, of reverse proxies whose ``X-Forwarded-*`` headers
    are believed.
    *on_listening* is called with the URL, as ``http://127.0.0.1:8000``, once connections are taken.
    *at_once_of* gets the application that was built, and returns what answers some requests without
    it, and without waiting for anything (`channel.AtOnce`). *on_stopped* gets it when the requests have
    been answered, for what is still to be done: nothing else of the process's end runs in a worker.

    A stop closes idle connections and waits up to ``process.GRACE_SECONDS`` for requests in flight; a
    second signal ends at once. The status is 0 after a stop, and 1 if the application could not be
    built (its error is then on stderr) or workers had to be killed.

    Must be called in the main thread. Raises `ServerError` if the address cannot be listened on or
    if several workers are asked for where there is no ``os.fork``, ValueError for *workers* < 1 and for
    what is no address of a proxy.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    if workers > 1 and not hasattr(os, "fork"):
        raise ServerError("Several workers need os.fork, which this platform lacks: use 1 worker.")
    # One WARNING for each request that has to wait for a thread tells nothing and fills logs.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    with (
        listen(host, port) as listener,
        Signals(second_ends=workers == 1, watch_children=workers > 1) as signals,
    ):
        proxies = networks(trusted_proxies)
        job = Job(make_app, listener, threads, max_body, proxies, at_once_of, on_stopped)
        if on_listening is not None:
            on_listening(url_of(listener))
        if workers == 1:
            return serve_alone(job, signals)
        return Supervisor(job, workers, signals).run()
