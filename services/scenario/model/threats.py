"""What is to be warned of: rockets, gliders, cruise missiles, and trajectories from a file."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from services.scenario.model.checks import check_name, check_positive, check_range
from services.scenario.model.place import Place

ThreatClass = Literal["ballistic", "glide", "cruise", "space_launch"]


@dataclass(frozen=True)
class Stage:
    """One stage of a rocket. Values of generic classes are in references.toml with their source."""

    # Thrust in vacuum.
    thrust_n: float
    burn_time_s: float
    propellant_mass_kg: float
    # What falls away at burnout.
    dry_mass_kg: float
    # What burns: it sets how much of the heat is seen in a band.
    propellant: Literal["liquid", "solid"] = "liquid"
    # In the sensor's band, before the atmosphere takes its part. Left out: from thrust, propellant and band.
    radiant_intensity_w_per_sr: float | None = None
    # Nozzles' exit area, all engines: the air's pressure on it takes from the thrust.
    nozzle_exit_area_m2: float = 0.0
    # Between the burnout before and this stage's ignition.
    coast_s: float = 0.0

    def __post_init__(self) -> None:
        check_positive(self, "thrust_n", "burn_time_s", "propellant_mass_kg", "dry_mass_kg")
        check_range(self.nozzle_exit_area_m2, 0, 100, "nozzle_exit_area_m2")
        check_range(self.coast_s, 0, 10_000, "coast_s")
        if self.radiant_intensity_w_per_sr is not None:
            check_range(self.radiant_intensity_w_per_sr, 0, 1e12, "radiant_intensity_w_per_sr")


@dataclass(frozen=True)
class PitchPoint:
    """One entry of a pitch programme: how high above the local horizon the thrust points at a time after launch."""

    time_s: float
    elevation_deg: float

    def __post_init__(self) -> None:
        check_range(self.elevation_deg, -30, 90, "elevation_deg")


@dataclass(frozen=True)
class Glide:
    """What a boosted glider does after burnout: it falls, pulls up in the upper air and glides on lift."""

    # level: lift is trimmed to hold the equilibrium glide; skip: it is held at its best and the path skips.
    kind: Literal["level", "skip"] = "level"
    # Best ratio of lift to drag; 2 to 3 for hypersonic gliders in open literature (J. M. Acton, "Hypersonic
    # boost-glide weapons", Science & Global Security 23 (2015) 191).
    lift_to_drag: float = 2.6
    # Drag coefficient times reference area at best lift to drag.
    drag_area_m2: float = 0.06
    # What the air heats: radius of the nose and hot area of the skin, and how black it is.
    nose_radius_m: float = 0.05
    skin_area_m2: float = 6.0
    emissivity: float = 0.85

    def __post_init__(self) -> None:
        check_positive(self, "lift_to_drag", "drag_area_m2", "nose_radius_m", "skin_area_m2", "emissivity")
        check_range(self.emissivity, 0, 1, "emissivity")


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
    target_class: ThreatClass = field(default="ballistic", metadata={"key": "class"})
    # A generic class of references.toml, whose values stand where the file sets none. Left out: none.
    reference: str | None = None
    # What is left after the last stage.
    payload_mass_kg: float = 500.0
    # When the pitch-over begins, after launch, and how far it kicks off the vertical.
    pitch_over_s: float = 8.0
    kick_deg: float = 6.0
    # A pitch programme in the gravity turn's place: straight between its points. Left out: the gravity turn.
    pitch: tuple[PitchPoint, ...] = ()
    # The last stages steer into a circular orbit of this height above the equatorial radius. Left out: they fly the
    # gravity turn on.
    orbit_altitude_m: float | None = None
    # Drag coefficient times reference area: of the rocket, and of what is left after burnout (left out: the same).
    drag_area_m2: float = 0.4
    payload_drag_area_m2: float | None = None
    # What the air heats at re-entry: radius of the nose, area of the skin.
    nose_radius_m: float = 0.1
    skin_area_m2: float = 1.0
    glide: Glide | None = None

    def __post_init__(self) -> None:
        check_name(self.id, "rocket id")
        if not self.stages:
            raise ValueError(f"rocket {self.id!r} has no [[rocket.stage]]; add one, or set `reference`")
        check_range(self.launch_time_s, 0, 1e6, "launch_time_s")
        check_range(self.kick_deg, 0, 60, "kick_deg")
        check_range(self.pitch_over_s, 0, 1000, "pitch_over_s")
        check_positive(self, "payload_mass_kg", "drag_area_m2", "payload_drag_area_m2", "nose_radius_m", "skin_area_m2")
        if self.orbit_altitude_m is not None:
            check_range(self.orbit_altitude_m, 1.2e5, 4e7, "orbit_altitude_m")
        if any(after.time_s <= before.time_s for before, after in itertools.pairwise(self.pitch)):
            raise ValueError(f"rocket {self.id!r}: times of [[rocket.pitch]] must grow")
        if self.pitch and self.orbit_altitude_m is not None:
            raise ValueError(f"rocket {self.id!r} has both `pitch` and orbit_altitude_m; keep one")
        if self.glide is not None and self.orbit_altitude_m is not None:
            raise ValueError(f"rocket {self.id!r} has both `glide` and orbit_altitude_m; keep one")


@dataclass(frozen=True)
class Cruise:
    """A cruise missile: at stated heights and one speed along way-points, on geodesics between them."""

    id: str
    launch_time_s: float
    speed_m_per_s: float
    # At least two; height_m is its height there above the ellipsoid, straight between.
    way_points: tuple[Place, ...] = field(metadata={"key": "way_point"})
    # Turns are flown with this sideways acceleration, in standard gravities.
    turn_g: float = 2.0
    # Engine and skin, in the sensor's band. Left out: from the speed and the values below.
    radiant_intensity_w_per_sr: float | None = None
    # Exhaust: temperature and area of the hot parts as seen from above; a small turbofan.
    exhaust_temperature_k: float = 750.0
    exhaust_area_m2: float = 0.3
    # Skin, which the air heats by its speed: area and how black it is.
    skin_area_m2: float = 3.0
    emissivity: float = 0.85
    # A solid booster that lifts it off the ground: how long and how strong. 0: none.
    boost_time_s: float = 0.0
    boost_radiant_intensity_w_per_sr: float = 0.0

    def __post_init__(self) -> None:
        check_name(self.id, "cruise id")
        check_range(self.launch_time_s, 0, 1e6, "launch_time_s")
        check_range(self.speed_m_per_s, 30, 2500, "speed_m_per_s")
        check_positive(self, "turn_g", "exhaust_temperature_k", "exhaust_area_m2", "skin_area_m2", "emissivity")
        check_range(self.emissivity, 0, 1, "emissivity")
        check_range(self.boost_time_s, 0, 1000, "boost_time_s")
        check_range(self.boost_radiant_intensity_w_per_sr, 0, 1e12, "boost_radiant_intensity_w_per_sr")
        if self.radiant_intensity_w_per_sr is not None:
            check_range(self.radiant_intensity_w_per_sr, 0, 1e12, "radiant_intensity_w_per_sr")
        if len(self.way_points) < 2:
            raise ValueError(
                f"cruise {self.id!r} has {len(self.way_points)} [[cruise.way_point]]; it needs two or more"
            )


@dataclass(frozen=True)
class TrajectoryFile:
    """A trajectory read from a CSV file, for instance a real launch's telemetry."""

    id: str
    # Relative to the scenario file. Columns: time_s (after launch) and either latitude_deg, longitude_deg, height_m;
    # or x_itrs_m, y_itrs_m, z_itrs_m; or speed_m_per_s, height_m (as webcasts show), which `launch` and `heading_deg`
    # then place on the Earth. Optional: radiant_intensity_w_per_sr.
    path: Path
    launch_time_s: float
    target_class: ThreatClass = field(default="space_launch", metadata={"key": "class"})
    launch: Place | None = None
    heading_deg: float | None = None
    # While it burns, where the file has no column of it: as a launcher of 300 kN near 2.7 um.
    radiant_intensity_w_per_sr: float = 1.0e5
    # Its engine stops so long after launch. Left out: at the file's last row.
    burn_time_s: float | None = None

    def __post_init__(self) -> None:
        check_name(self.id, "trajectory id")
        check_range(self.launch_time_s, 0, 1e6, "launch_time_s")
        check_positive(self, "burn_time_s")
        check_range(self.radiant_intensity_w_per_sr, 0, 1e12, "radiant_intensity_w_per_sr")
        if (self.launch is None) != (self.heading_deg is None):
            raise ValueError(f"trajectory {self.id!r}: launch and heading_deg must be set together")
