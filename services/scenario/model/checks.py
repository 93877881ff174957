"""What a value in a scenario may be."""

import math
import re

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_name(name: str, what: str) -> None:
    """Raise ValueError unless the name can stand in topics and file names."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{what} {name!r} must be 1 to 64 of A-Z a-z 0-9 _ -")


def check_range(value: float, low: float, high: float, what: str) -> None:
    """Raise ValueError unless low <= value <= high."""
    if not low <= value <= high:
        raise ValueError(f"{what} is {value:g}, not within {low:g} to {high:g}")


def check_positive(table: object, *names: str) -> None:
    """Raise ValueError unless all these fields that are set are above 0 and finite."""
    for name in names:
        value = getattr(table, name)
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name} is {value:g} and must be above 0 and finite")
