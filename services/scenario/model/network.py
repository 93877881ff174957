"""The relay constellation, its links and its antennas, and what is planned to fail."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from services.scenario.model.checks import check_name, check_positive, check_range
from services.scenario.model.place import Place
from services.scenario.model.space import Walker

# Starlink's first shell as filed, FCC SAT-MOD-20190830-00087.
FIRST_SHELL = Walker(1584, 72, 17, 5.5e5, 53.0, prefix="relay")
# More has never been measured over an hour.
MOST_RAIN_MM_PER_H = 300.0


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
class PlannedFault:
    """Something that fails during the run, or rain on a gateway."""

    # node: `node`, a satellite, relay satellite, gateway or the station, with all its links. gateway: the same, and
    # `node` must be a gateway. link: between `node` and `to_node`. plane: all satellites of a plane of a shell. links:
    # a share of the laser links between relay satellites. rain: on the gateway `node`.
    kind: Literal["node", "gateway", "link", "plane", "links", "rain"]
    # After the scenario's start, emulated.
    start_s: float = 0.0
    # Left out: for good.
    duration_s: float | None = None
    node: str = ""
    to_node: str = ""
    # Of `plane`: the shell's name (its prefix). Left out where there is one shell only.
    shell: str = ""
    # Of `plane`: counted from 0.
    plane: int = 0
    # Of `links`, above 0, up to 1. Which ones: the scenario's seed says.
    share: float = 0.0
    # Of `rain`: ITU-R P.837 gives 20 to 100 mm/h for the worst hundredth of a per cent of the year.
    rain_mm_per_h: float = 0.0

    def __post_init__(self) -> None:
        check_range(self.start_s, 0, 86_400, "start_s")
        check_positive(self, "duration_s")
        needed = {"node": ("node",), "gateway": ("node",), "link": ("node", "to_node"), "rain": ("node",)}
        for name in needed.get(self.kind, ()):
            if not getattr(self, name):
                raise ValueError(f"{name} must be set for a fault of kind {self.kind!r}, and is missing")
        if self.kind == "links" and not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share:g} and must be above 0, up to 1")
        if self.kind == "rain" and not 0 < self.rain_mm_per_h <= MOST_RAIN_MM_PER_H:
            raise ValueError(
                f"rain_mm_per_h is {self.rain_mm_per_h:g} and must be above 0, up to {MOST_RAIN_MM_PER_H:g}"
            )
        if self.kind == "plane" and self.plane < 0:
            raise ValueError(f"plane is {self.plane}; planes are counted from 0")


@dataclass(frozen=True)
class Network:
    """The relay constellation, its links and its faults."""

    # Relay satellites by name: starlink, 41,914 as filed in three generations, or its first, starlink-gen1, 4,408.
    # Left out: `shell`, `tle_file` or `relays` say.
    constellation: Literal["", "starlink", "starlink-gen1"] = ""
    # Shells of relay satellites, patterns like `walker`, each with a `prefix` of its own, which is its name.
    shells: tuple[Walker, ...] = field(default=(), metadata={"key": "shell"})
    # Relay satellites from a file of two-line elements, relative to the scenario file, as they stand at the start.
    tle_file: Path | None = None
    # Relay satellites: one shell, where none of the three above is set (1,584 at 550 km, see above).
    relays: Walker = FIRST_SHELL
    # Relay satellites that are not there, from the start: by name, and a share of all, drawn by the seed.
    missing: tuple[str, ...] = ()
    missing_share: float = 0.0
    # Left out: a ring of teleports round the world, so that any area has one in reach.
    gateways: tuple[Gateway, ...] = field(default=(), metadata={"key": "gateway"})
    # Gateways see a relay from this elevation up (FCC SAT-MOD-20200417-00037: 25 degrees).
    gateway_mask_deg: float = 25.0
    # A link may not pass lower than this above the ellipsoid: below, the air bends and absorbs it.
    grazing_height_m: float = 8.0e4
    # Laser links reach this far (SpaceX: over 5,400 km).
    crosslink_range_m: float = 5.4e6
    # Laser links by which a sensor satellite is joined to the relays, as many as a Starlink satellite has terminals.
    sensor_links: int = 3
    # From the decision for a new laser link until it carries anything: seconds to tens of seconds (A. U. Chaudhry and
    # H. Yanikomeroglu, "Laser intersatellite links in a Starlink constellation", IEEE VTM 16 (2021) 2).
    acquisition_s: float = 10.0
    # Within which a stream is silent when it takes another gateway, every 15 s at most.
    handover_gap_s: float = 0.0
    # Within which a node notices that a link is gone (ITU-T G.841 asks protection to switch within 50 ms).
    failure_detection_s: float = 0.05
    # Time a node takes to switch one frame.
    processing_delay_s: float = 0.0005
    # Starlink's laser links carry 100 Gbit/s (SpaceX).
    crosslink_rate_bps: float = 1.0e11
    ground_link_rate_bps: float = 2.5e9
    # Scale of an exponential delay added at every hop.
    jitter_s: float = 0.0
    # Share of packets lost on the ground link, each by itself, and sent again.
    loss: float = 0.0
    # Share of packets lost on the ground link during a burst of losses, how long bursts last, and from one's end to the
    # next's beginning, mean of exponential times: E. N. Gilbert, "Capacity of a burst-noise channel", Bell Syst. Tech.
    # J. 39 (1960) 1253, and E. O. Elliott, ibid. 42 (1963) 1977.
    burst_loss: float = 0.0
    burst_s: float = 0.5
    burst_every_s: float = 30.0
    # What is lost is a packet of this size, and it is sent again up to so many times; a frame that has one lost for
    # good is lost.
    packet_bytes: int = 1400
    attempts: int = 8
    # Bytes that may wait for a transmitter; a frame that would make it more is lost.
    link_queue_bytes: int = 134_217_728
    # Of the link to a gateway, middle of Starlink's 17.8 to 18.6 GHz (FCC SAT-MOD-20200417-00037); rain weakens it.
    ground_frequency_hz: float = 1.82e10
    # Of that link without rain, about what 16APSK needs (ETSI EN 302 307-1, table 13); the rate falls with what rain
    # leaves of it.
    clear_sky_snr_db: float = 12.0
    # CSV with measured delays in the model's stead, relative to the scenario file.
    trace: Path | None = None
    # Per satellite stream; a full queue drops its oldest frame and counts it.
    queue_frames: int = 64
    queue_bytes: int = 134_217_728
    faults: tuple[PlannedFault, ...] = field(default=(), metadata={"key": "fault"})

    def __post_init__(self) -> None:
        check_positive(
            self, "crosslink_rate_bps", "ground_link_rate_bps", "queue_frames", "queue_bytes", "crosslink_range_m",
            "sensor_links", "packet_bytes", "attempts", "link_queue_bytes", "ground_frequency_hz",
        )  # fmt: skip
        # A minute of a link's bursts is drawn in one go: by this, some 5,000 at most.
        check_range(self.burst_s, 0.001, 86_400, "burst_s")
        check_range(self.burst_every_s, 0.01, 86_400, "burst_every_s")
        for name in ("processing_delay_s", "handover_gap_s", "failure_detection_s", "jitter_s"):
            check_range(getattr(self, name), 0, 10, name)
        check_range(self.acquisition_s, 0, 300, "acquisition_s")
        check_range(self.gateway_mask_deg, 0, 90, "gateway_mask_deg")
        check_range(self.clear_sky_snr_db, 0, 60, "clear_sky_snr_db")
        check_range(self.burst_loss, 0, 1, "burst_loss")
        for name in ("loss", "missing_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name):g} and must be at least 0 and below 1")
        if not math.isfinite(self.grazing_height_m):
            raise ValueError(f"grazing_height_m is {self.grazing_height_m:g} and must be finite")
        self._check_one_constellation()

    def _check_one_constellation(self) -> None:
        given = {
            "constellation": bool(self.constellation),
            "shell": bool(self.shells),
            "tle_file": self.tle_file is not None,
            "relays": self.relays != FIRST_SHELL,
        }
        named = [name for name, is_set in given.items() if is_set]
        if len(named) > 1:
            raise ValueError(f"{named[0]} and {named[1]} both say which relay satellites there are; keep one")
        prefixes = [shell.prefix for shell in self.shells]
        for place, prefix in enumerate(prefixes):
            if prefix == Walker.prefix or prefix in prefixes[:place]:
                raise ValueError(
                    f"shell[{place}].prefix is {prefix!r}, as other satellites' is; give each shell one of its own, "
                    f'for instance "shell{place + 1}"'
                )


@dataclass(frozen=True)
class Downlink:
    """How frames leave the satellite."""

    # Lossless coding of the pixels. none: as they are. ccsds121: Rice coding of CCSDS 121.0-B-3. zstd: differences from
    # the left neighbour, in planes of bytes, through Zstandard, with a checksum.
    compression: Literal["none", "ccsds121", "zstd"] = "none"
