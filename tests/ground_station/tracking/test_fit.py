"""Fits, assignment and filter on exact inputs."""

import itertools

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.assignment import assign
from services.ground_station.tracking.boost_filter import BoostFilter, across_axes, transition
from services.ground_station.tracking.fit import fit_motion, weights
from services.ground_station.tracking.launch import ellipse_90
from services.ground_station.tracking.measurement import Measurement, rays
from services.ground_station.tracking.snapshot import TrackDetection

Float64 = NDArray[np.float64]

ORIGINS = np.array([[7.3e6, 3e5, 0.0], [7.3e6, -6e5, 2e5], [7.2e6, 0.0, -9e5]])
PLACE = np.array([6.4e6, 1e3, 2e3])
VELOCITY = np.array([300.0, 50.0, -20.0])
ACCELERATION = np.array([15.0, 3.0, 1.0])
SIGMA_RAD = 2e-4


def look(time_s: float, origin: Float64, target: Float64, rng: np.random.Generator | None = None) -> Measurement:
    los = (target - origin) / np.linalg.norm(target - origin)
    if rng is not None:
        los = los + SIGMA_RAD * rng.standard_normal(2) @ across_axes(los)
        los /= np.linalg.norm(los)
    name = f"sat-{np.argmin(np.linalg.norm(ORIGINS - origin, axis=1))}"
    nan = float("nan")
    source = TrackDetection(name, round(time_s * 10), 0)
    return Measurement(time_s, source, origin, los, SIGMA_RAD, 1e-3, 10.0, nan, nan, nan, nan)


def target_at(time_s: float) -> Float64:
    return PLACE + VELOCITY * time_s + ACCELERATION * time_s**2 / 2


def looks(rng: np.random.Generator | None = None) -> list[Measurement]:
    times = np.arange(0, 8, 0.5)
    return [look(t, origin, target_at(t), rng) for t, origin in itertools.product(times, ORIGINS)]


def test_exact_lines_of_sight_give_the_exact_motion() -> None:
    lines = rays(looks())
    fit = fit_motion(lines, weights(lines, PLACE), 2, 0.0)
    assert fit is not None
    a_millimetre = 1e-3
    assert np.abs(fit.coefficients[0] - PLACE).max() < a_millimetre
    assert np.abs(fit.coefficients[1] - VELOCITY).max() < a_millimetre
    assert np.abs(fit.coefficients[2] - ACCELERATION).max() < a_millimetre
    assert fit.chi2 < 1e-6


def test_errors_agree_with_the_covariance() -> None:
    squares, chi2 = [], []
    for seed in range(60):
        lines = rays(looks(np.random.default_rng(seed)))
        fit = fit_motion(lines, weights(lines, PLACE), 2, 0.0)
        assert fit is not None
        error = (fit.coefficients - np.stack([PLACE, VELOCITY, ACCELERATION])).ravel()
        squares.append(float(error @ np.linalg.solve(fit.covariance, error)))
        chi2.append(fit.chi2 / fit.freedom)
    # Means of 60 draws: nine degrees of freedom, and one.
    assert abs(np.mean(squares) - 9.0) < 1.7
    assert abs(np.mean(chi2) - 1.0) < 0.1


def test_a_single_line_of_sight_determines_no_motion() -> None:
    one = rays([look(0.0, ORIGINS[0], PLACE)])
    fit = fit_motion(one, weights(one, PLACE), 1, 0.0)
    assert fit is None or float(np.diag(fit.covariance).max()) > 1e10


def test_axes_lie_across_every_line_of_sight() -> None:
    rng = np.random.default_rng(1)
    for los in [*rng.standard_normal((50, 3)), np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])]:
        unit = los / np.linalg.norm(los)
        frame = np.vstack([across_axes(unit), unit])
        assert np.allclose(frame @ frame.T, np.eye(3), atol=1e-12)


def test_order_of_measurements_does_not_change_the_filter() -> None:
    measured = looks(np.random.default_rng(5))
    state = np.concatenate([PLACE, VELOCITY, ACCELERATION])
    covariance = np.diag([1e6] * 3 + [1e4] * 3 + [100.0] * 3)
    results = []
    for order in (range(len(measured)), np.random.default_rng(6).permutation(len(measured)).tolist()):
        boost = BoostFilter(-0.1, state, covariance, 3.0, 100.0)
        for place in order:
            boost.add(measured[place])
        results.append(boost.at(8.0))
    # Looks at one instant are taken one after another, in any order; linearised anew, they differ a little.
    assert np.allclose(results[0][0], results[1][0], atol=1e-3)
    assert np.allclose(results[0][1], results[1][1], rtol=1e-3, atol=0.1)


def test_transition_there_and_back_is_nothing() -> None:
    assert np.allclose(transition(3.7) @ transition(-3.7), np.eye(9))


def test_assignment_is_the_cheapest_of_the_fullest() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        cost = rng.uniform(0, 10, (4, 4))
        allowed = rng.random((4, 4)) < 0.7
        tracks, detections = np.nonzero(allowed)
        chosen = assign(tracks, detections, cost[tracks, detections])
        pairs = [(int(tracks[k]), int(detections[k])) for k in chosen]
        best = max(
            (
                [(row, column) for row, column in enumerate(permutation) if allowed[row, column]]
                for permutation in itertools.permutations(range(4))
            ),
            key=lambda each: (len(each), -sum(cost[pair] for pair in each)),
        )
        assert len(pairs) == len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(best)
        assert abs(sum(cost[pair] for pair in pairs) - sum(cost[pair] for pair in best)) < 1e-9


def test_ninety_percent_ellipse_holds_ninety_percent() -> None:
    covariance = np.array([[4.0e6, 1.5e6], [1.5e6, 1.0e6]])
    ellipse = ellipse_90(covariance)
    points = np.random.default_rng(2).multivariate_normal([0, 0], covariance, 20_000)
    angle = np.radians(ellipse.orientation_deg)
    along = points @ [np.sin(angle), np.cos(angle)]
    across = points @ [np.cos(angle), -np.sin(angle)]
    inside = (along / ellipse.semi_major_m) ** 2 + (across / ellipse.semi_minor_m) ** 2 <= 1
    assert abs(inside.mean() - 0.9) < 0.01
