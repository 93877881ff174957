"""Which path a frame takes: over the relay satellite and the gateway that bring it down soonest.

The choice is made at the start of each emulated second and at each fault, and holds until the next; within the second
the delay follows the nodes' motion, along the straight line between their places at its start and at its end. (An
orbit leaves that line by less than 1.2 m in between: 4 ns.)
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.relay.network.faults import Fault, FaultBook
from services.relay.network.link import Leg, Path
from services.relay.network.topology import (
    Constellation,
    Downlinks,
    Float64,
    Positions,
    crosslink_delays_s,
    downlinks,
    positions_in_pieces,
)

# Speed of light in vacuum, metres a second; exact by the definition of the metre.
LIGHT_M_PER_S = 299_792_458.0
# Emulated time for which a choice of paths holds, nanoseconds.
EPOCH_NS = 1_000_000_000
# Epochs remembered: those ahead, and some behind for frames that are sent again after an outage. About 80 kB each.
EPOCHS_KEPT = 32


@dataclass(frozen=True)
class Choice:
    """The nodes of a path by index. relay is -1 where the satellite sends straight down."""

    satellite: int
    relay: int
    gateway: int


def best_choice(
    constellation: Constellation, positions: Positions, pairs: Downlinks, satellite: int, faults: Iterable[Fault] = ()
) -> Choice | None:
    """Return the path of least delay from one satellite, avoiding what is out of order; None: there is none."""
    faults = tuple(faults)
    names = constellation
    source = names.satellites[satellite]
    if any(fault.hits_node(source) or fault.hits_node(names.station) for fault in faults):
        return None
    here = positions.satellites_itrs_m[satellite]
    cross_s = crosslink_delays_s(constellation, here, positions.relays_itrs_m, LIGHT_M_PER_S)
    total_s = cross_s[pairs.relay] + pairs.delay_s
    for fault in faults:
        total_s[_pairs_hit(constellation, pairs, source, fault)] = np.inf
    best = int(np.argmin(total_s)) if total_s.size else -1
    least_s = float(total_s[best]) if total_s.size else np.inf
    choice = Choice(satellite, int(pairs.relay[best]), int(pairs.gateway[best])) if np.isfinite(least_s) else None
    if constellation.relays_are_sources:
        straight = downlinks(constellation, here[None, :], LIGHT_M_PER_S)
        for gateway, delay_s in zip(straight.gateway, straight.delay_s - names.network.processing_delay_s, strict=True):
            name = names.gateways[int(gateway)].id
            out = any(
                fault.hits_node(name) or fault.hits_link(source, name) or fault.hits_link(name, names.station)
                for fault in faults
            )
            if not out and delay_s < least_s:
                least_s, choice = float(delay_s), Choice(satellite, -1, int(gateway))
    return choice


def _pairs_hit(constellation: Constellation, pairs: Downlinks, source: str, fault: Fault) -> NDArray[np.bool_]:
    """Return a mask of the pairs that a fault of a relay, a gateway or one of their links takes away."""
    relay_of, gateway_of = constellation.relay_index, constellation.gateway_index
    ends = {fault.node, fault.to_node} - {""}
    if fault.to_node and (source in ends or constellation.station in ends):
        # The source's links lead to relays, the station's to gateways; a link between other ends carries no pair.
        (other,) = (ends - {source, constellation.station}) or {""}
        relay, gateway = (relay_of.get(other), None) if source in ends else (None, gateway_of.get(other))
    else:
        relay = next((relay_of[name] for name in ends if name in relay_of), None)
        gateway = next((gateway_of[name] for name in ends if name in gateway_of), None)
        if fault.to_node and (relay is None or gateway is None):
            relay = gateway = None
    if relay is None and gateway is None:
        return np.zeros(len(pairs.relay), dtype=bool)
    on_relay = np.True_ if relay is None else pairs.relay == relay
    on_gateway = np.True_ if gateway is None else pairs.gateway == gateway
    return np.asarray(on_relay & on_gateway)


@dataclass
class Epoch:
    """One emulated second: positions at both its ends, who sees whom at its start, and the choices made so far."""

    start: Positions
    end: Positions
    pairs: Downlinks
    choices: dict[tuple[int, tuple[str, ...]], Choice | None] = field(default_factory=dict)

    def at(self, unix_ns: int) -> tuple[Float64, Float64]:
        """Return satellites' and relays' places (n, 3) at an instant of this second, ITRS, metres."""
        part = (unix_ns - self.start.unix_ns) / EPOCH_NS
        return (
            self.start.satellites_itrs_m + part * (self.end.satellites_itrs_m - self.start.satellites_itrs_m),
            self.start.relays_itrs_m + part * (self.end.relays_itrs_m - self.start.relays_itrs_m),
        )


class Router:
    """Paths of all satellites over time. Same constellation and faults, same paths, whatever was asked before."""

    def __init__(self, constellation: Constellation, faults: FaultBook) -> None:
        self.constellation = constellation
        self.faults = faults
        self._epochs: OrderedDict[int, Epoch] = OrderedDict()
        self._positions: OrderedDict[int, Positions] = OrderedDict()

    def path(self, satellite_id: str, unix_ns: int) -> Path | None:
        """Return the path of a frame that leaves a satellite at an instant, or None if there is none.

        KeyError if there is no such satellite.
        """
        satellite = self.constellation.satellite_index(satellite_id)
        epoch = self._epoch(unix_ns)
        choice = self._choice(epoch, satellite, self.faults.at(unix_ns))
        return None if choice is None else self._legs(epoch, choice, unix_ns)

    def prepare(self, unix_ns: int) -> Iterator[None]:
        """Work out the epoch of an instant ahead of its use; yields between pieces of about a millisecond."""
        second = unix_ns // EPOCH_NS
        if second in self._epochs:
            return
        for edge in (second, second + 1):
            if edge not in self._positions:
                for positions in positions_in_pieces(self.constellation, edge * EPOCH_NS):
                    if positions is not None:
                        self._remember_positions(edge, positions)
                    yield
        epoch = self._epoch(unix_ns)
        for satellite in range(len(self.constellation.satellites)):
            yield
            self._choice(epoch, satellite, self.faults.at(unix_ns))

    def positions(self, unix_ns: int) -> tuple[Float64, Float64]:
        """Return satellites' and relays' places (n, 3) at an instant, ITRS, metres."""
        return self._epoch(unix_ns).at(unix_ns)

    def _epoch(self, unix_ns: int) -> Epoch:
        second = unix_ns // EPOCH_NS
        epoch = self._epochs.get(second)
        if epoch is None:
            start, end = self._positions_at(second), self._positions_at(second + 1)
            pairs = downlinks(self.constellation, start.relays_itrs_m, LIGHT_M_PER_S)
            epoch = self._epochs[second] = Epoch(start, end, pairs)
        self._epochs.move_to_end(second)
        while len(self._epochs) > EPOCHS_KEPT:
            self._epochs.popitem(last=False)
        return epoch

    def _choice(self, epoch: Epoch, satellite: int, faults: tuple[Fault, ...]) -> Choice | None:
        key = (satellite, tuple(fault.fault_id for fault in faults))
        if key not in epoch.choices:
            epoch.choices[key] = best_choice(self.constellation, epoch.start, epoch.pairs, satellite, faults)
        return epoch.choices[key]

    def _positions_at(self, second: int) -> Positions:
        if second not in self._positions:
            *_, positions = positions_in_pieces(self.constellation, second * EPOCH_NS)
            assert positions is not None
            self._remember_positions(second, positions)
        return self._positions[second]

    def _remember_positions(self, second: int, positions: Positions) -> None:
        self._positions[second] = positions
        while len(self._positions) > EPOCHS_KEPT:
            self._positions.popitem(last=False)

    def _legs(self, epoch: Epoch, choice: Choice, unix_ns: int) -> Path:
        part = (unix_ns - epoch.start.unix_ns) / EPOCH_NS
        start, end = epoch.start, epoch.end
        here = _between(start.satellites_itrs_m, end.satellites_itrs_m, choice.satellite, part)
        if choice.relay < 0:
            return path_of(self.constellation, choice, here, None)
        relay = _between(start.relays_itrs_m, end.relays_itrs_m, choice.relay, part)
        return path_of(self.constellation, choice, here, relay)


def _between(start_m: Float64, end_m: Float64, row: int, part: float) -> Float64:
    between: Float64 = start_m[row] + part * (end_m[row] - start_m[row])
    return between


def path_of(
    constellation: Constellation, choice: Choice, satellite_itrs_m: Float64, relay_itrs_m: Float64 | None
) -> Path:
    """Return the legs of a choice with the nodes at the given places, ITRS, metres."""
    network = constellation.network
    gateway = constellation.gateways[choice.gateway]
    site = constellation.gateway_itrs_m[choice.gateway]
    source = constellation.satellites[choice.satellite]
    processing_s = network.processing_delay_s
    last = Leg(gateway.id, constellation.station, processing_s, gateway.terrestrial_delay_s, 0.0)
    if relay_itrs_m is None:
        down = Leg(source, gateway.id, 0.0, _light_s(satellite_itrs_m, site), network.ground_link_rate_bps)
        return Path((down, last))
    relay = constellation.relays[choice.relay]
    across = Leg(source, relay, 0.0, _light_s(satellite_itrs_m, relay_itrs_m), network.crosslink_rate_bps)
    down = Leg(relay, gateway.id, processing_s, _light_s(relay_itrs_m, site), network.ground_link_rate_bps)
    return Path((across, down, last))


def _light_s(from_itrs_m: Float64, to_itrs_m: Float64) -> float:
    return float(np.linalg.norm(to_itrs_m - from_itrs_m)) / LIGHT_M_PER_S


def path_now(constellation: Constellation, satellite_id: str, unix_ns: int) -> Path | None:
    """Return the path of least delay with every node at its place at this very instant, or None."""
    satellite = constellation.satellite_index(satellite_id)
    *_, positions = positions_in_pieces(constellation, unix_ns)
    assert positions is not None
    pairs = downlinks(constellation, positions.relays_itrs_m, LIGHT_M_PER_S)
    choice = best_choice(constellation, positions, pairs, satellite)
    if choice is None:
        return None
    relay = positions.relays_itrs_m[choice.relay] if choice.relay >= 0 else None
    return path_of(constellation, choice, positions.satellites_itrs_m[satellite], relay)
