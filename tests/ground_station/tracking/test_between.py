"""From which ascents the satellites' biases are learned: a rocket's, and not one bent to an airliner's looks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.ground_station.tracking.bank.models import BOOST
from services.ground_station.tracking.between import Between
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.records import CONFIRMED, MOVES
from services.ground_station.tracking.state import State
from tests.ground_station.tracking.looks import SIGMA_RAD, cone_look
from tests.ground_station.tracking.targets import (
    LATITUDE_DEG,
    LIGHT_M_PER_S,
    LONGITUDE_DEG,
    Motion,
    flight,
    line_of_sight,
    noisy,
    satellites,
)

Float64 = NDArray[np.float64]

FIRST_S, LAST_S, NOW_S = 5.0, 45.0, 46.0
CRUISE_M, CRUISE_M_PER_S = 10_500.0, np.array([220.0, 80.0, 0.0])


def rocket(time_s: float) -> Float64:
    position, _ = flight("small_launcher", 120.0).state_itrs(time_s)
    return position


def airliner(time_s: float) -> Float64:
    start = geodetic_to_itrs(LATITUDE_DEG, LONGITUDE_DEG, CRUISE_M)
    place: Float64 = start + time_s * (CRUISE_M_PER_S @ east_north_up(LATITUDE_DEG, LONGITUDE_DEG))
    return place


def followed(motion: Motion) -> State:
    """Return a state in which four satellites, held for biased, have seen one track that may boost in each look."""
    rng = np.random.default_rng(7)
    state = State(rest_s=10.0)
    arrays = state.arrays(1)
    history = int(state.track_pool.lend(1, 0.0)[0])
    count = 0
    for time_s in np.arange(FIRST_S, LAST_S):
        for number, satellite in enumerate(satellites(4)):
            origin = satellite(time_s)
            los = noisy(line_of_sight(motion, origin, time_s), SIGMA_RAD, rng)
            state.sensors.move(cone_look(f"sat-{number}", 0, origin, [los]), float(time_s))
            ray = state.track_pool.rays[history][count]
            ray["time_s"], ray["sensor"] = time_s, number
            ray["origin"] = ray["raw_origin"] = origin
            ray["los"] = ray["raw_los"] = los
            ray["sigma_rad"] = ray["raw_sigma_rad"] = SIGMA_RAD
            ray["age_s"] = np.linalg.norm(motion(time_s) - origin) / LIGHT_M_PER_S
            count += 1
    track = arrays.tracks[0]
    track["state"], track["motion"], track["serial"] = CONFIRMED, MOVES, 1
    track["probability"][BOOST] = 1.0
    track["history"], track["count"], track["sensors"] = history, count, 0b1111
    track["first_s"], track["last_hit_s"] = FIRST_S, LAST_S - 1.0
    for name in ("burnt_s", "boosting_s", "airliner_s", "company_s", "driven_s"):
        track[name] = np.nan
    track["crowded_s"] = -np.inf
    arrays.tally["tracks"] = 1
    state.sensors.find_bias(2e-4, 0.02, apart=True)
    return state


@pytest.mark.parametrize(("motion", "learned"), [(rocket, True), (airliner, False)])
def test_biases_are_learned_from_what_burns_only(motion: Motion, learned: bool) -> None:
    state = followed(motion)
    Between(TrackingConfig(), 0).work(state, NOW_S)
    fit = state.launches[1].fit
    assert fit is not None
    assert len(fit.biases) == 4
    assert state.sensors.records["bias"].any() == learned
