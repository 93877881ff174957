"""The way of a ping through Starlink: terminal, satellite, gateway, point of presence, host, and back.

Geometry is computed: each 15 s slot a satellite is drawn among those that stand high enough over the terminal and see a
gateway; light goes up and down to the gateway of least delay, and through fibre to the point of presence and the host.
What no public document says is fitted: see `Access`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.geometry.geodesic import geodesic_distance_m
from services.geometry.orbit import Orbit, positions_itrs_m, walker
from services.relay.network.light import LIGHT_M_PER_S
from services.scenario.teleports import CABLE_DETOUR, FIBRE_S_PER_M

Float64 = NDArray[np.float64]

# SpaceX's filings: terminals and gateways see satellites from 25 degrees up.
MASK_SINE = np.sin(np.radians(25.0))
# Altitude, inclination, planes, satellites a plane, and the share that is taken to be in orbit in May 2024, some 5,900
# satellites in all (shells as filed: FCC SAT-MOD-20200417-00037, SAT-AMD-20210818-00105).
SHELLS = (
    (550e3, 53.0, 72, 22, 0.9),
    (540e3, 53.2, 72, 22, 1.0),
    (570e3, 70.0, 36, 20, 0.6),
    (530e3, 43.0, 28, 120, 0.5),
)
# Gateways that a satellite over New England reaches, from the licences for earth stations of the FCC, to 0.05 degrees.
GATEWAYS = {
    "lunenburg": (44.45, -71.70),
    "loring": (46.95, -67.90),
    "beekmantown": (44.75, -73.50),
    "litchfield": (41.75, -73.20),
    "lockport": (43.15, -78.70),
}
# Where Starlink hands traffic of New England over, and the pinged host (Google Cloud's us-east4).
NEW_YORK = (40.72, -74.00)
ASHBURN = (39.04, -77.49)
# Along the road of the measurements, as far as they say: Kittery, Portland, Augusta, Bangor, Houlton.
ROAD = ((43.10, -70.75), (43.66, -70.26), (44.31, -69.78), (44.80, -68.77), (46.13, -67.84))
EPOCH_UNIX_NS = 1_716_768_000_000_000_000  # 2024-05-27T00:00:00Z


@dataclass(frozen=True)
class Access:
    """What is fitted, milliseconds of a round trip.

    fixed_ms: modems, framing, switching, both ways. grant_ms: the longest wait for a turn to send; every packet waits
    a part of it that is uniform. slot_ms: mean of a gamma-distributed (shape 2) part that is new each slot: how many
    share the beam. late_share: of the packets miss their turn and wait a uniform part of late_ms more. held_share: of
    the packets are held by something in the way, for an exponential time of mean held_ms.
    """

    fixed_ms: float
    grant_ms: float
    slot_ms: float
    late_share: float
    late_ms: float
    held_share: float
    held_ms: float


@dataclass(frozen=True)
class Draws:
    """Geometry and random numbers of a set of round trips, so that `Access` alone decides what they become.

    slot: (n,) each one's slot from 0; geometry_ms: (slots,) round trip of light alone; the rest: standard draws.
    """

    slot: NDArray[np.int64]
    geometry_ms: Float64
    gamma: Float64
    grant: Float64
    kind: Float64
    late: Float64
    held: Float64

    def rtt_ms(self, access: Access) -> Float64:
        """Return the round trips, (n,), milliseconds."""
        by_slot = self.geometry_ms + access.fixed_ms + access.slot_ms * self.gamma / 2.0
        late_ms = np.where(self.kind < access.late_share, access.late_ms * self.late, 0.0)
        held_ms = np.where(self.kind > 1 - access.held_share, access.held_ms * self.held, 0.0)
        rtt_ms: Float64 = by_slot[self.slot] + access.grant_ms * self.grant + late_ms + held_ms
        return rtt_ms


def draw(slots: int, each: int, seed: int, host: tuple[float, float] = ASHBURN) -> Draws:
    """Return `slots` slots of `each` round trips from places along the road, two slots in a row at each place."""
    generator = np.random.default_rng(seed)
    geometry_ms = geometry(slots, generator, host)
    count = slots * each
    return Draws(
        np.repeat(np.arange(slots), each),
        geometry_ms,
        generator.gamma(2.0, 1.0, slots),
        generator.uniform(0.0, 1.0, count),
        generator.uniform(0.0, 1.0, count),
        generator.uniform(0.0, 1.0, count),
        generator.exponential(1.0, count),
    )


def geometry(slots: int, generator: np.random.Generator, host: tuple[float, float]) -> Float64:
    """Return the round trip of light and fibre alone of each slot, (slots,), milliseconds."""
    orbits = _constellation(generator)
    sites = np.array([geodetic_to_itrs(*place, 0.0) for place in GATEWAYS.values()])
    ups = np.array([east_north_up(*place)[2] for place in GATEWAYS.values()])
    onward_s = np.array([_fibre_s(place, NEW_YORK) for place in GATEWAYS.values()]) + _fibre_s(NEW_YORK, host)
    found_ms = np.empty(slots)
    for slot in range(slots):
        if slot % 2 == 0:
            place, start_s = _on_the_road(generator), float(generator.uniform(0, 86_400))
        at_unix_ns = EPOCH_UNIX_NS + round((start_s + 15.0 * (slot % 2)) * 1e9)
        here, up = geodetic_to_itrs(*place, 200.0), east_north_up(*place)[2]
        satellites = positions_itrs_m(orbits, at_unix_ns)
        above, climb = _ranges(satellites, here[None], up[None])
        seen = np.flatnonzero(above[:, 0] & np.isfinite(climb[:, 0]))
        reach, down_m = _ranges(satellites[seen], sites, ups)
        total_s = np.where(reach, down_m / LIGHT_M_PER_S + onward_s, np.inf).min(axis=1)
        usable = seen[np.isfinite(total_s)]
        total_s = total_s[np.isfinite(total_s)]
        # The scheduler prefers satellites that stand high (Tanveer et al., CoNEXT 2023): one of the higher half.
        order = np.argsort(climb[usable, 0])
        chosen = order[generator.integers(max(1, len(order) // 2))]
        found_ms[slot] = 2e3 * (climb[usable[chosen], 0] / LIGHT_M_PER_S + total_s[chosen])
    return found_ms


def _ranges(satellites: Float64, sites: Float64, ups: Float64) -> tuple[NDArray[np.bool_], Float64]:
    """Return (n, k) whether each satellite stands above each site's mask, and how far it is, metres."""
    away = satellites[:, None, :] - sites[None, :, :]
    distance_m = np.linalg.norm(away, axis=2)
    return np.einsum("nki,ki->nk", away, ups) > MASK_SINE * distance_m, distance_m


def _constellation(generator: np.random.Generator) -> list[Orbit]:
    orbits = []
    for altitude_m, inclination_deg, planes, in_plane, share in SHELLS:
        shell = walker(planes * in_plane, planes, 1, altitude_m, np.radians(inclination_deg), EPOCH_UNIX_NS)
        orbits += [orbit for orbit in shell if generator.uniform() < share]
    return orbits


def _on_the_road(generator: np.random.Generator) -> tuple[float, float]:
    leg, part = int(generator.integers(len(ROAD) - 1)), float(generator.uniform())
    (lat, lon), (lat_to, lon_to) = ROAD[leg], ROAD[leg + 1]
    return lat + part * (lat_to - lat), lon + part * (lon_to - lon)


def _fibre_s(place: tuple[float, float], other: tuple[float, float]) -> float:
    return CABLE_DETOUR * FIBRE_S_PER_M * geodesic_distance_m(*place, *other)
