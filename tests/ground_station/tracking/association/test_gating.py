"""Gates of tracks in space against a slow twin."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from services.ground_station.tracking.association.gating import gate_tracks, log_likelihood
from services.ground_station.tracking.records import TRACK
from tests.ground_station.tracking.targets import (
    SITE_ITRS_M,
    Satellite,
    line_of_sight,
    noisy,
    random_spd,
)

Float64 = NDArray[np.float64]

GATE2 = 16.0
UNITS = np.array([300.0] * 3 + [60.0] * 3 + [5.0] * 3)


def seen_at(x: Float64, origin: Float64) -> Float64:
    return line_of_sight(lambda since_s: x[:3] + since_s * x[3:6], origin, 0.0)


def across(los: Float64) -> Float64:
    first = np.cross(los, [0.3, 0.5, 0.7])
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(los, first)])


def direction(track: np.void, origin: Float64) -> tuple[Float64, Float64]:
    """Return unit vectors (2, 3) across the way to a track, and its direction's covariance (2, 2), by differences."""
    mean = track["mean"]
    frame = across(seen_at(mean, origin))
    slope = np.empty((2, 6))
    for k in range(6):
        step = np.zeros(9)
        step[k] = 10.0
        slope[:, k] = frame @ (seen_at(mean + step, origin) - seen_at(mean - step, origin)) / 20.0
    return frame, slope @ track["covariance"][:6, :6] @ slope.T


def sky(seed: int, tracks: int, detections: int) -> tuple[NDArray[np.void], Float64, Float64, Float64]:
    """Return tracks round the site, a satellite's place, and its lines of sight: some near tracks, some anywhere."""
    rng = np.random.default_rng(seed)
    origin = Satellite(rng.uniform(0, 360), 90.0)(0.0)
    records = np.zeros(tracks, dtype=TRACK)
    for record in records:
        record["mean"] = np.concatenate(
            [SITE_ITRS_M + rng.normal(0, 5e4, 3), rng.normal(0, 2000.0, 3), rng.normal(0, 20.0, 3)]
        )
        record["covariance"] = random_spd(9, UNITS * rng.uniform(0.1, 10.0), rng)
    sigma = rng.uniform(5e-5, 5e-4, detections)
    los = np.empty((detections, 3))
    for k in range(detections):
        near = records[rng.integers(tracks)]["mean"] if rng.random() < 0.8 else SITE_ITRS_M + rng.normal(0, 1e5, 3)
        target = near[:3] + rng.normal(0.0, 10.0 ** rng.uniform(2.0, 3.7), 3)
        los[k] = noisy((target - origin) / np.linalg.norm(target - origin), sigma[k], rng)
    return records, origin, los, sigma


def gated(
    records: NDArray[np.void],
    chosen: list[int],
    origin: Float64,
    los: Float64,
    sigma: Float64,
    free: NDArray[np.bool_],
    room: int = 5000,
) -> tuple[int, list[tuple[int, int]], Float64, Float64]:
    """Return what the kernel says: how many, the pairs, their squared distances and log likelihoods."""
    track, detection = np.full(room, -1), np.full(room, -1)
    squared, likelihood = np.empty(room), np.empty(room)
    count = gate_tracks(
        records, np.array(chosen), origin, los, sigma, GATE2, free, track, detection, squared, likelihood
    )
    kept = min(abs(count), room)
    return count, list(zip(track[:kept].tolist(), detection[:kept].tolist(), strict=True)), squared, likelihood


@pytest.mark.parametrize("seed", range(4))
def test_gates_hold_what_the_slow_twin_finds(seed: int) -> None:
    records, origin, los, sigma = sky(seed, 12, 150)
    rng = np.random.default_rng(100 + seed)
    free = rng.random(150) < 0.8
    chosen = [0, 2, 3, 5, 7, 8, 11]
    expected = {}
    for row in chosen:
        frame, own = direction(records[row], origin)
        for k in np.flatnonzero(free).tolist():
            offset, spread = frame @ los[k], own + sigma[k] ** 2 * np.eye(2)
            apart = float(offset @ np.linalg.solve(spread, offset))
            if apart <= GATE2:
                expected[row, k] = apart, float(multivariate_normal.logpdf(offset, np.zeros(2), spread))
    count, pairs, squared, likelihood = gated(records, chosen, origin, los, sigma, free)
    assert len(expected) > 20
    assert count == len(pairs) == len(expected)
    assert pairs == sorted(pairs, key=lambda pair: (chosen.index(pair[0]), pair[1]))
    assert set(pairs) == set(expected)
    for k, pair in enumerate(pairs):
        assert squared[k] == pytest.approx(expected[pair][0], rel=1e-3, abs=1e-4)
        assert likelihood[k] == pytest.approx(expected[pair][1], rel=1e-3)
        row, detection = pair
        alone = log_likelihood(records[row], origin, los[detection], sigma[detection])
        assert alone == pytest.approx(likelihood[k], abs=1e-9)


def test_pairs_that_do_not_fit_are_counted_and_not_written() -> None:
    records, origin, los, sigma = sky(9, 12, 60)
    free = np.ones(60, dtype=np.bool_)
    every = list(range(12))
    count, pairs, _, _ = gated(records, every, origin, los, sigma, free)
    short, first, _, _ = gated(records, every, origin, los, sigma, free, room=5)
    assert short == -count
    assert first == pairs[:5]


def test_four_standard_deviations_let_three_in_ten_thousand_go() -> None:
    # Chi-square with two degrees of freedom: exp(-8) lie beyond 16.
    rng = np.random.default_rng(11)
    records, origin, _, _ = sky(10, 1, 1)
    sigma, draws = 2e-4, 20_000
    frame, spread = direction(records[0], origin)
    spread = spread + sigma**2 * np.eye(2)
    ahead = seen_at(records[0]["mean"], origin)
    los = ahead + rng.multivariate_normal(np.zeros(2), spread, draws) @ frame
    los /= np.linalg.norm(los, axis=1)[:, None]
    count, _, _, _ = gated(records, [0], origin, los, np.full(draws, sigma), np.ones(draws, dtype=np.bool_), room=draws)
    lost = draws - count
    expected = draws * np.exp(-8.0)
    assert abs(lost - expected) < 4.0 * np.sqrt(expected)
