"""New tracks in space: what makes one, what it takes over, and what is no object."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ground_station.tracking.bank.models import BOOST, STATIC
from services.ground_station.tracking.founding import begin_track, inherit
from services.ground_station.tracking.histories import TRACK_LOOKS
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.records import RAY, TENTATIVE, TRACK, UNDECIDED
from services.ground_station.tracking.tracklets import keep_ray
from tests.ground_station.tracking.looks import SIGMA_RAD, begun, cone_look
from tests.ground_station.tracking.targets import SITE_ITRS_M, Motion, flight, line_of_sight, noisy, satellites

Float64 = NDArray[np.float64]

# Log of the chance to be seen over the density of clutter, per steradian: ten points in 0.4 sr.
LOG_GAIN = math.log(0.95 / 25.0)


def followed(motions: list[Motion], seconds: int, seed: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return each satellite's track of its own motion, seen once a second, 0.2 s after the one before."""
    rng = np.random.default_rng(seed)
    watching = satellites(len(motions))

    def look_of(number: int, time_s: float) -> Look:
        origin = watching[number](time_s)
        los = noisy(line_of_sight(motions[number], origin, time_s), SIGMA_RAD, rng)
        return cone_look(f"sat-{number}", round(time_s * 1e9), origin, [los])

    tracklets, pool = begun([look_of(number, 0.2 * number) for number in range(len(motions))])
    for number in range(len(motions)):
        track = tracklets[number]
        first_s = 0.2 * number
        pool.rays["time_s"][track["history"], 0] = first_s
        track["time_s"] = track["first_s"] = track["last_hit_s"] = first_s
        for second in range(1, seconds):
            time_s = second + 0.2 * number
            look = look_of(number, time_s)
            keep_ray(track, pool, look.arrays, 0, time_s, number, look.sequence)
    return tracklets, pool.rays


def founded(motions: list[Motion], seconds: int, seed: int) -> tuple[bool, np.void]:
    tracklets, pool = followed(motions, seconds, seed)
    records = np.zeros(1, dtype=TRACK)
    near = motions[0](float(seconds))
    gains = np.full(len(motions), LOG_GAIN)
    begins = begin_track(records, tracklets, pool, np.arange(len(motions)), near, gains)
    return bool(begins), records[0]


def climb(start_s: float) -> Motion:
    flown = flight("short_range_liquid", 61.0)
    return lambda time_s: flown.state_itrs(start_s + time_s)[0]


def resting(x_m: float = 0.0) -> Motion:
    place = SITE_ITRS_M + np.array([0.0, 0.0, x_m])
    return lambda _: place


def test_heat_at_rest_that_three_satellites_see_begins_a_track_where_it_is() -> None:
    for seed in range(10):
        begins, track = founded([resting()] * 3, 4, seed)
        assert begins
        assert (track["state"], track["motion"]) == (TENTATIVE, UNDECIDED)
        assert track["hits"] == 12
        assert track["sensors"] == 0b111
        assert track["first_s"] == 0.0
        assert track["time_s"] == pytest.approx(3.4)
        error = track["mean"][:3] - SITE_ITRS_M
        assert error @ np.linalg.solve(track["covariance"][:3, :3], error) < 25.0
        # Twelve looks of 100 microradians in a field with 25 points a steradian: surely no chance.
        assert track["score"] > 30.0
        assert track["probability"][STATIC] > 0.5


def test_rocket_begins_a_track_that_does_not_rest() -> None:
    for seed in range(10):
        begins, track = founded([climb(30.0)] * 4, 4, seed)
        assert begins
        assert track["probability"][STATIC] < 0.01
        assert track["probability"][BOOST] > 0.3
        position, velocity = flight("short_range_liquid", 61.0).state_itrs(30.0 + track["time_s"])
        error = track["mean"][:6] - np.concatenate([position, velocity])
        assert error @ np.linalg.solve(track["covariance"][:6, :6], error) < 30.0


def test_fires_that_only_seem_to_meet_begin_nothing() -> None:
    # Kilometres apart, a hundred metres of error each.
    begun_ones = [founded([resting(), resting(8e3), resting(-8e3)], 4, seed)[0] for seed in range(10)]
    assert not any(begun_ones)


def test_what_would_lie_deep_in_the_earth_begins_nothing() -> None:
    down = -3e4 * SITE_ITRS_M / np.linalg.norm(SITE_ITRS_M)
    begins, _ = founded([lambda _: SITE_ITRS_M + down] * 3, 4, 1)
    assert not begins


def test_newborn_takes_over_its_members_looks_in_the_order_of_their_times() -> None:
    tracklets, pool = followed([resting()] * 3, 10, 2)
    records, rays = np.zeros(1, dtype=TRACK), np.zeros((1, TRACK_LOOKS), dtype=RAY)
    inherit(records, rays, tracklets, pool, np.array([2, 0, 1]))
    count = int(records[0]["count"])
    times = rays[0]["time_s"][:count]
    assert (np.diff(times) > 0.0).all()
    assert set(rays[0]["sensor"][:count].tolist()) == {0, 1, 2}
    # The newest seconds, not all ten: what is older is of a time when they may have seen something else.
    assert times[-1] == pytest.approx(9.4)
    assert times[-1] - 6.0 - 1e-9 <= times[0] < times[-1] - 5.0
