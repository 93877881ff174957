"""Lines of sight as the tracker takes them in: where they meet the ground, and what a field of view has in it."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.geometry.ellipsoid import elevation_rad, geodetic_to_itrs, limb_crossing
from services.geometry.time import NS_PER_S
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.look import ConeView, Look, clears_earth, make_look
from services.ground_station.tracking.records import TRACK
from services.ground_station.tracking.sensors import (
    LEAST_POINTS,
    LONGEST_STEP_S,
    Sensors,
    clutter_per_sr,
    count_clutter,
    positions_at,
)
from services.ground_station.tracking.tracker import Tracker
from tests.ground_station.tracking.looks import cone_look
from tests.ground_station.tracking.sky import START_UNIX_NS
from tests.ground_station.tracking.targets import (
    LATITUDE_DEG,
    LIGHT_M_PER_S,
    LONGITUDE_DEG,
    SITE_ITRS_M,
    Satellite,
    line_of_sight,
    noisy,
)

Float64 = NDArray[np.float64]

SATELLITE = Satellite(30.0, 80.0)


def boresight() -> Float64:
    ahead: Float64 = SITE_ITRS_M - SATELLITE(0.0)
    return ahead / np.linalg.norm(ahead)


def test_lines_of_sight_meet_the_ellipsoid_where_geometry_says() -> None:
    rng = np.random.default_rng(1)
    lines = np.array([noisy(boresight(), 0.2, rng) for _ in range(200)])
    arrays = cone_look("sat-1", 0, SATELLITE(0.0), list(lines)).arrays
    expected = limb_crossing(SATELLITE(0.0), lines)
    met = np.isfinite(expected).all(axis=1)
    assert met.sum() > 100
    a_millimetre = 1e-3
    assert np.abs(arrays.point[met] - expected[met]).max() < a_millimetre
    distance = np.linalg.norm(arrays.point - SATELLITE(0.0), axis=1)
    assert arrays.age_s == pytest.approx(distance / LIGHT_M_PER_S)


def test_line_of_sight_over_the_limb_passes_nearest_to_the_centre() -> None:
    origin = SATELLITE(0.0)
    up = origin / np.linalg.norm(origin)
    side = np.cross(up, [0.0, 0.0, 1.0])
    line = side / np.linalg.norm(side) - 0.2 * up
    line /= np.linalg.norm(line)
    assert np.isnan(limb_crossing(origin, line)).any()
    (point,) = cone_look("sat-1", 0, origin, [line]).arrays.point
    assert abs(point @ line) / np.linalg.norm(point) < 1e-9
    assert np.linalg.norm(point) > 6.4e6


def test_directions_that_are_no_numbers_are_left_out_and_the_rest_keep_their_places() -> None:
    lines = np.array([boresight(), [np.nan, 0.0, 1.0], boresight(), [np.inf, 0.0, 0.0]])
    view = ConeView(boresight(), 0.3)
    snr = np.arange(4.0, 0.0, -1.0)
    look = make_look("sat-1", 1, 2, SATELLITE(0.0), view, 0.3, 1e-3, lines, np.arange(1.0, 5.0), snr)
    assert len(look) == 2
    assert look.arrays.listed.tolist() == [0, 2]
    assert look.arrays.sigma_rad.tolist() == [1.0, 3.0]
    assert look.arrays.snr.tolist() == [4.0, 2.0]


def test_detections_are_strongest_first_and_equals_as_they_are_listed() -> None:
    view = ConeView(boresight(), 0.3)
    snr, sigma = [5.0, 9.0, np.nan, 5.0, 7.0], np.arange(5.0)
    look = make_look("sat-1", 1, 2, SATELLITE(0.0), view, 0.3, 1e-3, [boresight()] * 5, sigma, snr)
    assert look.arrays.listed.tolist() == [1, 4, 0, 3, 2]
    assert look.arrays.sigma_rad.tolist() == [1.0, 4.0, 0.0, 3.0, 2.0]


def test_strongest_detection_is_followed_wherever_it_is_listed() -> None:
    most = 3
    tracker = Tracker(TrackingConfig(most_detections=most), "run")
    rng = np.random.default_rng(5)
    followed = set()
    for second in range(12):
        origin = SATELLITE(float(second))
        weak = [noisy(boresight(), 0.1, rng) for _ in range(most)]
        lines = [*weak, line_of_sight(lambda _: SITE_ITRS_M, origin, float(second))]
        snr = np.array([8.0] * most + [20.0])
        time_unix_ns = START_UNIX_NS + second * NS_PER_S
        view = ConeView(boresight(), 0.5)
        look = make_look("s", time_unix_ns, time_unix_ns, origin, view, 0.7, 4e-4, lines, np.full(most + 1, 1e-4), snr)
        followed |= {source.index for snapshot in tracker.update_look(look) for source in snapshot.detections}
    assert followed == {most}


def test_cone_has_what_is_within_its_angle_and_not_behind_the_earth() -> None:
    rng = np.random.default_rng(2)
    origin, half_angle = SATELLITE(0.0), 0.6
    tracks = np.zeros(300, dtype=TRACK)
    for track in tracks:
        track["mean"][:3] = origin + noisy(boresight(), 0.3, rng) * rng.uniform(2e5, 1.2e7)
    rows = ConeView(boresight(), half_angle).places(origin, tracks).tolist()
    expected = []
    for row, track in enumerate(tracks):
        line = track["mean"][:3] - origin
        # By sampling the way: a sphere that no air or mountain reaches down to.
        way = origin + np.linspace(0.0, 1.0, 20_000)[:, None] * line
        clears = np.linalg.norm(way, axis=1).min() > 6.35e6
        if math.acos(line @ boresight() / np.linalg.norm(line)) <= half_angle and clears:
            expected.append(row)
    assert 20 < len(expected) < 280
    assert rows == expected
    assert ConeView(boresight(), half_angle).places(origin, tracks[:0]).tolist() == []


def test_ground_in_sight_is_not_behind_the_earth_and_its_antipode_is() -> None:
    rng = np.random.default_rng(3)
    origin = SATELLITE(0.0)
    for _ in range(200):
        place = geodetic_to_itrs(LATITUDE_DEG + rng.uniform(-40, 40), LONGITUDE_DEG + rng.uniform(-40, 40), 0.0)
        elevation_deg = math.degrees(float(elevation_rad(place, origin)))
        if abs(elevation_deg) > 8.0:
            assert clears_earth(origin, place) == (elevation_deg > 0.0)
    assert not clears_earth(origin, -SITE_ITRS_M)


def look_from(place: Float64, name: str = "sat-1") -> Look:
    return cone_look(name, 0, place, [])


def test_satellites_are_where_their_last_two_looks_lead() -> None:
    sensors = Sensors()
    for time_s in (0.0, 1.0, 2.0):
        assert sensors.move(look_from(SATELLITE(time_s)), time_s) == 0
    a_few_metres = 15.0
    assert np.linalg.norm(positions_at(sensors.records, 3.0)[0] - SATELLITE(3.0)) < a_few_metres
    # After a pause nothing is known of its way.
    sensors.move(look_from(SATELLITE(20.0)), 20.0)
    assert LONGEST_STEP_S < 20.0 - 2.0
    assert (positions_at(sensors.records, 21.0)[0] == SATELLITE(20.0)).all()


def test_a_copy_of_what_is_known_of_satellites_stands_still() -> None:
    sensors = Sensors()
    sensors.move(look_from(SATELLITE(0.0)), 0.0)
    before = sensors.copy()
    sensors.move(look_from(SATELLITE(1.0)), 1.0)
    sensors.move(look_from(SATELLITE(1.0), "sat-2"), 1.0)
    count_clutter(sensors.records[0], 50, 0.4)
    assert before.names == ("sat-1",)
    assert positions_at(before.records[:1], 0.0).tolist() == [SATELLITE(0.0).tolist()]
    assert clutter_per_sr(before.records[0], 0.4) == LEAST_POINTS / 0.4


def test_density_of_clutter_is_the_mean_of_many_looks() -> None:
    rng = np.random.default_rng(4)
    sensors = Sensors()
    sensors.move(look_from(SATELLITE(0.0)), 0.0)
    said = []
    for _ in range(600):
        count_clutter(sensors.records[0], int(rng.poisson(12.0)), 0.4)
        said.append(clutter_per_sr(sensors.records[0], 0.4))
    # The mean over some thirty looks, again and again.
    assert np.mean(said[100:]) == pytest.approx(12.0 / 0.4, rel=0.05)
    assert np.std(said[100:]) < 0.2 * 12.0 / 0.4


def heard(misfit: float, *looks: int) -> Sensors:
    """Return sensors whose detections lie so far from their tracks, over so many looks each."""
    sensors = Sensors()
    for number, count in enumerate(looks):
        sensors.move(look_from(SATELLITE(0.0), f"sat-{number}"), 0.0)
        sensors.records[number]["misfit"], sensors.records[number]["heard"] = misfit, count
    return sensors


@pytest.mark.parametrize(
    ("misfit", "looks", "biased"),
    [
        # A dozen detections of one satellite lie so far off by chance once in 5,000 times: a sky of the count did.
        (2.35, (12, 2, 2, 4), False),
        (4.0, (12, 2, 2, 4), True),
        (1.4, (50, 50, 50, 50), False),
        (1.6, (50, 50, 50, 50), True),
        (9.0, (9, 9, 9, 9), False),
    ],
)
def test_satellites_are_held_for_biased_where_chance_does_not_explain_their_misses(
    misfit: float, looks: tuple[int, ...], biased: bool
) -> None:
    sensors = heard(misfit, *looks)
    sensors.find_bias(2e-4, 0.02, apart=False)
    assert sensors.biased == biased


def test_biases_that_no_satellite_has_are_not_taken_over() -> None:
    sensors = heard(9.0, 20, 20)
    sensors.find_bias(2e-4, 0.02, apart=False)
    prior = np.array([[2e-4, 2e-4, 2e-4, 0.02]] * 2)
    known = np.diag(np.array([1e-5, 1e-5, 1e-5, 1e-3] * 2) ** 2)
    biases = np.array([[3e-4, -4e-4, 0.0, 0.03], [0.0, 0.0, 2e-4, 0.0]])
    # An airliner's looks, bent to a rocket's ascent, asked for 6 mrad.
    for axis, far in ((0, 6e-3), (3, -0.2)):
        bent = biases.copy()
        bent[1, axis] = far
        sensors.learn_bias(bent, known, prior)
        assert not sensors.records["bias"].any()
    sensors.learn_bias(biases, known, prior)
    assert sensors.records["bias"][:2].tolist() == biases.tolist()
