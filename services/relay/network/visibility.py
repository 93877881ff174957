"""Who sees whom at an instant: places of all satellites, and the links that geometry and range allow.

A laser link needs a straight line that stays above the grazing height and within the terminals' range, now and when
its terminals began to point; a ground link needs the relay satellite above the gateway's elevation mask.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M
from services.geometry.frames import itrs_from_teme
from services.geometry.time import NS_PER_S
from services.relay.network.constellation import Constellation
from services.relay.network.kernels.geometry import ground_links, in_sight_of, link_delays
from services.relay.network.motion import Motion
from services.relay.network.slots import SLOT_NS

Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]


@dataclass(frozen=True)
class Geometry:
    """One instant; places are TEME, metres, relay satellites first, then the satellites that send frames.

    link_delays_s: (m,) light times of the mesh's links, inf: not in sight, now or `acquisition_s` ago.
    longest_link_m: of those in sight. relays, gateways, distances_m: (p,) pairs that see each other.
    """

    unix_ns: int
    places_teme_m: Float64
    link_delays_s: Float64
    longest_link_m: float
    sites_teme_m: Float64
    relays: Int32
    gateways: Int32
    distances_m: Float64


def motion_of(constellation: Constellation) -> Motion:
    """Return the motion of the relay satellites and then of those that send frames."""
    return Motion((*constellation.mesh.orbits, *constellation.satellite_orbits))


def acquisition_ns(constellation: Constellation) -> int:
    """Return how long a new laser link takes until it carries anything."""
    return round(constellation.network.acquisition_s * NS_PER_S)


def geometry_at(constellation: Constellation, motion: Motion, unix_ns: int) -> Geometry:
    """Return who sees whom at an instant."""
    network, links = constellation.network, constellation.mesh.links
    places = motion.places_teme_m(unix_ns)
    pointed_ns = acquisition_ns(constellation)
    earlier = motion.places_teme_m(unix_ns - pointed_ns) if pointed_ns else places
    delays_s = np.empty(len(links))
    longest_m = link_delays(places, earlier, links, network.crosslink_range_m, *_scales_per_m(constellation), delays_s)
    teme = itrs_from_teme(unix_ns)
    sites = constellation.gateway_itrs_m @ teme
    count = len(constellation.mesh.names)
    room = count * len(sites)
    relays, gateways, distances_m = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
    least_sine = math.sin(math.radians(network.gateway_mask_deg))
    ups = constellation.gateway_up_itrs @ teme
    pairs = ground_links(places, count, sites, ups, least_sine, relays, gateways, distances_m)
    # Copies, so that the room for all pairs is not kept.
    found = relays[:pairs].copy(), gateways[:pairs].copy(), distances_m[:pairs].copy()
    return Geometry(unix_ns, places, delays_s, longest_m, sites, *found)


def candidates_in_slot(constellation: Constellation, motion: Motion, slot_unix_ns: int) -> tuple[Int32, ...]:
    """Return for each satellite that sends frames the relay satellites it may be joined to in a slot, nearest first.

    Their links are in sight from `acquisition_s` before the slot to its end: looked at there, in its middle and at its
    start, where the distances that put them in order are taken.
    """
    count, network = len(constellation.mesh.names), constellation.network
    instants = (slot_unix_ns - acquisition_ns(constellation), slot_unix_ns + SLOT_NS // 2, slot_unix_ns + SLOT_NS)
    places = motion.places_teme_m(slot_unix_ns)
    every = (places, *(motion.places_teme_m(at) for at in instants))
    scales = _scales_per_m(constellation)
    found = []
    for node in range(count, len(places)):
        seen = np.ones(count, dtype=bool)
        for there in every:
            in_sight_of(there, node, network.crosslink_range_m, *scales, seen)
        near = np.flatnonzero(seen)
        away = places[near] - places[node]
        # Stable: of two at the same distance the first in the mesh's order.
        order = np.argsort(np.einsum("ri,ri->r", away, away), kind="stable")
        found.append(near[order].astype(np.int32))
    return tuple(found)


def _scales_per_m(constellation: Constellation) -> tuple[float, float]:
    """Return the scales across and along the Earth's axis that make the grazed ellipsoid a unit sphere."""
    height_m = constellation.network.grazing_height_m
    return 1.0 / (SEMI_MAJOR_M + height_m), 1.0 / (SEMI_MINOR_M + height_m)
