"""What the ascent's fit finds in lines of sight of emulated flights."""

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from sat_emulator.scene.flight.rocket import RocketFlight
from services.geometry.ellipsoid import east_north_up
from services.ground_station.tracking.ascent import fit as fit_module
from services.ground_station.tracking.ascent.fit import AscentFit, fit_ascent
from services.ground_station.tracking.ascent.rays import BiasPrior, Rays
from tests.ground_station.tracking.ascent.flights import EPOCH_OF_LAUNCH_S, Satellite, rocket, seen

Float64 = NDArray[np.float64]

FOUR, TWO, ONE = (20.0, 115.0, 200.0, 290.0), (20.0, 115.0), (20.0,)
SIGMA_RAD = 1e-4


def looks(name: str, azimuths: tuple[float, ...], first_s: float, count: int, seed: int, **more: Float64) -> Rays:
    flown = rocket(name)
    satellites = [Satellite(flown, azimuth) for azimuth in azimuths]
    flight = RocketFlight(flown, first_s + count + 1.0)
    return seen(flight, satellites, first_s, count, SIGMA_RAD, np.random.default_rng(seed), **more)


def fitted(rays: Rays, **more: object) -> AscentFit:
    fit = fit_ascent(rays, float(rays.time_s.max()), **more)  # type: ignore[arg-type]
    assert fit is not None
    return fit


def squared_sigmas(off: Float64, covariance: Float64) -> float:
    return float(off @ np.linalg.solve(covariance, off))


def misfits(fit: AscentFit, name: str) -> dict[str, float]:
    """Return errors in squared standard deviations of what is stated."""
    flown = rocket(name)
    flight = RocketFlight(flown, fit.at_s - EPOCH_OF_LAUNCH_S + 1.0)
    place, velocity = flight.state_itrs(fit.at_s - EPOCH_OF_LAUNCH_S)
    axes = east_north_up(flown.launch.latitude_deg, flown.launch.longitude_deg)
    launch = fit.launch
    off = (axes @ (launch.itrs_m - flight.launch_itrs_m))[:2]
    turned = math.remainder(launch.heading_rad - math.radians(flown.heading_deg), 2 * math.pi)
    return {
        "place": squared_sigmas(fit.state_itrs[:3] - place, fit.covariance[:3, :3]),
        "velocity": squared_sigmas(fit.state_itrs[3:6] - velocity, fit.covariance[3:6, 3:6]),
        "launch": squared_sigmas(off, launch.covariance_m2),
        "time": ((launch.time_s - EPOCH_OF_LAUNCH_S) / launch.time_sigma_s) ** 2,
        "heading": (turned / launch.heading_sigma_rad) ** 2,
    }


# Of twenty chi-squares with up to three degrees of freedom none is beyond this but once in a hundred such tests.
UNLIKELY = 21.0


@pytest.mark.parametrize("name", ["intercontinental_liquid", "short_range_liquid", "glider"])
def test_ascent_is_where_the_covariance_says(name: str) -> None:
    fit = fitted(looks(name, FOUR, 12.0, 40, seed=1))
    assert max(misfits(fit, name).values()) < UNLIKELY
    assert fit.is_fitting
    assert math.sqrt(np.trace(fit.covariance[:3, :3])) < 150.0
    assert fit.launch.heading_sigma_rad < math.radians(2.0)


def test_one_satellite_states_how_little_it_knows() -> None:
    name = "intercontinental_liquid"
    two, one = fitted(looks(name, TWO, 20.0, 30, seed=2)), fitted(looks(name, ONE, 20.0, 30, seed=2))
    assert max(misfits(one, name).values()) < UNLIKELY
    assert np.trace(one.launch.covariance_m2) > 20 * np.trace(two.launch.covariance_m2)


def test_rocket_that_stands_straight_has_no_heading_and_an_honest_velocity() -> None:
    name = "intercontinental_liquid"
    fit = fitted(looks(name, FOUR, 0.5, 9, seed=10))
    assert math.isnan(fit.launch.heading_rad)
    assert misfits(fit, name)["velocity"] < UNLIKELY


def test_biases_are_found_and_do_not_spoil_the_state() -> None:
    name = "intercontinental_liquid"
    rng = np.random.default_rng(7)
    biases = rng.normal(size=(4, 4)) * np.array([3e-4, 3e-4, 3e-4, 0.03])
    rays = looks(name, FOUR, 5.0, 60, seed=3, biases=biases)
    told, untold = fitted(rays, bias=BiasPrior.of(4, 3e-4, 0.03)), fitted(rays)
    assert max(misfits(told, name).values()) < UNLIKELY
    assert squared_sigmas((told.biases - biases).ravel(), told.biases_covariance) < 40.0
    assert not untold.is_fitting


def test_later_look_is_followed_to_where_the_whole_bank_leads() -> None:
    rays = looks("intercontinental_liquid", FOUR, 12.0, 41, seed=4)
    before = fit_ascent(rays, float(rays.time_s.max()) - 5.0)
    followed, anew = fitted(rays, start=before), fitted(rays)
    sigma = np.sqrt(np.diag(anew.covariance))
    assert (np.abs(followed.state_itrs - anew.state_itrs) < 0.5 * sigma).all()


def test_second_stage_is_fitted_by_itself_and_the_launch_kept() -> None:
    name = "intercontinental_solid"
    rays = looks(name, FOUR, 1.0, 85, seed=5)
    fit, on_the_first = fitted(rays), fit_ascent(rays, EPOCH_OF_LAUNCH_S + 55.0)
    assert on_the_first is not None
    found = misfits(fit, name)
    assert max(found.values()) < UNLIKELY
    assert EPOCH_OF_LAUNCH_S + 55.0 < fit.begin_s < EPOCH_OF_LAUNCH_S + 68.0
    away = np.linalg.norm(fit.launch.itrs_m - on_the_first.launch.itrs_m)
    assert away < 2 * math.sqrt(np.trace(on_the_first.launch.covariance_m2))


def test_looks_after_the_instant_asked_for_do_not_count() -> None:
    rays = looks("short_range_liquid", TWO, 1.0, 40, seed=6)
    at_s = EPOCH_OF_LAUNCH_S + 25.0
    whole, cut = fit_ascent(rays, at_s), fit_ascent(rays.until(at_s), at_s)
    assert whole is not None
    assert cut is not None
    assert (whole.state_itrs == cut.state_itrs).all()
    assert (whole.covariance == cut.covariance).all()


def test_order_of_the_looks_does_not_matter_and_same_looks_give_same_bits() -> None:
    rays = looks("intercontinental_solid", FOUR, 3.0, 25, seed=8)
    shuffled = rays.at(np.random.default_rng(1).permutation(len(rays)))
    once, again = fitted(rays), fitted(shuffled)
    assert once.state_itrs.tobytes() == again.state_itrs.tobytes()
    assert once.launch.covariance_m2.tobytes() == again.launch.covariance_m2.tobytes()


def test_three_lines_of_sight_tell_nothing() -> None:
    assert fit_ascent(looks("glider", TWO, 5.0, 1, seed=9), EPOCH_OF_LAUNCH_S + 50.0) is None


def test_line_of_sight_into_space_tells_of_no_ascent() -> None:
    rays = looks("glider", ONE, 5.0, 8, seed=9)
    away = Rays(rays.time_s, rays.origin_itrs_m, -rays.los_itrs, rays.sigma_rad, rays.sensor)
    assert fit_ascent(away, float(away.time_s.max())) is None


def test_prior_of_too_few_sensors_is_refused() -> None:
    rays = looks("glider", TWO, 5.0, 8, seed=9)
    with pytest.raises(ValueError, match="prior of 1 sensors for rays of 2"):
        fit_ascent(rays, float(rays.time_s.max()), bias=BiasPrior.of(1, 2e-4, 0.02))


def test_line_of_sight_that_is_not_finite_is_refused() -> None:
    rays = looks("glider", TWO, 5.0, 8, seed=9)
    los = rays.los_itrs.copy()
    los[3] = np.nan
    with pytest.raises(ValueError, match="must be finite"):
        Rays(rays.time_s, rays.origin_itrs_m, los, rays.sigma_rad, rays.sensor)


def test_rows_that_do_not_match_are_refused() -> None:
    rays = looks("glider", TWO, 5.0, 8, seed=9)
    with pytest.raises(ValueError, match="one row a line of sight"):
        Rays(rays.time_s[1:], rays.origin_itrs_m, rays.los_itrs, rays.sigma_rad, rays.sensor)


def test_looks_that_defeat_linear_algebra_tell_of_no_ascent(monkeypatch: pytest.MonkeyPatch) -> None:
    def defeated(*_: object) -> None:
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(fit_module, "search_launch", defeated)
    rays = looks("short_range_liquid", FOUR, 1.0, 10, 1)
    assert fit_ascent(rays, float(rays.time_s.max())) is None


def test_a_boost_outdoes_straight_flight_and_an_airliner_does_not() -> None:
    boost = looks("intercontinental_liquid", FOUR, 5.0, 30, seed=4)
    assert fitted(boost).outdoes_straight_flight
    # The same satellites, looking at one thing that flies straight at 240 m/s from where the rocket is.
    start = boost.origin_itrs_m[0] + 1.1e6 * boost.los_itrs[0]
    aside = np.cross(start, [0.0, 0.0, 1.0])
    place = start + (boost.time_s - boost.time_s[0])[:, None] * (240.0 * aside / np.linalg.norm(aside))
    ray = place - boost.origin_itrs_m
    noise = SIGMA_RAD * np.random.default_rng(5).standard_normal((len(boost), 2))
    level = dataclasses.replace(boost, los_itrs=ray / np.linalg.norm(ray, axis=1)[:, None])
    off = level.los_itrs + np.einsum("ni,nij->nj", noise, level.across())
    level = dataclasses.replace(level, los_itrs=off / np.linalg.norm(off, axis=1)[:, None])
    fit = fit_ascent(level, float(level.time_s.max()))
    assert fit is None or not fit.outdoes_straight_flight
