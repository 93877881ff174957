"""The fits under the judgement of motion, slow and obvious: the twin of the compiled ones."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


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
    rays: Rays,
    information: Float64,
    near_itrs_m: Float64,
    chosen: NDArray[np.bool_],
    height_m: float,
    height_sigma_m: float,
) -> float:
    """Return chi-square of one satellite's lines of sight if all looked at one point at rest near the ground.

    information: for a target near a place. chosen: (n,) whose lines of sight. The point's height is only known as so
    much, give or take.
    """
    origin, los = rays.origin_itrs_m[chosen], rays.los_itrs[chosen]
    start = _on_ground(origin[0], los[0], height_m)
    weight = information[chosen]
    up = start / np.linalg.norm(start)
    vertical = np.outer(up, up) / height_sigma_m**2
    normal = weight.sum(axis=0) + vertical
    step = np.linalg.solve(normal, times(weight, origin - start).sum(axis=0))
    offset = start + step - origin
    chi2 = (offset * times(weight, offset)).sum() * _nearer2(origin[0], near_itrs_m, start + step)
    return float(chi2 + step @ vertical @ step)


def fit_level(
    rays: Rays,
    information: Float64,
    near_itrs_m: Float64,
    chosen: NDArray[np.bool_ | np.int64],
    about_s: float,
    height_m: float,
    sigma: tuple[float, float, float],
) -> float:
    """Return chi-square of one satellite's lines of sight if all looked at one thing that flies level and straight.

    sigma: of its height, of each part of its velocity, and of the part upwards.
    """
    origin, los = rays.origin_itrs_m[chosen], rays.los_itrs[chosen]
    since = rays.time_s[chosen] - about_s
    start = _on_ground(origin[0], los[0], height_m)
    weight = information[chosen]
    up = start / np.linalg.norm(start)
    prior = np.zeros((6, 6))
    prior[:3, :3] = np.outer(up, up) / sigma[0] ** 2
    prior[3:, 3:] = np.eye(3) / sigma[1] ** 2 + np.outer(up, up) / sigma[2] ** 2
    # Place at each look: (3, 6) of offset from the start and velocity.
    rows = np.concatenate([np.broadcast_to(np.eye(3), (len(since), 3, 3)), since[:, None, None] * np.eye(3)], axis=2)
    turned = np.swapaxes(rows, 1, 2) @ weight
    flight = np.linalg.solve((turned @ rows).sum(axis=0) + prior, times(turned, origin - start).sum(axis=0))
    offset = start + rows @ flight - origin
    chi2 = (offset * times(weight, offset)).sum() * _nearer2(origin[0], near_itrs_m, start + flight[:3])
    return float(chi2 + flight @ prior @ flight)


def times(matrices: Float64, vectors: Float64) -> Float64:
    """Return (n, 3): each matrix (n, 3, 3) times its vector (n, 3)."""
    product: Float64 = (matrices @ vectors[:, :, None])[:, :, 0]
    return product


def _nearer2(origin: Float64, one_itrs_m: Float64, other_itrs_m: Float64) -> float:
    """Return how much nearer one place is to an origin than another, squared."""
    return float(np.sum((one_itrs_m - origin) ** 2) / np.sum((other_itrs_m - origin) ** 2))


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
