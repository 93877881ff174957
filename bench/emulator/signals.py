"""Which heat stands out of noise and clutter: ratios of each class, sensor and band, in closed form.

    python -m bench.emulator.signals

A source on the boresight, seen from 1,000 km: straight below, and at a slant range of 1,500 km; no cloud over it. From
the signature (scene/signature.py), the air's transmission, the sensor's constants (radiometry.py) and the lens,
averaged over where in its pixel the source falls. The background under it is the mean of land, sea and cloud by their
shares (earth/light.py): by night, and at local noon on the solstice at the equator. A reference sensor whose wells that
background would fill by day is given a shorter integration, by halves; the table says which it is.

SNR: a matched filter against the noise of the night's background. SCR: against clutter, three times. Night and day:
what the same filter makes of the rendered scene's structure and of the fixed pattern, `View.clutter_e`. 1 %: clutter
defined as independent from pixel to pixel with a standard deviation of 1 % of a pixel's background (by night).
Undetectable is what has a ratio below 6 to noise and clutter together.
"""

import dataclasses
import functools
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from sat_emulator.scene.earth.light import EarthLight
from sat_emulator.scene.heat.cruise import NOSE_RADIUS_M
from sat_emulator.scene.heat.flare import KINDS
from sat_emulator.scene.signature import (
    grey_intensity_w_per_sr,
    skin_temperature_k,
    stage_intensity_w_per_sr,
    thin_air_factor,
)
from sat_emulator.scene.transmission import band_air
from sat_emulator.sensor import optics
from sat_emulator.sensor.detectability import View
from sat_emulator.sensor.radiometry import Radiometer
from sat_emulator.sensor.source import EmulatedSource
from sat_emulator.sensor.truth import DETECTABLE_SNR
from services.geometry.ellipsoid import east_north_up
from services.geometry.frames import itrs_from_gcrs
from services.geometry.geodesic import MEAN_RADIUS_M, geodesic_destination
from services.geometry.sun import sun_direction_gcrs
from services.scenario.model import Cruise, Fire, Lightning, Place, Pointing, Scenario, Sensor, Train
from services.scenario.references import reference_rocket, reference_sensor
from services.scenario.resolve import resolve_satellites, start_unix_ns

SENSORS = ("wide", "medium")
BANDS = ("2.7um", "3.8um", "4.3um")
ALTITUDE_M = 1.0e6
# Straight below, and this far: some 1,000 km to the side.
SLANT_M = 1.5e6
RANGES = {"below": None, "1,500 km": SLANT_M}
LIGHTS = {"night": datetime(2026, 6, 21, 0, 0, tzinfo=UTC), "day": datetime(2026, 6, 21, 12, 0, tzinfo=UTC)}
AREA = Place(0.0, 0.0)
DURATION_S = 10.0
CLUTTER_SHARE = 0.01
# Places within a pixel, along each side, over which the lens's concentration is averaged.
PHASES = 16
# A glider in its glide, and how fast a cruise missile of the default values flies.
GLIDER_M_PER_S = 5500.0
CRUISE_M_PER_S = 250.0


@dataclass(frozen=True)
class Target:
    """One class: how high it is, and its intensity in a sensor's band before the air, W/sr."""

    name: str
    height_m: float
    intensity_w_per_sr: float


@dataclass(frozen=True)
class Sight:
    """One sensor's view of the ground by night or day: a pixel's background, noise and clutter, electrons."""

    background_e: float
    noise_e: float
    clutter_e: float


def run() -> dict[str, Any]:
    """Return by band, class, and sensor and range: electrons, SNR and three SCR, and over what it is undetectable."""
    return {"least_ratio": DETECTABLE_SNR, "bands": {band: _band(band) for band in BANDS}}


def table(values: dict[str, Any]) -> str:
    """Return tables in Markdown: SNR; SCR by night, day, over 1 %. Bold: undetectable; †: the source fills a well."""
    lines: list[str] = []
    for band, found in values["bands"].items():
        times = ", ".join(f"{name} {1e3 * each:g} ms" for name, each in found["integration_s"].items())
        views = list(next(iter(found["classes"].values()))["views"])
        lines += [f"**{band.replace('um', ' µm')}** (integration: {times})", ""]
        lines += [f"| class | W/sr | {' | '.join(views)} |", "| --- " * (2 + len(views)) + "|"]
        for name, row in found["classes"].items():
            cells = [_cell(row["views"][view]) for view in views]
            lines.append(
                f"| {name} | {' / '.join(dict.fromkeys(map(_short, row['w_per_sr'])))} | {' | '.join(cells)} |"
            )
        lines.append("")
    return "\n".join(lines)


def _band(band: str) -> dict[str, Any]:
    sensors = {name: unfilled(reference_sensor(reference=name, band=band)) for name in SENSORS}
    classes: dict[str, Any] = {}
    for reference, sensor in sensors.items():
        for where, slant_m in RANGES.items():
            sights = {light: _sight(sensor, slant_m, start) for light, start in LIGHTS.items()}
            for target in targets(sensor):
                row = classes.setdefault(target.name, {"height_m": target.height_m, "w_per_sr": [], "views": {}})
                row["w_per_sr"].append(target.intensity_w_per_sr)
                row["views"][f"{reference}, {where}"] = ratios(sensor, target, slant_m, sights)
    return {"integration_s": {name: sensor.integration_s for name, sensor in sensors.items()}, "classes": classes}


def unfilled(sensor: Sensor) -> Sensor:
    """Return the sensor with its integration halved until the day's mean background no longer fills the wells."""
    scenario = _scenario(sensor, None, LIGHTS["day"])
    background = _background_w_per_m2_sr(scenario, sensor, 1.0, _cosine_sun(scenario))
    while background * Radiometer.of(sensor).electrons_per_w_per_m2_sr > sensor.full_well_e:
        sensor = dataclasses.replace(sensor, integration_s=sensor.integration_s / 2)
    return sensor


def targets(sensor: Sensor) -> tuple[Target, ...]:
    """Return the classes in a sensor's band."""

    def plume(rocket: str, stage: int, height_m: float) -> float:
        site = {"latitude_deg": 0.0, "longitude_deg": 0.0}
        found = reference_rocket(id="r", reference=rocket, launch=site, launch_time_s=0.0, heading_deg=0.0)
        return stage_intensity_w_per_sr(found.stages[stage], sensor) * thin_air_factor(height_m)

    def skin(height_m: float, speed: float, nose_m: float, area_m2: float, emissivity: float) -> float:
        return grey_intensity_w_per_sr(
            skin_temperature_k(height_m, speed, nose_m, emissivity), emissivity, area_m2, sensor
        )

    fire, flare, flash = Fire("fire", AREA), KINDS["gas_flare"], Lightning("storm", AREA)
    cruise = Cruise("cruise", 0.0, CRUISE_M_PER_S, (AREA, Place(1.0, 0.0)))
    exhaust = grey_intensity_w_per_sr(cruise.exhaust_temperature_k, 1.0, cruise.exhaust_area_m2, sensor)
    warm = skin(100.0, CRUISE_M_PER_S, NOSE_RADIUS_M, cruise.skin_area_m2, cruise.emissivity)
    return (
        Target("short-range liquid, 20 km", 20e3, plume("short_range_liquid", 0, 20e3)),
        Target("ICBM solid, stage 1, 30 km", 30e3, plume("intercontinental_solid", 0, 30e3)),
        Target("ICBM solid, stage 3, 150 km", 150e3, plume("intercontinental_solid", 2, 150e3)),
        Target("medium launcher, stage 1, 40 km", 40e3, plume("medium_launcher", 0, 40e3)),
        Target("glider, 45 km, 5.5 km/s", 45e3, skin(45e3, GLIDER_M_PER_S, 0.05, 6.0, 0.85)),
        Target("cruise, 100 W/sr, 100 m", 100.0, 100.0),
        Target("cruise, default, 100 m", 100.0, exhaust + warm),
        Target("aircraft, 10 km", 10e3, 300.0),
        Target("fire, 50 m², 1,000 K", 0.0, grey_intensity_w_per_sr(fire.temperature_k, 1.0, fire.area_m2, sensor)),
        Target("gas flare", 0.0, grey_intensity_w_per_sr(flare.temperature_k, 1.0, flare.area_m2, sensor)),
        Target("lightning flash, 10 km", flash.top_m, flash.energy_j_per_sr / sensor.integration_s),
    )


def ratios(sensor: Sensor, target: Target, slant_m: float | None, sights: dict[str, Sight]) -> dict[str, Any]:
    """Return a target's electrons, its ratios, and over which clutter it is undetectable.

    slant_m: None for straight below.
    """
    radiometer = Radiometer.of(sensor)
    range_m, sine = _geometry(target.height_m, slant_m)
    through = band_air(Scenario("air", train=Train()), sensor).transmission(target.height_m, sine)
    electrons = target.intensity_w_per_sr * through / range_m**2 * radiometer.electrons_per_w_per_m2
    gain, peak = _lens(sensor.psf_sigma_px)
    night = sights["night"]
    # White clutter goes through the filter as noise does.
    white_e = CLUTTER_SHARE * night.background_e / gain
    clutter_e = {"night": night.clutter_e, "day": sights["day"].clutter_e, "1 %": white_e}
    noise_e = {"night": night.noise_e, "day": sights["day"].noise_e, "1 %": night.noise_e}
    together = {light: electrons / math.hypot(noise_e[light] / gain, clutter_e[light]) for light in clutter_e}
    return {
        "electrons": electrons,
        "snr": electrons * gain / night.noise_e,
        "scr": {light: electrons / clutter_e[light] for light in clutter_e},
        "scnr": together,
        "undetectable": [light for light, ratio in together.items() if ratio < DETECTABLE_SNR],
        "saturates": electrons * peak + night.background_e + radiometer.dark_e > radiometer.full_well_e,
    }


def _geometry(height_m: float, slant_m: float | None) -> tuple[float, float]:
    """Return range and sine of the satellite's elevation at the source, on a round Earth."""
    if slant_m is None:
        return ALTITUDE_M - height_m, 1.0
    here, there = MEAN_RADIUS_M + height_m, MEAN_RADIUS_M + ALTITUDE_M
    return slant_m, (there**2 - here**2 - slant_m**2) / (2 * here * slant_m)


@functools.cache
def _lens(sigma_px: float) -> tuple[float, float]:
    """Return the mean root of the concentration, and a centred point's share in its brightest pixel."""
    phases = (np.arange(PHASES) + 0.5) / PHASES
    roots = [math.sqrt(optics.concentration(row, column, sigma_px)) for row in phases for column in phases]
    middle = math.erf(0.5 / (sigma_px * math.sqrt(2)))
    return float(np.mean(roots)), middle * middle


def _sight(sensor: Sensor, slant_m: float | None, start: datetime) -> Sight:
    scenario = _scenario(sensor, slant_m, start)
    source = EmulatedSource(scenario, resolve_satellites(scenario)[0])
    radiance = _background_w_per_m2_sr(scenario, sensor, _geometry(0.0, slant_m)[1], _cosine_sun(scenario))
    background_e = radiance * source.radiometer.electrons_per_w_per_m2_sr
    return Sight(background_e, source.radiometer.noise_e(background_e), View(source).clutter_e)


def _cosine_sun(scenario: Scenario) -> float:
    """Return the cosine of the sun's zenith angle over AREA; below 0 by night."""
    instant = start_unix_ns(scenario)
    up = east_north_up(AREA.latitude_deg, AREA.longitude_deg)[2]
    return float(up @ itrs_from_gcrs(instant) @ sun_direction_gcrs(instant))


def _background_w_per_m2_sr(scenario: Scenario, sensor: Sensor, cosine: float, cosine_sun: float) -> float:
    """Return the mean radiance of land, sea (without glint) and cloud by their shares."""
    light = EarthLight(scenario, sensor)
    land, cover = scenario.background.land_fraction, scenario.cloud.cover
    ground = land * light.land(cosine, cosine_sun).mean + (1 - land) * light.sea(cosine, cosine_sun, 0.0).mean
    return (1 - cover) * ground + cover * light.cloud_top(cosine, cosine_sun).mean


def _scenario(sensor: Sensor, slant_m: float | None, start: datetime) -> Scenario:
    """Return a run in whose middle one satellite stands over AREA and looks straight down, or to the north."""
    place = AREA
    if slant_m is not None:
        here, there = MEAN_RADIUS_M, MEAN_RADIUS_M + ALTITUDE_M
        angle = math.acos((here**2 + there**2 - slant_m**2) / (2 * here * there))
        place = Place(*geodesic_destination(AREA.latitude_deg, AREA.longitude_deg, 0.0, angle * MEAN_RADIUS_M))
    aim = Pointing("place", place)
    train = Train(satellites=1, altitude_m=ALTITUDE_M, pointing=aim)
    sensor = dataclasses.replace(sensor, jitter_rad=0.0, drift_rad=0.0)
    return Scenario("signals", start=start, duration_s=DURATION_S, area=AREA, sensor=sensor, train=train)


def _cell(view: dict[str, Any]) -> str:
    scr = [
        f"**{_short(each)}**" if light in view["undetectable"] else _short(each) for light, each in view["scr"].items()
    ]
    return f"{_short(view['snr'])}{'†' if view['saturates'] else ''}; {', '.join(scr)}"


def _short(value: float) -> str:
    """Return two digits of a number, and no more than are needed."""
    if value >= 9950:
        return f"{value:.1e}".replace("e+0", "e")
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.05 else "0"


if __name__ == "__main__":
    print(table(run()))
