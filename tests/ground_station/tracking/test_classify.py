"""Classes told from flights that were not learnt from, and the numbers that they are told by."""

import dataclasses
import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from bench.warning.classes import Judged, judge
from services.geometry.ellipsoid import SEMI_MAJOR_M, east_north_up, geodetic_to_itrs
from services.geometry.frames import EARTH_RATE_RAD_PER_S
from services.ground_station.tracking import flight_kernels, manners
from services.ground_station.tracking.classify import (
    FlightEvidence,
    class_probabilities,
    class_probability,
    flight_evidence,
    is_air_traffic,
)
from services.ground_station.tracking.snapshot import TARGET_CLASSES

Float64 = NDArray[np.float64]
AIRLINER = FlightEvidence(11_000.0, 240.0, 0.0, -6.3e6, 1.2e4, 50.0, 2.0, 0.01, seen_s=60.0)
COVARIANCE = np.diag([100.0**2] * 3 + [10.0**2] * 3 + [1.0] * 3)


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    return judge({"ballistic": 24, "glide": 16, "cruise": 30, "space_launch": 8}, 9_001)


def test_class_is_right_a_minute_after_burnout_and_two_minutes_into_cruise(judged: list[Judged]) -> None:
    decided = [each for each in judged if each.phase in ("60 s after burnout", "120 s of cruise")]
    assert len(decided) >= 60
    assert sum(each.said != each.truth for each in decided) / len(decided) <= 0.02


def test_stated_probability_is_how_often_it_is_right(judged: list[Judged]) -> None:
    sure = [each for each in judged if each.probability >= 0.9]
    unsure = [each for each in judged if 0.5 <= each.probability < 0.8]
    assert sum(each.said == each.truth for each in sure) / len(sure) >= 0.97
    stated = float(np.mean([each.probability for each in unsure]))
    right = float(np.mean([each.said == each.truth for each in unsure]))
    # Three standard deviations of the share among so many.
    assert abs(right - stated) <= 3 * math.sqrt(stated * (1 - stated) / len(unsure))


def test_first_seconds_leave_the_class_open(judged: list[Judged]) -> None:
    early = [each.probability for each in judged if each.phase == "20 s after launch" and each.truth == "glide"]
    assert np.median(early) < 0.9


def test_probabilities_of_any_evidence_sum_to_one() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        position = geodetic_to_itrs(rng.uniform(-90, 90), rng.uniform(-180, 180), rng.uniform(0, 2e6))
        known = rng.random(4) < 0.5
        evidence = flight_evidence(
            position,
            rng.normal(size=3) * 10 ** rng.uniform(0, 4),
            COVARIANCE * 10 ** rng.uniform(-6, 4),
            rng.normal(size=3) * 30 if known[0] else None,
            time_since_launch_s=rng.uniform(-10, 1000) if known[1] else None,
            lift_off_m_per_s2=rng.uniform(-5, 40) if known[2] else None,
            boost_s=rng.uniform(1, 600) if known[3] else None,
            static_probability=rng.uniform(0, 1),
        )
        stated = class_probability(evidence)
        assert set(stated) == set(TARGET_CLASSES)
        assert sum(stated.values()) == pytest.approx(1.0)
        assert min(stated.values()) >= 0
        assert stated["static_heat"] == evidence.static_probability


def test_state_that_is_no_number_is_unknown() -> None:
    lost = flight_evidence(np.full(3, np.nan), np.full(3, np.nan), COVARIANCE, np.zeros(3), seen_s=60.0)
    assert class_probability(lost)["unknown"] == 1.0
    # Errors that are no numbers leave out what they belong to.
    position, velocity = state(150_000.0, 3_000.0, 35.0)
    blind = class_probability(flight_evidence(position, velocity, COVARIANCE * np.nan, np.zeros(3)))
    assert sum(blind.values()) == pytest.approx(1.0)


def test_lift_of_cruise_may_be_stated_or_not() -> None:
    position, velocity = state(1_500.0, 250.0, 0.0)
    for lift in (0.0, 9.8):
        force = lift * position / np.linalg.norm(position)
        stated = class_probability(flight_evidence(position, velocity, COVARIANCE, force, seen_s=60.0))
        assert stated["cruise"] > 0.9


def test_what_flies_like_nothing_known_is_unknown() -> None:
    # It hangs in space.
    position, velocity = state(600_000.0, 50.0, 0.0)
    odd = flight_evidence(position, velocity, COVARIANCE, 8.0 * position / np.linalg.norm(position), seen_s=60.0)
    stated = class_probability(odd)
    assert max(stated, key=lambda word: stated[word]) == "unknown"


def test_worse_evidence_says_less() -> None:
    position, velocity = state(150_000.0, 3_000.0, 35.0)
    sharp = class_probability(flight_evidence(position, velocity, COVARIANCE, np.zeros(3)))
    blunt = class_probability(flight_evidence(position, velocity, COVARIANCE * 1e4, np.zeros(3)))
    assert blunt["ballistic"] < sharp["ballistic"]


def state(height_m: float, speed_m_per_s: float, climb_deg: float) -> tuple[Float64, Float64]:
    east, _, up = east_north_up(20.0, 30.0)
    climb = math.radians(climb_deg)
    return geodetic_to_itrs(20.0, 30.0, height_m), speed_m_per_s * (math.cos(climb) * east + math.sin(climb) * up)


def test_evidence_of_a_state_is_its_height_speed_climb_and_forces() -> None:
    position, velocity = state(90_000.0, 2_500.0, 30.0)
    _, _, up = east_north_up(20.0, 30.0)
    along = velocity / 2_500.0
    across = (up - 0.5 * along) / math.cos(math.radians(30.0))
    evidence = flight_evidence(position, velocity, COVARIANCE, 20.0 * along + 4.0 * across)
    assert (evidence.height_m, evidence.speed_m_per_s) == pytest.approx((90_000.0, 2_500.0))
    assert evidence.climb_rad == pytest.approx(math.radians(30.0))
    assert (evidence.along_m_per_s2, evidence.lift_m_per_s2) == pytest.approx((20.0, 4.0))
    assert (evidence.height_sigma_m, evidence.speed_sigma_m_per_s) == pytest.approx((100.0, 10.0))
    assert evidence.climb_sigma_rad == pytest.approx(10.0 / 2_500.0)


def test_perigee_and_apogee_are_those_of_vis_viva() -> None:
    # A transfer orbit from 250 km to geostationary height, at its perigee over the equator, eastwards.
    perigee, apogee = 250_000.0, 35_786_000.0
    near, far = SEMI_MAJOR_M + perigee, SEMI_MAJOR_M + apogee
    speed = math.sqrt(3.986004418e14 * (2 / near - 2 / (near + far)))
    position = np.array([near, 0.0, 0.0])
    evidence = flight_evidence(position, np.array([0.0, speed - EARTH_RATE_RAD_PER_S * near, 0.0]), COVARIANCE)
    assert evidence.perigee_m == pytest.approx(perigee, abs=1.0)
    assert evidence.apogee_m == pytest.approx(apogee, abs=50.0)


def test_stated_errors_of_evidence_are_those_of_drawn_states() -> None:
    rng = np.random.default_rng(4)
    position, velocity = state(200_000.0, 5_000.0, 25.0)
    stated = flight_evidence(position, velocity, COVARIANCE, np.zeros(3))
    drawn = []
    for _ in range(2_000):
        error = rng.standard_normal(9) * np.sqrt(np.diag(COVARIANCE))
        seen = flight_evidence(position + error[:3], velocity + error[3:6], COVARIANCE, error[6:])
        drawn.append([seen.height_m, seen.speed_m_per_s, seen.climb_rad, seen.perigee_m, seen.apogee_m])
    sigmas = [
        stated.height_sigma_m,
        stated.speed_sigma_m_per_s,
        stated.climb_sigma_rad,
        stated.perigee_sigma_m,
        stated.apogee_sigma_m,
    ]
    assert np.std(drawn, axis=0) == pytest.approx(sigmas, rel=0.1)


def test_mixture_is_that_of_the_plain_formula_with_unknown_features_left_out() -> None:
    rng = np.random.default_rng(6)
    count, size = 5, 4
    mean = rng.normal(size=(count, size))
    root = rng.normal(size=(count, size, size))
    covariance = root @ root.transpose(0, 2, 1) + np.eye(size)
    log_weight = np.log(rng.dirichlet(np.ones(count)))
    of_class = np.array([0, 0, 1, 1, 1])
    value, variance = rng.normal(size=size), rng.uniform(0, 1, size)
    variance[2] = np.inf
    keep = [0, 1, 3]
    plain = np.zeros(2)
    for k in range(count):
        spread = covariance[k][np.ix_(keep, keep)] + np.diag(variance[keep])
        plain[of_class[k]] += np.exp(log_weight[k]) * multivariate_normal(mean[k][keep], spread).pdf(value[keep])
    found = manners.mixture_log_likelihoods(
        value,
        variance,
        log_weight,
        np.ascontiguousarray(mean.T),
        np.ascontiguousarray(covariance.transpose(1, 2, 0)),
        of_class,
    )
    assert found == pytest.approx(np.log(plain))


def test_many_tracks_are_told_at_once_as_one_by_one() -> None:
    states = [state(height_m, speed, climb) for height_m, speed, climb in ((9e4, 2e3, 30.0), (5e3, 250.0, 0.0))]
    evidence = [flight_evidence(*each, COVARIANCE, np.ones(3), seen_s=30.0, boost_seen=True) for each in states]
    evidence += [flight_evidence(*states[0], COVARIANCE), flight_evidence(np.full(3, np.nan), np.ones(3), COVARIANCE)]
    rows = np.stack([each.row() for each in evidence])
    assert class_probabilities(rows) == [class_probability(each) for each in evidence]


def test_row_of_evidence_is_what_its_fields_say() -> None:
    names = [each.name for each in dataclasses.fields(FlightEvidence)]
    assert len(names) == flight_kernels.EVIDENCE
    places = {
        flight_kernels.HEIGHT: "height_m",
        flight_kernels.CLIMB_SIGMA: "climb_sigma_rad",
        flight_kernels.ALONG: "along_m_per_s2",
        flight_kernels.FORCE_SIGMA: "force_sigma_m_per_s2",
        flight_kernels.SINCE_LAUNCH: "time_since_launch_s",
        flight_kernels.LIFT_OFF_SIGMA: "lift_off_sigma_m_per_s2",
        flight_kernels.BOOST_SEEN: "boost_seen",
        flight_kernels.STATIC: "static_probability",
    }
    assert {place: names[place] for place in places} == places
    assert np.isnan(AIRLINER.row()[flight_kernels.ALONG])


def test_errors_without_measure_leave_probabilities_that_sum_to_one() -> None:
    evidence = flight_evidence(*state(150_000.0, 3_000.0, 35.0), np.eye(9) * 1e200, np.zeros(3), seen_s=60.0)
    assert sum(class_probability(evidence).values()) == pytest.approx(1.0)


def test_table_holds_whole_mixtures() -> None:
    record = json.loads(manners.FILE.read_text(encoding="utf-8"))
    assert tuple(record["features"]) == manners.FEATURES
    assert sum(entry["prior"] for entry in record["classes"].values()) == pytest.approx(1.0)
    for entry in record["classes"].values():
        assert sum(manner[0] for manner in entry["manners"]) == pytest.approx(1.0, abs=0.01)


def test_level_flight_on_an_airway_without_a_boost_is_air_traffic() -> None:
    assert is_air_traffic(AIRLINER)
    for change in (
        {"boost_seen": True},
        {"height_m": 3_000.0},
        {"height_m": 20_000.0},
        {"speed_m_per_s": 700.0},
        {"climb_rad": 0.8},
    ):
        assert not is_air_traffic(dataclasses.replace(AIRLINER, **change))
