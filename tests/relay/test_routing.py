"""Which way frames go: least delay, round what is out of order, over legs that follow the satellites."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from services.geometry.ellipsoid import elevation_rad
from services.relay.network.constellation import Constellation
from services.relay.network.faults import Fault, FaultBook, FaultKind
from services.relay.network.light import LIGHT_M_PER_S
from services.relay.network.link import Medium
from services.relay.network.motion import Motion
from services.relay.network.routing import Router, path_now
from services.relay.network.visibility import Geometry, geometry_at
from services.scenario.model import Network, Place, Walker
from tests.relay.sky import (
    SECOND_NS,
    START_UNIX_NS,
    TO_EAST,
    TO_WEST,
    book,
    fault,
    over,
    over_equator,
    path_of,
    real_constellation,
    ring,
    shell_constellation,
    with_gateways,
)


def nodes(constellation: Constellation, *faults: Fault, at: int = START_UNIX_NS) -> tuple[str, ...] | None:
    path = Router(constellation, book(*faults)).path("sat-1", at)
    return path.nodes if path else None


def test_frame_goes_hop_by_hop_to_the_gateway_of_least_delay() -> None:
    assert nodes(ring()) == TO_EAST


def test_path_costs_light_time_processing_and_terrestrial_delay() -> None:
    path = path_of(Router(ring(), FaultBook()))
    # Chords over 20 and thrice 15 degrees of arc, and down from 15 degrees off the gateway.
    radius_m, ground_m = 6_378_137.0 + 1.2e6, 6_378_137.0
    across = math.sqrt(
        radius_m**2 + (radius_m + 1e5) ** 2 - 2 * radius_m * (radius_m + 1e5) * math.cos(math.radians(20))
    )
    along = 3 * 2 * radius_m * math.sin(math.radians(7.5))
    down = math.sqrt(radius_m**2 + ground_m**2 - 2 * radius_m * ground_m * math.cos(math.radians(15)))
    # SGP4's satellites are off the circle by up to 20 km.
    expected_s = (across + along + down) / LIGHT_M_PER_S + 5 * 0.0005 + 0.002
    assert path.delay_s == pytest.approx(expected_s, abs=1e-4)
    assert [leg.processing_s for leg in path.legs] == [0.0, *[0.0005] * 5]
    assert path.legs[-1].propagation_s == 0.002


def test_legs_say_what_they_travel_through_and_how_fast() -> None:
    legs = path_of(Router(ring(), FaultBook())).legs
    assert [leg.medium for leg in legs] == [Medium.LASER] * 4 + [Medium.GROUND, Medium.TERRESTRIAL]
    assert [leg.rate_bps for leg in legs] == [1e11] * 4 + [2.5e9, 0.0]


def test_legs_are_as_long_as_their_ends_are_apart_at_the_very_instant() -> None:
    constellation = real_constellation()
    router = Router(constellation, FaultBook())
    for at in range(START_UNIX_NS, START_UNIX_NS + 100 * SECOND_NS, 9_123_456_789):
        satellites_m, relays_m = router.positions(at)
        places = dict(zip(constellation.mesh.names, relays_m, strict=True))
        places |= dict(zip(constellation.satellites, satellites_m, strict=True))
        places |= dict(zip(constellation.gateway_index, constellation.gateway_itrs_m, strict=True))
        legs = path_of(router, at, "sat-2").legs
        for leg in legs[:-1]:
            light_s = np.linalg.norm(places[leg.to_node] - places[leg.from_node]) / LIGHT_M_PER_S
            assert leg.propagation_s == pytest.approx(light_s, abs=1e-15)
        down = legs[-2]
        assert down.elevation_rad == pytest.approx(
            elevation_rad(places[down.to_node], places[down.from_node]), abs=1e-6
        )
        assert all(math.isnan(leg.elevation_rad) for leg in legs if leg.medium is not Medium.GROUND)


def test_path_leads_over_links_of_the_mesh_that_can_be_used() -> None:
    constellation = real_constellation()
    router = Router(constellation, book(fault(FaultKind.LASER_LINKS, share=0.3, seed=1)))
    mesh = constellation.mesh
    delays_s = router.link_delays_s(START_UNIX_NS)
    usable = {frozenset(link) for link in mesh.links[np.isfinite(delays_s)].tolist()}
    for satellite in constellation.satellites:
        path = path_of(router, satellite=satellite)
        assert path.nodes[1] in router.joined(satellite, START_UNIX_NS)
        relays = [mesh.index[name] for name in path.nodes[1:-2]]
        assert all(frozenset(link) in usable for link in itertools.pairwise(relays))


def test_gateway_with_a_long_way_to_the_station_loses_to_a_farther_one() -> None:
    constellation = ring()
    west, east = constellation.gateways
    slow = dataclasses.replace(constellation, gateways=(west, dataclasses.replace(east, terrestrial_delay_s=0.1)))
    assert nodes(slow) == TO_WEST


def test_named_gateway_is_the_only_one_that_will_do() -> None:
    router = Router(ring(), FaultBook())
    west, east = (router.path("sat-1", START_UNIX_NS, gateway) for gateway in ("west", "east"))
    assert west is not None
    assert west.nodes == TO_WEST
    assert east == router.path("sat-1", START_UNIX_NS)


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        (fault(FaultKind.NODE, "ring-9"), TO_WEST),
        (fault(FaultKind.LINK, "ring-10", "ring-9"), TO_WEST),
        (fault(FaultKind.NODE, "east"), TO_WEST),
        (fault(FaultKind.LINK, "station-1", "east"), TO_WEST),
        (fault(FaultKind.LINK, "east", "ring-11"), (*TO_EAST[:5], "ring-12", "east", "station-1")),
        # Nearest of what is left, with a link from 115 degrees on.
        (fault(FaultKind.LINK, "sat-1", "ring-8"), ("sat-1", "ring-7", "ring-8", *TO_EAST[2:])),
        (fault(FaultKind.NODE, "ring-3"), TO_EAST),
        (fault(FaultKind.LINK, "west", "ring-0"), TO_EAST),
        (fault(FaultKind.RAIN, "east", rain_mm_per_h=5.0), TO_EAST),
        # Closes the link from 27 degrees above the horizon, and not the one from the zenith; then that as well.
        (
            fault(FaultKind.RAIN, "east", rain_mm_per_h=30.0),
            (*TO_EAST[:5], "ring-12", "east", "station-1"),
        ),
        (fault(FaultKind.RAIN, "east", rain_mm_per_h=100.0), TO_WEST),
        (fault(FaultKind.RAIN, "west", rain_mm_per_h=100.0), TO_EAST),
        (fault(FaultKind.NODE, "station-1"), None),
        (fault(FaultKind.NODE, "sat-1"), None),
        (fault(FaultKind.PLANE, "ring", plane=0), None),
        (fault(FaultKind.LASER_LINKS, share=1.0), None),
    ],
)
def test_path_avoids_what_is_out_of_order(out: Fault, expected: tuple[str, ...] | None) -> None:
    assert nodes(ring(), out) == expected


def test_open_ring_is_gone_round_the_long_way() -> None:
    # Its ends are ring-0 and ring-23; sat-1 stands by ring-20 and the only gateway under ring-2.
    constellation = ring(senders_deg=(300.0,), gateways_deg=(30.0,), closed=False, sensor_links=1)
    path = nodes(constellation)
    assert path is not None
    assert path[1:-2] == tuple(f"ring-{place}" for place in range(20, 2, -1))


def test_plane_outage_is_gone_round() -> None:
    constellation = real_constellation()
    shell = constellation.mesh.shells[0]
    before = path_of(Router(constellation, FaultBook()))
    plane = int(constellation.mesh.plane[constellation.mesh.index[before.nodes[1]]])
    during = path_of(Router(constellation, book(fault(FaultKind.PLANE, shell, plane=plane))))
    assert not {constellation.mesh.plane[constellation.mesh.index[name]] for name in during.nodes[1:-2]} & {plane}
    assert during.delay_s > before.delay_s


def test_streams_that_go_the_same_way_share_its_links() -> None:
    # The two stand side by side; the third goes the other way.
    router = Router(ring(senders_deg=(100.0, 100.5, 20.0)), FaultBook())
    shared = [leg.shared_by for leg in path_of(router).legs]
    assert shared == [1, 2, 2, 2, 2, 1]
    assert {leg.shared_by for leg in path_of(router, satellite="sat-3").legs} == {1}


def test_frame_that_waits_in_a_relay_goes_on_from_there() -> None:
    router = Router(ring(), FaultBook())
    path = router.path_from("ring-9", START_UNIX_NS)
    assert path is not None
    assert path.nodes == TO_EAST[2:]
    # It has to be switched once more.
    assert [leg.processing_s for leg in path.legs] == [0.0005] * 4
    assert path.legs[1:] == path_of(router).legs[3:]


def test_frames_that_look_ahead_for_a_way_have_each_second_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out = []

    def counted(constellation: Constellation, motion: Motion, unix_ns: int) -> Geometry:
        worked_out.append(unix_ns)
        return geometry_at(constellation, motion, unix_ns)

    monkeypatch.setattr("services.relay.network.routing.geometry_at", counted)
    # East of the cut there is no gateway. Frames wait there for 12 s.
    constellation = ring(gateways_deg=(45.0,), closed=False)
    router = Router(constellation, book(fault(FaultKind.LINK, "ring-9", "ring-10")))
    path_of(router)
    for node in ("ring-10", "ring-11", "ring-12"):
        for second in range(13):
            assert router.path_from(node, START_UNIX_NS + second * SECOND_NS) is None
    path_of(router, START_UNIX_NS + SECOND_NS // 2)
    assert len(worked_out) == len(set(worked_out)) == 13


def test_frame_that_waits_in_a_gateway_has_the_terrestrial_leg_before_it() -> None:
    router = Router(ring(), FaultBook())
    path = router.path_from("east", START_UNIX_NS)
    assert path is not None
    assert path.legs == path_of(router).legs[-1:]


@pytest.mark.parametrize(
    ("node", "out"),
    [
        ("ring-9", fault(FaultKind.NODE, "ring-9")),
        ("ring-9", fault(FaultKind.NODE, "station-1")),
        ("east", fault(FaultKind.NODE, "east")),
        ("east", fault(FaultKind.LINK, "east", "station-1")),
        ("ring-9", fault(FaultKind.LASER_LINKS, share=1.0)),
    ],
)
def test_frame_that_waits_where_nothing_leads_on_has_no_path(node: str, out: Fault) -> None:
    assert Router(ring(), book(out)).path_from(node, START_UNIX_NS) is None


def test_relay_that_sends_frames_itself_starts_at_its_own_place() -> None:
    constellation = ring()
    mesh = constellation.mesh
    source = mesh.index["ring-9"]
    own = dataclasses.replace(
        constellation, satellites=("ring-9",), satellite_orbits=(mesh.orbits[source],), relays_are_sources=True
    )
    path = path_now(own, "ring-9", START_UNIX_NS)
    assert path is not None
    assert path.nodes == TO_EAST[2:]
    assert [leg.processing_s for leg in path.legs] == [0.0, 0.0005, 0.0005, 0.0005]
    assert Router(own, book(fault(FaultKind.NODE, "ring-9"))).path("ring-9", START_UNIX_NS) is None


def test_relay_above_a_gateway_sends_its_own_frames_straight_down() -> None:
    constellation = ring()
    own = dataclasses.replace(
        constellation, satellites=("ring-12",), satellite_orbits=(over_equator(180.0),), relays_are_sources=True
    )
    path = path_of(Router(own, FaultBook()), satellite="ring-12")
    assert path.nodes == ("ring-12", "east", "station-1")
    assert path.delay_s == pytest.approx(1.2e6 / LIGHT_M_PER_S + 0.0005 + 0.002, abs=30e-6)


def test_polar_gateway_sees_polar_satellites_only() -> None:
    svalbard = Place(78.2, 15.4)
    sender = over(70, 15)
    inclined = Walker(1584, 72, 17, 5.5e5, 53.0, prefix="relay")
    polar = Walker(720, 24, 1, 5.5e5, 87.0, raan_spread_deg=180.0, prefix="relay")
    seen = shell_constellation(polar, svalbard, sender)
    path = path_now(seen, "sat-1", START_UNIX_NS)
    assert path is not None
    assert path.nodes[-2] == "gate"
    unseen = dataclasses.replace(seen, mesh=real_constellation(relays=inclined).mesh)
    assert path_now(unseen, "sat-1", START_UNIX_NS) is None


def test_seam_of_a_star_is_gone_round() -> None:
    star = Walker(720, 24, 1, 5.5e5, 87.0, raan_spread_deg=180.0, prefix="relay")
    worst = 0
    for longitude_deg in range(-180, 180, 20):
        constellation = shell_constellation(star, Place(0, 0), over(5, longitude_deg), sensor_links=1)
        path = path_now(constellation, "sat-1", START_UNIX_NS)
        assert path is not None
        planes = [int(constellation.mesh.plane[constellation.mesh.index[name]]) for name in path.nodes[1:-2]]
        assert all(abs(one - other) <= 1 for one, other in itertools.pairwise(planes))
        worst = max(worst, len(planes))
    assert worst > 8


def test_unknown_names_are_key_errors() -> None:
    router = Router(ring(), FaultBook())
    for ask in (
        lambda: router.path("sat-9", START_UNIX_NS),
        lambda: router.path("sat-1", START_UNIX_NS, "north"),
        lambda: router.path_from("ring-99", START_UNIX_NS),
        lambda: router.joined("sat-9", START_UNIX_NS),
    ):
        with pytest.raises(KeyError):
            ask()


def test_nearest_gateways_are_what_single_paths_say() -> None:
    constellation = real_constellation()
    router = Router(constellation, book(fault(FaultKind.LASER_LINKS, share=0.3, seed=2)))
    gateways, delays_s = router.nearest_gateways(START_UNIX_NS)
    for relay in range(0, len(gateways), 50):
        path = router.path_from(constellation.mesh.names[relay], START_UNIX_NS)
        if path is None:
            assert gateways[relay] == -1
            assert delays_s[relay] == math.inf
        else:
            assert constellation.gateways[gateways[relay]].id == path.nodes[-2]
            # A frame that waits is switched once more.
            assert delays_s[relay] == pytest.approx(path.delay_s - 0.0005, rel=1e-12)


def test_default_network_serves_a_satellite_over_any_place() -> None:
    constellation = real_constellation()
    places = [(latitude, longitude) for latitude in range(-85, 86, 17) for longitude in range(-180, 180, 30)]
    everywhere = dataclasses.replace(
        constellation,
        satellites=tuple(f"over {latitude} {longitude}" for latitude, longitude in places),
        satellite_orbits=tuple(over(latitude, longitude) for latitude, longitude in places),
    )
    router = Router(everywhere, FaultBook())
    assert [name for name in everywhere.satellites if router.path(name, START_UNIX_NS) is None] == []


def test_without_gateways_or_relays_there_is_no_path() -> None:
    constellation = ring()
    assert nodes(with_gateways(constellation, frozenset())) is None
    assert nodes(dataclasses.replace(constellation, network=Network(crosslink_range_m=1.0))) is None
