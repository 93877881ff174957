"""Instants: integer nanoseconds of UTC since 1970, as the wire has them, and what other libraries want.

As in POSIX time, every day has 86,400 s: an instant within a leap second cannot be named.
"""

import re
from datetime import UTC, datetime, timedelta

NS_PER_S = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_S
# Julian date of 1970-01-01T00:00 UTC.
JULIAN_DATE_1970 = 2_440_587.5
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?")


def unix_ns(instant: datetime) -> int:
    """Return the instant in nanoseconds; exact. A datetime without a time zone names no instant and is refused."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone; write it in UTC, for instance with a Z at its end")
    since = instant - EPOCH
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000


def datetime_utc(instant_unix_ns: int) -> datetime:
    """Return the instant as a datetime in UTC, cut to whole microseconds."""
    return EPOCH + timedelta(microseconds=instant_unix_ns // 1000)


def julian_date(instant_unix_ns: int) -> tuple[float, float]:
    """Return the Julian date of UTC, split: the midnight before (ends in .5), and the fraction of the day since.

    Their sum as one float would be good to 40 microseconds only, in which a satellite moves 30 cm.
    """
    day, rest = divmod(instant_unix_ns, NS_PER_DAY)
    return JULIAN_DATE_1970 + day, rest / NS_PER_DAY


def parse_rfc3339(text: str) -> int:
    """Return the instant, for instance `2026-06-21T12:00:00.5Z`, in nanoseconds; a zone must be given."""
    match = RFC3339.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an instant like 2026-06-21T12:00:00Z")
    day, clock, fraction, zone = match.groups()
    if zone is None:
        raise ValueError(f"{text!r} is not an instant like 2026-06-21T12:00:00Z: its zone is missing (for UTC add Z)")
    try:
        whole = datetime.fromisoformat(f"{day}T{clock}{zone.upper().replace('Z', '+00:00')}")
    except ValueError as error:
        raise ValueError(f"{text!r} is no instant: {error}") from error
    return unix_ns(whole) + int((fraction or "")[:9].ljust(9, "0"))


def format_rfc3339(instant_unix_ns: int) -> str:
    """Return the instant as `2026-06-21T12:00:00.500Z`: milliseconds, or all nine digits where they are needed."""
    whole, rest = divmod(instant_unix_ns, NS_PER_S)
    digits = f"{rest:09d}"
    fraction = digits[:3] if rest % 1_000_000 == 0 else digits
    return f"{EPOCH + timedelta(seconds=whole):%Y-%m-%dT%H:%M:%S}.{fraction}Z"
