"""A refresh of the network in NumPy and SciPy, as one would write it without a compiler."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from services.geometry.ellipsoid import line_clears_earth
from services.geometry.frames import itrs_from_teme
from services.geometry.orbit import propagate_teme
from services.geometry.time import NS_PER_S
from services.relay.network.constellation import Constellation
from services.relay.network.light import LIGHT_M_PER_S
from services.relay.network.motion import SPAN_NS

Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]


class Peer:
    """One constellation's positions, links and routes at the instants of one minute."""

    def __init__(self, constellation: Constellation, minute_unix_ns: int) -> None:
        self._constellation = constellation
        orbits = (*constellation.mesh.orbits, *constellation.satellite_orbits)
        before, before_speed, _ = propagate_teme(orbits, minute_unix_ns)
        after, after_speed, _ = propagate_teme(orbits, minute_unix_ns + SPAN_NS)
        self._minute_unix_ns = minute_unix_ns
        self._cubic = CubicHermiteSpline([0.0, SPAN_NS / NS_PER_S], [before, after], [before_speed, after_speed])

    def graph(self, unix_ns: int) -> csr_array:
        """Return the costs between relay satellites and, as one more node, the ground; seconds."""
        constellation = self._constellation
        mesh, network = constellation.mesh, constellation.network
        count = len(mesh.names)
        places = self._places(unix_ns)
        first, second = mesh.links.T
        seen = self._in_sight(places) & self._in_sight(self._places(unix_ns - round(network.acquisition_s * NS_PER_S)))
        first, second = first[seen], second[seen]
        across = np.linalg.norm(places[second] - places[first], axis=1) / LIGHT_M_PER_S + network.processing_delay_s
        down = self._exits(places[:count], unix_ns)
        relays = np.flatnonzero(np.isfinite(down))
        rows = np.concatenate([first, second, relays])
        columns = np.concatenate([second, first, np.full(len(relays), count)])
        return csr_array(
            (np.concatenate([across, across, down[relays]]), (rows, columns)), shape=(count + 1, count + 1)
        )

    def refresh(self, unix_ns: int, relays: list[int]) -> Float64:
        """Return the least delay from some relay satellites to the ground, after all that a refresh takes."""
        return np.asarray(dijkstra(self.graph(unix_ns), indices=relays)[:, -1])

    def nearest(self, graph: csr_array) -> Float64:
        """Return the least delay to the ground from every relay satellite of a graph."""
        return np.asarray(dijkstra(graph.T, indices=graph.shape[0] - 1)[:-1])

    def _places(self, unix_ns: int) -> Float64:
        return np.asarray(self._cubic((unix_ns - self._minute_unix_ns) / NS_PER_S))

    def _in_sight(self, places: Float64) -> NDArray[np.bool_]:
        network = self._constellation.network
        a, b = (places[ends] for ends in self._constellation.mesh.links.T)
        near: NDArray[np.bool_] = np.sum((b - a) ** 2, axis=1) <= network.crosslink_range_m**2
        return near & line_clears_earth(a, b, network.grazing_height_m)

    def _exits(self, places: Float64, unix_ns: int) -> Float64:
        constellation, network = self._constellation, self._constellation.network
        teme = itrs_from_teme(unix_ns)
        down_s = np.full(len(places), np.inf)
        least_sine = np.sin(np.radians(network.gateway_mask_deg))
        sites, ups = constellation.gateway_itrs_m @ teme, constellation.gateway_up_itrs @ teme
        for gateway, site, up in zip(constellation.gateways, sites, ups, strict=True):
            away = places - site
            distance_m = np.sqrt(np.einsum("ij,ij->i", away, away))
            cost_s = distance_m / LIGHT_M_PER_S + network.processing_delay_s + gateway.terrestrial_delay_s
            down_s = np.where(away @ up >= least_sine * distance_m, np.minimum(down_s, cost_s), down_s)
        return down_s
