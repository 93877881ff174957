"""Where lines of sight of several sensors meet: what Stone Soup's tracker is given to begin tracks with."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from stonesoup.base import Property
from stonesoup.initiator.base import GaussianInitiator
from stonesoup.types.array import CovarianceMatrix, StateVector
from stonesoup.types.detection import Detection
from stonesoup.types.state import GaussianState
from stonesoup.types.track import Track

from services.geometry.ellipsoid import itrs_to_geodetic

Float64 = NDArray[np.float64]

# What a new track may do, standard deviations per axis.
SPEED_SIGMA_M_PER_S = 1_500.0
ACCELERATION_SIGMA_M_PER_S2 = 30.0
# Where sources are, above the ellipsoid.
LOWEST_M, HIGHEST_M = -2_000.0, 600_000.0


class ClosestApproachInitiator(GaussianInitiator):  # type: ignore[misc]  # Stone Soup has no types
    """Begins a track where unused detections of three sensors (two where there are but two) point at one place.

    Of the pairs of a new detection with those of the last `memory` of other sensors, those whose lines pass each other
    within `gate` standard deviations, at a possible height, are taken best first; a third sensor's detection has to
    point there too. Each detection founds one track at most. Blind to the truth.
    """

    gate: float = Property(default=4.0, doc="Standard deviations within which lines of sight meet")
    memory: timedelta = Property(default=timedelta(seconds=0.6), doc="How long a detection may wait for a partner")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: list[Detection] = []
        self._sensors: set[str] = set()
        # Detections of the newest look and of earlier ones that found a track in it.
        self._used: set[Detection] = set()

    def initiate(self, detections: Iterable[Detection], timestamp: datetime, **_: object) -> set[Track]:
        """Return new tracks at places where this look's detections meet earlier ones'."""
        new = sorted(detections, key=lambda each: int(each.metadata["index"]))
        self._sensors |= {str(each.metadata["sensor_id"]) for each in new}
        self._waiting = [each for each in self._waiting if timestamp - each.timestamp <= self.memory]
        self._used = set()
        tracks = self._found(new, timestamp) if new and self._waiting else set()
        self._waiting += [each for each in new if each not in self._used]
        return tracks

    def _found(self, new: list[Detection], timestamp: datetime) -> set[Track]:
        own = str(new[0].metadata["sensor_id"])
        others = [each for each in self._waiting if each.metadata["sensor_id"] != own]
        if not others:
            return set()
        points, miss, sigma = _meet(new, others)
        height = itrs_to_geodetic(points)[2]
        good = (miss < self.gate * sigma) & (height > LOWEST_M) & (height < HIGHEST_M)
        rows, columns = np.nonzero(good)
        order = np.argsort((miss / sigma)[rows, columns], kind="stable")
        tracks = set()
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
            members = [new[row], others[column]]
            if self._used & set(members):
                continue
            if len(self._sensors) > 2:
                third = self._third(points[row, column], members, others)
                if third is None:
                    continue
                members.append(third)
            self._used |= set(members)
            tracks.add(_track(members, points[row, column], float(sigma[row, column]), timestamp))
        self._waiting = [each for each in self._waiting if each not in self._used]
        return tracks

    def _third(self, point: Float64, members: list[Detection], others: list[Detection]) -> Detection | None:
        seen_by = {each.metadata["sensor_id"] for each in members}
        best, least = None, self.gate
        for each in others:
            if each.metadata["sensor_id"] in seen_by or each in self._used:
                continue
            ray = point - _origin(each)
            distance = float(np.linalg.norm(ray))
            away = float(np.linalg.norm(np.cross(np.array(each.metadata["los_itrs"]), ray / distance)))
            ratio = away / (2 * _sigma(each))
            if ratio < least and float(ray @ np.array(each.metadata["los_itrs"])) > 0:
                best, least = each, ratio
        return best


def _meet(new: list[Detection], others: list[Detection]) -> tuple[Float64, Float64, Float64]:
    """Return (n, m, 3) points midway between lines, (n, m) how far they pass, and the standard deviation of that."""
    a, b = (np.array([each.metadata["los_itrs"] for each in group]) for group in (new, others))
    p, q = (np.array([_origin(each) for each in group]) for group in (new, others))
    between = q[None] - p[:, None]
    cosine = a @ b.T
    along_a, along_b = np.einsum("nmi,ni->nm", between, a), np.einsum("nmi,mi->nm", between, b)
    scale = np.maximum(1 - cosine**2, 1e-12)
    s, t = (along_a - cosine * along_b) / scale, (cosine * along_a - along_b) / scale
    first = p[:, None] + s[..., None] * a[:, None]
    second = q[None] + t[..., None] * b[None]
    miss = np.where((s > 0) & (t > 0), np.linalg.norm(first - second, axis=2), np.inf)
    sigma = _sigma(new[0]) * np.hypot(s, t)
    return (first + second) / 2, miss, sigma


def _track(members: list[Detection], point: Float64, sigma_m: float, timestamp: datetime) -> Track:
    state, covariance = np.zeros(9), np.zeros((9, 9))
    # Two lines that cross at a slant leave more along them than across.
    a, b = (np.array(each.metadata["los_itrs"]) for each in members[:2])
    slant = 1 / max(float(np.linalg.norm(np.cross(a, b))), 0.05)
    for axis, place in enumerate(point):
        state[3 * axis] = place
        covariance[range(3 * axis, 3 * axis + 3), range(3 * axis, 3 * axis + 3)] = (
            (sigma_m * slant) ** 2,
            SPEED_SIGMA_M_PER_S**2,
            ACCELERATION_SIGMA_M_PER_S2**2,
        )
    return Track([GaussianState(StateVector(state), CovarianceMatrix(covariance), timestamp=timestamp)])


def _origin(detection: Detection) -> Float64:
    return np.asarray(detection.measurement_model.translation_offset, dtype=np.float64).ravel()


def _sigma(detection: Detection) -> float:
    return float(np.sqrt(detection.measurement_model.noise_covar[0, 0]))
