"""Rain fade of ground links as routes see it: those that rain closes lead nowhere."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.geometry.frames import itrs_from_teme
from services.geometry.time import NS_PER_S
from services.relay.network.constellation import Constellation
from services.relay.network.faults import Fault
from services.relay.network.motion import Motion
from services.relay.network.rain import least_elevation_sine
from services.relay.network.visibility import Geometry

Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]

# A route is taken for a second, and what leaves at its end comes to the ground link within one more. A satellite stands
# lowest at one end of such a stretch, nanoseconds.
IN_USE_NS = 2 * NS_PER_S


def without_faded(geometry: Geometry, constellation: Constellation, motion: Motion, rains: Sequence[Fault]) -> Geometry:
    """Return the geometry without the ground links that rain closes while routes over them are in use.

    rains: those that fall.
    """
    network = constellation.network
    least_sine = np.full(len(constellation.gateways), -1.0)
    for name in {rain.node for rain in rains} & constellation.gateway_index.keys():
        heaviest = max(rain.rain_mm_per_h for rain in rains if rain.node == name)
        least_sine[constellation.gateway_index[name]] = least_elevation_sine(
            heaviest, network.ground_frequency_hz, network.clear_sky_snr_db
        )
    wet = np.flatnonzero(least_sine[geometry.gateways] > -1.0)
    relays, gateways = geometry.relays[wet], geometry.gateways[wet]
    closed = np.zeros(len(wet), dtype=bool)
    for at in (geometry.unix_ns, geometry.unix_ns + IN_USE_NS):
        closed |= _sines(constellation, motion, relays, gateways, at) < least_sine[gateways]
    kept = np.delete(np.arange(len(geometry.relays)), wet[closed])
    return dataclasses.replace(
        geometry,
        relays=geometry.relays[kept],
        gateways=geometry.gateways[kept],
        distances_m=geometry.distances_m[kept],
    )


def _sines(constellation: Constellation, motion: Motion, relays: Int32, gateways: Int32, unix_ns: int) -> Float64:
    """Return the sine (p,) of each relay satellite's elevation above its gateway's horizon at an instant."""
    teme = itrs_from_teme(unix_ns)
    sites, ups = constellation.gateway_itrs_m @ teme, constellation.gateway_up_itrs @ teme
    away = motion.some_places_teme_m(relays, unix_ns) - sites[gateways]
    sines: Float64 = np.einsum("pi,pi->p", away, ups[gateways]) / np.linalg.norm(away, axis=1)
    return sines
