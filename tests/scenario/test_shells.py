"""Relay satellites as a scenario names them."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.geometry.elements import RADIUS_WGS72_KM
from services.geometry.time import unix_ns
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Network, Walker
from services.scenario.shells import filed_shells, relay_catalogue, relay_shells
from tests.scenario.test_tle import BAD_SUM, TLE

START_UNIX_NS = unix_ns(datetime(2026, 6, 21, 12, tzinfo=UTC))
# The epoch of the published elements.
EPOCH_UNIX_NS = unix_ns(datetime(2000, 6, 27, 18, 50, 19, tzinfo=UTC))


def test_default_relays_are_one_shell_with_names() -> None:
    (shell,) = relay_shells(Network(), START_UNIX_NS)
    assert (shell.name, len(shell.orbits)) == ("relay", 1584)
    assert next(iter(shell.orbits)) == "relay-1"
    orbit = shell.orbits["relay-1584"]
    assert orbit.name == "relay-1584"
    assert math.degrees(orbit.satrec.inclo) == pytest.approx(53)
    assert shell.planes[:23] == (*[0] * 22, 1)
    assert shell.planes[-1] == 71


def test_starlink_has_as_many_satellites_as_its_filings() -> None:
    by_generation = {"gen1": 0, "gen2": 0, "vband": 0}
    for shell in filed_shells():
        by_generation[shell.name.split("-")[0]] += shell.satellites
    assert by_generation == {"gen1": 4408, "gen2": 29_988, "vband": 7518}
    # FCC 22-91, by altitude.
    low = sum(shell.satellites for shell in filed_shells() if shell.name[:4] == "gen2" and shell.altitude_m < 4e5)
    middle = sum(
        shell.satellites for shell in filed_shells() if shell.name[:4] == "gen2" and 5e5 < shell.altitude_m < 6e5
    )
    assert (low, middle) == (19_440, 10_080)


def test_generations_can_be_chosen() -> None:
    first = relay_shells(Network(constellation="starlink-gen1"), START_UNIX_NS)
    assert sum(len(shell.orbits) for shell in first) == 4408
    assert [shell.name for shell in first] == ["gen1-a", "gen1-b", "gen1-c", "gen1-d", "gen1-e"]
    every = relay_shells(Network(constellation="starlink"), START_UNIX_NS)
    names = [name for shell in every for name in shell.orbits]
    assert len(names) == len(set(names)) == 41_914
    # Planes that do not divide the satellites have one more or less.
    vband = next(shell for shell in every if shell.name == "vband-a")
    sizes = [vband.planes.count(plane) for plane in range(42)]
    assert sum(sizes) == 2493
    assert set(sizes) == {59, 60}


def test_filed_orbits_have_their_altitude_and_spacing() -> None:
    shell = relay_shells(Network(constellation="starlink-gen1"), START_UNIX_NS)[2]
    first, second, next_plane = (shell.orbits[f"gen1-c-{number}"].satrec for number in (1, 2, 21))
    assert first.a * RADIUS_WGS72_KM == pytest.approx(6378.137 + 570, abs=0.01)
    assert math.degrees(first.inclo) == pytest.approx(70)
    assert math.degrees(second.mo - first.mo) == pytest.approx(360 / 20)
    assert math.degrees(next_plane.nodeo - first.nodeo) == pytest.approx(360 / 36)


def test_shells_of_the_users_are_called_after_their_prefix() -> None:
    network = Network(shells=(Walker(20, 4, prefix="low"), Walker(9, 3, prefix="high", altitude_m=1.2e6)))
    assert [(shell.name, len(shell.orbits)) for shell in relay_shells(network, START_UNIX_NS)] == [
        ("low", 20),
        ("high", 9),
    ]


def test_catalogue_does_without_what_is_broken_or_old(tmp_path: Path) -> None:
    old = (TLE[0].replace("00179", "00079").replace("4753", "4752"), TLE[1])
    path = tmp_path / "x.tle"
    path.write_text("\n".join(["A", *TLE, "B", TLE[0], BAD_SUM, "C", TLE[0], "D", *TLE, "E", *old]) + "\n")
    orbits, problems = relay_catalogue(path, EPOCH_UNIX_NS)
    assert list(orbits) == ["A", "D"]
    assert [(problem.satellite, problem.line) for problem in problems] == [("B", 6), ("C", 9), ("E", 13)]
    assert "its epoch is 100.0 days before 2000-06-27T18:50:19.000Z; take newer elements" in problems[2].problem


def test_catalogue_of_old_elements_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tle"
    path.write_text("\n".join(["A", *TLE]) + "\n")
    with pytest.raises(ConfigurationError, match=r"has no elements that can be used; .*x\.tle:2: satellite 'A'"):
        relay_catalogue(path, START_UNIX_NS)
