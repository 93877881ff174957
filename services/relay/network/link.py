"""What the modelled network is made of for a frame: media, legs, paths, and the way that it took."""

import enum
import math
from dataclasses import dataclass
from typing import NamedTuple


class Medium(enum.Enum):
    """What a leg's bits travel through."""

    # Between two satellites, in vacuum.
    LASER = "laser"
    # Between a satellite and an antenna on the ground, in Ka band.
    GROUND = "ground"
    # Fibre from an antenna to the ground station.
    TERRESTRIAL = "terrestrial"


class Traffic(enum.Enum):
    """What a stream carries; the values are the names of its messages."""

    # Shares links with the frames of other satellites.
    FRAMES = "frame"
    # Goes ahead of them, at the full rate of transmitters of its own.
    DETECTIONS = "detection batch"


class Leg(NamedTuple):
    """One step of a path.

    processing_s: what the sending node needs to switch a frame. propagation_s: light or terrestrial delay.
    rate_bps: bits a second of the whole link; 0: serialisation is not modelled here.
    shared_by: satellites whose path leads over this link now; the frames of each have an even share of the rate.
    elevation_rad: of GROUND: how high the satellite stands above the gateway's horizon.
    usable_from_unix_ns: emulated UTC; a transmitter that turns to a new receiver starts then.
    """

    from_node: str
    to_node: str
    processing_s: float
    propagation_s: float
    rate_bps: float
    medium: Medium = Medium.LASER
    shared_by: int = 1
    elevation_rad: float = math.nan
    usable_from_unix_ns: int = 0

    @property
    def delay_s(self) -> float:
        """Delay of this leg without serialisation, seconds."""
        return self.processing_s + self.propagation_s


@dataclass(frozen=True)
class Path:
    """Legs from a node to the ground station, in order."""

    legs: tuple[Leg, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the nodes, the sender first, the ground station last."""
        return (self.legs[0].from_node, *(leg.to_node for leg in self.legs))

    @property
    def delay_s(self) -> float:
        """Delay of the whole path without serialisation, seconds."""
        return math.fsum(leg.delay_s for leg in self.legs)

    def delays_s(self) -> tuple[float, ...]:
        """Return the delay from the sender to each node, without serialisation, seconds."""
        reached = [0.0]
        for leg in self.legs:
            reached.append(reached[-1] + leg.delay_s)
        return tuple(reached)


class Stay(NamedTuple):
    """When a frame was in a node and on the link after it; emulated UTC, nanoseconds.

    The node has it from `enters_node` until its last bit has left; the link from its first bit in (`enters_link`)
    until its last bit is out again (`leaves_link`), every bit that had to be sent again included.
    arrived: False where the link failed or lost it in between; the next stay then begins in the same node.
    """

    from_node: str
    to_node: str
    enters_node_unix_ns: int
    enters_link_unix_ns: int
    leaves_node_unix_ns: int
    leaves_link_unix_ns: int
    arrived: bool = True


@dataclass(frozen=True)
class Transit:
    """One frame's way through the network; emulated UTC, nanoseconds.

    path: as it was when the frame was ready; `nodes` are those it really reached.
    arrival_unix_ns: at the ground station; of a lost frame, when it was lost.
    lost: why the model lost it, a sentence that names the part; empty: it arrives.
    """

    path: Path
    departure_unix_ns: int
    arrival_unix_ns: int
    stays: tuple[Stay, ...]
    ready_unix_ns: int
    size_bytes: int
    sequence: int
    # Place of the frame among those of its stream, from 0.
    number: int
    lost: str = ""

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the nodes that the frame really reached, in order."""
        return (self.path.legs[0].from_node, *(stay.to_node for stay in self.stays if stay.arrived))
