"""Ground links that rain closes: no path leads over them, and frames go another way."""

import itertools
import math

import numpy as np
import pytest

from services.geometry.ellipsoid import elevation_rad
from services.relay.network.fade import without_faded
from services.relay.network.faults import FaultBook, FaultKind
from services.relay.network.link import Traffic
from services.relay.network.rain import least_elevation_sine, rate_factor
from services.relay.network.routing import Router
from services.relay.network.stream import StreamLink
from services.relay.network.visibility import geometry_at, motion_of
from tests.relay.sky import (
    SECOND_NS,
    START_UNIX_NS,
    TO_EAST,
    TO_WEST,
    book,
    fault,
    path_of,
    real_constellation,
    ring,
)

FREQUENCY_HZ, CLEAR_DB = 1.82e10, 12.0


@pytest.mark.parametrize("rain_mm_per_h", [15.0, 20.0, 30.0, 40.0])
def test_link_closes_at_the_least_elevation_and_not_above(rain_mm_per_h: float) -> None:
    least_rad = math.asin(least_elevation_sine(rain_mm_per_h, FREQUENCY_HZ, CLEAR_DB))
    assert rate_factor(rain_mm_per_h, FREQUENCY_HZ, least_rad - 1e-9, CLEAR_DB) == 0
    assert rate_factor(rain_mm_per_h, FREQUENCY_HZ, least_rad + 1e-9, CLEAR_DB) > 0


def test_drizzle_closes_no_link_and_a_cloudburst_every_one() -> None:
    assert least_elevation_sine(0.1, FREQUENCY_HZ, CLEAR_DB) < 0
    assert least_elevation_sine(200.0, FREQUENCY_HZ, CLEAR_DB) > 1


def test_links_that_are_left_stand_high_enough_now_and_soon() -> None:
    constellation = real_constellation()
    motion = motion_of(constellation)
    geometry = geometry_at(constellation, motion, START_UNIX_NS)
    rains = [fault(FaultKind.RAIN, "dongara", rain_mm_per_h=rate) for rate in (1.0, 35.0)]
    left = without_faded(geometry, constellation, motion, rains)
    router = Router(constellation, FaultBook())
    soon_m = [router.positions(START_UNIX_NS + after * SECOND_NS)[1] for after in (0, 2)]
    least_rad = math.asin(least_elevation_sine(35.0, FREQUENCY_HZ, CLEAR_DB))
    wet = constellation.gateway_index["dongara"]
    site = constellation.gateway_itrs_m[wet]
    pairs = list(zip(geometry.relays.tolist(), geometry.gateways.tolist(), strict=True))
    closed = {
        (relay, gateway)
        for relay, gateway in pairs
        if gateway == wet and min(elevation_rad(site, places[relay]) for places in soon_m) < least_rad
    }
    assert 0 < len(closed) < np.count_nonzero(geometry.gateways == wet)
    kept = list(zip(left.relays.tolist(), left.gateways.tolist(), strict=True))
    assert kept == [pair for pair in pairs if pair not in closed]
    assert len(left.distances_m) == len(kept)


def test_paths_turn_away_at_the_nanosecond_at_which_rain_closes_the_link_and_back_when_it_stops() -> None:
    begins, ends = START_UNIX_NS + SECOND_NS // 3, START_UNIX_NS + 5 * SECOND_NS + 7
    faults = FaultBook()
    router = Router(ring(), faults)
    router.path("sat-1", START_UNIX_NS + SECOND_NS // 2)
    rain = faults.inject(fault(FaultKind.RAIN, "east", start=begins, rain_mm_per_h=100.0))
    faults.clear(rain.fault_id, ends)
    assert path_of(router, begins - 1).nodes == TO_EAST
    assert path_of(router, begins).nodes == TO_WEST
    assert path_of(router, ends - 1).nodes[-2] == "west"
    assert path_of(router, ends).nodes[-2] == "east"


def test_no_frame_that_leaves_in_the_rain_is_lost_while_another_gateway_is_dry() -> None:
    constellation = ring()
    faults = book(fault(FaultKind.RAIN, "east", rain_mm_per_h=40.0))
    router = Router(constellation, faults)
    link = StreamLink(constellation, 1, "sat-1", Traffic.FRAMES)
    gateways = []
    for sequence, at in enumerate(range(START_UNIX_NS, START_UNIX_NS + 600 * SECOND_NS, SECOND_NS // 5)):
        transit = link.retimed(link.carry(path_of(router, at), at, 1000, sequence), faults.all(), router.path_from)
        assert not transit.lost
        gateways.append(transit.nodes[-2])
    # It closes the link and lets it be in turn.
    assert sum(one != other for one, other in itertools.pairwise(gateways)) > 1
