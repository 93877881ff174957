"""The relay constellation, its links and its antennas."""

from dataclasses import dataclass, field
from typing import Literal

from services.scenario.model.checks import check_name, check_positive, check_range
from services.scenario.model.place import Place
from services.scenario.model.space import Walker


@dataclass(frozen=True)
class Gateway:
    """An antenna of the ground station."""

    id: str
    place: Place
    # Terrestrial delay from antenna to station.
    terrestrial_delay_s: float = 0.002

    def __post_init__(self) -> None:
        check_name(self.id, "gateway id")
        check_range(self.terrestrial_delay_s, 0, 10, "terrestrial_delay_s")


@dataclass(frozen=True)
class Network:
    """The relay constellation and its links."""

    # Relay satellites: a shell of circular orbits (defaults: Starlink's first shell as filed, 1,584 at 550 km).
    relays: Walker = field(
        default_factory=lambda: Walker(1584, 72, 17, 5.5e5, 53.0, prefix="relay")  # FCC SAT-MOD-20190830-00087
    )
    # Left out: a ring of teleports round the world, so that any area has one in reach.
    gateways: tuple[Gateway, ...] = field(default=(), metadata={"key": "gateway"})
    # Gateways see a relay from this elevation up (Starlink's filings: 25 degrees).
    gateway_mask_deg: float = 25.0
    # A link may not pass lower than this above the ellipsoid.
    grazing_height_m: float = 8.0e4
    # Laser links reach this far.
    crosslink_range_m: float = 5.4e6
    # Time a node takes to switch one frame.
    processing_delay_s: float = 0.0005
    crosslink_rate_bps: float = 1.0e11
    ground_link_rate_bps: float = 2.5e9
    # Per satellite stream; a full queue drops its oldest frame and counts it.
    queue_frames: int = 64
    queue_bytes: int = 134_217_728

    def __post_init__(self) -> None:
        check_positive(
            self, "crosslink_rate_bps", "ground_link_rate_bps", "queue_frames", "queue_bytes", "crosslink_range_m"
        )
        check_range(self.processing_delay_s, 0, 10, "processing_delay_s")
        check_range(self.gateway_mask_deg, 0, 90, "gateway_mask_deg")


@dataclass(frozen=True)
class Downlink:
    """How frames leave the satellite."""

    # Lossless coding of the pixels. none: as they are. ccsds121: Rice coding of CCSDS 121.0-B-3. zstd: differences from
    # the left neighbour, in planes of bytes, through Zstandard, with a checksum.
    compression: Literal["none", "ccsds121", "zstd"] = "none"
