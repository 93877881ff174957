"""The Earth as the camera's background: ground, cloud, air."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.scenario.model.checks import check_positive, check_range


@dataclass(frozen=True)
class Background:
    """Ground and sea below the air, by day and by night; or a picture in their stead."""

    # procedural: seeded fields of land, sea and their texture; picture: an image draped round the area, which then
    # stands for all that is seen, cloud included.
    kind: Literal["procedural", "picture"] = "procedural"
    # Part of the ground that is land.
    land_fraction: float = 0.5
    # At night; land warms towards noon by land_day_rise_k. Typical of middle latitudes in summer.
    land_temperature_k: float = 286.0
    land_day_rise_k: float = 16.0
    sea_temperature_k: float = 288.0
    # Standard deviation of texture: of land's temperature, of sea's, and of reflectance over its mean.
    land_sigma_k: float = 3.0
    sea_sigma_k: float = 0.4
    reflectance_sigma: float = 0.2
    # Of sunlight by dry land in the short-wave infrared; J. W. Salisbury and D. M. D'Aria, "Emissivity of terrestrial
    # materials in the 3-5 um atmospheric window", Remote Sens. Environ. 47 (1994) 345.
    land_reflectance: float = 0.15
    # Wind over the sea, which widens the sun's glint; C. Cox and W. Munk, J. Opt. Soc. Am. 44 (1954) 838.
    wind_m_per_s: float = 6.0
    # Whether the sun shines: scattered and mirrored light and the day's warmth.
    sun: bool = True
    # Two-dimensional power spectral density of texture falls with this power of spatial frequency; window channels
    # lie near -3 (GOES 3.9 and 11 um).
    spectral_exponent: float = -3.0
    # Picture (PNG, TIFF, NPY, GINI), relative to the scenario file; its lowest value is seen as the coldest
    # brightness temperature, its highest as the warmest, straight between in radiance.
    picture: Path | None = None
    coldest_k: float = 220.0
    warmest_k: float = 300.0
    # Ground distance one picture element spans.
    picture_pixel_m: float = 4000.0

    def __post_init__(self) -> None:
        if (self.kind == "picture") != (self.picture is not None):
            raise ValueError('kind = "picture" needs `picture`, and `picture` needs kind = "picture"')
        for name in ("land_temperature_k", "sea_temperature_k", "coldest_k", "warmest_k"):
            check_range(getattr(self, name), 150, 350, name)
        for name in ("land_fraction", "land_reflectance", "reflectance_sigma"):
            check_range(getattr(self, name), 0, 1, name)
        for name in ("land_sigma_k", "sea_sigma_k", "land_day_rise_k"):
            check_range(getattr(self, name), 0, 50, name)
        check_range(self.wind_m_per_s, 0.5, 20, "wind_m_per_s")
        check_range(self.spectral_exponent, -6, -1, "spectral_exponent")
        check_positive(self, "picture_pixel_m")
        if self.coldest_k >= self.warmest_k:
            raise ValueError(f"coldest_k is {self.coldest_k:g}, not below warmest_k, {self.warmest_k:g}")


@dataclass(frozen=True)
class Cloud:
    """A layer of cloud, thin against its height, that hides what is below and moves against it by parallax."""

    # Part of the sky that it covers; 0: none.
    cover: float = 0.35
    # Its top above the ellipsoid, which also gives its temperature (the standard atmosphere's). Low cloud; from some
    # 5 km up its edges stand out near 2.7 um, too, and a detector without memory takes them for points.
    top_m: float = 3000.0
    # Standard deviation of its tops' temperature.
    sigma_k: float = 4.0
    # Of sunlight. Left out: by the band's name, 0.05 near 2.7 and 4.3 um, 0.12 near 3.8 um.
    reflectance: float | None = None
    spectral_exponent: float = -3.0
    # Over how much of the field's standard deviation an edge goes from clear to opaque; small is sharp.
    edge_width: float = 0.25

    def __post_init__(self) -> None:
        check_range(self.cover, 0, 1, "cover")
        if self.reflectance is not None:
            check_range(self.reflectance, 0, 1, "reflectance")
        check_range(self.top_m, 500, 18_000, "top_m")
        check_range(self.sigma_k, 0, 30, "sigma_k")
        check_range(self.spectral_exponent, -6, -1, "spectral_exponent")
        check_range(self.edge_width, 0.02, 5, "edge_width")


@dataclass(frozen=True)
class Absorber:
    """A part of the band and how strongly the air absorbs in it."""

    # Share of the band's radiation that it takes.
    share: float
    # Vertical optical depth from sea level to space.
    optical_depth: float
    # How the absorber thins with height: water vapour 2 km, carbon dioxide 8 km.
    scale_height_m: float

    def __post_init__(self) -> None:
        check_range(self.share, 0, 1, "share")
        check_range(self.optical_depth, 0, 1e6, "optical_depth")
        check_range(self.scale_height_m, 500, 20_000, "scale_height_m")


@dataclass(frozen=True)
class Atmosphere:
    """What the air absorbs in the band: transmission is the sum of share * exp(-optical depth * air mass)."""

    # Left out: those of the sensor's band, see references.toml. Shares add up to 1.
    absorbers: tuple[Absorber, ...] = ()

    def __post_init__(self) -> None:
        total = sum(absorber.share for absorber in self.absorbers)
        if self.absorbers and abs(total - 1) > 1e-6:
            raise ValueError(f"absorbers' shares add up to {total:g}, not to 1")
