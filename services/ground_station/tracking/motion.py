"""Does it move? The looks of a track weighed against every way of explaining them without motion.

Three explanations without motion: one point at rest that all satellites see; for each satellite a point of its own
at rest near the ground (two unrelated sources whose lines of sight happen to cross seem to fly along with the
satellites); and, where two satellites are all there is, the same with heights as they like. What moves must beat all
three by a wide margin, have gone a way that no wandering centroid feigns, and be faster than any cloud.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.fit import Fit, fit_motion, fit_resting, weights
from services.ground_station.tracking.measurement import Rays

Float64 = NDArray[np.float64]

# Sources of clutter lie on the ground or in cloud: 4 km, give or take.
CLUTTER_HEIGHT_M = 4000.0
CLUTTER_HEIGHT_SIGMA_M = 4000.0
FREE_HEIGHT_SIGMA_M = 100_000.0


@dataclass(frozen=True)
class Judgement:
    """What a track's looks say of its motion.

    consistent: they fit one moving object. moving, static: both False while undecided.
    motion: the fit of constant acceleration, at the newest look; None where the looks do not determine it.
    """

    consistent: bool
    moving: bool
    static: bool
    motion: Fit | None


UNDECIDED = Judgement(consistent=False, moving=False, static=False, motion=None)


def judge(rays: Rays, near_itrs_m: Float64, hit_ratio: float, config: TrackingConfig) -> Judgement:
    """Return the judgement over all given lines of sight.

    near_itrs_m: (3,) where the track is. hit_ratio: part of the looks with it in view that saw it.
    """
    duration = float(np.ptp(rays.time_s)) if len(rays) else 0.0
    seen_by = np.bincount(rays.sensor)
    witnesses = int((seen_by >= 3).sum())
    if duration < config.decide_s or len(rays) < config.decide_hits or witnesses < 2 or hit_ratio < config.hit_ratio:
        return UNDECIDED
    newest = float(rays.time_s.max())
    information = weights(rays, near_itrs_m)
    motion = fit_motion(rays, information, 2, newest, (math.inf, math.inf, config.acceleration_sigma_m_per_s2))
    line = fit_motion(rays, information, 1, newest - duration / 2)
    point = fit_motion(rays, information, 0, newest)
    if motion is None or line is None or point is None:
        return UNDECIDED
    scale = motion.scale
    if scale > config.consistent_chi2:
        return Judgement(consistent=False, moving=False, static=False, motion=motion)
    resting = min(point.chi2, _apart(rays, information, CLUTTER_HEIGHT_SIGMA_M))
    if witnesses == 2:
        if duration < config.decide_two_satellites_s:
            return Judgement(consistent=True, moving=False, static=False, motion=motion)
        resting = min(resting, _apart(rays, information, FREE_HEIGHT_SIGMA_M))
    gained = (resting - motion.chi2) / scale
    moving = gained > config.moving_chi2 and _goes_far_and_fast(rays, motion, line, duration, config)
    static = not moving and _stays(rays, line, duration, scale, config)
    return Judgement(consistent=True, moving=moving, static=static, motion=motion)


def pixel_m(rays: Rays, near_itrs_m: Float64) -> float:
    """Return what the finest pixel that sees it spans across the line of sight."""
    return float((np.linalg.norm(near_itrs_m - rays.origin_itrs_m, axis=1) * rays.pixel_rad).min())


def _apart(rays: Rays, information: Float64, height_sigma_m: float) -> float:
    """Return chi-square if each satellite saw a point at rest of its own."""
    return sum(
        fit_resting(rays, information, rays.sensor == place, CLUTTER_HEIGHT_M, height_sigma_m)
        for place in range(len(rays.sensor_ids))
    )


def _goes_far_and_fast(rays: Rays, motion: Fit, line: Fit, duration: float, config: TrackingConfig) -> bool:
    here, before = motion.position(motion.time_s), motion.position(motion.time_s - duration)
    way = float(np.linalg.norm(here - before))
    if way < config.moving_px * pixel_m(rays, here):
        return False
    up = here / np.linalg.norm(here)
    # The speed now; while the acceleration is still uncertain, rather the mean speed, which is lower for a rocket.
    rise, rise_sigma = _along(motion, up)
    mean_rise, mean_sigma = _along(line, up)
    rises = max(rise - 2 * rise_sigma, mean_rise - 2 * mean_sigma) > config.rising_m_per_s
    velocity = line.coefficients[1]
    speed = float(np.linalg.norm(velocity))
    _, speed_sigma = _along(line, velocity / speed)
    return rises or speed - 3 * speed_sigma * math.sqrt(line.scale) > config.travelling_m_per_s


def _stays(rays: Rays, line: Fit, duration: float, scale: float, config: TrackingConfig) -> bool:
    velocity = line.coefficients[1]
    speed = float(np.linalg.norm(velocity))
    sigma = math.sqrt(float(np.linalg.eigvalsh(line.covariance[3:, 3:])[-1]) * scale)
    here = line.coefficients[0]
    return (
        duration >= config.static_s
        and speed + 3 * sigma < config.static_m_per_s
        and speed * duration < config.moving_px * pixel_m(rays, here)
    )


def _along(fit: Fit, direction: Float64) -> tuple[float, float]:
    """Return the velocity along a unit vector and its standard deviation."""
    variance = direction @ fit.covariance[3:6, 3:6] @ direction
    return float(fit.coefficients[1] @ direction), math.sqrt(float(variance))
