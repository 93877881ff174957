"""Where and when it left the ground, from a track's first looks.

The model: at rest until the launch, then upwards with an acceleration that grows evenly, and sideways with the cube
of time, as a gravity turn begins. Where the looks begin late and do not determine a number, what rockets do bounds it.
Gauss and Newton's least squares over the lines of sight, with these bounds as prior; the covariance has both.
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs, itrs_to_geodetic
from services.geometry.time import NS_PER_S
from services.ground_station.tracking.fit import fit_motion, times, weights
from services.ground_station.tracking.measurement import Rays, subset
from services.ground_station.tracking.snapshot import Ellipse, LaunchEstimate

Float64 = NDArray[np.float64]

# The first looks only: later the simple model no longer holds.
EARLY_S = 15.0
# Net acceleration at the launch (thrust less weight): 3 m/s^2 for heavy launchers to 25 for solid missiles.
ACCELERATION_M_PER_S2 = 12.0
ACCELERATION_SIGMA_M_PER_S2 = 8.0
# Its growth as propellant burns.
GROWTH_M_PER_S3 = 0.15
GROWTH_SIGMA_M_PER_S3 = 0.2
# Sideways per axis, (m/s^3) / 6: 0.1 is 2.7 km after 30 s.
SIDEWAYS_SIGMA_M_PER_S3 = 0.15
# The ground's height above the ellipsoid is not known here.
GROUND_M = 300.0
GROUND_SIGMA_M = 400.0
# Part of the way sideways before the first look by which the cube may err.
SIDEWAYS_ERROR = 0.25
# Systematic error of a centroid that averaging does not take away, pixels.
BIAS_PX = 0.05
ROUNDS = 12
# Chi-square with two degrees of freedom, 90 %: semi-axes in standard deviations.
NINETY_PERCENT = math.sqrt(-2 * math.log(0.1))
# More than this before the first look is no extrapolation but a guess.
LONGEST_S = 150.0
# What is seen is a plume: it may burn so long before it lifts what it drives.
LATEST_S = 2.0
# Horizontal speed in standard deviations from which a heading is stated.
HEADING_SIGMA = 4.0


@dataclass(frozen=True)
class LaunchFit:
    """The estimate, and the net acceleration at lift-off with its standard deviation, m/s^2."""

    estimate: LaunchEstimate
    lift_off_m_per_s2: float
    lift_off_sigma_m_per_s2: float


@dataclass(frozen=True)
class _Solution:
    """Parameters: east, north, ground height (m, about the origin), time (s), acceleration, growth, east, north."""

    parameters: Float64
    covariance: Float64
    scale: float


def estimate_launch(first_looks: Rays, epoch_unix_ns: int) -> LaunchFit | None:
    """Return the launch, its heading open; None where the looks tell of none: no rise, or seen long after."""
    early = first_looks.time_s <= first_looks.time_s.min() + EARLY_S
    looks = subset(first_looks, early)
    start_s = float(looks.time_s.min())
    near = _meeting(looks)
    information = weights(looks, near)
    motion = fit_motion(looks, information, 2, start_s, (math.inf, 4000.0, 30.0))
    if motion is None:
        return None
    latitude, longitude, height = (float(value) for value in itrs_to_geodetic(motion.coefficients[0]))
    axes = east_north_up(latitude, longitude)
    local = motion.coefficients @ axes.T
    end_rise = float(local[1, 2] + local[2, 2] * np.ptp(looks.time_s))
    if end_rise <= 0 or height > 80_000.0:
        return None
    origin = geodetic_to_itrs(latitude, longitude, 0.0)
    guess = _guess(max(height, 0.0), max(float(local[1, 2]), 0.0), start_s)
    solution = _solve(looks, information, origin, axes, guess)
    if solution is None or start_s - solution.parameters[3] > LONGEST_S:
        return None
    estimate = _stated(solution, looks, near, axes, origin, start_s, epoch_unix_ns)
    sigma = math.sqrt(float(solution.covariance[4, 4]) * solution.scale)
    return LaunchFit(estimate, float(solution.parameters[4]), sigma)


def _guess(height: float, rise: float, start_s: float) -> Float64:
    """Return parameters to begin with: at constant acceleration from rest, h = v t / 2."""
    since = min(2 * height / rise, LONGEST_S) if rise > 20.0 else math.sqrt(2 * height / ACCELERATION_M_PER_S2)
    acceleration = min(max(rise / since, 2.0), 30.0) if since > 1.0 else ACCELERATION_M_PER_S2
    return np.array([0.0, 0.0, GROUND_M, start_s - since, acceleration, GROWTH_M_PER_S3, 0.0, 0.0])


def _solve(looks: Rays, information: Float64, origin: Float64, axes: Float64, guess: Float64) -> _Solution | None:
    prior_mean = np.array([0.0, 0.0, GROUND_M, 0.0, ACCELERATION_M_PER_S2, GROWTH_M_PER_S3, 0.0, 0.0])
    prior_sigma = np.array(
        [
            np.inf, np.inf, GROUND_SIGMA_M, np.inf, ACCELERATION_SIGMA_M_PER_S2, GROWTH_SIGMA_M_PER_S3,
            SIDEWAYS_SIGMA_M_PER_S3, SIDEWAYS_SIGMA_M_PER_S3,
        ]
    )  # fmt: skip
    prior = np.diag(1 / prior_sigma**2)
    local_information = axes @ information @ axes.T
    local_origin = (looks.origin_itrs_m - origin) @ axes.T
    parameters = guess
    damping = 1e-2
    cost = math.inf
    best = None
    for _ in range(ROUNDS):
        place, slope = _model(parameters, looks.time_s)
        offset = local_origin - place
        off_prior = np.where(np.isfinite(prior_sigma), prior_mean - parameters, 0.0)
        pull = times(local_information, offset)
        chi2 = float((offset * pull).sum())
        now = chi2 + float(off_prior @ prior @ off_prior)
        flat = slope.reshape(-1, slope.shape[2])
        normal = flat.T @ (local_information @ slope).reshape(flat.shape) + prior
        gradient = flat.T @ pull.ravel() + prior @ off_prior
        if now < cost:
            cost, best, damping = now, (parameters, normal, gradient, chi2), damping / 5
        elif best is not None:
            parameters, normal, gradient, _ = best
            damping *= 10
        # Levenberg and Marquardt's damping on the diagonal.
        held = normal + damping * np.diag(np.diag(normal))
        parameters = parameters + _inverse(held) @ gradient
        parameters[4] = max(parameters[4], 0.5)
        parameters[5] = max(parameters[5], 0.0)
        # A launch after the last look would leave nothing that tells of it.
        parameters[3] = min(parameters[3], float(looks.time_s.min()) + LATEST_S)
    if best is None or not np.isfinite(best[0]).all():
        return None
    parameters, normal, _, chi2 = best
    covariance = _inverse(normal)
    freedom = max(2 * len(looks) - len(parameters), 1)
    return _Solution(parameters, covariance, max(1.0, chi2 / freedom))


def _model(parameters: Float64, time_s: Float64) -> tuple[Float64, Float64]:
    """Return places (n, 3), east north up about the origin, and their slopes (n, 3, 8) over the parameters."""
    east, north, ground, launch_s, acceleration, growth, side_east, side_north = parameters.tolist()
    since = np.maximum(time_s - launch_s, 0.0)
    cube = since**3
    place = np.stack(
        [
            east + side_east * cube,
            north + side_north * cube,
            ground + acceleration * since**2 / 2 + growth * cube / 6,
        ],
        axis=1,
    )
    slope = np.zeros((len(time_s), 3, 8))
    slope[:, 0, 0] = slope[:, 1, 1] = slope[:, 2, 2] = 1.0
    slope[:, 0, 3] = -3 * side_east * since**2
    slope[:, 1, 3] = -3 * side_north * since**2
    slope[:, 2, 3] = -(acceleration * since + growth * since**2 / 2)
    slope[:, 2, 4] = since**2 / 2
    slope[:, 2, 5] = slope[:, 0, 6] = slope[:, 1, 7] = cube
    slope[:, 2, 5] /= 6
    return place, slope


def _stated(
    solution: _Solution,
    looks: Rays,
    near: Float64,
    axes: Float64,
    origin: Float64,
    start_s: float,
    epoch_unix_ns: int,
) -> LaunchEstimate:
    east, north, ground, launch_s, _, _, side_east, side_north = solution.parameters.tolist()
    covariance = solution.covariance[:2, :2] * solution.scale
    # The way sideways that nobody saw may have grown otherwise than with the cube.
    unseen = np.array([side_east, side_north]) * max(start_s - launch_s, 0.0) ** 3
    covariance = covariance + SIDEWAYS_ERROR**2 * np.outer(unseen, unseen)
    pixel = float((np.linalg.norm(near - looks.origin_itrs_m, axis=1) * looks.pixel_rad).mean())
    covariance = covariance + np.eye(2) * (BIAS_PX * pixel) ** 2
    latitude, longitude, _ = (
        float(value) for value in itrs_to_geodetic(origin + np.array([east, north, ground]) @ axes)
    )
    return LaunchEstimate(
        epoch_unix_ns + round(launch_s * NS_PER_S),
        math.sqrt(float(solution.covariance[3, 3]) * solution.scale),
        latitude,
        longitude,
        ground,
        ellipse_90(covariance),
    )


def with_heading(
    estimate: LaunchEstimate, velocity_itrs_m_per_s: Float64, velocity_covariance: Float64
) -> LaunchEstimate:
    """Return the estimate with the direction of flight now; without one where it hardly moves sideways."""
    east, north, _ = (float(value) for value in _axes(estimate) @ velocity_itrs_m_per_s)
    speed = math.hypot(east, north)
    if speed == 0:
        return estimate
    level = (_axes(estimate) @ velocity_covariance @ _axes(estimate).T)[:2, :2]
    across = np.array([north, -east]) / speed
    sigma = math.sqrt(float(across @ level @ across))
    if speed < HEADING_SIGMA * sigma:
        return estimate
    heading = math.degrees(math.atan2(east, north)) % 360.0
    return dataclasses.replace(estimate, heading_deg=heading, heading_sigma_deg=math.degrees(sigma / speed))


def _axes(estimate: LaunchEstimate) -> Float64:
    return east_north_up(estimate.latitude_deg, estimate.longitude_deg)


def ellipse_90(covariance: Float64) -> Ellipse:
    """Return the 90 % ellipse of a (2, 2) covariance, east and north, square metres."""
    values, vectors = np.linalg.eigh(covariance)
    minor, major = np.sqrt(np.maximum(values, 0.0)).tolist()
    east, north = vectors[:, 1].tolist()
    return Ellipse(NINETY_PERCENT * major, NINETY_PERCENT * minor, math.degrees(math.atan2(east, north)) % 180.0)


def _inverse(normal: Float64) -> Float64:
    """Return the inverse, scaled to ones on the diagonal on the way: metres and metres per cubed second meet here."""
    scale = 1 / np.sqrt(np.maximum(np.diag(normal), 1e-30))
    inverse: Float64 = np.linalg.pinv(normal * np.outer(scale, scale), rcond=1e-12, hermitian=True) * np.outer(
        scale, scale
    )
    return inverse


def _meeting(looks: Rays) -> Float64:
    """Return the point nearest to all lines of sight."""
    across = np.eye(3) - looks.los_itrs[:, :, None] * looks.los_itrs[:, None, :]
    right = times(across, looks.origin_itrs_m).sum(axis=0)
    point: Float64 = np.linalg.lstsq(across.sum(axis=0), right, rcond=1e-14)[0]
    return point
