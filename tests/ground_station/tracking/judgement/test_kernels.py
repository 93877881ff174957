"""The compiled fits against their slow twins and against exact motion."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ground_station.tracking.judgement.kernels import (
    fit_level,
    fit_motion,
    fit_resting,
    gather,
    invert,
    largest_eigenvalue,
    weigh,
)
from tests.ground_station.tracking.judgement import naive
from tests.ground_station.tracking.judgement.windows import (
    PIXEL_RAD,
    SIGMA_RAD,
    Sky,
    crossing,
    first_of,
    numbered,
    one_place,
    window,
)

Float64 = NDArray[np.float64]
HEIGHT_M = HEIGHT_SIGMA_M = 4000.0


def fitted(
    lines: naive.Rays, near: Float64, about_s: float, prior_sigma: tuple[float, ...]
) -> tuple[bool, Float64, Float64, float]:
    terms = len(prior_sigma)
    coefficients, covariance, chi2 = np.zeros((terms, 3)), np.zeros((3 * terms, 3 * terms)), np.zeros(1)
    determined = fit_motion(
        lines.time_s,
        lines.origin_itrs_m,
        lines.los_itrs,
        lines.sigma_rad,
        len(lines),
        near,
        about_s,
        np.array(prior_sigma),
        coefficients,
        covariance,
        chi2,
    )
    return determined, coefficients, covariance, float(chi2[0])


def resting_chi2(lines: naive.Rays, near: Float64) -> float:
    weight, terms, sums = np.empty(len(lines)), np.empty((len(lines), 9)), np.empty((1, 9))
    weigh(lines.origin_itrs_m, lines.los_itrs, lines.sigma_rad, near, weight, terms)
    gather(lines.time_s, terms, 0.0, sums)
    chi2: float = fit_resting(
        lines.time_s, lines.origin_itrs_m, lines.los_itrs, weight, 0, sums[0], near, HEIGHT_M, HEIGHT_SIGMA_M
    )
    return chi2


@pytest.mark.parametrize(
    "prior_sigma",
    [
        (math.inf,),
        (math.inf, math.inf),
        (math.inf, math.inf, math.inf),
        (math.inf, 4000.0, 30.0),
        (5e6, 4000.0, 30.0),
    ],
)
def test_fit_is_its_slow_twins(prior_sigma: tuple[float, ...]) -> None:
    for cause in ("rocket", "fire", "ghost", "cruise"):
        for seed in range(10):
            lines, near = window(cause, seed)
            newest = float(lines.time_s.max())
            slow = naive.fit_motion(lines, naive.weights(lines, near), len(prior_sigma) - 1, newest, prior_sigma)
            determined, coefficients, covariance, chi2 = fitted(lines, near, newest, prior_sigma)
            assert determined
            assert slow is not None
            a_millimetre = 1e-3
            assert np.abs(coefficients - slow.coefficients).max() < a_millimetre
            scale = np.sqrt(np.diag(slow.covariance))
            assert np.allclose(covariance / np.outer(scale, scale), slow.covariance / np.outer(scale, scale), atol=1e-7)
            assert chi2 == pytest.approx(slow.chi2, rel=1e-6)


def test_exact_lines_of_sight_give_the_exact_motion() -> None:
    rng = np.random.default_rng(21)
    sky = Sky(rng, 3)
    motion = sky.moving(rng, 2e4, (300.0, -50.0, 400.0), 25.0)
    times = np.repeat(np.arange(0.0, 8.0, 0.5), 3)
    satellites = np.tile([0, 1, 2], 16)
    origins = np.array([sky.origin(s, t) for s, t in zip(satellites, times, strict=True)])
    los = np.array([motion(t) for t in times]) - origins
    los /= np.linalg.norm(los, axis=1)[:, None]
    lines = numbered(times, origins, los, np.full(48, SIGMA_RAD), np.full(48, PIXEL_RAD), satellites.astype(np.float64))
    determined, coefficients, _, chi2 = fitted(lines, motion(4.0), 4.0, (math.inf, math.inf, math.inf))
    a_millimetre = 1e-3
    assert determined
    assert np.abs(coefficients[0] - motion(4.0)).max() < a_millimetre
    assert np.abs(coefficients[1] - (motion(4.5) - motion(3.5))).max() < a_millimetre
    assert np.abs(coefficients[2] - (motion(5.0) - 2 * motion(4.0) + motion(3.0))).max() < a_millimetre
    assert chi2 < 1e-6


@pytest.mark.parametrize("prior_sigma", [(math.inf,), (math.inf, math.inf), (math.inf, 4000.0, 30.0)])
def test_parallel_lines_of_sight_determine_nothing(prior_sigma: tuple[float, ...]) -> None:
    for seed in range(10):
        lines = one_place(np.random.default_rng([seed, 22]))
        assert not fitted(lines, crossing(lines), 10.0, prior_sigma)[0]


def test_one_line_of_sight_determines_nothing() -> None:
    lines, near = window("fire", 0)
    one = first_of(lines, np.array([0]))
    assert not fitted(one, near, 0.0, (math.inf,))[0]


def test_no_line_of_sight_determines_nothing() -> None:
    lines, near = window("fire", 0)
    none = first_of(lines, np.array([], dtype=np.int64))
    assert not fitted(none, near, 0.0, (math.inf, math.inf))[0]


def test_what_rests_near_the_ground_is_judged_as_by_the_slow_twin() -> None:
    for cause in ("rocket", "fire", "ghost", "wandering"):
        for seed in range(10):
            lines, near = window(cause, seed)
            information = naive.weights(lines, near)
            for satellite in range(len(lines.sensor_ids)):
                chosen = lines.sensor == satellite
                slow = naive.fit_resting(lines, information, near, chosen, HEIGHT_M, HEIGHT_SIGMA_M)
                fast = resting_chi2(naive.subset(lines, chosen), near)
                assert fast == pytest.approx(slow, rel=1e-6, abs=1e-6)


def test_what_flies_level_is_judged_as_by_the_slow_twin() -> None:
    sigma = (2000.0, 200.0, 10.0)
    for cause in ("rocket", "fire", "ghost", "cruise"):
        for seed in range(10):
            lines, near = window(cause, seed)
            information, middle = naive.weights(lines, near), float(lines.time_s.mean())
            for satellite in range(len(lines.sensor_ids)):
                chosen = lines.sensor == satellite
                own = naive.subset(lines, chosen)
                weight, terms, sums = np.empty(len(own)), np.empty((len(own), 9)), np.empty((3, 9))
                weigh(own.origin_itrs_m, own.los_itrs, own.sigma_rad, near, weight, terms)
                gather(own.time_s, terms, middle, sums)
                arrays = own.time_s, own.origin_itrs_m, own.los_itrs, weight
                fast = fit_level(*arrays, 0, sums, middle, near, HEIGHT_M, np.array(sigma))
                slow = naive.fit_level(lines, information, near, chosen, middle, HEIGHT_M, sigma)
                assert fast == pytest.approx(slow, rel=1e-5, abs=1e-5)


def test_lines_of_sight_that_graze_the_earth_still_rest() -> None:
    # The point nearest to the Earth's centre is where the ray is level: its height says nothing of the range.
    origin, los = np.array([[7.4e6, 0.0, 0.0]]), np.array([[-0.4, math.sqrt(1 - 0.16), 0.0]])
    sigma = np.array([SIGMA_RAD])
    grazing = numbered(np.zeros(1), origin, los, sigma, np.array([PIXEL_RAD]), np.zeros(1))
    a_point_on_the_ray = origin[0] + 3e6 * los[0]
    assert resting_chi2(grazing, a_point_on_the_ray) == pytest.approx(0.0, abs=1e-9)


def test_lines_of_sight_to_a_point_on_the_ground_leave_noise_alone() -> None:
    degrees, total = 0, 0.0
    for seed in range(25):
        lines, near = window("fire", seed)
        for satellite in range(len(lines.sensor_ids)):
            own = naive.subset(lines, lines.sensor == satellite)
            degrees += 2 * len(own) - 2
            total += resting_chi2(own, near)
    # Thousands of degrees of freedom: the ratio's standard deviation is about 0.01.
    assert total / degrees == pytest.approx(1.0, abs=0.06)


def test_inverse_is_the_inverse_whatever_the_units() -> None:
    rng = np.random.default_rng(26)
    for size in (3, 6, 9):
        for _ in range(30):
            root = rng.standard_normal((size, 2 * size))
            units = 10.0 ** rng.uniform(-6, 6, size)
            matrix = root @ root.T * np.outer(units, units)
            inverse = np.empty((size, size))
            assert invert(matrix, inverse)
            assert np.allclose(matrix @ inverse * np.outer(1 / units, units), np.eye(size), atol=1e-9)
            assert (inverse == inverse.T).all()


def test_a_matrix_that_is_not_positive_has_no_inverse() -> None:
    rng = np.random.default_rng(27)
    for size in (3, 6, 9):
        root = rng.standard_normal((size, size - 1))
        for matrix in (root @ root.T, -np.eye(size), np.zeros((size, size)), np.full((size, size), np.nan)):
            assert not invert(matrix, np.empty((size, size)))


def test_largest_eigenvalue_is_lapacks() -> None:
    rng = np.random.default_rng(28)
    for _ in range(200):
        root = rng.standard_normal((3, 3)) * 10.0 ** rng.uniform(-3, 3, 3)
        matrix = root @ root.T
        assert largest_eigenvalue(matrix) == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-9)


def test_largest_of_equal_eigenvalues_is_that_one() -> None:
    assert largest_eigenvalue(4.0 * np.eye(3)) == 4.0
    assert largest_eigenvalue(np.diag([1.0, 5.0, 5.0])) == pytest.approx(5.0)
    assert largest_eigenvalue(np.diag([5.0, 1.0, 1.0])) == pytest.approx(5.0)


def test_founding_fit_takes_rows_beyond_its_count() -> None:
    lines, near = window("rocket", 0)
    count = len(lines) - 5
    coefficients, covariance, chi2 = np.zeros((2, 3)), np.zeros((6, 6)), np.zeros(1)
    prior = np.array([math.inf, math.inf])
    assert fit_motion(
        lines.time_s,
        lines.origin_itrs_m,
        lines.los_itrs,
        lines.sigma_rad,
        count,
        near,
        5.0,
        prior,
        coefficients,
        covariance,
        chi2,
    )
    fewer = first_of(lines, np.arange(count))
    assert np.array_equal(coefficients, fitted(fewer, near, 5.0, (math.inf, math.inf))[1])


def test_more_looks_than_rows_are_refused() -> None:
    lines, near = window("rocket", 0)
    with pytest.raises(ValueError, match="n rows or more"):
        fit_motion(
            lines.time_s,
            lines.origin_itrs_m,
            lines.los_itrs,
            lines.sigma_rad,
            len(lines) + 1,
            near,
            5.0,
            np.array([math.inf]),
            np.zeros((1, 3)),
            np.zeros((3, 3)),
            np.zeros(1),
        )
