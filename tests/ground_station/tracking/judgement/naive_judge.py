"""The judgement of motion, slow and obvious: the twin of the compiled one."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import itrs_to_geodetic
from services.ground_station.tracking.config import TrackingConfig
from tests.ground_station.tracking.judgement.naive import (
    Fit,
    Rays,
    fit_level,
    fit_motion,
    fit_resting,
    subset,
    weights,
)

Float64 = NDArray[np.float64]

# These are explained in `judge.py` and `window.py`.
CLUTTER_HEIGHT_M = 4000.0
CLUTTER_HEIGHT_SIGMA_M = 4000.0
AIRLINER_HEIGHT_M = 10_500.0
AIRLINER_SIGMA = (2000.0, 200.0, 10.0)
AIRLINERS_CHI2 = 20.0
CHANGE_CHI2 = 24.0
LEVEL_M_PER_S, WINGED_M = 60.0, 15_000.0
GHOST_RISE_M_PER_S = 100.0
GHOST_RISE_PX = 2.5
GHOST_RISE_SIGMA = 5.0
HIGHEST_OF_TWO_M = 200_000.0
FASTEST_RISE_M_PER_S2 = 80.0
SLACK_M_PER_S = 300.0
WAY_NEEDED = ((12.0, 20.0), (1.0, 2.0))
MOVING_SCALE = 2.0
MOST_DOUBT = 3.0
WHITE = 0.1
MOST_CORRELATION = 0.9
ALONE_PX = 0.7


@dataclass(frozen=True)
class Judgement:
    """What a track's looks say of its motion.

    consistent: they fit one moving object. moving, static: both False while undecided.
    motion: the fit of constant acceleration, at the newest look; None where the looks do not determine it.
    way_px: how far it has gone in the window, in pixels of the finest camera that sees it.
    """

    consistent: bool
    moving: bool
    static: bool
    motion: Fit | None
    way_px: float = 0.0


UNDECIDED = Judgement(consistent=False, moving=False, static=False, motion=None)


def judge(
    rays: Rays, near_itrs_m: Float64, hit_ratio: float, config: TrackingConfig, company: bool = False
) -> Judgement:
    """Return the judgement over all given lines of sight.

    near_itrs_m: (3,) where the track is. hit_ratio: part of the looks with it in view that saw it. company: something
    else has moved near it lately.
    """
    duration = float(np.ptp(rays.time_s)) if len(rays) else 0.0
    witnesses = int((np.bincount(rays.sensor) >= 3).sum())
    if duration < config.decide_s or len(rays) < config.decide_hits or witnesses < 2 or hit_ratio < config.hit_ratio:
        return UNDECIDED
    newest = float(rays.time_s.max())
    information = weights(rays, near_itrs_m)
    motion = fit_motion(rays, information, 2, newest, (math.inf, math.inf, config.acceleration_sigma_m_per_s2))
    line = fit_motion(rays, information, 1, newest - duration / 2)
    point = fit_motion(rays, information, 0, newest)
    if motion is None or line is None or point is None:
        return UNDECIDED
    if motion.scale > config.consistent_chi2:
        return Judgement(consistent=False, moving=False, static=False, motion=motion)
    # Errors smaller than stated may be as alike as they like.
    scale = max(1.0, motion.chi2 / motion.freedom * _redundancy(rays, information, motion))
    here = motion.position(motion.time_s)
    way_px = float(np.linalg.norm(here - motion.position(motion.time_s - duration))) / pixel_m(rays, here)
    moving = (
        motion.scale < MOVING_SCALE
        and _nothing_else_explains(
            rays, information, near_itrs_m, motion, line, point, witnesses, duration, scale, config, company
        )
        and _goes_far_and_fast(rays, information, motion, line, duration, scale, config)
    )
    static = not moving and _stays(rays, line, duration, scale, config)
    return Judgement(consistent=True, moving=moving, static=static, motion=motion, way_px=way_px)


def pixel_m(rays: Rays, near_itrs_m: Float64) -> float:
    """Return what the finest pixel that sees it spans across the line of sight."""
    return float((np.linalg.norm(near_itrs_m - rays.origin_itrs_m, axis=1) * rays.pixel_rad).min())


def _airliners_chi2(
    rays: Rays, information: Float64, near_itrs_m: Float64, own: NDArray[np.int64], about_s: float, company: bool
) -> float:
    """Return chi-square of one satellite's looks if they are of one airliner; in company, or of two in turn."""

    def level(chosen: NDArray[np.int64]) -> float:
        return fit_level(rays, information, near_itrs_m, chosen, about_s, AIRLINER_HEIGHT_M, AIRLINER_SIGMA)

    newest_first = own[np.argsort(-rays.time_s[own], kind="stable")]
    cuts = range(1, len(own)) if company else ()
    in_turn = (CHANGE_CHI2 + level(newest_first[:cut]) + level(newest_first[cut:]) for cut in cuts)
    return min([level(own), *in_turn])


def _nothing_else_explains(
    rays: Rays,
    information: Float64,
    near_itrs_m: Float64,
    motion: Fit,
    line: Fit,
    point: Fit,
    witnesses: int,
    duration: float,
    scale: float,
    config: TrackingConfig,
    company: bool,
) -> bool:
    """Return whether motion explains the looks far better than anything at rest, or an airliner a satellite."""
    if (point.chi2 - motion.chi2) / scale < config.moving_chi2:
        return False
    if witnesses > 2:
        return True
    if duration < config.decide_two_satellites_s or _height_m(motion.coefficients[0]) > HIGHEST_OF_TWO_M:
        return False
    apart = sum(
        fit_resting(rays, information, near_itrs_m, rays.sensor == place, CLUTTER_HEIGHT_M, CLUTTER_HEIGHT_SIGMA_M)
        for place in range(len(rays.sensor_ids))
    )
    airliners = sum(
        _airliners_chi2(rays, information, near_itrs_m, np.flatnonzero(rays.sensor == place), line.time_s, company)
        for place in range(len(rays.sensor_ids))
    )
    if (apart - motion.chi2) / scale < config.moving_chi2 or (
        (company or not _is_level(line, scale)) and (airliners - motion.chi2) / scale < AIRLINERS_CHI2
    ):
        return False
    if _climbs_like_no_ghost(rays, motion, duration, scale):
        return True
    return all(
        _off_rest_px(rays, information, near_itrs_m, rays.sensor == place) > ALONE_PX
        for place in range(len(rays.sensor_ids))
    )


def _is_level(line: Fit, scale: float) -> bool:
    rise, sigma = _along(line, line.coefficients[0] / np.linalg.norm(line.coefficients[0]), scale)
    return abs(rise) - 3 * sigma < LEVEL_M_PER_S and _height_m(line.coefficients[0]) < WINGED_M


def _climbs_like_no_ghost(rays: Rays, motion: Fit, duration: float, scale: float) -> bool:
    """Return whether it rises as no crossing of lines of sight to two sources at rest does.

    Such a crossing rises where the satellites close in, and wandering centroids do the rest.
    """
    here = motion.position(motion.time_s)
    up = here / np.linalg.norm(here)
    rise, sigma = _along(motion, up, scale)
    risen = float((here - motion.position(motion.time_s - duration)) @ up)
    ghost_rise = _closing_per_s(rays) * max(_height_m(here), 0.0)
    return (
        rise - GHOST_RISE_SIGMA * sigma > GHOST_RISE_M_PER_S + ghost_rise
        and risen > GHOST_RISE_PX * pixel_m(rays, here) + ghost_rise * duration
    )


def _closing_per_s(rays: Rays) -> float:
    """Return how fast the two satellites of three looks or more close in, over their distance; 0 where they part."""
    flights = []
    for place in np.flatnonzero(np.bincount(rays.sensor) >= 3):
        own = subset(rays, rays.sensor == place)
        first, last = int(own.time_s.argmin()), int(own.time_s.argmax())
        velocity = (own.origin_itrs_m[last] - own.origin_itrs_m[first]) / (own.time_s[last] - own.time_s[first])
        here = own.origin_itrs_m[last] + velocity * (rays.time_s.max() - own.time_s[last])
        flights.append(np.array([here, velocity]))
    apart, parting = flights[0] - flights[1]
    return max(0.0, -float(apart @ parting) / float(apart @ apart))


def _off_rest_px(rays: Rays, information: Float64, near_itrs_m: Float64, chosen: NDArray[np.bool_]) -> float:
    """Return how far one satellite's looks stay away from the best point at rest, root of the mean square, pixels."""
    if chosen.sum() < 3:
        return math.inf
    chi2 = fit_resting(rays, information, near_itrs_m, chosen, CLUTTER_HEIGHT_M, CLUTTER_HEIGHT_SIGMA_M)
    # What noise alone would leave is taken off.
    excess = max(chi2 - 2.0 * float(chosen.sum()), 0.0) / (2.0 * float(chosen.sum()))
    return math.sqrt(2.0 * excess * float((rays.sigma_rad[chosen] ** 2).mean())) / float(rays.pixel_rad[chosen].mean())


def _redundancy(rays: Rays, information: Float64, motion: Fit) -> float:
    """Return by how much the looks are fewer than they seem, because their errors go on from look to look.

    A wandering centroid, of a cloud's edge or a fire of many parts, errs alike for seconds. For errors with a lag-one
    correlation r the variance of a mean is (1 + r) / (1 - r) times that of independent ones.
    """
    basis = np.stack(
        [(rays.time_s - motion.time_s) ** k / math.factorial(k) for k in range(len(motion.coefficients))], axis=1
    )
    offset = rays.origin_itrs_m - basis @ motion.coefficients
    # Across the line of sight, in standard deviations.
    across = offset - (offset * rays.los_itrs).sum(axis=1)[:, None] * rays.los_itrs
    across *= np.sqrt(np.trace(information, axis1=1, axis2=2) / 2)[:, None]
    order = np.lexsort((rays.time_s, rays.sensor))
    first, second = across[order[:-1]], across[order[1:]]
    same = rays.sensor[order[:-1]] == rays.sensor[order[1:]]
    total = float((first[same] ** 2).sum() + (second[same] ** 2).sum()) / 2
    if total == 0:
        return 1.0
    correlation = float((first[same] * second[same]).sum()) / total
    correlation = min(max(correlation - WHITE, 0.0), MOST_CORRELATION)
    return (1 + correlation) / (1 - correlation)


def _goes_far_and_fast(
    rays: Rays, information: Float64, motion: Fit, line: Fit, duration: float, scale: float, config: TrackingConfig
) -> bool:
    """Return whether it goes farther than a centroid wanders, and rises or travels faster than cloud."""
    here, before = motion.position(motion.time_s), motion.position(motion.time_s - duration)
    pixel = pixel_m(rays, here)
    velocity = line.coefficients[1]
    speed = float(np.linalg.norm(velocity))
    _, speed_sigma = _along(line, velocity / speed, scale)
    up = here / np.linalg.norm(here)
    # The longer the window, the farther a rocket has come, and the more a wandering centroid has had time for.
    # Where looks already scatter about the motion, or err alike for seconds, more is asked.
    needed_px = float(np.interp(duration, *WAY_NEEDED)) * config.moving_px * min(scale, MOST_DOUBT)
    if float((here - before) @ up) > needed_px * pixel and _rises(motion, line, up, scale, config):
        bound = SLACK_M_PER_S + math.sqrt(2 * FASTEST_RISE_M_PER_S2 * max(_height_m(here), 0.0))
        return speed - speed_sigma < bound and _rises_without_any(rays, information, line, up, scale, config)
    far = speed * duration > config.travelling_px * pixel
    return far and speed - 4 * speed_sigma > config.travelling_m_per_s


def _rises(motion: Fit, line: Fit, up: Float64, scale: float, config: TrackingConfig) -> bool:
    # The speed now; while the acceleration is still uncertain, rather the mean speed, which is lower for a rocket.
    rise, rise_sigma = _along(motion, up, scale)
    mean_rise, mean_sigma = _along(line, up, scale)
    return max(rise - 3 * rise_sigma, mean_rise - 3 * mean_sigma) > config.rising_m_per_s


def _rises_without_any(
    rays: Rays, information: Float64, line: Fit, up: Float64, scale: float, config: TrackingConfig
) -> bool:
    """Return whether it still seems to rise whichever satellite is left out: a single centroid may wander far."""
    if len(rays.sensor_ids) < 3:
        return True
    for place in range(len(rays.sensor_ids)):
        kept = rays.sensor != place
        fit = fit_motion(subset(rays, kept), information[kept], 1, line.time_s)
        if fit is None:
            return False
        rise, sigma = _along(fit, up, scale)
        if rise - sigma < config.rising_m_per_s / 2:
            return False
    return True


def _height_m(position_itrs_m: Float64) -> float:
    return float(itrs_to_geodetic(position_itrs_m)[2])


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


def _along(fit: Fit, direction: Float64, scale: float) -> tuple[float, float]:
    """Return the velocity along a unit vector and its standard deviation."""
    variance = direction @ fit.covariance[3:6, 3:6] @ direction
    return float(fit.coefficients[1] @ direction), math.sqrt(float(variance) * scale)
