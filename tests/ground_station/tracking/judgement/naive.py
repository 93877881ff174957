"""The judgement of motion and the fits under it, slow and obvious: the twin of the compiled ones."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import itrs_to_geodetic
from services.ground_station.tracking.config import TrackingConfig

Float64 = NDArray[np.float64]

# These are explained in `judge.py` and `window.py`.
CLUTTER_HEIGHT_M = 4000.0
CLUTTER_HEIGHT_SIGMA_M = 4000.0
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
class Rays:
    """Lines of sight: time (n,), origin (n, 3), los (n, 3), sigma (n,), pixel (n,), satellite's number from 0 (n,)."""

    time_s: Float64
    origin_itrs_m: Float64
    los_itrs: Float64
    sigma_rad: Float64
    pixel_rad: Float64
    sensor: NDArray[np.int64]
    sensor_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time_s)


def subset(lines: Rays, kept: NDArray[np.bool_]) -> Rays:
    """Return the chosen lines of sight, (n,) True; sensors keep their numbers."""
    return Rays(
        lines.time_s[kept],
        lines.origin_itrs_m[kept],
        lines.los_itrs[kept],
        lines.sigma_rad[kept],
        lines.pixel_rad[kept],
        lines.sensor[kept],
        lines.sensor_ids,
    )


@dataclass(frozen=True)
class Fit:
    """Motion p(t) = sum of coefficients[k] (t - time_s)^k / k!, ITRS.

    coefficients: (order + 1, 3): position, velocity, acceleration; covariance: of all of them, row after row.
    chi2: sum of squared residuals over their variances; freedom: measurements (two each) less coefficients.
    """

    time_s: float
    coefficients: Float64
    covariance: Float64
    chi2: float
    freedom: int

    @property
    def scale(self) -> float:
        """Chi-square per degree of freedom, where that is above 1: by so much the variances are understated."""
        return max(1.0, self.chi2 / self.freedom) if self.freedom > 0 else 1.0

    def position(self, time_s: float) -> Float64:
        """Return the position at a time."""
        since = time_s - self.time_s
        powers = np.array([since**k / math.factorial(k) for k in range(len(self.coefficients))])
        position: Float64 = powers @ self.coefficients
        return position


def weights(rays: Rays, near_itrs_m: Float64) -> Float64:
    """Return (n, 3, 3) information matrices of the lines of sight, for targets near (3,) or (n, 3) positions."""
    distance = np.linalg.norm(near_itrs_m - rays.origin_itrs_m, axis=1)
    across = np.eye(3) - rays.los_itrs[:, :, None] * rays.los_itrs[:, None, :]
    information: Float64 = across / (distance * rays.sigma_rad)[:, None, None] ** 2
    return information


def fit_motion(
    rays: Rays,
    information: Float64,
    order: int,
    time_s: float,
    prior_sigma: tuple[float, ...] = (),
) -> Fit | None:
    """Return the polynomial of an order that fits best; None where the lines of sight do not determine it.

    information: from `weights`. prior_sigma: standard deviation of each coefficient about zero, infinite for none.
    """
    since = rays.time_s - time_s
    basis = np.stack([since**k / math.factorial(k) for k in range(order + 1)], axis=1)
    size = 3 * (order + 1)
    # Sum over n of basis_i basis_j information_ab, placed at row (i, a) and column (j, b).
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(rays), -1)
    blocks = (products.T @ information.reshape(len(rays), 9)).reshape(order + 1, order + 1, 3, 3)
    normal = blocks.transpose(0, 2, 1, 3).reshape(size, size)
    pulled = times(information, rays.origin_itrs_m)
    right = (basis.T @ pulled).reshape(size)
    # Solved about a position near by: differences of millions of metres would cost digits.
    centre = np.zeros(size)
    centre[:3] = _centre(information, pulled)
    for k, sigma in enumerate(prior_sigma):
        block = slice(3 * k, 3 * k + 3)
        normal[block, block] += np.eye(3) / sigma**2
    # Seconds to the power k against metres: scaled to ones on the diagonal before the inversion.
    scale = np.sqrt(np.diag(normal))
    if not (scale > 0).all():
        return None
    scaled = normal / np.outer(scale, scale)
    try:
        inverse = np.linalg.inv(scaled)
    except np.linalg.LinAlgError:
        return None
    covariance = inverse / np.outer(scale, scale)
    if not (np.isfinite(covariance).all() and (np.diag(covariance) > 0).all()):
        return None
    # The priors pull the derivatives towards zero, and the centre has none.
    solution = centre + covariance @ (right - normal @ centre)
    coefficients = solution.reshape(order + 1, 3)
    offset = basis @ coefficients - rays.origin_itrs_m
    chi2 = float((offset * times(information, offset)).sum())
    return Fit(time_s, coefficients, covariance, chi2, 2 * len(rays) - size)


def fit_resting(
    rays: Rays, information: Float64, chosen: NDArray[np.bool_], height_m: float, height_sigma_m: float
) -> float:
    """Return chi-square of one satellite's lines of sight if all looked at one point at rest near the ground.

    chosen: (n,) whose lines of sight. The point's height is only known as so much, give or take.
    """
    weight, origin = information[chosen], rays.origin_itrs_m[chosen]
    los = rays.los_itrs[chosen]
    start = _on_ground(origin[0], los[0], height_m)
    up = start / np.linalg.norm(start)
    vertical = np.outer(up, up) / height_sigma_m**2
    normal = weight.sum(axis=0) + vertical
    step = np.linalg.solve(normal, times(weight, origin - start).sum(axis=0))
    offset = start + step - origin
    chi2 = (offset * times(weight, offset)).sum()
    return float(chi2 + step @ vertical @ step)


def fit_level(
    rays: Rays,
    information: Float64,
    chosen: NDArray[np.bool_],
    about_s: float,
    height_m: float,
    sigma: tuple[float, float, float],
) -> float:
    """Return chi-square of one satellite's lines of sight if all looked at one thing that flies level and straight.

    sigma: of its height, of each part of its velocity, and of the part upwards.
    """
    weight, origin, los = information[chosen], rays.origin_itrs_m[chosen], rays.los_itrs[chosen]
    since = rays.time_s[chosen] - about_s
    start = _on_ground(origin[0], los[0], height_m)
    up = start / np.linalg.norm(start)
    prior = np.zeros((6, 6))
    prior[:3, :3] = np.outer(up, up) / sigma[0] ** 2
    prior[3:, 3:] = np.eye(3) / sigma[1] ** 2 + np.outer(up, up) / sigma[2] ** 2
    # Place at each look: (3, 6) of offset from the start and velocity.
    rows = np.concatenate([np.broadcast_to(np.eye(3), (len(since), 3, 3)), since[:, None, None] * np.eye(3)], axis=2)
    turned = np.swapaxes(rows, 1, 2) @ weight
    flight = np.linalg.solve((turned @ rows).sum(axis=0) + prior, times(turned, origin - start).sum(axis=0))
    offset = start + rows @ flight - origin
    return float((offset * times(weight, offset)).sum() + flight @ prior @ flight)


def times(matrices: Float64, vectors: Float64) -> Float64:
    """Return (n, 3): each matrix (n, 3, 3) times its vector (n, 3)."""
    product: Float64 = (matrices @ vectors[:, :, None])[:, :, 0]
    return product


def _on_ground(origin: Float64, los: Float64, height_m: float) -> Float64:
    """Return where a line of sight meets the sphere through the ground, or its point nearest to the centre."""
    half_b = float(los @ origin)
    # Radius of the ellipsoid at the latitude of where the ray comes nearest, to some kilometres.
    nearest = origin - half_b * los
    sine = nearest[2] / np.linalg.norm(nearest)
    radius = 6_378_137.0 - 21_385.0 * sine**2 + height_m
    discriminant = half_b**2 - float(origin @ origin) + radius**2
    distance = -half_b - math.sqrt(max(discriminant, 0.0))
    point: Float64 = origin + distance * los
    return point


def _centre(information: Float64, pulled: Float64) -> Float64:
    """Return the point nearest to all lines of sight, or any origin-like point where they do not determine one."""
    normal = information.sum(axis=0)
    centre: Float64 = np.linalg.lstsq(normal, pulled.sum(axis=0), rcond=1e-14)[0]
    return centre


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


def judge(rays: Rays, near_itrs_m: Float64, hit_ratio: float, config: TrackingConfig) -> Judgement:
    """Return the judgement over all given lines of sight.

    near_itrs_m: (3,) where the track is. hit_ratio: part of the looks with it in view that saw it.
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
        and _nothing_rests(rays, information, motion, point, witnesses, duration, scale, config)
        and _goes_far_and_fast(rays, information, motion, line, duration, scale, config)
    )
    static = not moving and _stays(rays, line, duration, scale, config)
    return Judgement(consistent=True, moving=moving, static=static, motion=motion, way_px=way_px)


def pixel_m(rays: Rays, near_itrs_m: Float64) -> float:
    """Return what the finest pixel that sees it spans across the line of sight."""
    return float((np.linalg.norm(near_itrs_m - rays.origin_itrs_m, axis=1) * rays.pixel_rad).min())


def _nothing_rests(
    rays: Rays,
    information: Float64,
    motion: Fit,
    point: Fit,
    witnesses: int,
    duration: float,
    scale: float,
    config: TrackingConfig,
) -> bool:
    """Return whether motion explains the looks far better than anything at rest."""
    if (point.chi2 - motion.chi2) / scale < config.moving_chi2:
        return False
    if witnesses > 2:
        return True
    if duration < config.decide_two_satellites_s or _height_m(motion.coefficients[0]) > HIGHEST_OF_TWO_M:
        return False
    apart = sum(
        fit_resting(rays, information, rays.sensor == place, CLUTTER_HEIGHT_M, CLUTTER_HEIGHT_SIGMA_M)
        for place in range(len(rays.sensor_ids))
    )
    if (apart - motion.chi2) / scale < config.moving_chi2:
        return False
    if _climbs_like_no_ghost(rays, motion, duration, scale):
        return True
    return all(
        _off_rest_px(rays, information, rays.sensor == place) > ALONE_PX for place in range(len(rays.sensor_ids))
    )


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


def _off_rest_px(rays: Rays, information: Float64, chosen: NDArray[np.bool_]) -> float:
    """Return how far one satellite's looks stay away from the best point at rest, root of the mean square, pixels."""
    if chosen.sum() < 3:
        return math.inf
    chi2 = fit_resting(rays, information, chosen, CLUTTER_HEIGHT_M, CLUTTER_HEIGHT_SIGMA_M)
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
