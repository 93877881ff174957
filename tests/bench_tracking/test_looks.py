"""Looks state what the satellites would see, with exactly the errors that they were given."""

import dataclasses
import itertools
import json

import numpy as np
import pytest

from bench.tracking.bodies import Flights, Truth, truth_from_record
from bench.tracking.flights import rocket_truth
from bench.tracking.glint import mirror_point
from bench.tracking.looks import Delivery, SimulatedLook, Sky, deliver, looks
from bench.tracking.scenarios import Quality, boost, quiet_sky, salvo
from bench.tracking.sight import across_axes
from services.geometry.ellipsoid import SEMI_MAJOR_M, itrs_to_geodetic, limb_crossing
from services.geometry.frames import EARTH_RATE_RAD_PER_S, itrs_from_gcrs
from services.ground_station.tracking.looks_file import parse_look

EXACT = Quality(sigma_rad=1e-12, detection_probability=1.0)


def taken(sky: Sky, seed: int = 1) -> list[SimulatedLook]:
    return list(looks(sky, np.random.default_rng(seed)))


@pytest.fixture(scope="module")
def exact_boost() -> Sky:
    return boost(3, quality=EXACT, seen_s=20.0)


def only_truth(sky: Sky) -> Truth:
    flights = sky.bodies[0]
    assert isinstance(flights, Flights)
    return flights.truths[0]


def test_light_comes_from_where_the_body_was_when_it_left(exact_boost: Sky) -> None:
    # The same in axes that do not turn, from the definition: distance in GCRS = c times the light's age.
    truth = only_truth(exact_boost)
    seen = [look for look in taken(exact_boost) if look.truth_ids]
    assert len(seen) > 60
    for look in seen[::15]:
        received = look.line["time_unix_ns"]
        satellite = itrs_from_gcrs(received).T @ np.array(look.line["position_itrs_m"])
        los = itrs_from_gcrs(received).T @ np.array(look.line["detections"][0]["los_itrs"])
        age = 0.005
        for _ in range(6):
            place, _ = truth.states(np.array([(received - exact_boost.start_unix_ns) / 1e9 - age]))
            there = itrs_from_gcrs(received - round(age * 1e9)).T @ place[0]
            age = float(np.linalg.norm(there - satellite)) / 299_792_458.0
        beside_the_line_of_sight_m = float(np.linalg.norm(np.cross(los, there - satellite)))
        assert beside_the_line_of_sight_m < 0.02


def test_light_of_slow_bodies_comes_from_where_they_were_too() -> None:
    sky = quiet_sky(2, days=3 / 86_400, clutter_per_look=0.0)
    sensors = [dataclasses.replace(each, sigma_rad=1e-12) for each in sky.sensors]
    kinds = dict(zip(("fire", "aircraft"), sky.bodies, strict=True))
    seen = {"fire": 0, "aircraft": 0}
    for look in taken(dataclasses.replace(sky, sensors=sensors, glint=None)):
        for truth_id, detection in zip(look.truth_ids, look.line["detections"], strict=True):
            assert truth_id is not None
            kind, number = truth_id.split("-")
            satellite, age = np.array(look.line["position_itrs_m"]), 0.0
            for _ in range(4):
                place, _ = kinds[kind].states(np.array([int(number)]), np.array([look.true_s - age]))
                turn = -EARTH_RATE_RAD_PER_S * age
                spin = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
                away = spin @ place[0] - satellite
                age = float(np.linalg.norm(away)) / 299_792_458.0
            assert np.linalg.norm(np.cross(detection["los_itrs"], away)) < 0.01
            seen[kind] += 1
    assert min(seen.values()) > 30


def test_noise_is_as_large_as_stated() -> None:
    clean, noisy = (
        boost(3, quality=Quality(sigma_rad=sigma, detection_probability=1.0), seen_s=60.0) for sigma in (1e-12, 1e-4)
    )
    away = [
        np.subtract(a.line["detections"][0]["los_itrs"], b.line["detections"][0]["los_itrs"])
        for a, b in zip(taken(clean), taken(noisy), strict=True)
        if a.truth_ids
    ]
    assert len(away) > 200
    # Two axes of 1e-4; 240 looks give the root of the mean square to 3 %.
    assert np.sqrt(np.mean(np.sum(np.square(away), axis=1)) / 2) == pytest.approx(1e-4, rel=0.1)


def test_same_seed_same_looks_another_seed_others() -> None:
    first, again, other = (taken(boost(5, seen_s=5.0), seed) for seed in (1, 1, 2))
    assert [look.line for look in first] == [look.line for look in again]
    assert [look.line for look in first] != [look.line for look in other]


def test_every_line_is_a_look_for_the_tracker() -> None:
    sky = quiet_sky(2, days=5 / 86_400)
    lines = taken(sky)
    assert len(lines) >= 4 * 5
    for look in lines:
        read = parse_look(json.dumps(look.line))
        assert len(read) == len(look.truth_ids)
        assert read.says_the_same(look.stated.look())
        found = np.array([each["los_itrs"] for each in look.line["detections"]])
        beside_rad = np.arccos(np.clip(found @ np.array(look.line["boresight_itrs"]), -1, 1))
        assert beside_rad.max() < look.line["fov_half_angle_rad"] + 5 * look.line["sigma_rad"]


def test_clutter_lies_on_the_earth_wherever_the_field_ends() -> None:
    # 1.02 rad from straight down the Earth ends: one field lies within, one reaches beyond.
    sky = quiet_sky(2, days=5 / 86_400, fires=40, aircraft=40, clutter_per_look=300.0)
    for half_angle in (0.75, 1.2):
        sensors = [dataclasses.replace(each, half_angle_rad=half_angle) for each in sky.sensors]
        beside = []
        for look in taken(dataclasses.replace(sky, sensors=sensors)):
            found = np.array([each["los_itrs"] for each in look.line["detections"]])
            assert not np.isnan(limb_crossing(look.line["position_itrs_m"], found)).any()
            beside.append(np.arccos(found @ np.array(look.line["boresight_itrs"])).max())
        assert max(beside) == pytest.approx(min(half_angle, 1.02), abs=0.02)


def test_axes_across_lines_of_sight_are_of_unit_length_and_square() -> None:
    los = np.random.default_rng(3).normal(size=(50, 3))
    los = np.concatenate([los / np.linalg.norm(los, axis=1)[:, None], np.eye(3), -np.eye(3)])
    axes = np.concatenate([across_axes(los), los[:, None]], axis=1)
    assert np.abs(axes @ axes.transpose(0, 2, 1) - np.eye(3)).max() < 1e-14


def test_fast_clock_states_a_later_place() -> None:
    sky = boost(3, quality=Quality(time_bias_s=0.02), seen_s=3.0)
    looked = taken(sky)
    for sensor in sky.sensors:
        first = next(look for look in looked if look.line["sensor_id"] == sensor.sensor_id)
        stated = np.array(first.line["position_itrs_m"])
        true = sensor.orbit.position_itrs_m(sky.start_unix_ns + round(first.true_s * 1e9))
        assert np.linalg.norm(stated - true) == pytest.approx(abs(sensor.time_bias_s) * 7_300, rel=0.05)


def test_attitude_bias_turns_lines_of_sight_by_its_angle() -> None:
    straight, turned = (
        boost(3, quality=Quality(sigma_rad=1e-12, detection_probability=1.0, attitude_bias_rad=bias), seen_s=5.0)
        for bias in (0.0, 2e-4)
    )
    for a, b in zip(taken(straight), taken(turned), strict=True):
        if a.truth_ids:
            sensor = next(each for each in turned.sensors if each.sensor_id == b.line["sensor_id"])
            away = np.linalg.norm(np.subtract(a.line["detections"][0]["los_itrs"], b.line["detections"][0]["los_itrs"]))
            assert 0 < away <= np.linalg.norm(sensor.attitude_bias_rad) + 1e-9


def test_outage_leaves_one_satellite_without_looks() -> None:
    whole = boost(3, seen_s=20.0)
    first, *others = whole.sensors
    broken = dataclasses.replace(whole, sensors=[dataclasses.replace(first, outages=((5.0, 10.0),)), *others])
    gone = {(look.line["sensor_id"], look.frame) for look in taken(whole)}
    gone -= {(look.line["sensor_id"], look.frame) for look in taken(broken)}
    assert {sensor_id for sensor_id, _ in gone} == {first.sensor_id}
    assert len(gone) == 5


def test_late_repeated_and_lost_looks_come_in_order_of_delivery() -> None:
    sent = taken(boost(3, seen_s=60.0))
    way = Delivery(late=0.2, repeated=0.1, lost=0.1)
    came = list(deliver(sent, way, np.random.default_rng(1)))
    assert all(a.delivered_s <= b.delivered_s for a, b in itertools.pairwise(came))
    assert any(a.true_s > b.true_s for a, b in itertools.pairwise(came))
    once = {(look.line["sensor_id"], look.frame) for look in came}
    assert len(once) == pytest.approx(0.9 * len(sent), rel=0.1)
    assert len(came) > len(once)


def test_salvo_starts_within_its_square_and_two_seconds() -> None:
    flights = salvo(4, groups=2, each=3, duration_s=10.0).bodies[0]
    assert isinstance(flights, Flights)
    for group in range(2):
        own = [truth for truth in flights.truths if truth.object_id.startswith(f"salvo-{group}")]
        pads = np.array([truth.position_itrs_m[0] for truth in own])
        assert np.ptp(pads, axis=0).max() <= np.sqrt(2) * 1000
        assert np.ptp([truth.begin_s for truth in own]) <= 2.0


def test_truth_file_gives_the_flight_back() -> None:
    truth = rocket_truth(np.random.default_rng(1), "rocket", "short_range_liquid", 60.0)
    back = truth_from_record(json.loads(json.dumps(truth.record(10**18, every_s=0.1))), 10**18)
    times = np.linspace(truth.begin_s, truth.end_s - 0.1, 57)
    assert back.states(times)[0] == pytest.approx(truth.states(times)[0], abs=0.001)
    assert back.rocket == truth.rocket


def test_rocket_rises_from_the_ground() -> None:
    truth = rocket_truth(np.random.default_rng(1), "rocket", "medium_range_solid", 60.0)
    height = itrs_to_geodetic(truth.position_itrs_m)[2]
    assert height[0] == pytest.approx(0.0, abs=1e-3)
    assert height[-1] > 20_000


def test_mirror_point_reflects_the_sun_into_the_satellite() -> None:
    satellite = np.array([7.4e6, 0.0, 0.0])
    sun = np.array([0.6, 0.8, 0.0])
    upright = mirror_point(satellite, sun)
    assert upright is not None
    ray = satellite - SEMI_MAJOR_M * upright
    assert float(upright @ ray) / np.linalg.norm(ray) == pytest.approx(float(upright @ sun), abs=1e-5)
    assert mirror_point(satellite, np.array([-1.0, 0.0, 0.0])) is None
