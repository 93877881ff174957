"""When a frame arrives: what every node and link on its way adds, and what becomes of it where its way is cut.

A path is a chain of legs. A frame is stored whole at each node before it goes on. On leg i it is switched
(`processing`), held up at random (`jitter`), waits until the stream's transmitter is idle and turned the right way,
is sent at the stream's share of the link's rate, and its last bit travels:

    ready_i = max(at_i + processing_i + jitter_i, usable_from_i)
    start_i = ready_i, or when the transmitter is next idle for as long as the sending takes
    sent_i  = start_i + bits shared_by_i / (rate_i rain_i)          shared_by: satellites whose paths lead over it, of
                                                                    those of the scenario; 1 for detections
    at_i+1  = sent_i + propagation_i

Of the packets that a ground link loses in a sending, the sender knows a round trip after its end, and sends those
again: sent_i is then the end of the last such round. Frames of a stream never overtake each other, and one that is
lost holds up those behind it until then: arrival = max(at_n, arrival or loss of the stream's frame before).

All instants are whole nanoseconds of emulated UTC, rounded up, so that nothing arrives before the model says. Jitter
and losses are pure functions of (seed, satellite, kind, sequence, hop): see `channel.py`. Rain: `rain.py`. Faults:
`retiming.py`. Measured delays in place of processing, propagation and jitter: `trace.py`.
"""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from services.relay.network.channel import Losses, exponential, lost_packets, share_in_bursts, stream_key, uniforms
from services.relay.network.constellation import Constellation
from services.relay.network.faults import Fault
from services.relay.network.link import Leg, Medium, Path, Stay, Traffic, Transit
from services.relay.network.rain import rate_factor
from services.relay.network.retiming import Failure, Outages, instants_to_look, noticed_unix_ns
from services.relay.network.trace import Trace
from services.relay.network.transmitter import Sending, Transmitter

# Frames of a stream that can still be re-timed, at least; a relay holds 64 of one by default.
FRAMES_KEPT = 256
# Links after which a frame is given up that is sent round and round; twice the usual of packets (RFC 1700: 64).
MOST_LINKS = 128

# The way on from a node to the ground station at an instant, or None if there is none. It is asked for any node of a
# path before the last, the satellite that sends included.
PathFrom = Callable[[str, int], Path | None]


class _Frame(NamedTuple):
    """What is to be carried. delay_factor: what a measured delay makes of every modelled one; 1 without."""

    number: int
    path: Path
    ready_unix_ns: int
    size_bytes: int
    sequence: int
    delay_factor: float


class _Hop(NamedTuple):
    """One leg as a frame takes it where nothing fails. lost: why it comes no further all the same."""

    stay: Stay
    sendings: Iterable[Sending] = ()
    lost: str = ""


class _WayOn(NamedTuple):
    """Where a frame goes whose link failed, and when; no legs: nowhere, and why."""

    unix_ns: int
    legs: tuple[Leg, ...]
    lost: str = ""


class StreamLink:
    """The transmitters that one satellite's stream goes through; keeps its frames in order.

    Frames are to be given in the order in which they were sent, and to be re-timed in that order. What a frame meets
    then depends on those before it and on the faults, not on when it was asked about. None arrives before
    `not_before_unix_ns`.
    """

    def __init__(
        self,
        constellation: Constellation,
        seed: int,
        satellite_id: str,
        kind: Traffic,
        trace: Trace | None = None,
        not_before_unix_ns: int = 0,
    ) -> None:
        network = self._network = constellation.network
        self._constellation = constellation
        self._seed = seed
        self._key = stream_key(seed, satellite_id, kind.value)
        self._shares = kind is Traffic.FRAMES
        self._trace = trace
        self._losses = Losses(network.loss, network.burst_loss, network.burst_s, network.burst_every_s)
        self._lossy = self._losses.any
        # What measured delays vary by is in them already.
        self._jitter_s = 0.0 if trace else network.jitter_s
        self._kept = max(FRAMES_KEPT, 2 * network.queue_frames)
        self._transmitters: dict[tuple[str, str], Transmitter] = {}
        # Of each frame the latest arrival or loss up to it, and the version in which it was worked out. Frame -1 stands
        # for what the satellite sent before this stream.
        self._arrivals: dict[int, tuple[int, int]] = {-1: (not_before_unix_ns, 0)}
        self._next_number = 0
        # Goes up when a frame's way turns out to be another than it was: those after it are then worked out anew.
        self._version = 0

    def carry(self, path: Path, ready_unix_ns: int, size_bytes: int, sequence: int) -> Transit:
        """Return the way of the stream's next frame, that could first leave at `ready_unix_ns`, if nothing fails."""
        number = self._next_number
        self._next_number += 1
        if number % self._kept == 0:
            self._forget_before(number - self._kept)
        return self._travel(self._frame(number, path, ready_unix_ns, size_bytes, sequence), None, None)

    def retimed(self, transit: Transit, faults: Iterable[Fault], path_from: PathFrom) -> Transit:
        """Return the frame's way with the faults known now; the same where it meets none of them.

        transit: of `carry` or of this. faults: all that held at some time since the frame was ready, those healed
        since included. Raises ValueError for a frame too far before the newest to be remembered.
        """
        number = transit.number
        if number not in self._arrivals or (number and number - 1 not in self._arrivals):
            raise ValueError(f"frame {transit.sequence} is no more remembered; the newest {self._kept} of a stream are")
        known = Outages(faults, self._constellation, transit.ready_unix_ns)
        if self._arrivals[number][1] == self._version and known.spare(transit):
            return transit
        for stay in transit.stays:
            if transmitter := self._transmitters.get((stay.from_node, stay.to_node)):
                transmitter.withdraw(number, transit.ready_unix_ns)
        frame = self._frame(number, transit.path, transit.ready_unix_ns, transit.size_bytes, transit.sequence)
        found = self._travel(frame, known, path_from)
        if found != transit:
            self._version += 1
            self._arrivals[number] = (self._arrivals[number][0], self._version)
        return found

    def _frame(self, number: int, path: Path, ready_unix_ns: int, size_bytes: int, sequence: int) -> _Frame:
        delay_factor = 1.0
        if self._trace and path.delay_s:
            delay_factor = self._trace.delay_s(ready_unix_ns) / path.delay_s
        return _Frame(number, path, ready_unix_ns, size_bytes, sequence, delay_factor)

    def _travel(self, frame: _Frame, known: Outages | None, path_from: PathFrom | None) -> Transit:
        """Return the frame's way, and keep its place on every transmitter that it takes."""
        at, lost = frame.ready_unix_ns, ""
        legs = list(reversed(frame.path.legs))
        stays: list[Stay] = []
        while legs and not lost:
            leg = legs.pop()
            hop = self._hop(frame, leg, at, len(stays), known)
            failure = known.catching(hop.stay) if known else None
            if failure is None:
                self._reserve(leg, hop.sendings)
                stays.append(hop.stay)
                at, lost = hop.stay.leaves_link_unix_ns, hop.lost
                continue
            assert known is not None
            assert path_from is not None
            way_on = self._way_on(hop.stay, failure, known, path_from)
            self._reserve(leg, _until(hop.sendings, failure.unix_ns))
            stays.append(_cut(hop.stay, failure.unix_ns, way_on.unix_ns))
            at, lost = way_on.unix_ns, way_on.lost
            legs = list(reversed(way_on.legs))
            if len(stays) >= MOST_LINKS:
                lost = lost or f"its way was cut again and again over {MOST_LINKS} links"
        latest = max(at, self._arrivals.get(frame.number - 1, (0, 0))[0])
        self._arrivals[frame.number] = (latest, self._version)
        return Transit(
            frame.path,
            stays[0].enters_link_unix_ns,
            at if lost else latest,
            tuple(stays),
            frame.ready_unix_ns,
            frame.size_bytes,
            frame.sequence,
            frame.number,
            lost,
        )

    def _hop(self, frame: _Frame, leg: Leg, at_unix_ns: int, hop: int, known: Outages | None) -> _Hop:
        """Return how the frame, in the leg's first node from `at_unix_ns`, takes the leg if nothing fails."""
        wait_s = leg.processing_s * frame.delay_factor
        if self._jitter_s:
            wait_s += exponential(uniforms(self._key, frame.sequence, hop)[0], self._jitter_s)
        ready = max(at_unix_ns + math.ceil(wait_s * 1e9), leg.usable_from_unix_ns)
        light_ns = math.ceil(leg.propagation_s * frame.delay_factor * 1e9)
        if not leg.rate_bps:
            return _Hop(Stay(leg.from_node, leg.to_node, at_unix_ns, ready, ready, ready + light_ns))
        rate_bps = self._rate_bps(leg, ready, known)
        if not rate_bps:
            return _stuck(leg, at_unix_ns, ready, f"rain closed the link from {leg.from_node} to {leg.to_node}")
        transmitter = self._transmitters.get((leg.from_node, leg.to_node))
        if transmitter is None:
            transmitter = self._transmitters[leg.from_node, leg.to_node] = Transmitter()
        waiting = transmitter.waiting_bytes(frame.number, ready)
        if waiting + frame.size_bytes > self._network.link_queue_bytes:
            return _stuck(leg, at_unix_ns, ready, self._no_room(leg, waiting))
        duration = serialisation_ns(frame.size_bytes, rate_bps)
        start = transmitter.earliest_start(frame.number, ready, duration)
        sendings, lost = [Sending(start, start + duration, ready, frame.number, frame.size_bytes)], ""
        if self._lossy and leg.medium is Medium.GROUND:
            sendings, lost = self._until_whole(frame, leg, hop, sendings[0], rate_bps)
        sent = sendings[-1].end_unix_ns
        stay = Stay(leg.from_node, leg.to_node, at_unix_ns, start, sent, sent + light_ns, not lost)
        return _Hop(stay, sendings, lost)

    def _until_whole(
        self, frame: _Frame, leg: Leg, hop: int, first: Sending, rate_bps: float
    ) -> tuple[list[Sending], str]:
        """Return all sendings that the frame needs until no packet is missing, or why it is lost after the last."""
        packet_bytes, attempts = self._network.packet_bytes, self._network.attempts
        transmitter = self._transmitters[leg.from_node, leg.to_node]
        link = stream_key(self._seed, leg.from_node, leg.to_node)
        round_trip_ns = 2 * math.ceil(leg.propagation_s * frame.delay_factor * 1e9)
        missing = -(-frame.size_bytes // packet_bytes)
        sendings = [first]
        for attempt in range(attempts + 1):
            start, end = sendings[-1][:2]
            in_bursts = share_in_bursts(link, self._losses, start, end)
            # The third number, 0 for jitter, keeps the draws of a hop apart.
            drawn = uniforms(self._key, frame.sequence, hop, 1 + attempt)
            missing = lost_packets(missing, self._losses, in_bursts, drawn)
            if not missing:
                return sendings, ""
            if attempt < attempts:
                size_bytes = missing * packet_bytes
                duration = serialisation_ns(size_bytes, rate_bps)
                again = transmitter.earliest_start(frame.number, end + round_trip_ns, duration)
                sendings.append(Sending(again, again + duration, end + round_trip_ns, frame.number, size_bytes))
        named = f"{leg.from_node} to {leg.to_node}"
        return sendings, f"the link from {named} lost {missing} packets of it {attempts + 1} times over"

    def _rate_bps(self, leg: Leg, unix_ns: int, known: Outages | None) -> float:
        """Return the stream's share of a link's rate at an instant; 0: it does not close."""
        rate_bps = leg.rate_bps / (leg.shared_by if self._shares else 1)
        if known is None or leg.medium is not Medium.GROUND:
            return rate_bps
        rain_mm_per_h = known.rain_mm_per_h(leg.from_node, leg.to_node, unix_ns)
        network = self._network
        return rate_bps * rate_factor(
            rain_mm_per_h, network.ground_frequency_hz, leg.elevation_rad, network.clear_sky_snr_db
        )

    def _no_room(self, leg: Leg, waiting: int) -> str:
        return (
            f"the link from {leg.from_node} to {leg.to_node} had no room: {waiting} bytes waited for it; send slower "
            f"or raise network.link_queue_bytes ({self._network.link_queue_bytes})"
        )

    def _way_on(self, stay: Stay, failure: Failure, known: Outages, path_from: PathFrom) -> _WayOn:
        """Return where the frame goes from the node that has it when its way is cut."""
        node, network = stay.from_node, self._network
        noticed = noticed_unix_ns(failure, stay.enters_node_unix_ns, network.failure_detection_s)
        for at in instants_to_look(noticed, network.acquisition_s):
            end = known.of_node(node, stay.enters_node_unix_ns, at)
            if end:
                return _WayOn(end.unix_ns, (), f"{end} while {node} held the frame")
            path = path_from(node, at)
            if path and not known.closes(path.legs[0].from_node, path.legs[0].to_node, at):
                return _WayOn(at, path.legs)
        return _WayOn(at, (), f"{failure} and {node} found no other way within {(at - noticed) / 1e9:g} s")

    def _reserve(self, leg: Leg, sendings: Iterable[Sending]) -> None:
        for sending in sendings:
            self._transmitters[leg.from_node, leg.to_node].reserve(sending)

    def _forget_before(self, number: int) -> None:
        self._arrivals = {key: value for key, value in self._arrivals.items() if key >= number - 1}
        for transmitter in self._transmitters.values():
            transmitter.forget_before(number)
        self._transmitters = {link: each for link, each in self._transmitters.items() if len(each)}


def serialisation_ns(size_bytes: int, rate_bps: float) -> int:
    """Return how long the bits take to pass a transmitter, nanoseconds."""
    return math.ceil(size_bytes * 8e9 / rate_bps)


def _stuck(leg: Leg, at_unix_ns: int, ready_unix_ns: int, lost: str) -> _Hop:
    """Return that the frame is lost before its first bit is sent."""
    stay = Stay(leg.from_node, leg.to_node, at_unix_ns, ready_unix_ns, ready_unix_ns, ready_unix_ns, arrived=False)
    return _Hop(stay, lost=lost)


def _until(sendings: Iterable[Sending], unix_ns: int) -> Iterable[Sending]:
    """Return what of the sendings came before an instant."""
    return [
        each._replace(end_unix_ns=min(each.end_unix_ns, unix_ns)) for each in sendings if each.start_unix_ns < unix_ns
    ]


def _cut(stay: Stay, failed_unix_ns: int, goes_on_unix_ns: int) -> Stay:
    """Return a stay as it was where the link failed and the frame left its node another way, or with it."""
    off = min(failed_unix_ns, goes_on_unix_ns)
    return stay._replace(
        enters_link_unix_ns=min(stay.enters_link_unix_ns, off),
        leaves_link_unix_ns=off,
        leaves_node_unix_ns=goes_on_unix_ns,
        arrived=False,
    )
