"""Least-delay paths are SciPy's, every one: over seeds, instants, gateways and what is out of order."""

import itertools
import math

import numpy as np
import pytest

from services.relay.network.constellation import Constellation
from services.relay.network.search import Exits, MeshSearch, Weights, neighbour_tables, weights_of
from services.relay.network.visibility import geometry_at, motion_of
from services.scenario.model import Walker
from tests.relay import naive
from tests.relay.sky import SECOND_NS, START_UNIX_NS, real_constellation

PROCESSING_S = 0.0005
SHELLS = (
    Walker(1584, 72, 17, 5.5e5, 53.0, prefix="inclined"),
    Walker(348, 6, 1, 5.6e5, 97.6, prefix="polar"),
    Walker(96, 8, 1, 1.2e6, 30.0, prefix="sparse"),
)


@pytest.fixture(scope="module")
def constellation() -> Constellation:
    return real_constellation(shells=SHELLS)


def search_of(constellation: Constellation, bases_s: naive.Float64) -> MeshSearch:
    mesh = constellation.mesh
    return MeshSearch(len(mesh.names), mesh.links, bases_s, PROCESSING_S)


def weights_with(constellation: Constellation, rng: np.random.Generator, cut: float, lost: float) -> Weights:
    """Return the weights at an instant of the day with a share of links cut, and of relays and gateways lost."""
    mesh = constellation.mesh
    at = START_UNIX_NS + int(rng.integers(0, 86_400)) * SECOND_NS
    geometry = geometry_at(constellation, motion_of(constellation), at)
    relays_out = rng.random(len(mesh.names)) < lost
    links_out = (rng.random(len(mesh.links)) < cut) | relays_out[mesh.links].any(axis=1)
    gateways_up = rng.random(len(constellation.gateways)) >= lost
    return weights_of(geometry, links_out, relays_out, gateways_up, set())


def check(
    constellation: Constellation,
    weights: Weights,
    exits: Exits,
    found: tuple[list[int], float],
    starts: naive.Int,
    at_s: naive.Float64,
) -> None:
    """Assert that a path is as short as SciPy's, and that its legs are there and add up to its delay."""
    links = constellation.mesh.links
    expected_s = naive.least_delay(weights, exits, links, PROCESSING_S, starts, at_s)
    chain, delay_s = found
    assert delay_s == pytest.approx(expected_s, rel=1e-12)
    if not chain:
        assert delay_s == math.inf
        return
    cost = {frozenset(link): delay for link, delay in zip(links.tolist(), weights.link_delays_s.tolist(), strict=True)}
    legs = [cost[frozenset(link)] + PROCESSING_S for link in itertools.pairwise(chain)]
    start_s = at_s[starts.tolist().index(chain[0])]
    assert start_s + math.fsum(legs) + exits.delays_s[chain[-1]] == pytest.approx(expected_s, rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("cut", "lost"), [(0.0, 0.0), (0.3, 0.0), (0.3, 0.2), (0.8, 0.5)])
def test_paths_are_as_short_as_scipys(constellation: Constellation, seed: int, cut: float, lost: float) -> None:
    rng = np.random.default_rng([seed, round(100 * cut)])
    bases_s = rng.choice([0.0, 0.05, 0.3]) * rng.random(len(constellation.gateways))
    search, weights = search_of(constellation, bases_s), weights_with(constellation, rng, cut, lost)
    for trial in range(6):
        exits = search.exits(weights, None if trial % 2 else int(rng.integers(len(bases_s))))
        starts = rng.choice(len(constellation.mesh.names), 3, replace=False).astype(np.int32)
        at_s = 0.01 * rng.random(3)
        check(constellation, weights, exits, search.path(weights, exits, starts, at_s), starts, at_s)


@pytest.mark.parametrize("cut", [0.0, 0.3])
@pytest.mark.parametrize("fibre_s", [0.0, 0.02])
def test_no_bound_cuts_off_the_least_path_from_any_satellite(
    constellation: Constellation, cut: float, fibre_s: float
) -> None:
    rng = np.random.default_rng(17)
    bases_s = fibre_s * rng.random(len(constellation.gateways))
    search, weights = search_of(constellation, bases_s), weights_with(constellation, rng, cut, 0.0)
    for gateway in (None, *range(0, len(bases_s), 5)):
        exits = search.exits(weights, gateway)
        expected_s = naive.nearest_exits(weights, exits, constellation.mesh.links, PROCESSING_S)
        every = [np.array([satellite], dtype=np.int32) for satellite in range(len(expected_s))]
        delays_s = [search.path(weights, exits, start, np.zeros(1))[1] for start in every]
        np.testing.assert_allclose(delays_s, expected_s, rtol=1e-12)


@pytest.mark.parametrize("cut", [0.0, 0.3, 0.8])
def test_delay_to_the_nearest_gateway_is_scipys_for_every_satellite(constellation: Constellation, cut: float) -> None:
    rng = np.random.default_rng(11)
    bases_s = 0.05 * rng.random(len(constellation.gateways))
    search, weights = search_of(constellation, bases_s), weights_with(constellation, rng, cut, 0.1)
    exits = search.exits(weights)
    gateways, delays_s = search.nearest(weights, exits)
    expected_s = naive.nearest_exits(weights, exits, constellation.mesh.links, PROCESSING_S)
    np.testing.assert_allclose(delays_s, expected_s, rtol=1e-12)
    assert np.array_equal(gateways >= 0, np.isfinite(expected_s))
    for satellite in range(0, len(gateways), 97):
        if gateways[satellite] >= 0:
            by_it = search.exits(weights, int(gateways[satellite]))
            _, alone_s = search.path(weights, by_it, np.array([satellite], dtype=np.int32), np.zeros(1))
            assert alone_s == pytest.approx(delays_s[satellite], rel=1e-12)


def test_exit_of_a_satellite_is_by_the_gateway_that_adds_least(constellation: Constellation) -> None:
    rng = np.random.default_rng(5)
    bases_s = 0.05 * rng.random(len(constellation.gateways))
    search, weights = search_of(constellation, bases_s), weights_with(constellation, rng, 0.0, 0.3)
    exits = search.exits(weights)
    for satellite in range(len(constellation.mesh.names)):
        own = weights.relays == satellite
        own &= weights.gateways_up[weights.gateways]
        costs_s = weights.distances_m[own] / 299_792_458.0 + bases_s[weights.gateways[own]]
        assert exits.delays_s[satellite] == costs_s.min(initial=math.inf)
        if own.any():
            assert exits.gateways[satellite] == weights.gateways[own][costs_s.argmin()]


def test_searches_before_leave_no_trace(constellation: Constellation) -> None:
    rng = np.random.default_rng(3)
    bases_s = np.zeros(len(constellation.gateways))
    weights = weights_with(constellation, rng, 0.3, 0.1)
    questions = [rng.choice(len(constellation.mesh.names), 2, replace=False).astype(np.int32) for _ in range(30)]
    used = search_of(constellation, bases_s)
    # Marks of 32 bits run out in the midst of it.
    used._mark = 2**31 - 40
    used._marks[:] = 2**31 - 41
    exits = used.exits(weights)
    once = [used.path(weights, exits, starts, np.zeros(2)) for starts in questions]
    fresh = [search_of(constellation, bases_s).path(weights, exits, starts, np.zeros(2)) for starts in questions]
    assert once == fresh


def test_tables_name_each_satellites_links_and_their_other_ends() -> None:
    links = np.array([[0, 1], [0, 3], [1, 3]], dtype=np.int32)
    neighbours, joined_by = neighbour_tables(5, links)
    assert neighbours.tolist() == [[1, 3], [3, 0], [-1, -1], [0, 1], [-1, -1]]
    assert joined_by.tolist() == [[0, 1], [2, 0], [-1, -1], [1, 2], [-1, -1]]
    none, _ = neighbour_tables(2, np.empty((0, 2), dtype=np.int32))
    assert none.tolist() == [[-1], [-1]]
