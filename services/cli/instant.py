"""The emulated instant that a verb is asked about, as its user writes it."""

import typer

from services.geometry.time import format_rfc3339, parse_rfc3339

# What every message and file can hold, 1970 to 2262; nanoseconds.
LATEST_UNIX_NS = 2**63 - 1


def instant_of_option(text: str, option: str = "--at") -> int:
    """Return the instant in nanoseconds; wrong usage if it is none, or outside of 1970 to 2262."""
    try:
        instant = parse_rfc3339(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
    if not 0 <= instant <= LATEST_UNIX_NS:
        last = format_rfc3339(LATEST_UNIX_NS)
        raise typer.BadParameter(f"{text!r} is not between 1970-01-01T00:00:00Z and {last}", param_hint=option)
    return instant
