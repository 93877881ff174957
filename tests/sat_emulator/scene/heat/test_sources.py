"""All sources of a run: order, names, classes, and flights that are shared between sensors."""

from pathlib import Path

import pytest

from sat_emulator.scene.heat.emission import Look
from sat_emulator.scene.heat.received import received
from sat_emulator.scene.heat.sources import heat_sources, threat_sources
from sat_emulator.scene.transmission import band_air
from services.geometry.ellipsoid import geodetic_to_itrs, itrs_to_geodetic
from services.geometry.time import NS_PER_S
from services.scenario.model import (
    Aircraft,
    Cruise,
    Fire,
    Flare,
    Glint,
    Lightning,
    Place,
    Rocket,
    Scenario,
    Stage,
    Train,
    TrajectoryFile,
)
from services.scenario.references import reference_sensor
from services.scenario.resolve import start_unix_ns

PLACE = Place(30.0, 20.0)
WAY = (Place(30.0, 20.0, 100.0), Place(30.0, 21.0, 100.0))
SENSOR = reference_sensor(band="3.8um")


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    table: Path = tmp_path_factory.mktemp("heat") / "launch.csv"
    table.write_text(
        "time_s,latitude_deg,longitude_deg,height_m,radiant_intensity_w_per_sr\n"
        "0,30,20,0,1000\n10,30,20.01,500,1200\n60,30,20.1,20000,2000\n90,30,20.3,40000,3000\n"
    )
    return Scenario(
        "a",
        duration_s=60.0,
        train=Train(),
        rockets=(Rocket("r", PLACE, 5.0, 90.0, (Stage(1.4e5, 62.0, 3770.0, 1100.0),), "ballistic"),),
        cruises=(Cruise("c", 0.0, 250.0, WAY),),
        trajectories=(TrajectoryFile("t", table, 2.0),),
        fires=(Fire("f", PLACE, count=2, within_m=1e4),),
        flares=(Flare("g", PLACE),),
        lightnings=(Lightning("l", PLACE),),
        aircraft=(Aircraft("p", WAY, start_time_s=-100.0),),
        glints=(Glint("w", PLACE),),
    )


def test_sources_come_in_the_scenarios_order(scenario: Scenario) -> None:
    sources = heat_sources(scenario, SENSOR)
    assert [source.id for source in sources] == ["r", "c", "t", "f-1", "f-2", "g", "l", "p", "w"]
    classes = [source.truth_class for source in sources]
    assert classes == ["ballistic", "cruise", "space_launch", *["static_heat"] * 6]
    assert [threat.id for threat in threat_sources(scenario, SENSOR)] == [threat.id for threat in scenario.threats]


def test_threats_tell_where_and_when_they_began(scenario: Scenario) -> None:
    start = start_unix_ns(scenario)
    for threat, launch_time_s in zip(threat_sources(scenario, SENSOR), (5.0, 0.0, 2.0), strict=True):
        assert threat.launch_unix_ns == start + round(launch_time_s * NS_PER_S)
        place = geodetic_to_itrs(threat.launch.latitude_deg, threat.launch.longitude_deg, threat.launch.height_m)
        assert threat.flight.state_itrs(0.0)[0] == pytest.approx(place, abs=1e-3)
        assert threat.position_itrs_m(threat.launch_unix_ns) == pytest.approx(place, abs=1e-3)
        # Flights last beyond the run's end, for the last exposures.
        assert threat.flight.end_s >= scenario.duration_s - launch_time_s + 0.5


def test_sources_and_flights_are_built_once(scenario: Scenario) -> None:
    assert heat_sources(scenario, SENSOR) is heat_sources(scenario, SENSOR)
    other = threat_sources(scenario, reference_sensor(band="4.3um"))
    for one, another in zip(threat_sources(scenario, SENSOR), other, strict=True):
        assert one is not another
        assert one.flight is another.flight


def test_all_shine_on_a_satellite_above_by_day(scenario: Scenario) -> None:
    unix_ns = start_unix_ns(scenario) + 40 * NS_PER_S
    air = band_air(scenario, SENSOR)
    # Long enough for a flash of lightning to fall into it.
    look = Look(unix_ns, 30.0, geodetic_to_itrs(32.0, 20.0, 1e6))
    for source in heat_sources(scenario, SENSOR):
        seen = received(source, look, air)
        assert seen is not None, source.id
        assert 0 < seen.transmission <= 1
        assert seen.irradiance_w_per_m2 > 0
        latitude, longitude, _ = itrs_to_geodetic(seen.position_itrs_m)
        assert (float(latitude), float(longitude)) == pytest.approx((30.0, 20.2), abs=0.5)
