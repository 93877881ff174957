"""Which way frames go: shortest delay, what sees what, what is out of order, and how it moves in time."""

import math

import numpy as np
import pytest

from services.geometry.ellipsoid import geodetic_to_itrs
from services.relay.network.constellation import constellation_of
from services.relay.network.faults import Fault, FaultBook
from services.relay.network.routing import LIGHT_M_PER_S, Choice, Router, best_choice, path_now, path_of
from services.relay.network.topology import Constellation, Positions, downlinks
from services.scenario.model import Network, Place, Scenario, Train
from tests.relay.sky import SECOND_NS, START_UNIX_NS, drawn_constellation, drawn_positions, real_constellation

NEAR_A, NEAR_B, FAR_A, FAR_B = (Choice(0, 0, 0), Choice(0, 0, 1), Choice(0, 1, 0), Choice(0, 1, 1))


def chosen(constellation: Constellation, satellite: int = 0, *faults: Fault) -> Choice | None:
    positions = drawn_positions()
    pairs = downlinks(constellation, positions.relays_itrs_m, LIGHT_M_PER_S)
    return best_choice(constellation, positions, pairs, satellite, faults)


def fault(node: str, to_node: str = "") -> Fault:
    return Fault("fault-1", node, to_node, 0)


def test_nearest_relay_and_gateway_carry_the_frame() -> None:
    assert chosen(drawn_constellation()) == NEAR_A


def test_straight_down_takes_light_time_processing_and_terrestrial_delay() -> None:
    constellation = drawn_constellation()
    positions = drawn_positions()
    path = path_of(constellation, NEAR_A, positions.satellites_itrs_m[0], positions.relays_itrs_m[0])
    # 450 km to the relay, 550 km to the gateway, 0.5 ms at each of the two, 2 ms on the ground.
    assert path.delay_s == pytest.approx(1e6 / LIGHT_M_PER_S + 2 * 0.0005 + 0.002, abs=1e-12)
    assert path.nodes == ("sat-1", "relay-near", "gate-a", "station-1")
    assert [leg.rate_bps for leg in path.legs] == [1e11, 2.5e9, 0]


def test_gateway_with_a_long_way_to_the_station_loses_to_a_farther_one() -> None:
    constellation = drawn_constellation()
    slow = constellation.gateways[0].__class__("gate-a", Place(0, 0), 0.05)
    moved = Constellation(
        constellation.satellites,
        constellation.satellite_orbits,
        constellation.relays,
        constellation.relay_orbits,
        (slow, constellation.gateways[1]),
        constellation.station,
        constellation.network,
    )
    assert chosen(moved) == FAR_B


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        (fault("relay-near"), FAR_B),
        (fault("gate-a"), FAR_B),
        (fault("sat-1", "relay-near"), FAR_B),
        (fault("gate-a", "relay-near"), FAR_B),
        (fault("station-1", "gate-a"), FAR_B),
        (fault("relay-far"), NEAR_A),
        (fault("sat-2", "relay-near"), NEAR_A),  # somebody else's link
        (fault("relay-near", "relay-far"), NEAR_A),  # no such link on any path
        (fault("sat-1", "station-1"), NEAR_A),
        (fault("station-1"), None),
        (fault("sat-1"), None),
    ],
)
def test_path_avoids_what_is_out_of_order(out: Fault, expected: Choice | None) -> None:
    assert chosen(drawn_constellation(), 0, out) == expected


def test_satellite_behind_the_earth_has_no_path() -> None:
    assert chosen(drawn_constellation(), 1) is None


def test_laser_link_beyond_its_range_is_none() -> None:
    # The near relay stands 450 km off, the far one about 1,540 km.
    assert chosen(drawn_constellation(Network(crosslink_range_m=4.6e5))) == NEAR_A
    assert chosen(drawn_constellation(Network(crosslink_range_m=4.4e5))) is None


def test_relay_below_the_elevation_mask_has_no_ground_link() -> None:
    def seen(mask_deg: float) -> set[tuple[int, int]]:
        constellation = drawn_constellation(Network(gateway_mask_deg=mask_deg))
        pairs = downlinks(constellation, drawn_positions().relays_itrs_m, LIGHT_M_PER_S)
        return set(zip(pairs.relay.tolist(), pairs.gateway.tolist(), strict=True))

    # relay-far stands 12 degrees from gate-a and 2 from gate-b; from its height 8 degrees of arc are 25 of elevation.
    assert seen(25) == {(0, 0), (1, 1)}
    assert seen(5) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_relay_whose_orbit_fails_is_left_out() -> None:
    positions = drawn_positions()
    broken = Positions(positions.unix_ns, positions.satellites_itrs_m, np.full((3, 3), math.nan))
    constellation = drawn_constellation()
    pairs = downlinks(constellation, broken.relays_itrs_m, LIGHT_M_PER_S)
    assert best_choice(constellation, broken, pairs, 0) is None


def test_unknown_satellite_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Router(drawn_constellation(), FaultBook()).path("sat-9", START_UNIX_NS)


def test_delay_within_a_second_follows_the_orbits_to_nanoseconds() -> None:
    constellation = real_constellation()
    router = Router(constellation, FaultBook())
    for offset_ns in range(0, 3 * SECOND_NS, 300_000_001):
        at = START_UNIX_NS + offset_ns
        path, exact = router.path("sat-2", at), path_now(constellation, "sat-2", at)
        assert path is not None
        assert exact is not None
        if path.nodes == exact.nodes:
            assert path.delay_s == pytest.approx(exact.delay_s, abs=20e-9)
        else:  # the choice is a second's; it costs what the nodes move in it
            assert 0 < path.delay_s - exact.delay_s < 100e-6


def test_paths_do_not_depend_on_what_was_asked_or_prepared_before() -> None:
    constellation = real_constellation()
    prepared, fresh = Router(constellation, FaultBook()), Router(constellation, FaultBook())
    instants = [START_UNIX_NS + k * 400_000_000 for k in range(12)]
    for at in instants:
        for _ in prepared.prepare(at):
            pass
    forward = [prepared.path("sat-3", at) for at in instants]
    backward = [fresh.path("sat-3", at) for at in reversed(instants)]
    assert forward == backward[::-1]


def test_fault_in_mid_second_turns_the_path_at_once_and_healing_turns_it_back() -> None:
    book = FaultBook()
    router = Router(real_constellation(), book)
    at = START_UNIX_NS + SECOND_NS // 2
    before = router.path("sat-1", at)
    assert before is not None
    relay = before.nodes[1]
    injected = book.inject(relay, "", at)
    earlier, during = router.path("sat-1", at - 1), router.path("sat-1", at)
    assert earlier is not None
    assert earlier.nodes[1] == relay
    assert during is not None
    assert during.nodes[1] != relay
    assert during.delay_s >= before.delay_s
    book.clear(injected.fault_id, at + 1000)
    after = router.path("sat-1", at + 1000)
    assert after is not None
    assert after.nodes[1] == relay


def test_default_network_serves_a_satellite_over_any_place() -> None:
    constellation = constellation_of(Scenario("world", train=Train(1)))
    _, relays_m = Router(constellation, FaultBook()).positions(START_UNIX_NS)
    pairs = downlinks(constellation, relays_m, LIGHT_M_PER_S)
    unserved = []
    for latitude_deg in range(-85, 86, 10):
        for longitude_deg in range(-180, 180, 15):
            above = geodetic_to_itrs(latitude_deg, longitude_deg, 1e6)
            positions = Positions(START_UNIX_NS, above[None, :], relays_m)
            if best_choice(constellation, positions, pairs, 0) is None:
                unserved.append((latitude_deg, longitude_deg))
    assert not unserved


def test_pieces_of_the_work_ahead_are_many() -> None:
    pieces = sum(1 for _ in Router(real_constellation(), FaultBook()).prepare(START_UNIX_NS))
    assert pieces > 15
