"""Heat that is no threat: what false alarms are made of. All of it is `static_heat` in the truth."""

from dataclasses import dataclass, field
from typing import Literal

from services.scenario.model.checks import check_name, check_positive, check_range
from services.scenario.model.place import Place


def _check_scatter(name: str, count: int, within_m: float) -> None:
    check_range(count, 1, 10_000, "count")
    if count > 1 and within_m <= 0:
        raise ValueError(f"{name!r} has count = {count}: set within_m, the radius in which they lie scattered")


@dataclass(frozen=True)
class Fire:
    """A wildfire: heat on the ground that wavers, and may grow and move."""

    id: str
    place: Place
    # At the start, in the sensor's band, before the atmosphere takes its part. Left out: from area and temperature.
    radiant_intensity_w_per_sr: float | None = None
    # Flaming area and its temperature; 900 to 1200 K (M. J. Wooster et al., Remote Sens. Environ. 86 (2003) 83).
    area_m2: float = 50.0
    temperature_k: float = 1000.0
    # Standard deviation over mean, with a correlation time of a few seconds.
    flicker: float = 0.1
    # Times its strength at the start after an hour.
    growth_per_hour: float = 1.0
    # How its front moves; fast grass fires do 5 m/s.
    spread_m_per_s: float = 0.0
    spread_heading_deg: float = 0.0
    # So many fires, id-1, id-2, ..., scattered within a radius of the place, each from 0.2 to 2 times as strong.
    count: int = 1
    within_m: float = 0.0

    def __post_init__(self) -> None:
        check_name(self.id, "fire id")
        check_positive(self, "area_m2", "temperature_k", "growth_per_hour")
        check_range(self.flicker, 0, 1, "flicker")
        check_range(self.spread_m_per_s, 0, 20, "spread_m_per_s")
        if self.radiant_intensity_w_per_sr is not None:
            check_range(self.radiant_intensity_w_per_sr, 0, 1e12, "radiant_intensity_w_per_sr")
        _check_scatter(self.id, self.count, self.within_m)


@dataclass(frozen=True)
class Flare:
    """A gas flare or a factory: heat that stays where it is and hardly wavers."""

    id: str
    place: Place
    # gas_flare: 1,800 K; factory (steelworks, kiln): 900 K, each with an area of its own.
    kind: Literal["gas_flare", "factory"] = "gas_flare"
    # In the sensor's band. Left out: from the kind.
    radiant_intensity_w_per_sr: float | None = None
    # As for fires.
    count: int = 1
    within_m: float = 0.0

    def __post_init__(self) -> None:
        check_name(self.id, "flare id")
        if self.radiant_intensity_w_per_sr is not None:
            check_range(self.radiant_intensity_w_per_sr, 0, 1e12, "radiant_intensity_w_per_sr")
        _check_scatter(self.id, self.count, self.within_m)


@dataclass(frozen=True)
class Lightning:
    """A thunderstorm: flashes of a millisecond at random places and instants."""

    id: str
    place: Place
    radius_m: float = 3.0e4
    flashes_per_minute: float = 6.0
    # Where the light leaves the cloud.
    top_m: float = 10_000.0
    # One flash's energy in the band; optical energies at cloud top are some 1e8 J over all wavelengths, of which a
    # part in a thousand falls near 3 to 4 um. Single flashes vary by a factor of three.
    energy_j_per_sr: float = 1.0e4

    def __post_init__(self) -> None:
        check_name(self.id, "lightning id")
        check_positive(self, "radius_m", "energy_j_per_sr")
        check_range(self.flashes_per_minute, 0, 600, "flashes_per_minute")
        check_range(self.top_m, 1000, 20_000, "top_m")


@dataclass(frozen=True)
class Aircraft:
    """An aircraft with hot engines, along way-points."""

    id: str
    # At least two; height_m is its height there above the ellipsoid.
    way_points: tuple[Place, ...] = field(metadata={"key": "way_point"})
    speed_m_per_s: float = 240.0
    # At the first way-point, after the scenario's start; may be negative: it is then under way at the start.
    start_time_s: float = 0.0
    # Exhaust plume and hot parts from above, in the sensor's band; 100 to 1,000 W/sr without afterburner.
    radiant_intensity_w_per_sr: float = 300.0

    def __post_init__(self) -> None:
        check_name(self.id, "aircraft id")
        check_range(self.speed_m_per_s, 30, 1000, "speed_m_per_s")
        check_range(self.start_time_s, -1e6, 1e6, "start_time_s")
        check_range(self.radiant_intensity_w_per_sr, 0, 1e9, "radiant_intensity_w_per_sr")
        if len(self.way_points) < 2:
            raise ValueError(
                f"aircraft {self.id!r} has {len(self.way_points)} [[aircraft.way_point]]; it needs two or more"
            )


@dataclass(frozen=True)
class Glint:
    """A calm water, smaller than a pixel, that mirrors the sun when sun and satellite stand right for it."""

    id: str
    place: Place
    area_m2: float = 2.0e5
    # Wind over it: the calmer, the brighter and the more rarely.
    wind_m_per_s: float = 1.0

    def __post_init__(self) -> None:
        check_name(self.id, "glint id")
        check_positive(self, "area_m2")
        check_range(self.wind_m_per_s, 0.5, 20, "wind_m_per_s")
