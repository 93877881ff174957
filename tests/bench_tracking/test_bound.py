"""Bounds: their slopes against looks of changed rockets and biased satellites, and what information must do."""

import dataclasses

import numpy as np
import pytest

from bench.tracking.bodies import Flights, Truth, tabulate, thrust_along_since_s
from bench.tracking.bound import BiasPrior, bias_drift, boost_bound, efficient_error, free_state_bound
from bench.tracking.looks import Sky, looks
from bench.tracking.scenarios import Quality, boost
from bench.tracking.sightings import Sightings, sightings, sightings_near
from bench.tracking.slopes import BOOST_PARAMETERS, changed_rocket, free_slopes, free_state
from sat_emulator.scene.flight.rocket import RocketFlight

# Fewer looks than once a second: a flight of the emulator takes its time for each.
EXACT = Quality(sigma_rad=1e-12, detection_probability=1.0, period_s=4.0)
USUAL = Quality(period_s=3.0)


def sky_and_truth(seen_s: float = 60.0, quality: Quality | None = None) -> tuple[Sky, Truth]:
    sky = boost(2, reference="intercontinental_liquid", seen_s=seen_s, quality=quality or USUAL)
    flights = sky.bodies[0]
    assert isinstance(flights, Flights)
    return sky, flights.truths[0]


def seen_in(sky: Sky, seed: int = 1) -> Sightings:
    return sightings(looks(sky, np.random.default_rng(seed)), "rocket", sky.start_unix_ns)


@pytest.fixture(scope="module")
def case() -> tuple[Truth, Sightings]:
    sky, truth = sky_and_truth()
    return truth, seen_in(sky)


def test_information_is_what_looks_of_changed_rockets_differ_by() -> None:
    # The naive twin: looks without noise, of the rocket itself and of changed ones, light's way and all.
    sky, truth = sky_and_truth(seen_s=40.0, quality=EXACT)
    seen = seen_in(sky)
    seen = dataclasses.replace(seen, sigma_rad=np.full(len(seen), 1e-4))
    steps = [50.0, 50.0, 0.05, 1e-3, 0.02, 20.0, 0.05, 1e-3]
    columns = []
    for name, step in zip(BOOST_PARAMETERS, steps, strict=True):
        after, before = (
            lines_of_sight(dataclasses.replace(sky, bodies=[Flights([changed(truth, name, sign * step)])]))
            for sign in (1, -1)
        )
        columns.append((after - before).ravel() / (2 * step * 1e-4))
    rows = np.array(columns).T
    expected = np.sqrt(np.diag(np.linalg.inv(rows.T @ rows)))
    found = np.sqrt(np.diag(boost_bound(truth, seen, prior_sigma=[np.inf] * 8).covariance))
    assert found == pytest.approx(expected, rel=0.01)


def test_known_biases_turn_the_looks_back() -> None:
    # What a fast clock and a turned camera do to a line of sight, from looks of satellites that are wrong by known
    # amounts, against the slopes that the bound has for them.
    straight, truth = sky_and_truth(seen_s=5.0, quality=EXACT)
    seen = seen_in(straight)
    position, velocity = truth.states(seen.presence_s(truth))
    ray = position - seen.position_itrs_m
    distance = np.linalg.norm(ray, axis=1)[:, None]
    los = ray / distance
    fast_s = 0.02
    fast = dataclasses.replace(
        straight, sensors=[dataclasses.replace(sensor, time_bias_s=fast_s) for sensor in straight.sensors]
    )
    biased = seen_in(fast)
    reported = lines_of_sight(fast)
    # What whoever trusts the clock expects: the body's place then, seen from the stated place.
    expected = truth.states(biased.presence_s(truth))[0] - biased.position_itrs_m
    expected /= np.linalg.norm(expected, axis=1)[:, None]
    straight_away = lines_of_sight(straight) - los
    slope = (reported - expected - straight_away) / fast_s
    drift = bias_drift(seen, velocity, los, distance[:, 0])
    across = drift - np.sum(drift * los, axis=1)[:, None] * los
    assert np.abs(slope - across).max() < 0.01 * np.linalg.norm(across, axis=1).mean()


def changed(truth: Truth, name: str, change: float) -> Truth:
    assert truth.rocket is not None
    assert truth.launch_s is not None
    if name == "launch_time_s":
        return dataclasses.replace(truth, begin_s=truth.begin_s + change, launch_s=truth.launch_s + change)
    flight = RocketFlight(changed_rocket(truth.rocket, name, change), truth.end_s)
    positions, velocities = tabulate(flight, truth.launch_s, truth.end_s)
    return dataclasses.replace(truth, position_itrs_m=positions, velocity_itrs_m_per_s=velocities)


def lines_of_sight(sky: Sky) -> np.ndarray:
    found = [look for look in looks(sky, np.random.default_rng(1)) if look.truth_ids]
    return np.array([look.line["detections"][0]["los_itrs"] for look in found])


def test_free_slopes_at_the_look_itself_are_the_state() -> None:
    _, truth = sky_and_truth()
    slopes = free_slopes(free_state(truth, 80.0), np.array([0.0, -1.0]))
    assert slopes[0, :, :3] == pytest.approx(np.eye(3), abs=1e-9)
    assert slopes[0, :, 3:] == pytest.approx(np.zeros((3, 5)), abs=1e-9)
    # A second before, a faster body was so much farther back.
    assert slopes[1, :, 3:6] == pytest.approx(-np.eye(3), abs=0.06)


def test_free_state_is_known_no_better_than_the_family(case: tuple[Truth, Sightings]) -> None:
    truth, seen = case
    whole = boost_bound(truth, seen)
    free = free_state_bound(truth, seen, thrust_along_since_s(truth, whole.at_s))
    assert whole.position_m <= free.position_m < 1.2 * whole.position_m


def test_biases_and_fewer_looks_cost_and_priors_gain(case: tuple[Truth, Sightings]) -> None:
    truth, seen = case
    plain = boost_bound(truth, seen)
    assert boost_bound(truth, seen, BiasPrior()).position_m > 2 * plain.position_m
    nearly_none = boost_bound(truth, seen, BiasPrior(attitude_rad=1e-9, time_s=1e-9))
    assert nearly_none.position_m == pytest.approx(plain.position_m, rel=1e-3)
    half = seen.chosen(np.arange(len(seen)) % 2 == 0)
    assert boost_bound(truth, half, at_s=plain.at_s).position_m > plain.position_m
    known = boost_bound(truth, seen, prior_sigma=[1e-3, 1e-3, *[np.inf] * 6])
    assert known.launch_m < 2e-3


def test_bound_shrinks_with_the_root_of_repetition(case: tuple[Truth, Sightings]) -> None:
    truth, seen = case
    four_times = dataclasses.replace(seen, sigma_rad=seen.sigma_rad / 2)
    nothing = [np.inf] * 8
    once, again = boost_bound(truth, seen, prior_sigma=nothing), boost_bound(truth, four_times, prior_sigma=nothing)
    assert again.launch_m == pytest.approx(once.launch_m / 2, rel=1e-6)


def test_wide_prior_hardly_matters_where_looks_tell(case: tuple[Truth, Sightings]) -> None:
    truth, seen = case
    plain, free = boost_bound(truth, seen), boost_bound(truth, seen, prior_sigma=[np.inf] * 8)
    assert plain.position_m == pytest.approx(free.position_m, rel=5e-3)
    assert 0.95 * free.launch_m < plain.launch_m < free.launch_m


def test_lines_of_a_file_are_found_to_be_of_the_object() -> None:
    sky, truth = sky_and_truth(seen_s=20.0, quality=Quality(clutter_per_look=20.0))
    taken = list(looks(sky, np.random.default_rng(4)))
    by_truth = sightings(taken, "rocket", sky.start_unix_ns)
    by_place = sightings_near([look.line for look in taken], truth, sky.start_unix_ns)
    assert len(by_truth) > 60
    assert set(by_truth.time_s) <= set(by_place.time_s)
    assert len(by_place) <= len(by_truth) + 3


def test_an_efficient_estimators_errors_are_those_of_its_covariance() -> None:
    # One sky, its noise drawn anew: twenty values of three degrees of freedom, whose mean lies within 1.6 and 5.0 but
    # for twice in a thousand times.
    sky, truth = sky_and_truth()
    at_s = truth.seen_from_s + 50.0
    ratios = []
    for seed in range(20):
        off, covariance = efficient_error(truth, seen_in(sky, seed), at_s)
        ratios.append(float(off @ np.linalg.solve(covariance, off)))
    assert 1.6 < np.mean(ratios) < 5.0


def test_an_efficient_estimator_errs_by_nothing_without_noise() -> None:
    sky, truth = sky_and_truth(quality=EXACT)
    off, covariance = efficient_error(truth, seen_in(sky), truth.seen_from_s + 50.0)
    assert np.linalg.norm(off) < 5 * np.sqrt(np.trace(covariance)) < 1e-5
