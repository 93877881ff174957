"""Constellations by name: what passes over the area, and who takes part."""

import math
from typing import Any

import numpy as np
import pytest

from services.geometry.ellipsoid import elevation_rad, geodetic_to_itrs
from services.geometry.time import NS_PER_S
from services.runtime.configuration import ConfigurationError, from_table
from services.scenario.constellations import constellation_orbits
from services.scenario.model import Constellation, Place, Scenario
from services.scenario.resolve import resolve_satellites, start_unix_ns
from services.scenario.view import satellites_that_see

AREAS = [(-30.9, 136.5), (0.0, 0.0), (40.0, 127.0), (64.9, -147.0), (-80.0, 10.0)]
MIDDLE_UNIX_NS = 1_782_043_245 * NS_PER_S


def _scenario(name: str, latitude: float = -30.9, longitude: float = 136.5, **keys: Any) -> Scenario:
    area = {"latitude_deg": latitude, "longitude_deg": longitude}
    return from_table({"name": "a", "constellation": {"name": name, **keys}, "area": area}, Scenario)


@pytest.mark.parametrize(("latitude", "longitude"), AREAS)
def test_all_of_tranche0_see_the_area_throughout_the_default_run(latitude: float, longitude: float) -> None:
    scenario = _scenario("tranche0", latitude, longitude)
    satellites = resolve_satellites(scenario)
    assert [satellite.id for satellite in satellites] == ["sat-1", "sat-2", "sat-3", "sat-4"]
    area = geodetic_to_itrs(latitude, longitude)
    twenty_degrees = 20.0
    for second in range(0, 91, 15):
        at = start_unix_ns(scenario) + second * NS_PER_S
        assert len(satellites_that_see(satellites, area, at)) == 4
        for satellite in satellites:
            elevation = elevation_rad(area, satellite.orbit.position_itrs_m(at))
            assert math.degrees(float(elevation)) > twenty_degrees


def test_tranche0_is_two_pairs_in_two_planes() -> None:
    members = list(constellation_orbits(Constellation(), Place(-30.9, 136.5), MIDDLE_UNIX_NS).values())
    nodes = np.degrees([member.satrec.nodeo for member in members])
    assert nodes[0] == nodes[1]
    assert nodes[2] == nodes[3]
    assert (nodes[2] - nodes[0]) % 360 == pytest.approx(16.0)
    assert np.degrees([member.satrec.inclo for member in members]) == pytest.approx([81.0] * 4)
    # The first of a pair is ahead: the second comes where it was, seen against the stars.
    ahead, behind = (member.state_teme(MIDDLE_UNIX_NS)[0] for member in members[:2])
    angle = math.degrees(math.acos(float(ahead @ behind / np.linalg.norm(ahead) / np.linalg.norm(behind))))
    assert angle == pytest.approx(14.0, abs=0.2)
    assert members[1].state_teme(MIDDLE_UNIX_NS)[1] @ (ahead - behind) > 0
    one_hundred_kilometres = 1e5
    assert abs(np.linalg.norm(ahead) - 7_378_137) < one_hundred_kilometres


@pytest.mark.parametrize(("latitude", "longitude"), AREAS)
def test_of_tranche1_those_that_see_the_area_in_mid_run_take_part(latitude: float, longitude: float) -> None:
    scenario = _scenario("tranche1", latitude, longitude, prefix="t1")
    satellites = resolve_satellites(scenario)
    assert {"t1-1", "t1-8"} <= {satellite.id for satellite in satellites}
    area, middle = geodetic_to_itrs(latitude, longitude), start_unix_ns(scenario) + 45 * NS_PER_S
    every = constellation_orbits(Constellation("tranche1", prefix="t1"), Place(latitude, longitude), middle)
    assert len(every) == 28
    above = {name for name, orbit in every.items() if float(elevation_rad(area, orbit.position_itrs_m(middle))) > 0}
    assert {satellite.id for satellite in satellites} == above
    assert [satellite.index for satellite in satellites] == list(range(len(satellites)))


def test_tranche1_has_seven_satellites_in_each_of_four_planes_over_half_a_turn() -> None:
    members = constellation_orbits(Constellation("tranche1"), Place(0, 0), MIDDLE_UNIX_NS).values()
    nodes = np.unwrap([member.satrec.nodeo for member in members])
    assert np.degrees(nodes - nodes[0]) == pytest.approx(np.repeat([0.0, 45.0, 90.0, 135.0], 7), abs=1e-9)


def test_constellation_that_sees_nothing_is_refused_with_a_remedy() -> None:
    with pytest.raises(
        ConfigurationError, match=r"constellation: none of the 28 satellites sees the area at -30.9, 136"
    ):
        # Cameras that look down see 30 degrees to each side, and the area lies farther out.
        resolve_satellites(_scenario("tranche1", pointing={"kind": "nadir"}))


def test_named_satellites_take_a_constellations_places_in_order() -> None:
    scenario = from_table(
        {"name": "a", "constellation": {}, "satellite": [{"id": "mine", "pointing": {"kind": "nadir"}}]}, Scenario
    )
    satellites = resolve_satellites(scenario)
    assert [satellite.id for satellite in satellites] == ["mine", "sat-2", "sat-3", "sat-4"]
    assert satellites[0].target is None
    many = [{"id": f"s{number}"} for number in range(5)]
    with pytest.raises(ConfigurationError, match=r"constellation: has 4 places for 5 .*; give 's4' a TLE or a state"):
        resolve_satellites(from_table({"name": "a", "constellation": {}, "satellite": many}, Scenario))
