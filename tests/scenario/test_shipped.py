"""The scenarios that come with the package: each can be run, and says what it is for."""

import re

import pytest

from services.scenario.load import builtin_names, find_scenario, load_scenario
from services.scenario.resolve import resolve_satellites
from services.scenario.view import check_launches_seen

NAMES = builtin_names()
# What was promised, and the one that was there before.
PROMISED = {
    "tranche0",
    "salvo",
    "glider",
    "cruise",
    "space_launch",
    "fire_season",
    "terminator",
    "two_rockets",
    "outages",
}


def test_every_promised_scenario_is_there() -> None:
    assert set(NAMES) >= PROMISED


def test_default_is_tranche_0() -> None:
    assert find_scenario("default") == find_scenario() == find_scenario("tranche0")


@pytest.mark.parametrize("name", NAMES)
def test_launches_are_seen_by_the_satellites_of_compose(name: str) -> None:
    scenario = load_scenario(name)
    satellites = resolve_satellites(scenario)
    check_launches_seen(scenario, satellites)
    # compose.yaml starts a container for each of these.
    assert [satellite.id for satellite in satellites] == ["sat-1", "sat-2", "sat-3", "sat-4"]


@pytest.mark.parametrize("name", NAMES)
def test_run_fits_a_small_machine(name: str) -> None:
    scenario = load_scenario(name)
    assert 90 <= scenario.duration_s <= 240
    assert all(satellite.sensor.frame_rate_hz == 2 for satellite in resolve_satellites(scenario))


@pytest.mark.parametrize("name", NAMES)
def test_file_begins_with_what_it_is_for_and_bears_its_own_name(name: str) -> None:
    first = find_scenario(name).read_text(encoding="utf-8").splitlines()[0]
    assert re.match(r"# [A-Z].{40,}", first)
    assert load_scenario(name).name == name.replace("_", "-")


def test_scenarios_without_launch_launch_nothing() -> None:
    for name in ("fire_season", "terminator"):
        assert load_scenario(name).threats == ()
        assert load_scenario(name).heat


def test_salvo_is_four_at_once_from_one_area() -> None:
    rockets = load_scenario("salvo").rockets
    times = [rocket.launch_time_s for rocket in rockets]
    latitudes = [rocket.launch.latitude_deg for rocket in rockets]
    assert len(rockets) == 4
    assert max(times) - min(times) <= 2
    # Within 14 km.
    assert max(latitudes) - min(latitudes) < 0.13


def test_glider_glides_and_launcher_reaches_orbit() -> None:
    (glider,) = load_scenario("glider").rockets
    (launcher,) = load_scenario("space_launch").rockets
    assert (glider.target_class, glider.glide is not None) == ("glide", True)
    assert (launcher.target_class, launcher.orbit_altitude_m) == ("space_launch", 400e3)
    assert {cruise.speed_m_per_s for cruise in load_scenario("cruise").cruises} == {240.0}
