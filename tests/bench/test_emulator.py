"""The emulator's benchmarks, on runs small enough for a test, and the closed form against a rendered scene."""

import dataclasses
import math

import numpy as np
import pytest

from bench.emulator import memory, render, signals
from sat_emulator.sensor.radiometry import Radiometer
from sat_emulator.sensor.source import EmulatedSource
from services.geometry.ellipsoid import east_north_up
from services.geometry.frames import itrs_from_gcrs
from services.geometry.sun import sun_direction_gcrs
from services.scenario.load import load_scenario
from services.scenario.model import Cloud, Fire, Sensor, Train
from services.scenario.references import reference_sensor
from services.scenario.resolve import resolve_area, resolve_satellites, start_unix_ns

NIGHT = {"night": signals.Sight(1e4, 130.0, 20.0), "day": signals.Sight(1e5, 340.0, 200.0)}


def target_of(name: str, sensor: Sensor) -> signals.Target:
    return next(target for target in signals.targets(sensor) if target.name.startswith(name))


def test_electrons_of_the_closed_form_are_those_of_the_rendered_scene() -> None:
    two_thousandths = 0.002
    sensor = reference_sensor(rows=64, columns=64)
    scenario = dataclasses.replace(
        signals._scenario(sensor, None, signals.LIGHTS["night"]),
        cloud=Cloud(cover=0.0),
        fires=(Fire("fire", signals.AREA, radiant_intensity_w_per_sr=1e5, flicker=0.0),),
    )
    source = EmulatedSource(scenario, resolve_satellites(scenario)[0])
    exposure = source.exposure(len(source) // 2)
    (spot,) = source.spots(exposure)
    # SGP4's circle is kilometres off the height that was asked for.
    range_m = float(np.linalg.norm(exposure.position_itrs_m - spot.light.position_itrs_m))
    target = signals.Target("fire", 0.0, 1e5)
    closed = signals.ratios(sensor, target, None, NIGHT)["electrons"]
    assert closed * (signals.ALTITUDE_M / range_m) ** 2 == pytest.approx(spot.electrons, rel=two_thousandths)


def test_geometry_is_a_triangle_with_the_earths_centre() -> None:
    assert signals._geometry(20e3, None) == (980e3, 1.0)
    range_m, sine = signals._geometry(20e3, 1.5e6)
    here, there = 6.371e6 + 20e3, 6.371e6 + 1e6
    # Law of cosines with the angle at the source, 90 degrees more than the elevation.
    assert here**2 + range_m**2 + 2 * here * range_m * sine == pytest.approx(there**2, rel=1e-5)


def test_white_clutter_is_added_to_noise_within_the_filter() -> None:
    sensor = reference_sensor()
    found = signals.ratios(sensor, signals.Target("any", 50e3, 1e3), None, NIGHT)
    sigma = math.hypot(NIGHT["night"].noise_e, 0.01 * NIGHT["night"].background_e)
    assert found["scnr"]["1 %"] == pytest.approx(found["snr"] * NIGHT["night"].noise_e / sigma)


@pytest.mark.parametrize("band", signals.BANDS)
def test_cruise_missile_of_100_w_per_sr_over_one_percent_clutter_is_undetectable_in_1_mrad_pixels(band: str) -> None:
    sensor = signals.unfilled(reference_sensor(band=band))
    scenario = signals._scenario(sensor, None, signals.LIGHTS["night"])
    radiance = signals._background_w_per_m2_sr(scenario, sensor, 1.0, -1.0)
    radiometer = Radiometer.of(sensor)
    background_e = radiance * radiometer.electrons_per_w_per_m2_sr
    sight = signals.Sight(background_e, radiometer.noise_e(background_e), 1.0)
    sights = {"night": sight, "day": sight}
    found = signals.ratios(sensor, target_of("cruise, 100", sensor), None, sights)
    assert "1 %" in found["undetectable"]
    if band == "2.7um":
        assert not signals.ratios(sensor, target_of("medium launcher", sensor), None, sights)["undetectable"]


def test_wells_are_not_filled_by_the_days_background() -> None:
    usual_s = reference_sensor(band="3.8um").integration_s
    assert signals.unfilled(reference_sensor(band="3.8um", full_well_e=1e12)).integration_s == usual_s
    assert signals.unfilled(reference_sensor(band="3.8um", full_well_e=1e5)).integration_s < usual_s / 2


def test_table_marks_what_is_undetectable_and_what_fills_a_well() -> None:
    view = {"snr": 12.3, "scr": {"night": 5.0, "day": 1e5, "1 %": 0.001}, "undetectable": ["night", "1 %"]}
    assert signals._cell({**view, "saturates": True}) == "12†; **5.0**, 1.0e5, **0**"


def test_noon_is_when_the_sun_stands_on_the_areas_meridian() -> None:
    five_degrees = 5.0
    scenario = render.at_local_noon(load_scenario("default"))
    instant, area = start_unix_ns(scenario), resolve_area(scenario)
    east, _, up = east_north_up(area.latitude_deg, area.longitude_deg) @ (
        itrs_from_gcrs(instant) @ sun_direction_gcrs(instant)
    )
    assert abs(math.degrees(math.atan2(east, up))) < five_degrees


def test_every_part_of_a_frame_is_timed() -> None:
    small = dataclasses.replace(
        load_scenario("default"), sensor=Sensor(rows=64, columns=64), constellation=None, train=Train(satellites=2)
    )
    figures = render.run(1, small)
    for light in figures["lights"].values():
        assert len(light["satellites"]) == 2
        assert set(light["parts_ns_per_pixel"]) == set(render.PARTS)
        assert all(each["median"] >= each["min"] > 0 for each in light["floors"].values())
    lines = render.table(figures)
    assert "day, mean" in lines
    assert "numpy.copyto" in lines


def test_memory_is_read_over_a_run_that_has_one_of_each() -> None:
    scenario = memory.everything(60.0)
    assert len({type(item) for item in (*scenario.threats, *scenario.heat)}) == 7
    figures = memory._over(scenario, range(20), 5)
    assert figures["end_mb"] > 0
    assert "20 frames of 128 x 128" in memory.table({"hour": figures})
