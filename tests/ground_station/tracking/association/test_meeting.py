"""Where lines of sight meet: against all pairs, one by one."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, itrs_to_geodetic
from services.ground_station.tracking.association.meeting import (
    HIGHEST_M,
    LOWEST_M,
    MOST_MEMBERS,
    candidates,
    meetings,
    witnesses,
)
from services.ground_station.tracking.records import NONE
from tests.ground_station.tracking.looks import begun, cone_look
from tests.ground_station.tracking.targets import (
    LATITUDE_DEG,
    LONGITUDE_DEG,
    SITE_ITRS_M,
    Satellite,
    noisy,
    satellites,
)

Float64 = NDArray[np.float64]

GATE = 4.0
SIGMA_RAD = 2e-4


def towards(origin: Float64, place: Float64) -> Float64:
    line: Float64 = (place - origin) / np.linalg.norm(place - origin)
    return line


def crossing(origins: Float64, lines: Float64, sigmas: Float64) -> tuple[float, Float64]:
    """Return how far apart two lines pass, in standard deviations, and the middle; infinity where they cannot meet.

    By least squares over both ranges.
    """
    matrix = np.stack([lines[0], -lines[1]], axis=1)
    ranges = np.linalg.lstsq(matrix, origins[1] - origins[0], rcond=None)[0]
    sine = float(np.linalg.norm(np.cross(lines[0], lines[1])))
    ends = origins + ranges[:, None] * lines
    middle = ends.mean(axis=0)
    sigma = float(np.linalg.norm(ranges * sigmas))
    apart = float(np.linalg.norm(ends[0] - ends[1])) / sigma
    height_m = float(itrs_to_geodetic(middle)[2])
    allowed = LOWEST_M - 4.0 * sigma / sine < height_m < HIGHEST_M
    possible = (ranges > 0).all() and sine > 0.02 and apart < GATE and allowed
    return (apart if possible else math.inf), middle


@pytest.mark.parametrize("seed", range(6))
def test_meetings_are_exactly_those_of_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    east, north, up = east_north_up(LATITUDE_DEG, LONGITUDE_DEG)
    pair = [
        Satellite(rng.uniform(0, 360), rng.uniform(0, 360), rng.uniform(5e5, 2e6), rng.uniform(1e5, 1.8e6))
        for _ in range(2)
    ]
    here, there = pair[0](0.0), pair[1](0.0)
    # What both see, at any height, and what each sees alone; some looks are a second old, from farther back.
    places = [
        SITE_ITRS_M + rng.normal(0, 3e5) * east + rng.normal(0, 3e5) * north + rng.uniform(-2e4, 4e5) * up
        for _ in range(60)
    ]
    origin, los, sigma, doubt, owner = [], [], [], [], []
    for which in range(2):
        for place in [*places[:40], *places[40 + 10 * which : 50 + 10 * which]]:
            age_s = rng.choice([0.0, 1.0])
            origin.append(pair[which](-age_s))
            sigma.append(SIGMA_RAD * rng.uniform(0.5, 3.0))
            los.append(noisy(towards(origin[-1], place), 1.5 * sigma[-1], rng))
            doubt.append(7600.0 * age_s)
            owner.append(which)
    origins, lines, sigmas = np.array(origin), np.array(los), np.array(sigma)
    own, other = np.flatnonzero(np.array(owner) == 0), np.flatnonzero(np.array(owner) == 1)
    expected = {}
    for a in own.tolist():
        for b in other.tolist():
            apart, middle = crossing(origins[[a, b]], lines[[a, b]], sigmas[[a, b]])
            if apart < GATE:
                expected[a, b] = apart, middle
    out, point, found = np.empty((5000, 2), dtype=np.int64), np.empty((5000, 3)), np.empty(5000)
    count = meetings(own, other, origins, lines, sigmas, np.array(doubt), here, there, GATE, out, point, found)
    assert len(expected) > 25
    assert {tuple(each) for each in out[:count].tolist()} == set(expected)
    assert count == len(expected)
    for k in range(count):
        apart, middle = expected[tuple(out[k].tolist())]
        assert found[k] == pytest.approx(apart, rel=1e-5, abs=1e-6)
        assert point[k] == pytest.approx(middle, abs=0.1)


def test_meetings_stop_where_there_is_no_more_room() -> None:
    here, there = (each(0.0) for each in satellites(2))
    los = np.array([towards(here, SITE_ITRS_M)] * 4 + [towards(there, SITE_ITRS_M)] * 4)
    origin = np.array([here] * 4 + [there] * 4)
    sigma, doubt = np.full(8, SIGMA_RAD), np.zeros(8)
    own, other = np.arange(4), np.arange(4, 8)
    for room in (3, 16, 20):
        out, point, apart = np.empty((room, 2), dtype=np.int64), np.empty((room, 3)), np.empty(room)
        assert meetings(own, other, origin, los, sigma, doubt, here, there, GATE, out, point, apart) == min(room, 16)


def test_witness_is_the_nearest_line_of_sight_of_each_other_satellite() -> None:
    rng = np.random.default_rng(5)
    watching = [each(0.0) for each in satellites(4)]
    aims, sensor_of = [], []
    for number, origin in enumerate(watching):
        # Two near the place and one far off, of each satellite.
        for off_m in (50.0, 400.0, 2e5):
            place = SITE_ITRS_M + off_m * rng.normal(size=3) / math.sqrt(3.0)
            aims.append(towards(origin, place))
            sensor_of.append(number)
    origins, los, numbers = np.array([watching[k] for k in sensor_of]), np.array(aims), np.array(sensor_of)
    pairs, point = np.array([[0, 3]]), SITE_ITRS_M[None, :]
    members = np.empty((1, MOST_MEMBERS), dtype=np.int64)
    sigma = np.full(len(los), SIGMA_RAD)
    (size,) = witnesses(pairs, 1, point, len(los), numbers, origins, los, sigma, GATE, members)
    off = [float(np.linalg.norm(np.cross(los[k], towards(origins[k], SITE_ITRS_M)))) for k in range(len(los))]
    third, fourth = (min(range(3 * number, 3 * number + 3), key=off.__getitem__) for number in (2, 3))
    assert size == 4
    assert members[0, :4].tolist() == [0, 3, third, fourth]
    assert (members[0, 4:] == NONE).all()


def found(places: list[list[Float64]], hits: list[int], pair_hits: int = 2) -> tuple[list[set[int]], Float64]:
    """Return the candidates, as sets of rows of single satellites' tracks, and where they are.

    places: of each satellite what it sees now; hits: of each track, in that order. The last satellite has just looked.
    """
    watching = satellites(len(places))
    looks = [
        cone_look(f"sat-{number}", 0, watching[number](0.0), [towards(watching[number](0.0), each) for each in seen])
        for number, seen in enumerate(places)
    ]
    tracklets, pool = begun(looks)
    tracklets["hits"] = hits
    position = np.array([watching[number](0.0) for number in range(len(places))])
    rows, sizes, points = np.empty((50, MOST_MEMBERS), dtype=np.int64), np.empty(50, dtype=np.int64), np.empty((50, 3))
    count = candidates(tracklets, pool.rays, position, len(places) - 1, 0.0, GATE, pair_hits, rows, sizes, points)
    return [set(rows[k, : sizes[k]].tolist()) for k in range(count)], points[:count]


def test_three_witnesses_come_before_two_and_two_need_hits() -> None:
    east, north, up = east_north_up(LATITUDE_DEG, LONGITUDE_DEG)
    seen_by_three, seen_by_two = SITE_ITRS_M + 2e4 * up, SITE_ITRS_M + 3e5 * east + 1e5 * north + 1e4 * up
    places = [[seen_by_three], [seen_by_two, seen_by_three], [seen_by_two, seen_by_three]]
    sets, points = found(places, [1, 1, 1, 1, 1])
    assert sets[0] == {0, 2, 4}
    assert np.linalg.norm(points[0] - seen_by_three) < 10.0
    assert {1, 3} not in sets
    sets, _ = found(places, [1, 2, 1, 2, 1])
    assert sets[0] == {0, 2, 4}
    assert {1, 3} in sets[1:]
    sets, _ = found(places, [3, 3, 3, 3, 3])
    # Pairs within the triple are tried after it.
    assert sets[0] == {0, 2, 4}
    assert {0, 4} in sets[1:]
    assert {2, 4} in sets[1:]


def test_without_a_second_satellite_nothing_is_founded() -> None:
    sets, _ = found([[], [SITE_ITRS_M]], [5])
    assert sets == []
