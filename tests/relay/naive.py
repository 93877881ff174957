"""Slow, obvious twins of the network's kernels: what they must return, said in NumPy and SciPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from services.geometry.ellipsoid import line_clears_earth
from services.relay.network.light import LIGHT_M_PER_S
from services.relay.network.search import Exits, Weights

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
Int = NDArray[Any]


def places_between(
    before: Float64, before_speed: Float64, after: Float64, after_speed: Float64, part: float, span_s: float
) -> Float64:
    """Return the places (n, 3) on the cubics through the states at both ends of a span."""
    cubic = CubicHermiteSpline([0.0, span_s], [before, after], [before_speed, after_speed])
    return np.asarray(cubic(part * span_s))


def in_sight(a_m: Float64, b_m: Float64, range_m: float, grazing_height_m: float) -> Bool:
    """Return whether each pair of places (m, 3) has a laser link."""
    with np.errstate(invalid="ignore"):
        near = np.linalg.norm(b_m - a_m, axis=-1) <= range_m
    return np.asarray(near & line_clears_earth(a_m, b_m, grazing_height_m))


def link_delays(places: Float64, earlier: Float64, links: Int, range_m: float, grazing_height_m: float) -> Float64:
    """Return the light times (m,) of links that are in sight at both instants; inf: not so."""
    first, second = links.T
    seen = in_sight(places[first], places[second], range_m, grazing_height_m)
    seen &= in_sight(earlier[first], earlier[second], range_m, grazing_height_m)
    return np.where(seen, np.linalg.norm(places[second] - places[first], axis=1) / LIGHT_M_PER_S, np.inf)


def ground_links(places: Float64, sites: Float64, ups: Float64, mask_deg: float) -> dict[tuple[int, int], float]:
    """Return the distance of every satellite and gateway that see each other."""
    found = {}
    for gateway, (site, up) in enumerate(zip(sites, ups, strict=True)):
        away = places - site
        distance_m = np.linalg.norm(away, axis=1)
        elevation_deg = np.degrees(np.arcsin(away @ up / distance_m))
        for satellite in np.flatnonzero(elevation_deg >= mask_deg):
            found[int(satellite), gateway] = float(distance_m[satellite])
    return found


def least_delay(weights: Weights, exits: Exits, links: Int, processing_s: float, starts: Int, at_s: Float64) -> float:
    """Return the least delay from the starts, reached at those instants, to the ground; inf: no path.

    One more node stands for the ground, and one for the sender.
    """
    count = len(exits.delays_s)
    ground, sender = count, count + 1
    graph = _graph(
        weights, exits, links, processing_s, [(sender, int(s), at) for s, at in zip(starts, at_s, strict=True)]
    )
    return float(dijkstra(graph, indices=sender)[ground])


def nearest_exits(weights: Weights, exits: Exits, links: Int, processing_s: float) -> Float64:
    """Return the least delay (n,) from every satellite to the ground."""
    count = len(exits.delays_s)
    return np.asarray(dijkstra(_graph(weights, exits, links, processing_s, []).T, indices=count)[:count])


def _graph(weights: Weights, exits: Exits, links: Int, processing_s: float, more: list[tuple[int, int, float]]) -> Any:
    count = len(exits.delays_s)
    usable = np.isfinite(weights.link_delays_s)
    first, second = links[usable].T
    there = weights.link_delays_s[usable] + processing_s
    down = np.flatnonzero(np.isfinite(exits.delays_s))
    senders = np.array([edge[0] for edge in more], dtype=int)
    receivers = np.array([edge[1] for edge in more], dtype=int)
    rows = np.concatenate([first, second, down, senders])
    columns = np.concatenate([second, first, np.full(len(down), count), receivers])
    costs = np.concatenate([there, there, exits.delays_s[down], [edge[2] for edge in more]])
    return csr_array((costs, (rows, columns)), shape=(count + 2, count + 2))
