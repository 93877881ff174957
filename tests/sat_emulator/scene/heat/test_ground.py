"""Fires, flares and factories."""

import dataclasses

import numpy as np
import pytest

from sat_emulator.scene.heat.emission import Look
from sat_emulator.scene.heat.fire import Wildfire, wildfires
from sat_emulator.scene.heat.flare import flares
from sat_emulator.scene.radiance import STEFAN_BOLTZMANN, band_radiance_w_per_m2_sr
from services.geometry.ellipsoid import geodetic_to_itrs, itrs_to_geodetic
from services.geometry.geodesic import geodesic_distance_m, geodesic_inverse
from services.geometry.time import NS_PER_S
from services.scenario.model import Fire, Flare, Place, Scenario, Train
from services.scenario.references import reference_sensor
from services.scenario.resolve import start_unix_ns

SCENARIO = Scenario("a", train=Train())
SENSOR = reference_sensor(band="3.8um")
START_UNIX_NS = start_unix_ns(SCENARIO)
PLACE = Place(-32.1, 135.9, 150.0)
ABOVE = geodetic_to_itrs(-32.1, 135.9, 1e6)


def _look(since_s: float) -> Look:
    return Look(START_UNIX_NS + round(since_s * NS_PER_S), 0.02, ABOVE)


def _one(fire: Fire, scenario: Scenario = SCENARIO) -> Wildfire:
    (one,) = wildfires(fire, scenario, SENSOR)
    return one


def test_fire_shines_by_its_area_and_temperature() -> None:
    fire = _one(Fire("f", PLACE, area_m2=200.0, temperature_k=1100.0, flicker=0.0))
    expected = 200.0 * float(band_radiance_w_per_m2_sr(1100.0, 3.5e-6, 4.1e-6))
    assert fire.emission(_look(10.0)).radiant_intensity_w_per_sr == pytest.approx(expected)
    stated = _one(Fire("f", PLACE, radiant_intensity_w_per_sr=4e4, flicker=0.0))
    assert stated.emission(_look(10.0)).radiant_intensity_w_per_sr == 4e4
    assert fire.id == "f"
    assert fire.truth_class == "static_heat"


def test_fire_grows_by_the_hour() -> None:
    fire = _one(Fire("f", PLACE, radiant_intensity_w_per_sr=1e4, flicker=0.0, growth_per_hour=3.0))
    seen = [fire.emission(_look(since_s)).radiant_intensity_w_per_sr for since_s in (0.0, 1800.0, 3600.0)]
    assert seen == pytest.approx([1e4, 1e4 * 3**0.5, 3e4])


def test_front_moves_by_spread_times_time() -> None:
    fire = _one(Fire("f", PLACE, spread_m_per_s=2.0, spread_heading_deg=60.0))
    latitude, longitude, height = itrs_to_geodetic(fire.emission(_look(500.0)).position_itrs_m)
    moved_m, azimuth = geodesic_inverse(-32.1, 135.9, float(latitude), float(longitude))
    assert moved_m == pytest.approx(1000.0, abs=0.01)
    assert azimuth == pytest.approx(60.0, abs=0.01)
    assert height == pytest.approx(150.0, abs=1e-3)
    assert fire.position_itrs_m(START_UNIX_NS) == pytest.approx(geodetic_to_itrs(-32.1, 135.9, 150.0))


def test_fire_wavers_by_its_flicker() -> None:
    fire = _one(Fire("f", PLACE, radiant_intensity_w_per_sr=1e4, flicker=0.1))
    seen = np.array([fire.emission(_look(since_s)).radiant_intensity_w_per_sr for since_s in range(0, 4000, 7)])
    assert seen.mean() == pytest.approx(1e4, rel=0.02)
    assert seen.std() == pytest.approx(1e3, rel=0.3)


def test_many_fires_lie_evenly_within_their_radius() -> None:
    many = wildfires(Fire("f", PLACE, count=400, within_m=5e4, flicker=0.0), SCENARIO, SENSOR)
    assert [fire.id for fire in many[:3]] == ["f-1", "f-2", "f-3"]
    distances = [geodesic_distance_m(-32.1, 135.9, f.place.latitude_deg, f.place.longitude_deg) for f in many]
    assert max(distances) <= 5e4 + 1
    # Half of a disc lies within 0.707 of its radius; 400 draws know that to 2.5 %.
    assert np.mean(np.array(distances) < 5e4 / 2**0.5) == pytest.approx(0.5, abs=0.1)
    single = wildfires(Fire("f", PLACE, flicker=0.0), SCENARIO, SENSOR)[0]
    strengths = [
        fire.emission(_look(0.0)).radiant_intensity_w_per_sr / single.emission(_look(0.0)).radiant_intensity_w_per_sr
        for fire in many
    ]
    assert min(strengths) >= 0.2
    assert max(strengths) <= 2.0
    assert np.mean(strengths) == pytest.approx(1.1, abs=0.1)


def test_scatter_follows_seed_and_name_and_begins_alike() -> None:
    fire = Fire("f", PLACE, count=5, within_m=5e4)
    places = [one.place for one in wildfires(fire, SCENARIO, SENSOR)]
    more = wildfires(dataclasses.replace(fire, count=9), SCENARIO, SENSOR)
    assert [one.place for one in more[:5]] == places
    for other, scenario in (
        (fire, dataclasses.replace(SCENARIO, seed=2)),
        (dataclasses.replace(fire, id="g"), SCENARIO),
    ):
        assert not {one.place for one in wildfires(other, scenario, SENSOR)} & set(places)


def test_flares_are_hotter_and_smaller_than_factories() -> None:
    (flare,) = flares(Flare("f", PLACE), SCENARIO, SENSOR)
    (factory,) = flares(Flare("f", PLACE, kind="factory"), SCENARIO, SENSOR)
    bright, dim = (np.mean([source.emission(_look(t)).radiant_intensity_w_per_sr for t in range(0, 300, 3)])
                   for source in (flare, factory))  # fmt: skip
    # 3 MW at 1,800 K: what of it falls into the window (Planck), over the pi steradians of a flat black source.
    share = float(band_radiance_w_per_m2_sr(1800.0, 3.5e-6, 4.1e-6)) * np.pi / (STEFAN_BOLTZMANN * 1800.0**4)
    assert bright == pytest.approx(3e6 * share / np.pi, rel=0.03)
    assert 0.2 < dim / bright < 0.8
    # Between short and long waves the hotter one's ratio is higher.
    (blue_flare,) = flares(Flare("f", PLACE), SCENARIO, reference_sensor(band="2.7um"))
    (blue_factory,) = flares(Flare("f", PLACE, kind="factory"), SCENARIO, reference_sensor(band="2.7um"))
    ratios = [
        blue.emission(_look(9.0)).radiant_intensity_w_per_sr / red.emission(_look(9.0)).radiant_intensity_w_per_sr
        for blue, red in ((blue_flare, flare), (blue_factory, factory))
    ]
    assert ratios[0] > 1.5 * ratios[1]


def test_flare_stays_where_it_is() -> None:
    many = flares(Flare("f", PLACE, count=3, within_m=1e4, radiant_intensity_w_per_sr=1e4), SCENARIO, SENSOR)
    assert [one.id for one in many] == ["f-1", "f-2", "f-3"]
    for one in many:
        assert one.emission(_look(80.0)).position_itrs_m is one.position_itrs_m(START_UNIX_NS)
