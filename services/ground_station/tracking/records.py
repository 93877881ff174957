"""What the tracker remembers, as arrays of records: tracks in space, tracks of one satellite, and their looks.

Records hold no Python objects, so that kernels work on them and a copy of an array is a copy of everything. Times are
seconds since the tracker's epoch; vectors are ITRS. Sensors are numbered in the order of their first looks.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from services.ground_station.tracking.bank.models import MODELS, SIZE

Records = NDArray[np.void]

# States of a track.
TENTATIVE, CONFIRMED = range(2)
# What has been decided about its motion.
UNDECIDED, MOVES, STAYS = range(3)
NONE = -1
# Looks nearer in time than this are of one instant.
INSTANT_S = 0.05

# Who is named after what: sensor, sequence number of its look, place in that look's list.
_FOUNDING = [("sensor", np.int64), ("sequence", np.int64), ("index", np.int64)]


def _shape(kind: np.dtype[np.generic]) -> tuple[object, ...]:
    """Return a field's type, and its shape where it has one."""
    return kind.subdtype if kind.subdtype is not None else (kind,)


# A track in space.
#   serial: counts all tracks ever begun.
#   x, p, probability: states (ITRS), covariances and probabilities of the bank's models, at time_s.
#   mean, covariance: over the models: position, velocity, specific force.
#   score: log likelihood ratio of an object against as many unrelated points of clutter.
#   first_s, last_hit_s: first and newest look that saw it. first_miss_s: first that did not since; NaN: none.
#   hits, misses: looks that saw it; looks in a row, with it in view, that did not.
#   seen, looked: the same with exponential forgetting.
#   sensors, missing: bits of the sensors that ever saw it, and of those that have missed it since its newest hit.
#   bystanders: looks of sensors that would see an object there and never did, since a sensor first saw it.
#   state, motion: as above. moved_s: since when it is known to move.
#   airliner_s: when it was last found to fly as an airliner does, or to be cold, or to have flown so and to do so yet
#   but for its errors; NaN: never.
#   company_s: when something else was last found to move near it; NaN: never, or nobody has asked.
#   judged_s: when its motion was last weighed. inconsistent_s: since when its looks contradict one another; NaN: not.
#   driven_s: since when each look that sees it says that it is driven; NaN: the newest one does not.
#   boosting_s: when it was last seen under thrust, with the mean and covariance then; NaN: never.
#   burnt_s: when its plume went out; NaN: it burns, or was never seen to.
#   crowded_s: when its looks were last shared out among a crowd; NaN: never.
#   history: its row among the histories. count: looks it has there.
#   detection: place of its newest look's detection in that look's arrays; NONE.
#   snr: of its newest detection. intensity_w_per_sr: mean over the intensity_count detections at instant_s, its newest
#   instant; NaN: not known.
#   rival, rival_looks: serial of the track that took what it might have had, and in how many looks in a row.
TRACK = np.dtype(
    [
        ("serial", np.int64),
        *_FOUNDING,
        ("time_s", np.float64),
        ("probability", np.float64, (MODELS,)),
        ("mean", np.float64, (9,)),
        ("covariance", np.float64, (9, 9)),
        ("score", np.float64),
        ("first_s", np.float64),
        ("last_hit_s", np.float64),
        ("first_miss_s", np.float64),
        ("hits", np.int64),
        ("misses", np.int64),
        ("seen", np.float64),
        ("looked", np.float64),
        ("sensors", np.int64),
        ("missing", np.int64),
        ("bystanders", np.int64),
        ("state", np.int64),
        ("motion", np.int64),
        ("moved_s", np.float64),
        ("airliner_s", np.float64),
        ("company_s", np.float64),
        ("judged_s", np.float64),
        ("inconsistent_s", np.float64),
        ("driven_s", np.float64),
        ("boosting_s", np.float64),
        ("boost_mean", np.float64, (9,)),
        ("boost_covariance", np.float64, (9, 9)),
        ("burnt_s", np.float64),
        ("crowded_s", np.float64),
        ("history", np.int64),
        ("count", np.int64),
        ("detection", np.int64),
        ("snr", np.float64),
        ("intensity_w_per_sr", np.float64),
        ("intensity_count", np.int64),
        ("instant_s", np.float64),
        ("rival", np.int64),
        ("rival_looks", np.int64),
        ("x", np.float64, (MODELS, SIZE)),
        ("p", np.float64, (MODELS, SIZE, SIZE)),
    ]
)
# What is told of a track: all of it but its models' states, which lie last.
TOLD = np.dtype([(name, *_shape(TRACK[name])) for name in list(TRACK.fields or ())[:-2]])

# A track of one satellite: a point on the ground under its lines of sight, with its velocity there.
#   x, p: position, velocity and covariance. sensor: who sees it.
#   stolen: looks in a row in which its detection went to the track in space `thief` (serial).
#   state, motion: CONFIRMED once it is known to move over the ground or to stay.
#   row, column, row_rate, column_rate: its place on the focal plane and the rate of its last looks, pixels (a second).
TRACKLET = np.dtype(
    [
        ("serial", np.int64),
        *_FOUNDING,
        ("time_s", np.float64),
        ("x", np.float64, (6,)),
        ("p", np.float64, (6, 6)),
        ("first_s", np.float64),
        ("last_hit_s", np.float64),
        ("hits", np.int64),
        ("looks", np.int64),
        ("misses", np.int64),
        ("stolen", np.int64),
        ("thief", np.int64),
        ("state", np.int64),
        ("motion", np.int64),
        ("snr", np.float64),
        ("row", np.float64),
        ("column", np.float64),
        ("row_rate", np.float64),
        ("column_rate", np.float64),
        ("history", np.int64),
        ("count", np.int64),
        ("detection", np.int64),
    ]
)

# One look's line of sight: axes of reception, with the time its light was on its way (age_s).
#   raw_origin, raw_los, raw_sigma_rad: the same before the sensor's biases were taken off.
#   point: (3,) where it meets the ground. ground_sigma_m: its error there, per axis of the ground.
RAY = np.dtype(
    [
        ("time_s", np.float64),
        ("sensor", np.int64),
        ("sequence", np.int64),
        ("index", np.int64),
        ("origin", np.float64, (3,)),
        ("los", np.float64, (3,)),
        ("age_s", np.float64),
        ("sigma_rad", np.float64),
        ("raw_origin", np.float64, (3,)),
        ("raw_los", np.float64, (3,)),
        ("raw_sigma_rad", np.float64),
        ("pixel_rad", np.float64),
        ("snr", np.float64),
        ("irradiance_w_per_m2", np.float64),
        ("intensity_w_per_sr", np.float64),
        ("row", np.float64),
        ("column", np.float64),
        ("point", np.float64, (3,)),
        ("ground_sigma_m", np.float64),
    ]
)


def grown(records: Records, least: int) -> Records:
    """Return records with room for at least so many; the same array where it has it."""
    if least <= len(records):
        return records
    larger = np.zeros(max(least, 2 * len(records)), dtype=records.dtype)
    larger[: len(records)] = records
    return larger


def as_bytes(records: Records) -> NDArray[np.uint8]:
    """Return the bytes of contiguous records, a view, a row a record: NumPy copies records number by number."""
    return records.view(np.uint8).reshape(len(records), records.itemsize)


def copied(records: Records) -> Records:
    """Return a copy of contiguous records; NumPy's own copies them number by number."""
    return records.view(np.uint8).copy().view(records.dtype)


@njit(cache=True, error_model="numpy")
def drop(records, gone, histories, serials):  # type: ignore[no-untyped-def]
    """Move the tracks not marked in gone (n,) to the front, in order; return how many they are.

    Fills the histories and serials of the others, as many as there are.
    """
    kept = dropped = 0
    for row in range(len(gone)):
        if gone[row]:
            histories[dropped], serials[dropped] = records[row].history, records[row].serial
            dropped += 1
        else:
            if kept < row:
                records[kept] = records[row]
            kept += 1
    return kept
