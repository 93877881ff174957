"""A look's detection goes to the track that it fits, unless clutter explains it better."""

import copy
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up
from services.geometry.time import NS_PER_S
from services.ground_station.tracking.association.gating import gated
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.following import UNSEEN_DOUBT, UNSEEN_LOOKS, UNSEEN_S, advance_all, associate
from services.ground_station.tracking.look import seconds
from services.ground_station.tracking.records import NONE
from services.ground_station.tracking.tracker import EPOCH_UNIX_NS, Tracker
from tests.ground_station.tracking.looks import cone_look, stare
from tests.ground_station.tracking.sky import START_UNIX_NS
from tests.ground_station.tracking.targets import LATITUDE_DEG, LONGITUDE_DEG, SITE_ITRS_M, Satellite, line_of_sight

Float64 = NDArray[np.float64]

SEEN_UNTIL_S, LOOK_S = 20.0, 21.0
MISS_SCORE = float(np.log(0.05))
GATE2 = 16.0


def cruiser(time_s: float) -> Float64:
    """Return where something is that flies east at 10 km, ITRS, metres."""
    east, _, up = east_north_up(LATITUDE_DEG, LONGITUDE_DEG)
    place: Float64 = SITE_ITRS_M + 10_000.0 * up + 300.0 * time_s * east
    return place


WATCHING = [Satellite(azimuth_deg, 90.0) for azimuth_deg in (20.0, 140.0, 260.0)]


@pytest.fixture(scope="module")
def tracked() -> Tracker:
    tracker = Tracker(TrackingConfig(), "run")
    for look in stare([cruiser], WATCHING, np.arange(SEEN_UNTIL_S).tolist(), np.random.default_rng(1), 0.0, 1.0):
        tracker.update_look(look)
    return tracker


def is_taken(tracker: Tracker, over_clutter: float, unseen_s: float = 1.0, misses: int = 0) -> bool:
    """Return whether the track takes a detection that fits it by so much better than clutter does, log likelihood."""
    assert tracker._sky is not None
    state = copy.deepcopy(tracker._sky.state)
    arrays = state.arrays(1)
    tracks = arrays.tracks[: state.count]
    assert len(tracks) == 1
    look_unix_ns = START_UNIX_NS + round(LOOK_S * NS_PER_S)
    now_s = seconds(look_unix_ns, EPOCH_UNIX_NS)
    advance_all(tracks, now_s)
    tracks["last_hit_s"], tracks["misses"] = now_s - unseen_s, misses
    origin = WATCHING[0](LOOK_S)
    los = line_of_sight(cruiser, origin, LOOK_S)
    look = cone_look("sat-0", look_unix_ns, origin, [los]).arrays
    in_view = np.zeros(1, dtype=np.int64)
    count, _, _, _, likelihood = gated(tracks, in_view, look.origin, look.los, look.sigma_rad, GATE2)
    assert count == 1
    hit_score = over_clutter + MISS_SCORE - float(likelihood[0])
    owner = np.empty(1, dtype=np.int64)
    associate(
        tracks, arrays.track_pool, in_view, look, now_s, 0, 1, hit_score, MISS_SCORE, GATE2, arrays.sensors, owner
    )
    return bool(owner[0] != NONE)


def test_what_fits_better_than_clutter_is_taken(tracked: Tracker) -> None:
    assert is_taken(tracked, 0.1)
    assert not is_taken(tracked, -0.1)


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param({"unseen_s": UNSEEN_S + 0.1}, id="long out of view"),
        pytest.param({"misses": UNSEEN_LOOKS}, id="missed by look after look"),
    ],
)
def test_what_was_long_unseen_takes_only_what_fits_much_better(tracked: Tracker, lost: dict[str, Any]) -> None:
    assert not is_taken(tracked, UNSEEN_DOUBT - 0.1, **lost)
    assert is_taken(tracked, UNSEEN_DOUBT + 0.1, **lost)


def test_what_was_seen_lately_takes_what_fits(tracked: Tracker) -> None:
    assert is_taken(tracked, 0.1, unseen_s=UNSEEN_S - 0.1, misses=UNSEEN_LOOKS - 1)
