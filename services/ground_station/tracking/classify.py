"""What flies so: class probabilities from how it flies now, how it lifted off and how long it burned.

Each class is a mixture of manners of flying, normal distributions of the same few features, learnt from flights of
generic rockets, gliders and cruise missiles with all that is not known of them varied (manners.py and the command that
writes its table). Bayes' rule does the rest: the features' own errors widen every manner, and what is not known is left
out. Nothing is summed up over time, so a judgement is as sure as the present evidence, and can be revised.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking import airliners, flight_kernels, manners
from services.ground_station.tracking.snapshot import TargetClass

Float64 = NDArray[np.float64]

STATIC: dict[TargetClass, float] = {"static_heat": 0.97, "unknown": 0.03}
UNDECIDED: dict[TargetClass, float] = {"unknown": 0.6, "static_heat": 0.4}
MOVES: dict[TargetClass, float] = {"unknown": 0.95, "static_heat": 0.05}


@dataclass(frozen=True)
class FlightEvidence:
    """What a track knows that tells classes apart. Sigmas are standard deviations in the unit of what they are of.

    height_m: above the ellipsoid. speed_m_per_s: over the turning Earth. climb_rad: of that velocity over the horizon.
    perigee_m, apogee_m: heights above the equatorial radius of the orbit on which it would fall freely from now on;
    perigee below 0: it comes down; apogee infinite: it does not come back.
    along_m_per_s2: specific force (acceleration without gravity and the Earth's turn) along the velocity: thrust less
    drag. lift_m_per_s2: specific force across it, in the vertical plane, upwards; None: neither is known.
    time_since_launch_s, lift_off_m_per_s2: time since it left the ground and net acceleration then; None: not seen.
    boost_s: from launch to burnout; None: it burns yet, or neither was seen.
    boost_seen: it was seen to rise under power, at any time.
    seen_s: for how long it has been seen.
    static_probability: that it stays in its place.
    """

    height_m: float
    speed_m_per_s: float
    climb_rad: float
    perigee_m: float
    apogee_m: float
    height_sigma_m: float = 0.0
    speed_sigma_m_per_s: float = 0.0
    climb_sigma_rad: float = 0.0
    perigee_sigma_m: float = 0.0
    apogee_sigma_m: float = 0.0
    along_m_per_s2: float | None = None
    lift_m_per_s2: float | None = None
    force_sigma_m_per_s2: float = 0.0
    time_since_launch_s: float | None = None
    time_since_launch_sigma_s: float = 0.0
    lift_off_m_per_s2: float | None = None
    lift_off_sigma_m_per_s2: float = 0.0
    boost_s: float | None = None
    boost_seen: bool = False
    seen_s: float = 0.0
    static_probability: float = 0.0

    def row(self) -> Float64:
        """Return it as kernels take it, (flight_kernels.EVIDENCE,): NaN for what is not known."""
        return np.array([*vars(self).values()], dtype=np.float64)


def flight_evidence(
    position_itrs_m: Float64,
    velocity_itrs_m_per_s: Float64,
    covariance: Float64,
    specific_force_itrs_m_per_s2: Float64 | None = None,
    *,
    time_since_launch_s: float | None = None,
    time_since_launch_sigma_s: float = 0.0,
    lift_off_m_per_s2: float | None = None,
    lift_off_sigma_m_per_s2: float = 0.0,
    boost_s: float | None = None,
    boost_seen: bool = False,
    seen_s: float = 0.0,
    static_probability: float = 0.0,
) -> FlightEvidence:
    """Return the evidence of a state: (3,) each, and what else is known, as FlightEvidence says.

    covariance: (6, 6) of position and velocity, or (9, 9) with the specific force (more is left out), SI.
    """
    flown, mean = np.empty(flight_kernels.FLOWN), np.zeros(9)
    mean[:3], mean[3:6] = position_itrs_m, velocity_itrs_m_per_s
    spread = np.zeros((9, 9))
    known = min(covariance.shape[0], 9)
    spread[:known, :known] = covariance[:known, :known]
    if specific_force_itrs_m_per_s2 is not None:
        mean[6:] = specific_force_itrs_m_per_s2
    flight_kernels.fly(mean, spread, flown)
    height, speed, climb, perigee, apogee, *sigmas, along, lift, force_sigma = flown.tolist()
    force_known = specific_force_itrs_m_per_s2 is not None
    return FlightEvidence(
        height,
        speed,
        climb,
        perigee,
        apogee,
        height_sigma_m=sigmas[0],
        speed_sigma_m_per_s=sigmas[1],
        climb_sigma_rad=sigmas[2],
        perigee_sigma_m=sigmas[3],
        apogee_sigma_m=sigmas[4],
        along_m_per_s2=along if force_known else None,
        lift_m_per_s2=lift if force_known else None,
        force_sigma_m_per_s2=force_sigma,
        time_since_launch_s=time_since_launch_s,
        time_since_launch_sigma_s=time_since_launch_sigma_s,
        lift_off_m_per_s2=lift_off_m_per_s2,
        lift_off_sigma_m_per_s2=lift_off_sigma_m_per_s2,
        boost_s=boost_s,
        boost_seen=boost_seen,
        seen_s=seen_s,
        static_probability=static_probability,
    )


def class_probability(evidence: FlightEvidence) -> dict[TargetClass, float]:
    """Return the probability of each class; they sum to 1. A state that is no number is of unknown class."""
    return class_probabilities(evidence.row()[None])[0]


def class_probabilities(evidence: Float64) -> list[dict[TargetClass, float]]:
    """Return the same for rows of evidence, (n, flight_kernels.EVIDENCE)."""
    words, probability = manners.probabilities(evidence)
    return [dict(zip((*words, "static_heat"), row, strict=True)) for row in probability.tolist()]


def is_air_traffic(evidence: FlightEvidence) -> bool:
    """Return whether it flies as an airliner does: level on an airway, at its speed, and never under rocket power.

    A missile that cruises there in this manner cannot be told from one and is held for one.
    """
    return bool(airliners.is_air_traffic(evidence.row()))
