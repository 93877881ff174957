"""What is known of the satellites: where they are, and how much clutter each sees."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import chdtrc

from services.ground_station.tracking.look import Look, LookArrays
from services.ground_station.tracking.records import copied

Float64 = NDArray[np.float64]

# Bits of the tracks' records that stand for sensors.
MOST_SENSORS = 62
# Positions farther apart in time give no velocity.
LONGEST_STEP_S = 4.0
# Clutter is counted over about so many looks; a look without any says no less than this many points.
COUNTED_LOOKS = 30
LEAST_POINTS = 0.5
# Mean squared distance over what it should be from which sensors are held for biased, over at least so many detections
# of each and remembered over at most so many; and how seldom chance may make it as large. Exactly: a dozen detections
# lie 4.5 standard deviations off once in 5,000 times.
MISFIT, HEARD_LOOKS, REMEMBERED_LOOKS, MISFIT_CHANCE = 1.5, 10, 50, 1e-7
# Where nothing could be begun, for so many objects that three satellites or more seem to see did not fit: the same.
REFUSED = 8
# A satellite in low orbit goes 7,600 m/s: from 1,500 km away, so fast an angle.
ORBIT_RAD_PER_S = 7600.0 / 1.5e6
# What is left of a bias is the same in all looks between two fits: each look counts for so much less.
SHARED = 3.0
# Newer biases are taken over unless they are less sure than the ones known by this factor; larger ones than so many
# of the prior's standard deviations never: what asks for them is no rocket.
SURER, LARGEST_SIGMA = 1.2, 5.0


class TooManySensorsError(ValueError):
    """More satellites than one tracker follows."""


# A satellite.
#   position, velocity: where it was at time_s, how fast it goes, ITRS. clutter_per_sr: points that nothing explains.
#   misfit: mean squared distance of its detections from confirmed tracks, over what it should be; heard: of how many.
#   bias: rotation of its lines of sight about the ITRS axes, rad, and how late its clock is, s; doubt_rad: how far they
#   may be off all the same.
SENSOR = np.dtype(
    [
        ("time_s", np.float64),
        ("position", np.float64, (3,)),
        ("velocity", np.float64, (3,)),
        ("clutter_per_sr", np.float64),
        ("misfit", np.float64),
        ("heard", np.int64),
        ("bias", np.float64, (4,)),
        ("doubt_rad", np.float64),
    ]
)


class Sensors:
    """All satellites that have looked so far, in the order of their first looks."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.names: tuple[str, ...] = ()
        self.records = np.zeros(MOST_SENSORS, dtype=SENSOR)
        self.records["time_s"] = -np.inf
        # Whether the sensors have been found to be biased.
        self.biased = False
        # Candidates of three satellites or more that did not fit one object, and those that did.
        self.refused = self.founded = 0

    def copy(self) -> "Sensors":
        """Return the same, to come back to."""
        same = Sensors.__new__(Sensors)
        # Replaced, never changed, when a sensor is new.
        same.numbers, same.names = self.numbers, self.names
        same.records = copied(self.records)
        same.biased = self.biased
        same.refused, same.founded = self.refused, self.founded
        return same

    def has_room(self, sensor_id: str) -> bool:
        """Return whether a sensor is known, or may become so."""
        return sensor_id in self.numbers or len(self.numbers) < MOST_SENSORS

    def check_room(self, sensor_id: str) -> None:
        """Raise TooManySensorsError for one more than MOST_SENSORS."""
        if not self.has_room(sensor_id):
            raise TooManySensorsError(
                f"sensor {sensor_id!r} is one more than the {MOST_SENSORS} that a tracker follows; give its looks to "
                "another"
            )

    def move(self, look: Look, time_s: float) -> int:
        """Take in where a look was taken from; return its sensor's number. There is room: see `check_room`."""
        number = self.numbers.get(look.sensor_id)
        if number is None:
            number = len(self.numbers)
            self.numbers = {**self.numbers, look.sensor_id: number}
            self.names = (*self.names, look.sensor_id)
        move(self.records, number, look.arrays.origin, time_s)
        return number

    def unbiased(self, look: Look, number: int) -> LookArrays:
        """Return a look's arrays with the known biases of its sensor taken off, and as unsure as that leaves them."""
        arrays = look.arrays
        if not self.biased:
            return arrays
        record = self.records[number]
        turn, late_s = record["bias"][:3], float(record["bias"][3])
        los = arrays.raw_los - np.cross(turn, arrays.raw_los)
        los /= np.linalg.norm(los, axis=1)[:, None]
        return arrays._replace(
            origin=arrays.raw_origin - late_s * record["velocity"],
            los=np.ascontiguousarray(los),
            sigma_rad=np.hypot(arrays.raw_sigma_rad, SHARED * float(record["doubt_rad"])),
        )

    def find_bias(self, angle_sigma_rad: float, time_sigma_s: float, apart: bool) -> None:
        """Hold the sensors for biased where their detections lie too far from the tracks that they belong to.

        apart: some sensors follow one object, and others another, beside each other.
        """
        known = self.records[: len(self.names)]
        heard = known["heard"] >= HEARD_LOOKS
        lost = apart or (self.founded == 0 and self.refused >= REFUSED)
        if self.biased or not (lost or (heard.any() and _is_misfit(known[heard]))):
            return
        self.biased = True
        # A clock's error moves the satellite along its orbit; seen from a thousand kilometres that is an angle.
        self.records["doubt_rad"] = math.hypot(math.sqrt(2.0) * angle_sigma_rad, time_sigma_s * ORBIT_RAD_PER_S)

    def learn_bias(self, biases: Float64, covariance: Float64, prior_sigma: Float64) -> None:
        """Take over biases (S, 4) of the first S sensors with their covariance (4 S, 4 S), where they are surer.

        prior_sigma: (S, 4) how large they may be; biases far beyond are not taken over, of any sensor.
        """
        if (np.abs(biases) > LARGEST_SIGMA * prior_sigma).any():
            return
        for number in range(len(biases)):
            block = covariance[4 * number : 4 * number + 4, 4 * number : 4 * number + 4]
            # Two of three axes lie across a line of sight.
            angles = float(np.trace(block[:3, :3])) / 3.0
            doubt = math.sqrt(max(angles + float(block[3, 3]) * ORBIT_RAD_PER_S**2, 0.0))
            if doubt <= float(self.records[number]["doubt_rad"]) * SURER:
                self.records[number]["bias"] = biases[number]
                self.records[number]["doubt_rad"] = doubt


def _is_misfit(heard: NDArray[np.void]) -> bool:
    """Return whether detections lie farther from their tracks than chance has it: chi-square of two, halved."""
    misfit = float(heard["misfit"].mean())
    freedom = 2 * int(np.minimum(heard["heard"], REMEMBERED_LOOKS).sum())
    return misfit >= MISFIT and float(chdtrc(freedom, freedom * misfit)) <= MISFIT_CHANCE


@njit(cache=True, error_model="numpy")
def move(records, number, position, time_s):  # type: ignore[no-untyped-def]
    """Write where a satellite is, and how fast it goes since its last look."""
    record = records[number]
    step = time_s - record.time_s
    for k in range(3):
        record.velocity[k] = (position[k] - record.position[k]) / step if 0.0 < step < LONGEST_STEP_S else 0.0
        record.position[k] = position[k]
    record.time_s = time_s


@njit(cache=True, error_model="numpy")
def positions_at(records, time_s):  # type: ignore[no-untyped-def]
    """Return (sensors, 3) where all are at a time near their newest looks."""
    positions = np.empty((len(records), 3))
    for number in range(len(records)):
        record = records[number]
        for k in range(3):
            positions[number, k] = record.position[k] + (time_s - record.time_s) * record.velocity[k]
    return positions


@njit(cache=True, error_model="numpy")
def clutter_per_sr(record, solid_angle_sr):  # type: ignore[no-untyped-def]
    """Return how many points that nothing explains a sensor's look has, per steradian."""
    return max(record.clutter_per_sr, LEAST_POINTS / solid_angle_sr)


@njit(cache=True, error_model="numpy")
def count_clutter(record, points, solid_angle_sr):  # type: ignore[no-untyped-def]
    """Take in how many points of a sensor's look nothing explained."""
    density = max(points, LEAST_POINTS) / solid_angle_sr
    before = record.clutter_per_sr
    record.clutter_per_sr = before + (density - before) / COUNTED_LOOKS if before > 0.0 else density
