"""The compiled geometry against its slow twins, and what its limits do."""

import dataclasses
import math

import numpy as np
import pytest

from services.geometry.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M
from services.geometry.orbit import positions_itrs_m
from services.relay.network.kernels.geometry import in_sight_of, link_delays
from services.relay.network.visibility import geometry_at, motion_of
from services.scenario.model import Network
from tests.relay import naive
from tests.relay.sky import SECOND_NS, START_UNIX_NS, real_constellation

GRAZING_M = 8e4
SCALES = (1 / (SEMI_MAJOR_M + GRAZING_M), 1 / (SEMI_MINOR_M + GRAZING_M))


def scattered(count: int, seed: int) -> naive.Float64:
    """Return places all round the Earth, from below the grazing height to geostationary; the third is none."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(count, 3))
    radii = 6.4e6 + 3.6e7 * rng.random((count, 1)) ** 3
    places = directions / np.linalg.norm(directions, axis=1)[:, None] * radii
    places[2] = math.nan
    return np.ascontiguousarray(places)


@pytest.mark.parametrize("range_m", [5.4e6, 2e7, 1e9])
def test_links_are_in_sight_as_the_ellipsoids_own_routine_says(range_m: float) -> None:
    places, earlier = scattered(400, 1), scattered(400, 2)
    links = np.random.default_rng(3).integers(0, 400, (20_000, 2)).astype(np.int32)
    links = np.ascontiguousarray(links[links[:, 0] != links[:, 1]])
    delays_s = np.empty(len(links))
    longest_m = link_delays(places, earlier, links, range_m, *SCALES, delays_s)
    expected = naive.link_delays(places, earlier, links, range_m, GRAZING_M)
    np.testing.assert_allclose(delays_s, expected, rtol=1e-14)
    assert 0 < np.isfinite(delays_s).sum() < len(links)
    assert longest_m == pytest.approx(delays_s[np.isfinite(delays_s)].max() * 299_792_458.0)


def test_satellites_in_sight_of_one_are_those_it_could_be_linked_to() -> None:
    places = scattered(2000, 4)
    node = 1500 + int(np.argmax(np.linalg.norm(places[1500:], axis=1)))
    seen = np.ones(1500, dtype=bool)
    seen[::9] = False
    in_sight_of(places, node, 3e7, *SCALES, seen)
    expected = naive.in_sight(places[node], places[:1500], 3e7, GRAZING_M)
    expected[::9] = False
    assert np.array_equal(seen, expected)
    assert seen.any()


def test_gateways_see_what_stands_above_their_mask() -> None:
    constellation = real_constellation(gateway_mask_deg=25.0)
    geometry = geometry_at(constellation, motion_of(constellation), START_UNIX_NS)
    # In the frame of the Earth, where the gateways stand.
    expected = naive.ground_links(
        positions_itrs_m(constellation.mesh.orbits, START_UNIX_NS),
        constellation.gateway_itrs_m,
        constellation.gateway_up_itrs,
        25.0,
    )
    pairs = list(zip(geometry.relays.tolist(), geometry.gateways.tolist(), strict=True))
    assert len(pairs) == len(expected)
    assert set(pairs) == set(expected)
    # Half a metre of the motion between anchors.
    assert geometry.distances_m == pytest.approx([expected[pair] for pair in pairs], abs=0.5)


def test_link_needs_its_sight_from_when_its_terminals_began_to_point() -> None:
    whole = real_constellation()
    # Terminals that reach no farther than neighbours in adjacent planes are apart on average.
    crossing = dataclasses.replace(whole, network=Network(crosslink_range_m=8.5e5, acquisition_s=20.0))
    motion = motion_of(crossing)
    now = geometry_at(crossing, motion, START_UNIX_NS).link_delays_s
    places, earlier = (motion.places_teme_m(START_UNIX_NS - offset * SECOND_NS) for offset in (0, 20))
    at_once = naive.link_delays(places, places, crossing.mesh.links, 8.5e5, GRAZING_M)
    held = naive.link_delays(places, earlier, crossing.mesh.links, 8.5e5, GRAZING_M)
    assert np.isfinite(held).sum() < np.isfinite(at_once).sum()
    np.testing.assert_allclose(now, held, rtol=1e-14)
