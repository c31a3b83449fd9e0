"""How long clients may take, and which connections are closed to make room for others.

A connection takes no thread while its request arrives or its answer leaves, but it takes a place among
the few that there are. waitress closes one on which nothing at all has happened for long; one byte a
second would keep it for ever. So the loop looks at all of its connections once a second.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

#: Seconds between two looks.
LOOK_SECONDS = 1.0
#: Seconds for a request's header, from its first byte on.
HEADER_SECONDS = 20.0
#: Seconds until a new connection has sent something. Browsers open some to have them ready.
UNUSED_SECONDS = 30.0
#: Seconds in which so many bytes of a request's body have to come, or of an answer to be taken. It is a
#: hundredth of what a poor line gives; whoever has less has been cut off, or wants to be in the way.
PERIOD_SECONDS = 60.0
PERIOD_BYTES = 64 * 1024


@dataclass(slots=True)
class Pace:
    """What a connection was busy with when it was looked at first, how far it was, and when."""

    busy_with: object
    done: int
    since: float


def is_too_slow(channel: Any, now: float) -> bool:
    """Whether the client makes others wait. *now* is in seconds of ``time.monotonic``.

    Called by the loop's thread for each connection, once in `LOOK_SECONDS`. While a request is being
    answered and nothing is on its way, the time is the application's.
    """
    if channel.total_outbufs_len:
        return _falls_behind(channel, now, channel, channel.sent, PERIOD_SECONDS, PERIOD_BYTES)
    request = channel.request
    if request is not None and not channel.requests:
        if request.headers_finished:
            done = request.body_bytes_received
            return _falls_behind(channel, now, request, done, PERIOD_SECONDS, PERIOD_BYTES)
        # No number of bytes is enough: the header has to end.
        return _falls_behind(channel, now, request, 0, HEADER_SECONDS, 1)
    if not channel.requests and channel.is_unused():
        return _falls_behind(channel, now, "nothing", 0, UNUSED_SECONDS, 1)
    channel.pace = None
    return False


def longest_idle(channels: Iterable[Any], count: int) -> list[Any]:
    """At most *count* connections to close where no more may be opened: nobody waits for anything there."""
    idle = (channel for channel in channels if channel.is_idle())
    return heapq.nsmallest(count, idle, key=lambda channel: channel.last_activity)


def _falls_behind(
    channel: Any, now: float, busy_with: object, done: int, seconds: float, least: int
) -> bool:
    pace: Pace | None = channel.pace
    if pace is None or pace.busy_with is not busy_with:
        channel.pace = Pace(busy_with, done, now)
        return False
    if now < pace.since + seconds:
        return False
    channel.pace = Pace(busy_with, done, now)
    return done < pace.done + least
