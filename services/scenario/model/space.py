"""The satellites that look: orbits and pointing."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from services.scenario.model.checks import check_name, check_range
from services.scenario.model.place import Place
from services.scenario.model.sensor import Sensor

# Satellites do not stay up a day below (D. G. King-Hele, "Satellite Orbits in an Atmosphere" (1987)).
LOWEST_ORBIT_M = 1.6e5


@dataclass(frozen=True)
class Pointing:
    """Where a camera looks."""

    # area: at the scenario's area; nadir: straight down; place: at `place`; table: as `table` says.
    kind: Literal["area", "nadir", "place", "table"] = "area"
    place: Place | None = None
    # CSV with the columns time_s (after the scenario's start) and w, x, y, z (quaternion, camera to GCRS), relative to
    # the scenario file; between its rows the camera turns evenly.
    table: Path | None = None

    def __post_init__(self) -> None:
        if (self.kind == "place") != (self.place is not None):
            raise ValueError('kind = "place" needs `place`, and `place` needs kind = "place"')
        if (self.kind == "table") != (self.table is not None):
            raise ValueError('kind = "table" needs `table`, and `table` needs kind = "table"')


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
        check_range(self.satellites, 1, 64, "satellites")
        check_range(self.span_deg, 0, 360, "span_deg")
        check_range(self.altitude_m, 3e5, 4e7, "altitude_m")
        check_range(self.inclination_deg, 1, 179, "inclination_deg")


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
        check_range(self.satellites, 1, 100_000, "satellites")
        if self.planes < 1 or self.satellites % self.planes:
            raise ValueError(f"satellites is {self.satellites}, not a multiple of planes, {self.planes}")
        if self.altitude_m < LOWEST_ORBIT_M:
            raise ValueError(
                f"altitude_m is {self.altitude_m:g}: such a shell meets the Earth or is brought down by its air within "
                "a day; raise it to at least 300000"
            )
        check_range(self.altitude_m, 3e5, 4e7, "altitude_m")
        check_range(self.inclination_deg, 0, 180, "inclination_deg")


@dataclass(frozen=True)
class Constellation:
    """A constellation that is known by name, as far as it is public."""

    # tranche0: the four wide-field satellites of SDA's Tranche 0 Tracking Layer that SpaceX built, two in each of two
    # planes; their phases are not public, and here both pairs pass over the area in mid-run. tranche1: 28 satellites
    # in 4 planes; only those that have the area in view in mid-run take part.
    name: Literal["tranche0", "tranche1"] = "tranche0"
    pointing: Pointing = field(default_factory=Pointing)
    prefix: str = "sat"


@dataclass(frozen=True)
class StateVector:
    """Where a satellite is and how it moves at an instant, GCRS; SGP4's mean elements are fitted to it."""

    epoch: datetime
    position_gcrs_m: tuple[float, float, float]
    velocity_gcrs_m_per_s: tuple[float, float, float]


@dataclass(frozen=True)
class Replay:
    """Recorded images as what a satellite's camera saw."""

    # A folder of images (PNG, TIFF, NPY), taken in natural order, or one MCAP recording, which has its own rate and
    # spread and cannot loop; relative to the scenario file.
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
        check_range(self.rate_hz, 0.01, 1000, "rate_hz")
        # 0: not stated, as in recordings of bare images.
        check_range(self.psf_sigma_px, 0, 100, "psf_sigma_px")
        if self.is_recording:
            self._refuse_what_the_recording_says()

    @property
    def is_recording(self) -> bool:
        """Whether `path` names an MCAP recording; else a folder of images."""
        return self.path.suffix.lower() == ".mcap"

    def _refuse_what_the_recording_says(self) -> None:
        for name in ("rate_hz", "psf_sigma_px", "loop"):
            value = getattr(self, name)
            if value != type(self).__dataclass_fields__[name].default:
                said = str(value).lower() if isinstance(value, bool) else f"{value:g}"
                raise ValueError(
                    f"{name} is {said}, but {self.path.name} is a recording, which has its own rate and spread and "
                    f"ends where it ends; leave {name} out"
                )


@dataclass(frozen=True)
class Satellite:
    """One satellite named by itself: its own orbit, or a place in the train; emulated or replayed."""

    id: str
    # Two lines of a TLE. Left out, with `tle_file` and `state`: the scenario's constellation, train or
    # pattern gives the orbit, in file order.
    tle: tuple[str, str] | None = None
    # A file of TLEs, relative to the scenario file, and the satellite's name in it.
    tle_file: Path | None = None
    tle_name: str | None = None
    state: StateVector | None = None
    pointing: Pointing = field(default_factory=Pointing)
    # A camera of its own. Left out: the scenario's.
    sensor: Sensor | None = None
    replay: Replay | None = None

    def __post_init__(self) -> None:
        check_name(self.id, "satellite id")
        if (self.tle_file is None) != (self.tle_name is None):
            raise ValueError("tle_file and tle_name must be set together")
        if sum(given is not None for given in (self.tle, self.tle_file, self.state)) > 1:
            raise ValueError(f"satellite {self.id!r} has more than one of tle, tle_file and state; keep one")
