"""From a scenario to orbits, places and views."""

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.geometry.ellipsoid import geodetic_to_itrs, itrs_to_geodetic
from services.geometry.frames import itrs_from_gcrs
from services.geometry.geodesic import geodesic_distance_m
from services.geometry.time import NS_PER_S
from services.runtime.configuration import ConfigurationError, from_table
from services.scenario.model import Scenario
from services.scenario.resolve import (
    end_unix_ns,
    gateways,
    resolve_area,
    resolve_satellites,
    start_unix_ns,
)
from services.scenario.view import check_launches_seen, lens, nominal_pose, satellites_that_see

SITE = {"latitude_deg": -30.9, "longitude_deg": 136.5}
STAGE = {
    "thrust_n": 1e5,
    "burn_time_s": 60,
    "propellant_mass_kg": 2500,
    "dry_mass_kg": 400,
    "radiant_intensity_w_per_sr": 1e6,
}
ROCKET = {"id": "r", "launch": SITE, "launch_time_s": 3, "heading_deg": 4, "stage": [STAGE]}
# AIAA 2006-6753, appendix D: Vanguard 1, epoch in June 2000.
TLE = [
    "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753",
    "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667",
]


def _scenario(**keys: Any) -> Scenario:
    return from_table({"name": "a", **keys}, Scenario)


def test_default_train_sees_the_launch_from_three_satellites() -> None:
    scenario = _scenario(train={}, rocket=[ROCKET])
    satellites = resolve_satellites(scenario)
    assert [satellite.id for satellite in satellites] == ["sat-1", "sat-2", "sat-3", "sat-4"]
    assert [satellite.index for satellite in satellites] == [0, 1, 2, 3]
    plume = geodetic_to_itrs(-30.9, 136.5, 1e4)
    for second in (0, 45, 90):
        assert len(satellites_that_see(satellites, plume, start_unix_ns(scenario) + second * NS_PER_S)) >= 3
    check_launches_seen(scenario, satellites)


def test_camera_looks_at_its_target_with_the_way_ahead_at_the_top() -> None:
    scenario = _scenario(train={}, rocket=[ROCKET])
    satellite = resolve_satellites(scenario)[0]
    at = start_unix_ns(scenario)
    position, velocity, rotation = nominal_pose(satellite, at)
    target = itrs_from_gcrs(at).T @ geodetic_to_itrs(-30.9, 136.5, 0)
    row, column = lens(satellite.sensor).project(rotation.T @ (target - position))
    assert (row[0], column[0]) == pytest.approx((511.5, 511.5))
    assert (rotation.T @ velocity)[1] < 0


def test_nadir_camera_looks_straight_down() -> None:
    scenario = _scenario(train={"pointing": {"kind": "nadir"}}, area=SITE)
    satellite = resolve_satellites(scenario)[2]
    at = start_unix_ns(scenario)
    position, _, rotation = nominal_pose(satellite, at)
    itrs = itrs_from_gcrs(at)
    latitude, longitude, height = itrs_to_geodetic(itrs @ position)
    foot = itrs @ (position + float(height) * rotation[:, 2])
    assert np.linalg.norm(foot - geodetic_to_itrs(latitude, longitude, 0.0)) < 1e-3


def test_area_is_where_the_launches_are() -> None:
    other = {**ROCKET, "id": "q", "launch": {"latitude_deg": -30.9, "longitude_deg": 138.5, "height_m": 100}}
    area = resolve_area(_scenario(train={}, rocket=[ROCKET, other]))
    assert area.longitude_deg == pytest.approx(137.5)
    assert area.height_m == 50
    assert resolve_area(_scenario(train={}, area={"latitude_deg": 1, "longitude_deg": 2})).latitude_deg == 1
    fire = {"id": "f", "place": {"latitude_deg": 10, "longitude_deg": 20}, "radiant_intensity_w_per_sr": 1}
    assert resolve_area(_scenario(train={}, fire=[fire])).longitude_deg == 20
    assert resolve_area(_scenario(train={})).latitude_deg == 0
    opposite = {**ROCKET, "id": "q", "launch": {"latitude_deg": 30.9, "longitude_deg": -43.5}}
    with pytest.raises(
        ConfigurationError, match="area: must be set: what the area is left to lies on opposite sides of the Earth"
    ):
        resolve_area(_scenario(train={}, rocket=[ROCKET, opposite]))


def _place(latitude: float, longitude: float) -> dict[str, float]:
    return {"latitude_deg": latitude, "longitude_deg": longitude}


CRUISE = {
    "id": "c",
    "launch_time_s": 0,
    "speed_m_per_s": 250,
    "way_point": [_place(-30.0, 136.0), _place(-30.5, 139.0), _place(-31.0, 138.0)],
}
TRAJECTORY = {"id": "t", "path": "way.csv", "launch_time_s": 10}


@pytest.mark.parametrize(
    ("keys", "latitude", "longitude"),
    [
        # The middle between first and last way-point, whatever is between.
        ({"cruise": [CRUISE]}, -30.5, 137.0),
        ({"trajectory": [{**TRAJECTORY, "launch": SITE, "heading_deg": 0}]}, -30.9, 136.5),
        # Nothing is on the ground.
        ({}, 0.0, 0.0),
        ({"trajectory": [TRAJECTORY], "rocket": [ROCKET]}, -30.9, 136.5),
        # Threats go before other heat.
        ({"rocket": [ROCKET], "fire": [{"id": "f", "place": _place(10, 20)}]}, -30.9, 136.5),
        ({"flare": [{"id": "f", "place": _place(10, 20)}]}, 10.0, 20.0),
        ({"lightning": [{"id": "l", "place": _place(10, 20)}]}, 10.0, 20.0),
        ({"glint": [{"id": "g", "place": _place(10, 20)}]}, 10.0, 20.0),
        ({"aircraft": [{"id": "a", "way_point": [_place(0, 19), _place(0, 21)]}]}, 0.0, 20.0),
        ({"fire": [{"id": "f", "place": _place(0, 10)}], "flare": [{"id": "g", "place": _place(0, 20)}]}, 0.0, 15.0),
    ],
)
def test_area_is_the_middle_of_threats_else_of_heat(keys: dict[str, Any], latitude: float, longitude: float) -> None:
    area = resolve_area(_scenario(train={}, **keys))
    assert area.latitude_deg == pytest.approx(latitude, abs=0.02)
    assert area.longitude_deg == pytest.approx(longitude, abs=0.02)


def test_area_must_be_set_where_a_file_alone_says_where_it_flies() -> None:
    with pytest.raises(ConfigurationError, match=r"area: must be set: where 't' flies stands in way\.csv alone"):
        resolve_area(_scenario(train={}, trajectory=[TRAJECTORY]))
    set_ = resolve_area(_scenario(train={}, trajectory=[TRAJECTORY], area=_place(10, 20)))
    assert (set_.latitude_deg, set_.longitude_deg) == (10.0, 20.0)


def test_satellite_has_its_own_camera_else_the_scenarios() -> None:
    satellites = resolve_satellites(_scenario(train={}, satellite=[{"id": "own", "sensor": {"rows": 128}}]))
    assert [satellite.sensor.rows for satellite in satellites] == [128, 1024, 1024, 1024]


def _state(**changes: Any) -> dict[str, Any]:
    state = {
        "epoch": datetime.fromisoformat("2026-06-21T12:00:00+00:00"),
        "position_gcrs_m": [7.378e6, 0.0, 0.0],
        "velocity_gcrs_m_per_s": [0.0, 1.0e3, 7.2e3],
    }
    return {"id": "own", "state": {**state, **changes}}


def test_satellite_with_a_state_has_it_at_the_epoch() -> None:
    scenario = _scenario(train={"satellites": 1}, satellite=[_state()])
    own, other = resolve_satellites(scenario)
    assert (own.id, own.index, other.id, other.index) == ("own", 0, "sat-1", 1)
    position, velocity = own.orbit.state_gcrs(start_unix_ns(scenario))
    assert position == pytest.approx([7.378e6, 0.0, 0.0], abs=1e-3)
    assert velocity == pytest.approx([0.0, 1.0e3, 7.2e3], abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"velocity_gcrs_m_per_s": [0.0, 1.0e3, 1.2e4]}, r"satellite\[0\].state: speed is 12041.6 m/s, .* lower it"),
        ({"position_gcrs_m": [6.0e6, 0.0, 0.0]}, r"satellite\[0\].state: perigee is -.* km .* raise the position"),
        (
            {"epoch": datetime.fromisoformat("2026-04-21T12:00:00+00:00")},
            r"epoch of 'own', 2026-04-21T12:00:00.000Z, is 61.0 days before .* refresh the state or move `start`",
        ),
        (
            {"epoch": datetime.fromisoformat("2026-08-21T12:00:00+00:00")},
            "is 61.0 days after the scenario's start",
        ),
    ],
)
def test_impossible_state_is_named(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        resolve_satellites(_scenario(satellite=[_state(**changes)]))


def test_orbit_that_fails_within_the_run_is_named() -> None:
    # AIAA 2006-6753, appendix D: satellite 28872 is below the ground fifty minutes after its epoch.
    tle = [
        "1 28872U 05037B   05333.02012661  .25992681  00000-0  24476-3 0  1534",
        "2 28872  96.4736 157.9986 0303955 244.0492 110.6523 16.46015938 10708",
    ]
    start = datetime.fromisoformat("2005-11-29T00:30:00+00:00")
    keys = {"start": start, "duration_s": 3600, "satellite": [{"id": "sinking", "tle": tle}]}
    with pytest.raises(
        ConfigurationError,
        match=r"satellite\[0\]\.tle: orbit sinking: mrt is less than 1.0 .* at 2005.*; take a newer one, or move",
    ):
        resolve_satellites(_scenario(**keys))


def test_named_satellites_take_the_trains_places_in_order() -> None:
    named = [{"id": "b", "replay": {"path": "x"}}, {"id": "a", "pointing": {"kind": "nadir"}}]
    satellites = resolve_satellites(_scenario(train={}, satellite=named))
    assert [satellite.id for satellite in satellites] == ["b", "a", "sat-3", "sat-4"]
    assert satellites[0].replay is not None
    assert satellites[1].target is None
    plain = resolve_satellites(_scenario(train={}))
    at = plain[0].orbit.epoch_unix_ns
    for mine, theirs in zip(satellites, plain, strict=True):
        assert np.allclose(mine.orbit.position_itrs_m(at), theirs.orbit.position_itrs_m(at))
    # Alone, they form a train of their number.
    assert len(resolve_satellites(_scenario(satellite=named))) == 2


def test_walker_gives_places_too() -> None:
    satellites = resolve_satellites(_scenario(walker={"satellites": 6, "planes": 2}, satellite=[{"id": "x"}]))
    assert [satellite.id for satellite in satellites] == ["x", "sat-2", "sat-3", "sat-4", "sat-5", "sat-6"]


def test_tle_satellite_comes_in_addition() -> None:
    tle_scenario = from_table(
        {
            "name": "a",
            "start": datetime.fromisoformat("2000-06-28T00:00:00+00:00"),
            "train": {"satellites": 2},
            "satellite": [{"id": "vanguard", "tle": TLE}],
        },
        Scenario,
    )
    satellites = resolve_satellites(tle_scenario)
    assert [satellite.id for satellite in satellites] == ["vanguard", "sat-1", "sat-2"]
    turns_a_day = satellites[0].orbit.satrec.no_kozai * 1440 / (2 * math.pi)
    assert turns_a_day == pytest.approx(10.82419157, rel=1e-4)


LONG_WAVE = {"band_lower_m": 8e-6, "band_upper_m": 12e-6}


def test_edges_beside_the_named_band_need_air_plumes_and_cloud_of_their_own() -> None:
    air = {"absorbers": [{"share": 1.0, "optical_depth": 0.3, "scale_height_m": 2000.0}]}
    dark = {**STAGE}
    del dark["radiant_intensity_w_per_sr"]
    usual = {"train": {}, "sensor": LONG_WAVE, "rocket": [{**ROCKET, "stage": [dark]}]}
    says = (
        r"sensor: band_lower_m = 8e-06 and band_upper_m = 1.2e-05 have no part in band = '2.7um', 2.69e-06 to 2.95e-06"
        r".* set \[\[atmosphere\.absorbers\]\], radiant_intensity_w_per_sr of each stage, cloud\.reflectance, or edges"
    )
    with pytest.raises(ConfigurationError, match=says):
        resolve_satellites(_scenario(**usual))
    with pytest.raises(ConfigurationError, match=r"set radiant_intensity_w_per_sr of each stage, or edges"):
        resolve_satellites(_scenario(**usual, atmosphere=air, cloud={"cover": 0.0}))
    own = {**usual, "rocket": [ROCKET], "atmosphere": air, "cloud": {"reflectance": 0.1}}
    assert len(resolve_satellites(_scenario(**own))) == 4
    # A camera of one satellite, named where it stands.
    one = {"train": {}, "satellite": [{"id": "s", "sensor": LONG_WAVE}]}
    with pytest.raises(ConfigurationError, match=r"satellite\[0\]\.sensor: band_lower_m = 8e-06"):
        resolve_satellites(_scenario(**one))
    # Edges that the band has a part in are scaled.
    wide = {"train": {}, "sensor": {"band_lower_m": 2.5e-6, "band_upper_m": 2.7e-6}}
    assert len(resolve_satellites(_scenario(**wide))) == 4


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (
            {"train": {"satellites": 1}, "satellite": [{"id": "a"}, {"id": "b"}]},
            "set train.satellites = 2 or give 'b' a TLE or a state",
        ),
        ({"train": {}, "satellite": [{"id": "sat-2"}]}, "id 'sat-2' is used twice"),
        (
            {"satellite": [{"id": "a", "tle": TLE}]},
            r"epoch of 'a', 2000-06-27T18:50:19\.73\d+Z, is 9489\.7 days before",
        ),
        ({"satellite": [{"id": "a", "tle": [TLE[0], TLE[0]]}]}, r"satellite\[0\].tle: TLE line 2 must be"),
        ({"satellite": [{"id": "a", "tle_file": "/nowhere", "tle_name": "X"}]}, "/nowhere: cannot be read"),
    ],
)
def test_mistake_is_named(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        resolve_satellites(_scenario(**keys))


def test_launch_in_nobodys_view_is_named_with_a_remedy() -> None:
    scenario = _scenario(train={}, area={"latitude_deg": 40, "longitude_deg": 0}, rocket=[ROCKET])
    with pytest.raises(
        ConfigurationError, match=r"rocket\[0\].launch: of 'r' at -30.9, 136.5 is in no satellite's view"
    ):
        check_launches_seen(scenario, resolve_satellites(scenario))
    late = _scenario(train={}, rocket=[{**ROCKET, "launch_time_s": 100}])
    with pytest.raises(ConfigurationError, match="'r' would never rise; raise duration_s"):
        check_launches_seen(late, resolve_satellites(late))
    # A recorded camera sees no emulated launch.
    replayed = _scenario(satellite=[{"id": "a", "replay": {"path": "x"}}], rocket=[ROCKET])
    with pytest.raises(ConfigurationError, match="in no satellite's view"):
        check_launches_seen(replayed, resolve_satellites(replayed))


def test_cruise_missile_must_be_seen_somewhere_on_its_way() -> None:
    scenario = _scenario(train={}, cruise=[CRUISE])
    check_launches_seen(scenario, resolve_satellites(scenario))
    far = {"latitude_deg": 40, "longitude_deg": 0}
    unseen = _scenario(train={}, area=far, cruise=[CRUISE])
    with pytest.raises(
        ConfigurationError, match=r"cruise\[0\].way_point: of 'c' at -30, 136 is in no satellite's view"
    ):
        check_launches_seen(unseen, resolve_satellites(unseen))
    # It flies into the view of a narrow camera after 300 km.
    narrow = {"rows": 64, "columns": 64}
    way = [_place(-30.0, 136.0), _place(-30.0, 140.0)]
    area = _place(-30.0, 139.0)
    coming = {**CRUISE, "speed_m_per_s": 2500, "way_point": way}
    scenario = _scenario(train={}, area=area, sensor=narrow, cruise=[coming], duration_s=150)
    check_launches_seen(scenario, resolve_satellites(scenario))
    # A run that ends before it gets there sees nothing of it.
    short = _scenario(train={}, area=area, sensor=narrow, cruise=[coming], duration_s=30)
    with pytest.raises(ConfigurationError, match="in no satellite's view"):
        check_launches_seen(short, resolve_satellites(short))


def test_trajectory_file_with_a_launch_must_be_seen() -> None:
    far = {"latitude_deg": 40, "longitude_deg": 0}
    placed = {**TRAJECTORY, "launch": SITE, "heading_deg": 0}
    scenario = _scenario(train={}, trajectory=[placed])
    check_launches_seen(scenario, resolve_satellites(scenario))
    unseen = _scenario(train={}, area=far, trajectory=[placed])
    with pytest.raises(ConfigurationError, match=r"trajectory\[0\].launch: of 't' at -30.9, 136.5 is in no"):
        check_launches_seen(unseen, resolve_satellites(unseen))
    # Where the file says it begins is not known here.
    somewhere = _scenario(train={}, area=far, trajectory=[TRAJECTORY])
    check_launches_seen(somewhere, resolve_satellites(somewhere))
    late = _scenario(train={}, area=far, trajectory=[{**TRAJECTORY, "launch_time_s": 90}])
    with pytest.raises(ConfigurationError, match=r"trajectory\[0\].launch_time_s: is 90, .* raise duration_s"):
        check_launches_seen(late, resolve_satellites(late))


def test_station_stands_beside_the_nearest_teleport() -> None:
    found = gateways(_scenario(train={}, rocket=[ROCKET]))
    assert len(found) >= 20
    nearest = min(found, key=lambda gateway: gateway.terrestrial_delay_s)
    assert nearest.id == "alice-springs"
    far = next(gateway for gateway in found if gateway.id == "goonhilly")
    distance = geodesic_distance_m(-23.76, 133.88, far.place.latitude_deg, far.place.longitude_deg)
    # Slower than light in fibre straight there, faster than twice the way.
    assert distance / 2.0e8 < far.terrestrial_delay_s < 2.1 * distance / 2.0e8
    own = {"id": "g", "place": SITE, "terrestrial_delay_s": 0.1}
    assert [gateway.id for gateway in gateways(_scenario(train={}, network={"gateway": [own]}))] == ["g"]


def test_run_ends_when_its_duration_is_over() -> None:
    scenario = _scenario(train={}, duration_s=12.5)
    assert end_unix_ns(scenario) - start_unix_ns(scenario) == 12_500_000_000


def test_catalogue_satellite_flies(shared_data: Path) -> None:
    scenario = from_table(
        {
            "name": "a",
            "start": datetime.fromisoformat("2026-05-30T12:00:00+00:00"),
            "satellite": [
                {"id": "s", "tle_file": str(shared_data / "tle" / "starlink.tle"), "tle_name": "STARLINK-1008"}
            ],
        },
        Scenario,
    )
    (satellite,) = resolve_satellites(scenario)
    height = float(itrs_to_geodetic(satellite.orbit.position_itrs_m(start_unix_ns(scenario)))[2])
    assert 3e5 < height < 6e5
