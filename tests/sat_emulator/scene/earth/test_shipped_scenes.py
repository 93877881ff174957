"""Shipped scenarios show what they say they show: what is seen when, in closed form and in frames."""

import numpy as np

from sat_emulator.scene.heat.sources import threat_sources
from sat_emulator.sensor.detectability import View, first_detectable_unix_ns
from sat_emulator.sensor.source import EmulatedSource
from sat_emulator.sensor.truth import DETECTABLE_SNR, DETECTABLE_VIEWS
from services.geometry.ellipsoid import itrs_to_geodetic
from services.geometry.frames import itrs_from_gcrs
from services.geometry.sun import sun_direction_gcrs
from services.geometry.time import NS_PER_S
from services.scenario.load import load_scenario
from services.scenario.resolve import resolve_satellites, start_unix_ns


def _source(name: str, index: int) -> EmulatedSource:
    scenario = load_scenario(name)
    return EmulatedSource(scenario, resolve_satellites(scenario)[index])


def test_default_rocket_is_clear_of_cloud_and_soon_detectable() -> None:
    scenario = load_scenario()
    satellites = resolve_satellites(scenario)
    # A second after launch.
    for satellite in satellites:
        source = EmulatedSource(scenario, satellite)
        (rocket,) = (spot for spot in source.spots(source.exposure(8)) if spot.source.id == "rocket-1")
        assert rocket.clear == 1.0
    views = [View(EmulatedSource(scenario, satellite)) for satellite in satellites]
    threats = threat_sources(scenario, scenario.sensor)
    first_unix_ns = first_detectable_unix_ns(views, threats, DETECTABLE_SNR, DETECTABLE_VIEWS, 180)["rocket-1"]
    launch_unix_ns = start_unix_ns(scenario) + 3 * NS_PER_S
    assert first_unix_ns is not None
    assert launch_unix_ns < first_unix_ns < launch_unix_ns + 15 * NS_PER_S


def test_glider_burns_out_low_and_then_glides_level() -> None:
    scenario = load_scenario("glider")
    (glider,) = threat_sources(scenario, scenario.sensor)
    heights = []
    for seconds in (125, 200, 235):
        position = glider.position_itrs_m(start_unix_ns(scenario) + seconds * NS_PER_S)
        assert position is not None
        heights.append(float(itrs_to_geodetic(position)[2]))
    assert 45e3 < heights[0] < 55e3
    assert all(40e3 < height < 47e3 for height in heights[1:])
    # Level: it sinks by less than 50 m/s.
    assert 0 < heights[1] - heights[2] < 50 * 35


def test_cruise_missiles_are_too_faint_to_be_seen() -> None:
    view = View(_source("cruise", 0))
    signals = view.signals(120)
    assert len(signals) == 2
    assert all(signal.snr < 3 and signal.scnr < 0.1 for signal in signals)


def test_glint_fills_pixels_of_a_satellite_over_the_night() -> None:
    source = _source("terminator", 2)
    frame = source.frame(60)
    full = frame.counts >= 2**source.sensor.bit_depth - 1
    # The glint lies to the west, by which the cameras' left side looks; the rest is neither full nor dark.
    assert full[:, :400].sum() > 2000
    assert full[:, 500:].sum() < 100
    assert 1000 < np.median(frame.counts) < 8000


def test_terminator_crosses_what_a_satellite_sees() -> None:
    source = _source("terminator", 2)
    exposure = source.exposure(120)
    sun = itrs_from_gcrs(exposure.mid_unix_ns) @ sun_direction_gcrs(exposure.mid_unix_ns)
    rows, columns = np.mgrid[0:1024:16, 0:1024:16]
    los = (
        source.camera.lines_of_sight(rows.ravel(), columns.ravel())
        @ (exposure.itrs_from_gcrs @ exposure.rotation_camera_to_gcrs).T
    )
    # Where lines of sight meet a sphere of the Earth's mean radius, and how high the sun stands there.
    place, radius = exposure.position_itrs_m, 6_371_000.0
    along = los @ place
    under_root = along**2 - (place @ place - radius**2)
    ground = place + (-along - np.sqrt(np.maximum(under_root, 0)))[:, None] * los
    elevation = np.degrees(np.arcsin(ground[under_root > 0] @ sun / radius))
    assert (elevation > 1).mean() > 0.1
    assert (elevation < -1).mean() > 0.1


def test_lake_flashes_towards_one_satellite_for_a_while() -> None:
    by_satellite = []
    for index in (2, 3):
        view = View(_source("terminator", index))
        by_satellite.append([max((signal.snr for signal in view.signals(k)), default=0.0) for k in (0, 60, 200)])
    assert by_satellite[0][1] > 200
    assert max(by_satellite[0][0], by_satellite[0][2], *by_satellite[1]) < 50


def test_fire_season_has_fires_that_are_seen_and_none_that_is_a_threat() -> None:
    view = View(_source("fire_season", 0))
    signals = view.signals(120)
    assert {signal.spot.source.truth_class for signal in signals} == {"static_heat"}
    assert sum(signal.scnr > 6 for signal in signals) >= 15
