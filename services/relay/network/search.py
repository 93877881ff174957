"""Least-delay paths over one mesh; the wrapper of the kernels that find them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.relay.network.kernels.paths import fill_exits, least_delay_path, nearest_exits
from services.relay.network.light import LIGHT_M_PER_S
from services.relay.network.visibility import Geometry

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]

# Marks of searches go up by two; before they run out of 32 bits all begin anew.
LAST_MARK = 2**31 - 4


@dataclass(frozen=True)
class Weights:
    """What paths cost at an instant, with what is out of order taken out.

    link_delays_s: (m,) of the mesh, inf: cannot be used. relays, gateways, distances_m: (p,) ground links.
    gateways_up: (g,) those that lead to the ground station.
    """

    geometry: Geometry
    link_delays_s: Float64
    relays: Int32
    gateways: Int32
    distances_m: Float64
    gateways_up: Bool


@dataclass(frozen=True)
class Exits:
    """The way down from each relay satellite: least delay (n,), inf: none, and by which gateway (n,).

    sites_teme_m, bases_s: of the gateways that may be used, those that add least first.
    """

    delays_s: Float64
    gateways: Int32
    sites_teme_m: Float64
    bases_s: Float64
    reach_m: float


class MeshSearch:
    """Searches one mesh; keeps the tables that its links make and the searches' own arrays. One thread at a time."""

    def __init__(self, satellites: int, links: Int32, bases_s: Float64, processing_s: float) -> None:
        """Take how many satellites there are, their links (m, 2), and what each gateway and each satellite adds."""
        self._neighbours, self._joined_by = neighbour_tables(satellites, links)
        self._bases_s = bases_s
        self._processing_s = processing_s
        self._mark = 0
        self._reached_s = np.empty(satellites)
        self._came_from = np.empty(satellites, dtype=np.int32)
        self._marks = np.full(satellites, -1, dtype=np.int32)
        # Each node may be a start as well.
        room = self._neighbours.size + satellites + 1
        self._keys, self._nodes = np.empty(room), np.empty(room, dtype=np.int32)

    def exits(self, weights: Weights, gateway: int | None = None) -> Exits:
        """Return the ways down by one gateway, or by any."""
        wanted = weights.gateways_up
        if gateway is not None:
            wanted = wanted & (np.arange(len(wanted)) == gateway)
        delays_s = np.full(len(self._marks), np.inf)
        gateways = np.full(len(self._marks), -1, dtype=np.int32)
        fill_exits(weights.relays, weights.gateways, weights.distances_m, self._bases_s, wanted, delays_s, gateways)
        places = np.flatnonzero(wanted)
        places = places[np.argsort(self._bases_s[places], kind="stable")]
        sites = np.ascontiguousarray(weights.geometry.sites_teme_m[places])
        reach_m = float(weights.distances_m.max(initial=0.0))
        return Exits(delays_s, gateways, sites, self._bases_s[places], reach_m)

    def path(self, weights: Weights, exits: Exits, starts: Int32, start_delays_s: Float64) -> tuple[list[int], float]:
        """Return the relay satellites of the path of least delay and its whole delay; ([], inf): there is none.

        starts, start_delays_s: those that the frame may come to first, and when it has been switched there; each once.
        """
        if self._mark >= LAST_MARK:
            self._mark, self._marks[:] = 0, -1
        self._mark += 2
        longest_m = weights.geometry.longest_link_m
        last, delay_s = least_delay_path(
            starts, start_delays_s, self._neighbours, self._joined_by, weights.link_delays_s, self._processing_s,
            exits.delays_s, weights.geometry.places_teme_m, exits.sites_teme_m, exits.bases_s, 1.0 / LIGHT_M_PER_S,
            self._processing_s / longest_m if longest_m > 0 else 0.0, exits.reach_m,
            self._mark, self._reached_s, self._came_from, self._marks, self._keys, self._nodes,
        )  # fmt: skip
        chain = []
        node = int(last)
        while node >= 0:
            chain.append(node)
            node = int(self._came_from[node])
        return chain[::-1], float(delay_s)

    def nearest(self, weights: Weights, exits: Exits) -> tuple[Int32, Float64]:
        """Return every relay satellite's nearest gateway, -1: none, and the delay by it to the ground station, inf."""
        delays_s, gateways = np.empty(len(self._marks)), np.empty(len(self._marks), dtype=np.int32)
        nearest_exits(
            self._neighbours, self._joined_by, weights.link_delays_s, self._processing_s, exits.delays_s,
            exits.gateways, delays_s, gateways, np.zeros(len(self._marks), dtype=np.uint8), self._keys, self._nodes,
        )  # fmt: skip
        return gateways, delays_s


def neighbour_tables(satellites: int, links: Int32) -> tuple[Int32, Int32]:
    """Return for each satellite those at the other ends of its links, and the links: (n, k) each, -1 where no more.

    links: (m, 2). k: as many as the one with most has; at least 1.
    """
    ends = np.concatenate([links[:, 0], links[:, 1]])
    others = np.concatenate([links[:, 1], links[:, 0]])
    numbers = np.tile(np.arange(len(links), dtype=np.int32), 2)
    order = np.argsort(ends, kind="stable")
    ends, others, numbers = ends[order], others[order], numbers[order]
    degrees = np.bincount(ends, minlength=satellites)
    place = np.arange(len(ends)) - np.repeat(np.cumsum(degrees) - degrees, degrees)
    shape = (satellites, max(int(degrees.max(initial=0)), 1))
    neighbours, joined_by = np.full(shape, -1, dtype=np.int32), np.full(shape, -1, dtype=np.int32)
    neighbours[ends, place], joined_by[ends, place] = others, numbers
    return neighbours, joined_by


def weights_of(
    geometry: Geometry, links_out: Bool, relays_out: Bool, gateways_up: Bool, ground_links_out: set[tuple[int, int]]
) -> Weights:
    """Return the geometry's weights without what is out of order; masks over links, relay satellites and gateways."""
    link_delays_s = np.where(links_out, math.inf, geometry.link_delays_s) if links_out.any() else geometry.link_delays_s
    kept = ~relays_out[geometry.relays]
    for relay, gateway in ground_links_out:
        kept &= (geometry.relays != relay) | (geometry.gateways != gateway)
    return Weights(
        geometry,
        link_delays_s,
        geometry.relays[kept],
        geometry.gateways[kept],
        geometry.distances_m[kept],
        gateways_up,
    )
