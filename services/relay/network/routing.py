"""Which path a frame takes through the mesh.

At the start of each 15 s slot every satellite takes the gateway that least delay leads to, and keeps it until the
next while any path leads there; without one it takes the least delay to any. The path to its gateway is the one of
least delay at the start of the emulated second, chosen again at each fault and each healing; links that rain closes
are none. Its delay follows the nodes' motion: every leg is as long as it is at the instant asked for.

A path costs the light time of its legs, processing at every relay satellite and at the gateway, and the gateway's
terrestrial delay.
"""

import threading
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.geometry.frames import itrs_from_teme
from services.geometry.time import NS_PER_S
from services.relay.network.constellation import Constellation
from services.relay.network.fade import without_faded
from services.relay.network.faults import FaultBook, FaultKind
from services.relay.network.kept import Kept
from services.relay.network.legs import Route, path_along
from services.relay.network.light import LIGHT_M_PER_S
from services.relay.network.link import Leg, Medium, Path
from services.relay.network.moments import Key, Moment, moment_of
from services.relay.network.outage import Outage, name_numbers, outage_between
from services.relay.network.search import Exits, MeshSearch, Weights, weights_of
from services.relay.network.terminals import joined_relays
from services.relay.network.visibility import Geometry, acquisition_ns, candidates_in_slot, geometry_at, motion_of

Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]

# Emulated time for which a choice of paths holds, nanoseconds.
EPOCH_NS = NS_PER_S
# Moments whose geometry is kept: the present, the next, and some that are asked about. A frame without a way on asks
# for each of 13 seconds ahead; were they not all kept, every such frame would have them worked out anew. 2 to 5 MB
# each at 42,000 satellites.
GEOMETRIES_KEPT = 16
# Moments whose paths are kept: those ahead, and behind for frames that are sent again after an outage.
MOMENTS_KEPT = 256


@dataclass
class Refresh:
    """What is chosen from at a moment. exits: as far as asked for, by gateway; None: by any.

    now: what is out. recent: what was at some instant since one acquisition time ago. before: in the one before that.
    """

    moment: Moment
    weights: Weights
    now: Outage
    recent: Outage
    before: Outage
    exits: dict[int | None, Exits] = field(default_factory=dict)


@dataclass(frozen=True)
class Chosen:
    """The routes of all satellites at a moment, None: there is none; how many lead over each link, by index of node."""

    routes: tuple[Route | None, ...]
    streams: Counter[tuple[int, int]]


class Router:
    """Paths of all satellites over time. Same constellation and faults, same paths, whatever was asked before.

    May be asked from several threads.
    """

    def __init__(self, constellation: Constellation, faults: FaultBook) -> None:
        self.constellation = constellation
        self.faults = faults
        network, mesh = constellation.network, constellation.mesh
        self._motion = motion_of(constellation)
        self._satellite_of = {name: place for place, name in enumerate(constellation.satellites)}
        terrestrial_s = np.array([gateway.terrestrial_delay_s for gateway in constellation.gateways])
        bases_s = terrestrial_s + network.processing_delay_s
        self._search = MeshSearch(len(mesh.names), mesh.links, bases_s, network.processing_delay_s)
        self._acquisition_ns = acquisition_ns(constellation)
        # Now rather than when links are cut and frames wait for new routes.
        name_numbers(mesh)
        self._whole = Outage.none(constellation)
        self._working = threading.RLock()
        self._geometries: Kept[int, Geometry] = Kept(GEOMETRIES_KEPT, self._working)
        self._refreshes: Kept[Key, Refresh] = Kept(GEOMETRIES_KEPT, self._working)
        self._outages: Kept[tuple[str, ...], Outage] = Kept(GEOMETRIES_KEPT, self._working)
        self._candidates: Kept[int, tuple[Int32, ...]] = Kept(GEOMETRIES_KEPT, self._working)
        self._freely: Kept[Key, tuple[Route | None, ...]] = Kept(MOMENTS_KEPT, self._working)
        self._chosen: Kept[Key, Chosen] = Kept(MOMENTS_KEPT, self._working)
        self._single: Kept[tuple[Key, str, int], Route | None] = Kept(MOMENTS_KEPT, self._working)

    def path(self, satellite_id: str, unix_ns: int, gateway: str | None = None) -> Path | None:
        """Return the path of a frame that leaves a satellite at an instant, or None if there is none.

        gateway: the only one that will do, whichever the slot has. KeyError if there is no such satellite or gateway.
        """
        satellite = self._satellite_of[satellite_id]
        moment = self._moment(unix_ns)
        chosen = self._routes(moment)
        route = chosen.routes[satellite]
        wanted = None if gateway is None else self.constellation.gateway_index[gateway]
        if wanted is not None and (route is None or route.gateway != wanted):
            key = (moment.key, satellite_id, wanted)
            route = self._single.get(key, lambda: self._least(self._refresh(moment), satellite, wanted))
        if route is None:
            return None
        usable_from = self._usable_from_unix_ns(satellite, route, moment, unix_ns) if wanted is None else 0
        return path_along(self.constellation, self._motion, route, unix_ns, chosen.streams, usable_from)

    def path_from(self, node: str, unix_ns: int) -> Path | None:
        """Return the path of a frame that waits in a node; None if there is none, or if the node is out of order.

        By the gateway of least delay at the moment. KeyError if there is no such satellite or gateway.
        """
        constellation = self.constellation
        if node in self._satellite_of and node not in constellation.mesh.index:
            return self.path(node, unix_ns)
        moment = self._moment(unix_ns)
        if node in constellation.gateway_index:
            gateway = constellation.gateways[constellation.gateway_index[node]]
            if not self._refresh(moment).weights.gateways_up[constellation.gateway_index[node]]:
                return None
            processing_s, delay_s = constellation.network.processing_delay_s, gateway.terrestrial_delay_s
            return Path((Leg(node, constellation.station, processing_s, delay_s, 0.0, Medium.TERRESTRIAL),))
        relay = constellation.mesh.index[node]
        route = self._single.get((moment.key, node, -1), lambda: self._least_from(self._refresh(moment), relay))
        if route is None:
            return None
        return path_along(self.constellation, self._motion, route, unix_ns, self._routes(moment).streams, waits=True)

    def prepare(self, unix_ns: int) -> None:
        """Work out the second of an instant ahead of its use, and a share of the orbits that a later minute needs."""
        self._motion.work_ahead(unix_ns)
        for satellite_id in self.constellation.satellites:
            self.path(satellite_id, unix_ns)

    def positions(self, unix_ns: int) -> tuple[Float64, Float64]:
        """Return the places of satellites (k, 3) and relay satellites (n, 3) at an instant, ITRS, metres."""
        places = self._motion.places_teme_m(unix_ns) @ itrs_from_teme(unix_ns).T
        split = len(self.constellation.mesh.names)
        return places[split:], places[:split]

    def link_delays_s(self, unix_ns: int) -> Float64:
        """Return the light times (m,) of the mesh's links as they are chosen from at an instant; inf: not usable."""
        return self._refresh(self._moment(unix_ns)).weights.link_delays_s.copy()

    def nearest_gateways(self, unix_ns: int) -> tuple[Int32, Float64]:
        """Return every relay satellite's gateway of least delay (n,), -1: none, and that delay (n,), seconds, inf."""
        with self._working:
            refresh = self._refresh(self._moment(unix_ns))
            return self._search.nearest(refresh.weights, self._exits(refresh, None))

    def joined(self, satellite_id: str, unix_ns: int) -> tuple[str, ...]:
        """Return the relay satellites that a satellite's terminals are joined to; KeyError if there is none of it."""
        satellite = self._satellite_of[satellite_id]
        starts, _ = self._starts(self._refresh(self._moment(unix_ns)), satellite)
        names = self.constellation.mesh.names
        return tuple(names[relay] for relay in starts.tolist())

    def path_now(self, satellite_id: str, unix_ns: int, gateway: str | None = None) -> Path | None:
        """Return the path of least delay with every node at its place at this very instant, by any gateway or one."""
        satellite = self._satellite_of[satellite_id]
        refresh = self._refreshed(Moment(unix_ns), geometry_at(self.constellation, self._motion, unix_ns))
        wanted = None if gateway is None else self.constellation.gateway_index[gateway]
        with self._working:
            route = self._least(refresh, satellite, wanted)
        return None if route is None else path_along(self.constellation, self._motion, route, unix_ns, Counter())

    def _moment(self, unix_ns: int) -> Moment:
        return moment_of(self.faults, unix_ns, 2 * self._acquisition_ns)

    def _routes(self, moment: Moment) -> Chosen:
        return self._chosen.get(moment.key, lambda: self._choose(moment))

    def _choose(self, moment: Moment) -> Chosen:
        """Choose every satellite's route: to the gateway that it has in this slot, or to any."""
        routes = self._free_routes(moment.at(moment.slot_unix_ns))
        if moment.unix_ns != moment.slot_unix_ns:
            refresh = self._refresh(moment)
            routes = tuple(self._kept_to(refresh, satellite, first) for satellite, first in enumerate(routes))
        streams = Counter(link for route in routes if route is not None for link in route.links)
        return Chosen(routes, streams)

    def _kept_to(self, refresh: Refresh, satellite: int, first: Route | None) -> Route | None:
        kept = None if first is None else self._least(refresh, satellite, first.gateway)
        return self._least(refresh, satellite, None) if kept is None else kept

    def _free_routes(self, moment: Moment) -> tuple[Route | None, ...]:
        """Return every satellite's route of least delay to any gateway."""
        return self._freely.get(
            moment.key,
            lambda: tuple(
                self._least(self._refresh(moment), satellite, None) for satellite in range(len(self._satellite_of))
            ),
        )

    def _usable_from_unix_ns(self, satellite: int, route: Route, moment: Moment, unix_ns: int) -> int:
        """Return when the transmitter of a stream that has just been turned to its gateway begins to send; else 0."""
        gap_ns = round(self.constellation.network.handover_gap_s * NS_PER_S)
        while moment.unix_ns > unix_ns - gap_ns:
            if not self._had(satellite, route.gateway, moment.unix_ns - 1):
                return moment.unix_ns + gap_ns
            moment = self._moment(moment.unix_ns - 1)
        return 0

    def _had(self, satellite: int, gateway: int, unix_ns: int) -> bool:
        """Return whether a satellite's stream has a gateway at an instant."""
        route = self._routes(self._moment(unix_ns)).routes[satellite]
        return route is not None and route.gateway == gateway

    def _least(self, refresh: Refresh, satellite: int, gateway: int | None) -> Route | None:
        """Return the route of least delay from a satellite, by one gateway or by any."""
        starts, delays_s = self._starts(refresh, satellite)
        # A sender that is a relay satellite itself is the first of the path's relay satellites.
        own = len(self.constellation.mesh.names) + satellite
        sender = () if self.constellation.relays_are_sources else (own,)
        return self._found(refresh, starts, delays_s, gateway, sender)

    def _least_from(self, refresh: Refresh, relay: int) -> Route | None:
        if refresh.now.relays[relay]:
            return None
        return self._found(refresh, np.array([relay], dtype=np.int32), np.zeros(1), None, ())

    def _found(
        self, refresh: Refresh, starts: Int32, delays_s: Float64, gateway: int | None, sender: tuple[int, ...]
    ) -> Route | None:
        """Return the route of least delay from where a frame comes first, and when it has been switched there."""
        exits = self._exits(refresh, gateway)
        chain, delay_s = self._search.path(refresh.weights, exits, starts, delays_s)
        if not chain:
            return None
        return Route((*sender, *chain), int(exits.gateways[chain[-1]]), delay_s)

    def _starts(self, refresh: Refresh, satellite: int) -> tuple[Int32, Float64]:
        """Return the relay satellites that a satellite's frames may come to first, and when they are switched there."""
        constellation = self.constellation
        if refresh.now.satellites[satellite]:
            return np.empty(0, dtype=np.int32), np.empty(0)
        if constellation.relays_are_sources:
            return np.array([constellation.mesh.index[constellation.satellites[satellite]]], np.int32), np.zeros(1)
        slot = refresh.moment.slot_unix_ns
        candidates = self._candidates.get(slot, lambda: candidates_in_slot(constellation, self._motion, slot))
        relays = joined_relays(
            satellite, candidates[satellite], constellation.network.sensor_links, refresh.recent, refresh.before
        )
        places = refresh.weights.geometry.places_teme_m
        away_m = np.linalg.norm(places[relays] - places[len(constellation.mesh.names) + satellite], axis=1)
        return relays, away_m / LIGHT_M_PER_S + constellation.network.processing_delay_s

    def _exits(self, refresh: Refresh, gateway: int | None) -> Exits:
        if gateway not in refresh.exits:
            refresh.exits[gateway] = self._search.exits(refresh.weights, gateway)
        return refresh.exits[gateway]

    def _refresh(self, moment: Moment) -> Refresh:
        return self._refreshes.get(moment.key, lambda: self._refreshed(moment, self._geometry(moment.second_unix_ns)))

    def _refreshed(self, moment: Moment, geometry: Geometry) -> Refresh:
        at, acquisition = moment.unix_ns, self._acquisition_ns
        now = self._out(moment, at, at)
        recent = self._out(moment, at - acquisition, at)
        before = self._out(moment, at - 2 * acquisition, at - acquisition)
        up = ~(now.gateways | now.lines) & (not now.station)
        rains = tuple(fault for fault in moment.faults if fault.kind is FaultKind.RAIN and fault.holds_at(at))
        in_reach = without_faded(geometry, self.constellation, self._motion, rains) if rains else geometry
        weights = weights_of(in_reach, recent.links, now.relays, up, now.ground_links)
        return Refresh(moment, weights, now, recent, before)

    def _out(self, moment: Moment, first_unix_ns: int, last_unix_ns: int) -> Outage:
        met = tuple(
            fault
            for fault in moment.faults
            if fault.kind is not FaultKind.RAIN and fault.overlaps(first_unix_ns, last_unix_ns)
        )
        if not met:
            return self._whole
        # All of these count as out, whenever in the stretch they hold.
        return self._outages.get(
            tuple(sorted(fault.fault_id for fault in met)),
            lambda: outage_between(met, self.constellation, first_unix_ns, last_unix_ns),
        )

    def _geometry(self, unix_ns: int) -> Geometry:
        return self._geometries.get(unix_ns, lambda: geometry_at(self.constellation, self._motion, unix_ns))


def path_now(constellation: Constellation, satellite_id: str, unix_ns: int, gateway: str | None = None) -> Path | None:
    """Return the path of least delay with every node at its place at this very instant, or None.

    gateway: the only one that will do. KeyError if there is no such satellite or gateway.
    """
    return Router(constellation, FaultBook()).path_now(satellite_id, unix_ns, gateway)
