"""One model's filter: against samples, the information form and an independent aim."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import multivariate_normal

from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.ground_station.tracking.bank import filters
from services.ground_station.tracking.bank.filters import aim, correct, predict
from services.ground_station.tracking.bank.models import BALLISTIC, BOOST, CRUISE, DIMENSIONS, GLIDE, STATIC
from tests.ground_station.tracking.targets import (
    LIGHT_M_PER_S,
    SITE_ITRS_M,
    Satellite,
    flight,
    line_of_sight,
    noisy,
    random_spd,
    satellites,
    true_state,
    turned,
)

Float64 = NDArray[np.float64]

MOVING = [BOOST, BALLISTIC, GLIDE, CRUISE]
ORBITAL_M_PER_S = 7800.0
UNITS = np.array([100.0] * 3 + [10.0] * 3 + [1.0] * 3 + [2e-5])


def start() -> Float64:
    """Return a state (10,) of a rocket that climbs through 20 km."""
    return np.concatenate([true_state(flight("small_launcher", 120.0), 75.0), [1.0 / 2800.0]])


def driven(model: int, x: Float64, step_s: float, steps: int, rng: np.random.Generator) -> Float64:
    """Return where a state is after steps under the model's white noise, half of it before each step, half after."""
    x = x.copy()
    still = np.eye(10) * 1e-12
    for _ in range(steps):
        for half in range(2):
            way = x[3:6] / np.linalg.norm(x[3:6])
            kick = rng.normal(0.0, math.sqrt(step_s / 2), 3)
            along, across = (kick @ way) * way, kick - (kick @ way) * way
            if model == BOOST:
                slow = math.exp(-((np.linalg.norm(x[3:6]) / 350.0) ** 2))
                steer = np.linalg.norm(x[6:9]) * (filters.STEER_NOISE_RAD_PER_S + filters.PITCH_NOISE_RAD_PER_S * slow)
                x[6:9] += filters.THRUST_NOISE_M_PER_S3 * along + steer * across
                x[9] += filters.GROWTH_NOISE_PER_M * rng.normal(0.0, math.sqrt(step_s / 2))
            elif model == GLIDE:
                x[6:9] += filters.GLIDE_NOISE_M_PER_S3 * kick
            elif model == CRUISE:
                x[3:6] += filters.CRUISE_NOISE_M_PER_S2 * kick
            else:
                x[3:6] += filters.FALL_NOISE_M_PER_S2 * kick
            if half == 0:
                predict(model, x, still.copy(), step_s)
    return x


@pytest.mark.parametrize("model", MOVING)
def test_predicted_covariance_is_that_of_propagated_samples(model: int) -> None:
    rng = np.random.default_rng(model)
    size, samples, steps = DIMENSIONS[model], 1500, 8
    x, p = start(), np.zeros((10, 10))
    if model == BALLISTIC:
        # Above the air, where what drag may differ by does not count.
        x[:3] *= 1.05
    p[:size, :size] = random_spd(size, UNITS[:size], rng)
    states = np.tile(x, (samples, 1))
    states[:, :size] = rng.multivariate_normal(x[:size], p[:size, :size], samples)
    if size < 10:
        states[:, size:] = x[size:]
    predict(model, x, p, 1.0)
    ended = np.array([driven(model, each, 1.0 / steps, steps, rng) for each in states])[:, :size]
    assert np.allclose(p, p.T)
    white = np.linalg.solve(np.linalg.cholesky(p[:size, :size]), (ended - x[:size]).T)
    # Of 1,500 samples: a variance is good to 3.7 %, a mean to 2.6 %.
    five_sigma = 5.0 / math.sqrt(samples)
    assert np.abs(np.cov(white) - np.eye(size)).max() < 1.5 * five_sigma
    assert np.abs(white.mean(axis=1)).max() < five_sigma


@pytest.mark.parametrize("model", MOVING)
def test_noise_alone_spreads_as_driven_samples_do(model: int) -> None:
    rng = np.random.default_rng(10 + model)
    size, samples, steps = DIMENSIONS[model], 800, 8
    x, p = start(), np.zeros((10, 10))
    if model == BALLISTIC:
        x[:3] *= 1.05
    p[:size, :size] = np.diag((1e-6 * UNITS[:size]) ** 2)
    begun = x.copy()
    predict(model, x, p, 1.0)
    ended = np.array([driven(model, begun, 1.0 / steps, steps, rng) for _ in range(samples)])[:, :size]
    ratio = ended.std(axis=0) / np.sqrt(np.diag(p)[:size])
    assert np.abs(ratio - 1.0).max() < 5.0 / math.sqrt(2 * samples)


def test_long_steps_are_no_coarser_than_short_ones() -> None:
    for model in (BOOST, BALLISTIC):
        once, often = start(), start()
        p = np.zeros((10, 10))
        p[:6, :6] = np.diag(UNITS[:6] ** 2)
        q = p.copy()
        predict(model, once, p, 10.0)
        for _ in range(40):
            predict(model, often, q, 0.25)
        assert np.linalg.norm(once[:3] - often[:3]) < 2.0
        assert np.sqrt(np.diag(p)[:3]) == pytest.approx(np.sqrt(np.diag(q)[:3]), rel=0.1)


def across(los: Float64) -> Float64:
    """Return (2, 3) unit vectors across a direction and each other."""
    first = np.cross(los, [0.3, 0.5, 0.7])
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(los, first)])


def seen_at(x: Float64, origin: Float64) -> Float64:
    """Return the line of sight of what moves evenly and is at x (position and velocity) at reception."""
    return line_of_sight(lambda since_s: x[:3] + since_s * x[3:6], origin, 0.0)


@pytest.mark.parametrize("model", [*MOVING, STATIC])
def test_correction_is_that_of_the_information_form(model: int) -> None:
    rng = np.random.default_rng(20 + model)
    size, sigma = DIMENSIONS[model], 1e-4
    origin = Satellite(30.0, 80.0)(0.0)
    for _ in range(20):
        x, p = start(), np.zeros((10, 10))
        p[:size, :size] = random_spd(size, UNITS[:size], rng)
        if model == STATIC:
            x[3:] = 0.0
        los = noisy(seen_at(x, origin), 2e-4, rng)
        frame = across(seen_at(x, origin))
        slope = np.empty((2, size))
        for k in range(size):
            step = np.zeros(10)
            step[k] = UNITS[k]
            slope[:, k] = frame @ (seen_at(x + step, origin) - seen_at(x - step, origin)) / (2 * UNITS[k])
        offset = frame @ los
        scaled = p[:size, :size] / np.outer(UNITS[:size], UNITS[:size])
        information = np.linalg.inv(scaled) + (slope * UNITS[:size]).T @ (slope * UNITS[:size]) / sigma**2
        covariance = np.linalg.inv(information)
        gained = covariance @ (slope * UNITS[:size]).T @ offset / sigma**2
        spread = slope @ p[:size, :size] @ slope.T + sigma**2 * np.eye(2)
        log_likelihood = multivariate_normal.logpdf(offset, np.zeros(2), spread)

        found, q = x.copy(), p.copy()
        likelihood, squared = correct(found, q, size, origin, los, sigma)
        # Of a standard deviation; a static heat's model knows no way, and light takes milliseconds.
        assert (found[:size] - x[:size]) / UNITS[:size] == pytest.approx(gained, abs=1e-4)
        assert q[:size, :size] / np.outer(UNITS[:size], UNITS[:size]) == pytest.approx(covariance, abs=1e-5)
        assert likelihood == pytest.approx(log_likelihood, abs=1e-3)
        assert squared == pytest.approx(offset @ np.linalg.solve(spread, offset), rel=1e-3, abs=1e-6)
        assert (found[size:] == x[size:]).all()


def test_heat_at_rest_is_found_as_surely_as_is_stated() -> None:
    sigma, squares, errors = 1e-4, [], []
    watching = satellites(3)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x, p = np.zeros(10), np.zeros((10, 10))
        p[:3, :3] = np.eye(3) * 5000.0**2
        x[:3] = SITE_ITRS_M + rng.normal(0.0, 5000.0, 3)
        for second in range(30):
            for satellite in watching:
                origin = satellite(float(second))
                los = noisy(line_of_sight(lambda _: SITE_ITRS_M, origin, float(second)), sigma, rng)
                correct(x, p, 3, origin, los, sigma)
            predict(STATIC, x, p, 1.0)
        error = x[:3] - SITE_ITRS_M
        errors.append(np.linalg.norm(error))
        squares.append(error @ np.linalg.solve(p[:3, :3], error))
    assert max(errors) < 100.0
    # Chi-square of 90 degrees of freedom, over 30: within three of its standard deviations.
    assert abs(np.mean(squares) - 3.0) < 3.0 * math.sqrt(6.0 / 30.0)


def test_aim_points_where_light_comes_from() -> None:
    rng = np.random.default_rng(30)
    for _ in range(200):
        satellite = Satellite(rng.uniform(0, 360), rng.uniform(0, 360), rng.uniform(0.5e6, 2e6), rng.uniform(1e5, 2e6))
        origin = satellite(0.0)
        way = rng.normal(size=3)
        way *= rng.uniform(0.0, ORBITAL_M_PER_S) / np.linalg.norm(way)
        x = np.concatenate([SITE_ITRS_M + rng.normal(0, 2e5, 3), way, np.zeros(4)])

        def inertial(delay_s: float, x: Float64 = x) -> Float64:
            """Return where it was so long ago, in inertial axes that are those of ITRS at reception."""
            return turned(x[:3] - delay_s * x[3:6], -EARTH_RATE_RAD_PER_S * delay_s)

        def too_early(delay_s: float, origin: Float64 = origin) -> float:
            return float(np.linalg.norm(inertial(delay_s) - origin)) - LIGHT_M_PER_S * delay_s

        delay_s = brentq(too_early, 0.0, 0.1, xtol=1e-15)
        line = inertial(delay_s) - origin
        frame = np.empty((3, 3))
        distance = aim(x, origin, frame)
        a_metre = 1.0
        assert abs(distance - np.linalg.norm(line)) < a_metre
        assert np.linalg.norm(np.cross(frame[0], line / np.linalg.norm(line))) < 1e-9
        assert np.allclose(frame @ frame.T, np.eye(3), atol=1e-12)


def test_axes_lie_across_at_the_poles_too() -> None:
    origin = np.array([0.0, 0.0, 7.4e6])
    for place in ([0.0, 0.0, 6.4e6], [1e-3, 0.0, 6.4e6], [0.0, -1e-3, 8.4e6]):
        frame = np.empty((3, 3))
        aim(np.array([*place, *[0.0] * 7]), origin, frame)
        assert np.allclose(frame @ frame.T, np.eye(3), atol=1e-12)
