"""What there is to see: flights from the emulator, fires, aircraft; where each is at any time.

Times are seconds since the sky's start; positions are ITRS, metres; velocities are over the turning Earth, m/s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.tracking.sight import on_circles, on_ellipsoid
from sat_emulator.scene.flight.burn import burns
from sat_emulator.scene.flight.flight import Flight
from services.geometry.ellipsoid import SEMI_MAJOR_M, itrs_to_geodetic
from services.runtime.configuration import from_table
from services.scenario.model import Rocket

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# Between the knots of a flight's table. Cubics through positions and velocities are then within a millimetre while an
# acceleration of 100 m/s^2 changes by half in a minute, and within 5 cm in the one step in which an engine starts.
FLIGHT_STEP_S = 0.1


class Bodies(Protocol):
    """Some bodies of one kind; `which` are indices into object_ids, one for each time."""

    object_ids: list[str]
    # They move so slowly that who is in a field of view changes little in half a minute.
    slow: bool

    def states(self, which: Int64, time_s: Float64) -> tuple[Float64, Float64]:
        """Return (n, 3) positions and velocities of the bodies `which` (n,) at times (n,)."""

    def seen_share(self, which: Int64, time_s: float) -> Float64:
        """Return (n,) what is left of a sensor's probability of detection for each: 1 in full sight, 0 dark."""


@dataclass(frozen=True, eq=False)
class Truth:
    """One flight as a table with even steps.

    begin_s: of the first row. position (n, 3) and velocity (n, 3). seen_from_s to burnout_s it is in full sight
    (before that, cloud and air hide it); from then to seen_until_s, `coasting_share` of the probability of detection
    is left. rocket: what flew it, for bounds; None where no rocket did.
    """

    object_id: str
    target_class: str
    begin_s: float
    step_s: float
    position_itrs_m: Float64
    velocity_itrs_m_per_s: Float64
    seen_from_s: float
    burnout_s: float
    seen_until_s: float
    coasting_share: float = 0.0
    launch_s: float | None = None
    rocket: Rocket | None = None

    @property
    def end_s(self) -> float:
        """The table's last time."""
        return self.begin_s + self.step_s * (len(self.position_itrs_m) - 1)

    def states(self, time_s: Float64) -> tuple[Float64, Float64]:
        """Return (n, 3) positions and velocities at times (n,), held to the table's ends."""
        return hermite(
            self.position_itrs_m,
            self.velocity_itrs_m_per_s,
            (np.clip(time_s, self.begin_s, self.end_s) - self.begin_s) / self.step_s,
            np.zeros(len(time_s), dtype=np.int64),
            np.full(len(time_s), len(self.position_itrs_m)),
            np.full(len(time_s), self.step_s),
        )

    def record(self, start_unix_ns: int, every_s: float = 1.0) -> dict[str, Any]:
        """Return the flight as a line of truth.jsonl, as `plumewatch score` reads it.

        Beyond that: velocities beside positions, when it burns out, and its rocket's own values.
        """
        times = np.arange(self.begin_s, self.end_s + 1e-9, every_s)
        positions, velocities = self.states(times)
        latitude, longitude, height = itrs_to_geodetic(self.position_itrs_m[0])
        rocket = {} if self.rocket is None else {"rocket": _rocket_table(self.rocket)}
        return {
            **rocket,
            "object_id": self.object_id,
            "class": self.target_class,
            "launch_time_unix_ns": _unix_ns(start_unix_ns, self.begin_s if self.launch_s is None else self.launch_s),
            "launch": {
                "latitude_deg": float(latitude),
                "longitude_deg": float(longitude),
                "height_m": float(height),
            },
            "first_detectable_unix_ns": _unix_ns(start_unix_ns, self.seen_from_s),
            "burnout_time_unix_ns": _unix_ns(start_unix_ns, min(self.burnout_s, self.end_s)),
            "track": [
                {
                    "time_unix_ns": _unix_ns(start_unix_ns, time),
                    "position_itrs_m": position.tolist(),
                    "velocity_itrs_m_per_s": velocity.tolist(),
                }
                for time, position, velocity in zip(times.tolist(), positions, velocities, strict=True)
            ],
        }


def truth_from_record(record: Mapping[str, Any], start_unix_ns: int) -> Truth:
    """Return the flight of a line of truth.jsonl, in seconds since a start.

    Velocities that it does not state come from its positions. Raises ValueError for a track of uneven steps.
    """
    track = record["track"]
    time_s = np.array([(int(point["time_unix_ns"]) - start_unix_ns) / 1e9 for point in track])
    if len(track) < 3 or np.ptp(np.diff(time_s)) > 1e-6:
        raise ValueError(f"{record['object_id']}: its track has {len(track)} points or uneven steps; write it evenly")
    position = np.array([point["position_itrs_m"] for point in track], dtype=np.float64)
    stated = [point.get("velocity_itrs_m_per_s") for point in track]
    velocity = np.gradient(position, time_s, axis=0, edge_order=2) if None in stated else np.array(stated)
    launch_s = (int(record["launch_time_unix_ns"]) - start_unix_ns) / 1e9
    seen_s = (int(record.get("first_detectable_unix_ns") or record["launch_time_unix_ns"]) - start_unix_ns) / 1e9
    burnout = record.get("burnout_time_unix_ns")
    rocket = record.get("rocket")
    return Truth(
        str(record["object_id"]),
        str(record["class"]).lower(),
        float(time_s[0]),
        float(time_s[1] - time_s[0]),
        position,
        velocity,
        seen_s,
        float(time_s[-1]) if burnout is None else (int(burnout) - start_unix_ns) / 1e9,
        float(time_s[-1]),
        launch_s=launch_s,
        rocket=None if rocket is None else from_table(rocket, Rocket, "rocket"),
    )


def thrust_along_since_s(truth: Truth, at_s: float) -> float:
    """Return since when, up to a time, one engine has burned along the way; the launch where no rocket is known.

    After a first stage's lean, or since a later stage's ignition; seconds since the sky's start. A pitch programme
    never thrusts quite along the way: its burn's ignition.
    """
    since = truth.begin_s if truth.launch_s is None else truth.launch_s
    if truth.rocket is None:
        return since
    lit = max(
        [since + burn.ignition_s for burn in burns(truth.rocket) if since + burn.ignition_s < at_s], default=since
    )
    if lit > since or truth.rocket.pitch:
        return lit
    upright = truth.position_itrs_m[0] / np.linalg.norm(truth.position_itrs_m[0])
    times = np.arange(since + truth.rocket.pitch_over_s + 1.0, at_s, truth.step_s)
    velocity = truth.states(times)[1]
    lean = np.degrees(np.arccos(np.clip(velocity @ upright / np.linalg.norm(velocity, axis=1), -1, 1)))
    leaned = np.flatnonzero(lean >= truth.rocket.kick_deg)
    return float(times[leaned[0]]) if len(leaned) else at_s


def tabulate(flight: Flight, launch_s: float, until_s: float, step_s: float = FLIGHT_STEP_S) -> tuple[Float64, Float64]:
    """Return a flight's positions and velocities, (n, 3) each, every `step_s` from launch to `until_s` after start."""
    last = min(until_s - launch_s, flight.end_s)
    states = [flight.state_itrs(k * step_s) for k in range(max(int(last / step_s), 1) + 1)]
    return np.array([position for position, _ in states]), np.array([velocity for _, velocity in states])


class Flights:
    """`Bodies` of many flights: their tables laid end to end, so that one lookup serves all."""

    slow = False

    def __init__(self, truths: Sequence[Truth]) -> None:
        self.truths = tuple(truths)
        self.object_ids = [truth.object_id for truth in truths]
        lengths = np.array([len(truth.position_itrs_m) for truth in truths], dtype=np.int64)
        self._length = lengths
        self._first = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
        self._begin = np.array([truth.begin_s for truth in truths])
        self._step = np.array([truth.step_s for truth in truths])
        self._end = self._begin + self._step * (lengths - 1)
        self._position = np.concatenate([truth.position_itrs_m for truth in truths])
        self._velocity = np.concatenate([truth.velocity_itrs_m_per_s for truth in truths])
        self._seen = np.array([(t.seen_from_s, t.burnout_s, t.seen_until_s, t.coasting_share) for t in truths])

    def states(self, which: Int64, time_s: Float64) -> tuple[Float64, Float64]:
        """Return (n, 3) positions and velocities; held to the ends of each flight's table."""
        begin, step = self._begin[which], self._step[which]
        along = (np.clip(time_s, begin, self._end[which]) - begin) / step
        return hermite(self._position, self._velocity, along, self._first[which], self._length[which], step)

    def seen_share(self, which: Int64, time_s: float) -> Float64:
        """Return (n,): 1 while it burns above the cloud, `coasting_share` after, 0 before and at the end."""
        begin, burnout, until, coasting = self._seen[which].T
        lit = np.where(time_s < burnout, 1.0, coasting)
        share: Float64 = np.where((time_s >= begin) & (time_s <= np.minimum(until, self._end[which])), lit, 0.0)
        return share


class Fires:
    """`Bodies` that stay: each burns for a part of its own cycle, over and over, and flickers."""

    slow = True

    def __init__(
        self,
        position_itrs_m: Float64,
        cycle_s: Float64,
        phase_s: Float64,
        burning: float = 0.6,
        flicker: float = 0.75,
        name: str = "fire",
    ) -> None:
        """burning: part of the cycle. flicker: what is left of the probability of detection while it burns."""
        self.object_ids = [f"{name}-{k}" for k in range(len(position_itrs_m))]
        self.position_itrs_m = position_itrs_m
        self._cycle_s, self._phase_s, self._burning, self._flicker = cycle_s, phase_s, burning, flicker

    def states(self, which: Int64, time_s: Float64) -> tuple[Float64, Float64]:  # noqa: ARG002  # they stay at all times
        """Return (n, 3) places, and no velocities."""
        return self.position_itrs_m[which], np.zeros((len(which), 3))

    def seen_share(self, which: Int64, time_s: float) -> Float64:
        """Return (n,) the flicker where it burns, else 0."""
        along = (time_s + self._phase_s[which]) / self._cycle_s[which] % 1.0
        share: Float64 = np.where(along < self._burning, self._flicker, 0.0)
        return share


class Aircraft:
    """`Bodies` in level flight at a constant speed on great circles, for ever: they take off and land nowhere.

    Great circles of the geocentric sphere, at a constant height over the ellipsoid's radius in that direction.
    """

    slow = True

    def __init__(
        self, start: Float64, ahead: Float64, speed_m_per_s: Float64, height_m: Float64, seen: float = 0.5
    ) -> None:
        """Start and ahead: (n, 3) unit vectors, where each is at time 0 and where it goes, across each other."""
        self.object_ids = [f"aircraft-{k}" for k in range(len(start))]
        self._start, self._ahead, self._speed, self._height = start, ahead, speed_m_per_s, height_m
        self._seen = seen

    def states(self, which: Int64, time_s: Float64) -> tuple[Float64, Float64]:
        """Return (n, 3) positions and velocities, these but for the metre a second by which the Earth is not round."""
        height, speed = self._height[which], self._speed[which]
        angle = speed * time_s / (SEMI_MAJOR_M + height)
        direction, along = on_circles(self._start, self._ahead, which, np.cos(angle), np.sin(angle))
        points: Float64 = on_ellipsoid(direction, height)
        along *= speed[:, None]
        return points, along

    def seen_share(self, which: Int64, time_s: float) -> Float64:  # noqa: ARG002  # engines run at all times
        """Return (n,) the part seen."""
        return np.full(len(which), self._seen)


def hermite(
    position: Float64, velocity: Float64, along: Float64, first: Int64, length: Int64, step_s: Float64
) -> tuple[Float64, Float64]:
    """Return (n, 3) positions and velocities on cubics through rows of a table.

    position, velocity: (m, 3) rows, even in time. along: (n,) rows from each one's `first`, at most length - 1.
    """
    knot = np.minimum(along.astype(np.int64), length - 2)
    u = (along - knot)[:, None]
    h = step_s[:, None]
    row = first + knot
    p0, p1, v0, v1 = position[row], position[row + 1], velocity[row] * h, velocity[row + 1] * h
    rise = p1 - p0
    bend, twist = 3 * rise - 2 * v0 - v1, v0 + v1 - 2 * rise
    places = p0 + u * (v0 + u * (bend + u * twist))
    speeds = (v0 + u * (2 * bend + 3 * u * twist)) / h
    return places, speeds


def _unix_ns(start_unix_ns: int, time_s: float) -> int:
    return start_unix_ns + round(time_s * 1e9)


def _rocket_table(rocket: Rocket) -> dict[str, Any]:
    """Return the rocket as a scenario's `[[rocket]]` has it."""
    table = _stated(asdict(rocket))
    return {"stage" if key == "stages" else "class" if key == "target_class" else key: table[key] for key in table}


def _stated(value: Any) -> Any:
    """Return tables and lists without what is None or empty: a file leaves that out."""
    if isinstance(value, dict):
        return {key: _stated(each) for key, each in value.items() if each not in (None, ())}
    return [_stated(each) for each in value] if isinstance(value, (list, tuple)) else value
