"""Tracks of one satellite: points on the ground, their errors, and the filter that follows them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.geometry.ellipsoid import limb_crossing
from services.ground_station.tracking.association.gating import FIRST_ROOM
from services.ground_station.tracking.histories import TRACKLET_LOOKS
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.records import NONE, TRACK
from services.ground_station.tracking.tracklet_ends import GOES_ON, TOO_MANY, tracklet_ends
from services.ground_station.tracking.tracklets import (
    advance_tracklets,
    associate_tracklets,
    drift,
    ground_noise,
    invert3,
    see_tracklets,
)
from tests.ground_station.tracking.looks import SIGMA_RAD, begun, cone_look
from tests.ground_station.tracking.targets import SITE_ITRS_M, Satellite, line_of_sight, noisy, random_spd

Float64 = NDArray[np.float64]

SATELLITE = Satellite(30.0, 80.0)
ACCELERATION_M_PER_S2 = 40.0
GATE2 = 16.0


@pytest.mark.parametrize("aside_m", [1e5, 9e5, 1.5e6])
def test_noise_on_the_ground_is_that_of_sampled_lines_of_sight(aside_m: float) -> None:
    rng = np.random.default_rng(1)
    origin = Satellite(30.0, 80.0, aside_m=aside_m)(0.0)
    ahead = (SITE_ITRS_M - origin) / np.linalg.norm(SITE_ITRS_M - origin)
    sigma_m = SIGMA_RAD * float(np.linalg.norm(SITE_ITRS_M - origin))
    errors = rng.normal(0.0, SIGMA_RAD, (40_000, 3))
    lines = ahead + errors - (errors @ ahead)[:, None] * ahead
    points = limb_crossing(origin, lines / np.linalg.norm(lines, axis=1)[:, None])
    noise = np.empty((3, 3))
    ground_noise(ahead, SITE_ITRS_M, sigma_m, noise)
    up = SITE_ITRS_M / np.linalg.norm(SITE_ITRS_M)
    # Along the ground; upwards the filter is told of a tenth more. The ellipsoid's normal is not the way to its centre.
    level = np.eye(3) - np.outer(up, up)
    sampled = np.cov(points.T)
    largest = np.abs(sampled).max()
    assert level @ noise @ level / largest == pytest.approx(level @ sampled @ level / largest, abs=0.03)
    assert np.sqrt(up @ noise @ up) == pytest.approx(0.1 * sigma_m, rel=0.01)


def test_inverse_and_determinant_are_those_of_numpy() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        matrix = random_spd(3, np.array([10.0, 300.0, 5000.0]), rng)
        inverse = np.empty((3, 3))
        assert invert3(matrix, inverse) == pytest.approx(np.linalg.det(matrix), rel=1e-8)
        assert matrix @ inverse == pytest.approx(np.eye(3), abs=1e-6)


def looks_of_drift(count: int, rng: np.random.Generator, period_s: float = 0.5) -> list[Look]:
    """Return looks at a point that drifts over the ground at 300 m/s."""
    velocity = np.cross(SITE_ITRS_M, [0.2, -0.4, 0.9])
    velocity *= 300.0 / np.linalg.norm(velocity)
    made = []
    for k in range(count):
        time_s = k * period_s
        origin = SATELLITE(time_s)
        los = noisy(line_of_sight(lambda at_s: SITE_ITRS_M + at_s * velocity, origin, time_s), SIGMA_RAD, rng)
        made.append(cone_look("sat-0", round(time_s * 1e9), origin, [los]))
    return made


def followed(looks: list[Look], period_s: float = 0.5) -> tuple[np.void, NDArray[np.void]]:
    """Return the track that looks of one point make, and its history."""
    tracklets, pool = begun(looks[:1])
    for k, look in enumerate(looks[1:], 1):
        advance_tracklets(tracklets, 0, k * period_s, ACCELERATION_M_PER_S2)
        zero, yes = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.bool_)
        see_tracklets(tracklets, pool, zero, zero, yes, look.arrays, k * period_s, 0, look.sequence)
    return tracklets[0], pool.rays[tracklets[0]["history"]]


def test_filter_is_kalmans() -> None:
    looks = looks_of_drift(30, np.random.default_rng(3))
    track, _ = followed(looks)
    x, p = np.zeros(6), np.zeros((6, 6))
    noise = np.empty((3, 3))
    transition = np.eye(6)
    transition[:3, 3:] = 0.5 * np.eye(3)
    gain_of_acceleration = np.vstack([0.5**2 / 2 * np.eye(3), 0.5 * np.eye(3)]) * ACCELERATION_M_PER_S2
    for k, look in enumerate(looks):
        ground_noise(look.arrays.los[0], look.arrays.point[0], look.arrays.ground_sigma_m[0], noise)
        if k == 0:
            x[:3] = look.arrays.point[0]
            p[:3, :3], p[3:, 3:] = noise, 1500.0**2 * np.eye(3)
            continue
        x, p = transition @ x, transition @ p @ transition.T + gain_of_acceleration @ gain_of_acceleration.T
        gain = p[:, :3] @ np.linalg.inv(p[:3, :3] + noise)
        x = x + gain @ (look.arrays.point[0] - x[:3])
        p = p - gain @ p[:3]
    assert track["x"][:3] == pytest.approx(x[:3], abs=1e-3)
    assert track["x"][3:] == pytest.approx(x[3:], abs=1e-3)
    deviation = np.sqrt(np.diag(p))
    scale = np.outer(deviation, deviation)
    assert track["p"] / scale == pytest.approx(p / scale, abs=1e-6)
    assert (track["p"] == track["p"].T).all()


@pytest.mark.parametrize("looks", [2, 9, 24, 40])
def test_drift_is_the_straight_line_through_the_newest_points(looks: int) -> None:
    made = looks_of_drift(looks, np.random.default_rng(4))
    track, rays = followed(made)
    newest = made[-TRACKLET_LOOKS:]
    time_s = np.array([look.time_unix_ns / 1e9 for look in newest])
    points = np.array([look.arrays.point[0] for look in newest])
    # The same sigma for all to a few hundredths: the line is that of least squares.
    slopes = np.polyfit(time_s - time_s.mean(), points - points.mean(axis=0), 1)[0]
    speed, sigma, duration_s = drift(track, rays, TRACKLET_LOOKS)
    assert speed == pytest.approx(np.linalg.norm(slopes), rel=1e-6)
    assert duration_s == pytest.approx(np.ptp(time_s))
    assert sigma >= SIGMA_RAD * 1e6 / np.sqrt(((time_s - time_s.mean()) ** 2).sum())


def test_drift_is_as_sure_as_it_says() -> None:
    squares = []
    for seed in range(40):
        made = looks_of_drift(20, np.random.default_rng(100 + seed))
        track, rays = followed(made)
        speed, sigma, _ = drift(track, rays, TRACKLET_LOOKS)
        squares.append(((speed - 300.0) / sigma) ** 2)
    assert 0.4 < np.mean(squares) < 2.0


def test_a_single_instant_has_no_drift() -> None:
    track, rays = followed(looks_of_drift(1, np.random.default_rng(5)))
    assert drift(track, rays, TRACKLET_LOOKS) == (0.0, np.inf, 0.0)


def test_satellites_hold_no_more_tracks_than_they_may_and_drop_the_weakest() -> None:
    rng = np.random.default_rng(6)
    origin = SATELLITE(0.0)
    boresight = (SITE_ITRS_M - origin) / np.linalg.norm(SITE_ITRS_M - origin)
    points = [noisy(boresight, 0.05, rng) for _ in range(3000)]
    tracklets, _ = begun([cone_look("sat-0", 0, origin, points), cone_look("sat-1", 0, origin, points[:50])])
    tracklets["hits"] = rng.integers(1, 6, len(tracklets))
    codes = np.full(len(tracklets), GOES_ON)
    tracklet_ends(tracklets, 0, 3, 5, 2, 1000, codes)
    assert (codes[:3000] == GOES_ON).sum() == 1000
    assert (codes[:3000] == TOO_MANY).sum() == 2000
    assert (codes[3000:] == GOES_ON).all()
    assert tracklets["hits"][:3000][codes[:3000] == GOES_ON].min() >= tracklets["hits"][codes == TOO_MANY].max()


def test_only_the_strongest_of_thousands_of_detections_found_tracks() -> None:
    rng = np.random.default_rng(7)
    origin = SATELLITE(0.0)
    boresight = (SITE_ITRS_M - origin) / np.linalg.norm(SITE_ITRS_M - origin)
    look = cone_look("sat-0", 0, origin, [noisy(boresight, 0.05, rng) for _ in range(3000)])
    tracklets, pool = begun([])
    left = np.empty(3000, dtype=np.bool_)
    nobody = np.full(3000, NONE)
    associate_tracklets(
        tracklets,
        np.zeros(0, dtype=TRACK),
        pool,
        0,
        look.arrays,
        nobody,
        1000,
        0.0,
        0,
        GATE2,
        ACCELERATION_M_PER_S2,
        left,
    )
    assert np.flatnonzero(left).tolist() == list(range(1000))


def test_tracks_that_all_might_have_all_detections_have_one_each() -> None:
    rng = np.random.default_rng(8)
    origin = SATELLITE(0.0)
    line = line_of_sight(lambda _: SITE_ITRS_M, origin, 0.0)
    many = FIRST_ROOM // 25
    looks = [
        cone_look("sat-0", k * 10**9, origin, [noisy(line, SIGMA_RAD, rng) for _ in range(many)]) for k in range(2)
    ]
    tracklets, pool = begun(looks[:1])
    left = np.empty(many, dtype=np.bool_)
    associate_tracklets(
        tracklets,
        np.zeros(0, dtype=TRACK),
        pool,
        0,
        looks[1].arrays,
        np.full(many, NONE),
        1000,
        1.0,
        1,
        GATE2,
        ACCELERATION_M_PER_S2,
        left,
    )
    assert many * many > FIRST_ROOM
    assert (tracklets["hits"] == 2).all()
    assert sorted(tracklets["detection"].tolist()) == list(range(many))
    assert not left.any()
