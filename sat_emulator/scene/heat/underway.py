"""Where something that flies is, by the run's clock."""

from sat_emulator.scene.flight.flight import Flight
from sat_emulator.scene.heat.emission import Float64
from services.geometry.time import NS_PER_S
from services.scenario.model import Scenario
from services.scenario.resolve import end_unix_ns, start_unix_ns

# Flights go on for so long after the run's end, so that the last exposure's middle lies within.
AFTER_END_S = 1.0
# A flight that begins after the run's end is flown for so long all the same; it has a beginning in the truth.
SHORTEST_S = 1.0


def begin_unix_ns(scenario: Scenario, after_start_s: float) -> int:
    """Return the instant so long after the scenario's start."""
    return start_unix_ns(scenario) + round(after_start_s * NS_PER_S)


def until_s(scenario: Scenario, launch_unix_ns: int) -> float:
    """Return how long after its launch a flight is needed."""
    return max(SHORTEST_S, (end_unix_ns(scenario) - launch_unix_ns) / NS_PER_S + AFTER_END_S)


def since_launch_s(flight: Flight, launch_unix_ns: int, unix_ns: int) -> float | None:
    """Return the time since launch; None before it and after the flight's end."""
    since_s = (unix_ns - launch_unix_ns) / NS_PER_S
    return since_s if 0 <= since_s <= flight.end_s else None


def position_underway(flight: Flight, launch_unix_ns: int, unix_ns: int) -> Float64 | None:
    """Return where the flight is, (3,), ITRS, m; None before launch and after its end."""
    since_s = since_launch_s(flight, launch_unix_ns, unix_ns)
    return None if since_s is None else flight.state_itrs(since_s)[0]
