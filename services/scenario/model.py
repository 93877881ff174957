"""What a run is, as its TOML file says it. Plain data: nothing here computes an orbit or draws a number.

Units are SI and names carry them; angles in files are degrees (`_deg`). Every default says why.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _check_name(name: str, what: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"{what} {name!r} must be 1 to 64 of A-Z a-z 0-9 _ -")


def _check_range(value: float, low: float, high: float, what: str) -> None:
    if not low <= value <= high:
        raise ValueError(f"{what} is {value:g}, not within {low:g} to {high:g}")


@dataclass(frozen=True)
class Place:
    """A point on the ground, WGS 84."""

    latitude_deg: float
    longitude_deg: float
    # Ellipsoidal height of the ground there.
    height_m: float = 0.0

    def __post_init__(self) -> None:
        _check_range(self.latitude_deg, -90, 90, "latitude_deg")
        _check_range(self.longitude_deg, -180, 360, "longitude_deg")


@dataclass(frozen=True)
class Sensor:
    """A wide-field infrared camera. Defaults: 1 mrad pixels, 59 degrees over 1024 px, 1 km on the ground."""

    rows: int = 1024
    columns: int = 1024
    # Angle one pixel spans on the boresight; 1 mrad is 1 km at the nadir from 1,000 km.
    ifov_rad: float = 1e-3
    projection: Literal["equidistant", "gnomonic"] = "equidistant"
    # 2 Hz: several looks in a plume's first seconds, and half the load of a core for four satellites on two cores.
    frame_rate_hz: float = 2.0
    integration_s: float = 0.02
    readout_s: float = 0.05
    # f/1.5 over 30 um pixels of 1 mrad; more glass does not fit so wide a field.
    aperture_diameter_m: float = 0.02
    optics_transmission: float = 0.7
    quantum_efficiency: float = 0.7
    # The water and carbon dioxide wing near 2.7 um, where the low atmosphere hides much of the ground's clutter.
    band_lower_m: float = 2.69e-6
    band_upper_m: float = 2.95e-6
    # A diffraction and jitter limited spot about a pixel wide.
    psf_sigma_px: float = 0.6
    read_noise_e: float = 60.0
    dark_current_e_per_s: float = 2.0e4
    full_well_e: float = 2.0e6
    bit_depth: int = 14
    # Offset of the digitiser, so that read noise does not clip at zero.
    offset_counts: float = 200.0
    # Standard deviation of the pointing error from frame to frame, per axis; far below a pixel.
    jitter_rad: float = 2.0e-5

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            _check_range(getattr(self, name), 64, 4096, name)
        for name in (
            "ifov_rad",
            "frame_rate_hz",
            "integration_s",
            "aperture_diameter_m",
            "full_well_e",
            "psf_sigma_px",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name):g} and must be above 0")
        if self.integration_s + self.readout_s > 1 / self.frame_rate_hz:
            raise ValueError(
                f"integration_s + readout_s is {self.integration_s + self.readout_s:g} s, longer than a frame at "
                f"frame_rate_hz = {self.frame_rate_hz:g}"
            )
        if not 0 < self.band_lower_m < self.band_upper_m < 30e-6:
            raise ValueError("band_lower_m and band_upper_m must be 0 < lower < upper < 30e-6 (metres)")
        _check_range(self.bit_depth, 8, 16, "bit_depth")


@dataclass(frozen=True)
class Background:
    """What the Earth radiates in the band, as a field of brightness temperature draped on the ellipsoid."""

    # procedural: a seeded random field; picture: an image draped round the area.
    kind: Literal["procedural", "picture"] = "procedural"
    # Mean brightness temperature of the band at the top of the atmosphere.
    mean_temperature_k: float = 265.0
    # Standard deviation of that temperature over the scene. A band that the air absorbs hides low cloud and ground.
    temperature_sigma_k: float = 2.0
    # Two-dimensional power spectral density falls with this power of spatial frequency. Window channels lie near -3
    # (GOES 3.9 and 11 um); an absorbing band is smoother, as what it shows comes from kilometres of air.
    spectral_exponent: float = -3.4
    # Picture (PNG, TIFF, NPY; read as brightness temperature from mean - 2 sigma at its lowest to mean + 2 sigma at
    # its highest value), relative to the scenario file.
    picture: Path | None = None
    # Ground distance one picture element spans.
    picture_pixel_m: float = 4000.0

    def __post_init__(self) -> None:
        _check_range(self.mean_temperature_k, 150, 350, "mean_temperature_k")
        if (self.kind == "picture") != (self.picture is not None):
            raise ValueError('kind = "picture" needs `picture`, and `picture` needs kind = "picture"')


@dataclass(frozen=True)
class Pointing:
    """Where a camera looks."""

    # area: at the scenario's area; nadir: straight down; place: at `place`.
    kind: Literal["area", "nadir", "place"] = "area"
    place: Place | None = None

    def __post_init__(self) -> None:
        if (self.kind == "place") != (self.place is not None):
            raise ValueError('kind = "place" needs `place`, and `place` needs kind = "place"')


@dataclass(frozen=True)
class Train:
    """Satellites one behind another on one circular orbit that passes over the area in mid-run."""

    satellites: int = 4
    # From first to last, as seen from the Earth's centre. Four spread evenly round a 1,000 km orbit would see nothing
    # together; within 25 degrees all can see one area.
    span_deg: float = 21.0
    altitude_m: float = 1.0e6
    inclination_deg: float = 81.0
    # Whether the pass over the area goes north or south.
    ascending: bool = True
    pointing: Pointing = field(default_factory=Pointing)
    # Their names: prefix-1, prefix-2, ...
    prefix: str = "sat"

    def __post_init__(self) -> None:
        _check_range(self.satellites, 1, 64, "satellites")
        _check_range(self.span_deg, 0, 360, "span_deg")
        _check_range(self.altitude_m, 3e5, 4e7, "altitude_m")
        _check_range(self.inclination_deg, 1, 179, "inclination_deg")


@dataclass(frozen=True)
class Walker:
    """A Walker delta (or star) pattern i: t/p/f of circular orbits."""

    satellites: int
    planes: int
    phasing: int = 0
    altitude_m: float = 1.0e6
    inclination_deg: float = 81.0
    # 360: delta, 180: star.
    raan_spread_deg: float = 360.0
    # Right ascension of the first plane and argument of latitude of its first satellite, at the start.
    raan_deg: float = 0.0
    argument_of_latitude_deg: float = 0.0
    pointing: Pointing = field(default_factory=Pointing)
    prefix: str = "sat"

    def __post_init__(self) -> None:
        if self.planes < 1 or self.satellites % self.planes:
            raise ValueError(f"satellites is {self.satellites}, not a multiple of planes, {self.planes}")
        _check_range(self.altitude_m, 3e5, 4e7, "altitude_m")


@dataclass(frozen=True)
class Replay:
    """Recorded images as what a satellite's camera saw."""

    # A folder of images (PNG, TIFF, NPY), taken in natural order, or one MCAP recording; relative to the scenario file.
    path: Path
    rate_hz: float = 10.0
    # Target positions, one line a frame: column, row, from 0; relative to `path`. Left out: `targets_xy.txt` where
    # the folder has one.
    targets: Path | None = None
    # Standard deviation of the point-spread function; small targets in recorded images are 2 to 4 px wide.
    psf_sigma_px: float = 0.8
    # Start again after the last image, to fill the run.
    loop: bool = False

    def __post_init__(self) -> None:
        _check_range(self.rate_hz, 0.01, 1000, "rate_hz")


@dataclass(frozen=True)
class Satellite:
    """One satellite named by itself: an orbit from a TLE, or a place in the train; emulated or replayed."""

    id: str
    # Two lines of a TLE. Left out: the scenario's train gives the orbit, in the order of the file.
    tle: tuple[str, str] | None = None
    # A file of TLEs, relative to the scenario file, and the satellite's name in it.
    tle_file: Path | None = None
    tle_name: str | None = None
    pointing: Pointing = field(default_factory=Pointing)
    replay: Replay | None = None

    def __post_init__(self) -> None:
        _check_name(self.id, "satellite id")
        if (self.tle_file is None) != (self.tle_name is None):
            raise ValueError("tle_file and tle_name must be set together")


@dataclass(frozen=True)
class Stage:
    """One stage of a rocket. Defaults: none; the classes' values are in scenarios/ with their source."""

    # Thrust in vacuum.
    thrust_n: float
    burn_time_s: float
    propellant_mass_kg: float
    # What falls away at burnout.
    dry_mass_kg: float
    # In the sensor's band, before the atmosphere takes its part.
    radiant_intensity_w_per_sr: float

    def __post_init__(self) -> None:
        for name in ("thrust_n", "burn_time_s", "propellant_mass_kg", "dry_mass_kg"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name):g} and must be above 0")


@dataclass(frozen=True)
class Rocket:
    """A rocket that rises from the ground: vertical, then a gravity turn towards `heading_deg`."""

    id: str
    launch: Place
    # After the scenario's start.
    launch_time_s: float
    # Direction of flight, clockwise from north.
    heading_deg: float
    stages: tuple[Stage, ...] = field(metadata={"key": "stage"})
    target_class: Literal["ballistic", "glide", "cruise", "space_launch"] = field(
        default="ballistic", metadata={"key": "class"}
    )
    # What is left after the last stage.
    payload_mass_kg: float = 500.0
    # When the pitch-over begins, after launch, and how far it kicks off the vertical.
    pitch_over_s: float = 8.0
    kick_deg: float = 6.0
    # Drag coefficient times reference area.
    drag_area_m2: float = 0.4

    def __post_init__(self) -> None:
        _check_name(self.id, "rocket id")
        if not self.stages:
            raise ValueError(f"rocket {self.id!r} has no [[rocket.stage]]")
        _check_range(self.launch_time_s, 0, 1e6, "launch_time_s")
        _check_range(self.kick_deg, 0, 60, "kick_deg")


@dataclass(frozen=True)
class Fire:
    """A wildfire: heat that stays where it is."""

    id: str
    place: Place
    # In the sensor's band, before the atmosphere takes its part.
    radiant_intensity_w_per_sr: float
    # Flicker: standard deviation over mean, with a correlation time of a few seconds.
    flicker: float = 0.1

    def __post_init__(self) -> None:
        _check_name(self.id, "fire id")


@dataclass(frozen=True)
class Atmosphere:
    """How much of a source's radiation in the band leaves the atmosphere: exp(-tau(h) * air mass)."""

    # Vertical optical depth from sea level to space: the band as a whole lets 2 % through from the ground, and the
    # depth is 1 at 3.5 km, where the standard atmosphere has the background's mean temperature.
    optical_depth: float = 4.0
    # The absorber's scale height: water vapour 2 km, carbon dioxide 8 km.
    scale_height_m: float = 2500.0


@dataclass(frozen=True)
class Gateway:
    """An antenna of the ground station."""

    id: str
    place: Place
    # Terrestrial delay from antenna to station.
    terrestrial_delay_s: float = 0.002

    def __post_init__(self) -> None:
        _check_name(self.id, "gateway id")


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
        for name in ("crosslink_rate_bps", "ground_link_rate_bps", "queue_frames", "queue_bytes", "crosslink_range_m"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name):g} and must be above 0")


@dataclass(frozen=True)
class Scenario:
    """A run: who sees what, from when, for how long, and what is true."""

    name: str
    # Everything random comes from this seed.
    seed: int = 1
    start: datetime = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
    duration_s: float = 90.0
    # Emulated seconds a wall second.
    rate: float = 1.0
    # Where the train passes over in mid-run and cameras look. Left out: the middle of the launch sites.
    area: Place | None = None
    sensor: Sensor = field(default_factory=Sensor)
    background: Background = field(default_factory=Background)
    atmosphere: Atmosphere = field(default_factory=Atmosphere)
    train: Train | None = None
    walker: Walker | None = None
    satellites: tuple[Satellite, ...] = field(default=(), metadata={"key": "satellite"})
    rockets: tuple[Rocket, ...] = field(default=(), metadata={"key": "rocket"})
    fires: tuple[Fire, ...] = field(default=(), metadata={"key": "fire"})
    network: Network = field(default_factory=Network)
    station_id: str = "station-1"

    def __post_init__(self) -> None:
        _check_name(self.name, "name")
        _check_name(self.station_id, "station_id")
        _check_range(self.duration_s, 1, 86_400, "duration_s")
        _check_range(self.rate, 0.01, 1000, "rate")
        if self.train is not None and self.walker is not None:
            raise ValueError("[train] and [walker] cannot both be set; keep one")
        if self.train is None and self.walker is None and not self.satellites:
            raise ValueError("no satellites: add [train], [walker] or [[satellite]]")
        names = [
            *(satellite.id for satellite in self.satellites),
            *(rocket.id for rocket in self.rockets),
            *(fire.id for fire in self.fires),
            *(gateway.id for gateway in self.network.gateways),
        ]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"id {doubled[0]!r} is used twice; every id must be its own")
