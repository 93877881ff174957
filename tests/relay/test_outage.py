"""What faults take away, as masks, and link by link."""

import numpy as np
import pytest

from services.relay.network.faults import Fault, FaultKind
from services.relay.network.outage import (
    Outage,
    drawn_links,
    hits_link,
    hits_node,
    outage_between,
    rain_mm_per_h,
)
from tests.relay.sky import START_UNIX_NS, real_constellation, ring

RING = ring(8)
REAL = real_constellation()


def fault(kind: FaultKind, node: str = "", to_node: str = "", **more: float) -> Fault:
    return Fault("fault-1", kind, node, to_node, 100, **more)  # type: ignore[arg-type]


def out(*faults: Fault, first: int = 100, last: int = 100) -> Outage:
    return outage_between(faults, RING, first, last)


def linked(outage: Outage) -> list[list[int]]:
    """Return the ring's links that are out."""
    return [list(map(int, ends)) for ends in RING.mesh.links[outage.links]]


def test_relay_that_fails_takes_its_links_with_it() -> None:
    outage = out(fault(FaultKind.NODE, "ring-3"))
    assert outage.nodes_out() == {"ring-3"}
    assert linked(outage) == [[2, 3], [3, 4]]


@pytest.mark.parametrize("name", ["sat-1", "ring-0", "west", "station-1"])
def test_every_kind_of_node_can_fail(name: str) -> None:
    assert out(fault(FaultKind.NODE, name)).nodes_out() == {name}


@pytest.mark.parametrize("ends", [("ring-3", "ring-4"), ("ring-4", "ring-3")])
def test_laser_link_fails_both_ways_and_alone(ends: tuple[str, str]) -> None:
    outage = out(fault(FaultKind.LINK, *ends))
    assert linked(outage) == [[3, 4]]
    assert not outage.nodes_out()


def test_links_of_satellites_gateways_and_station_fail_by_name() -> None:
    faults = [
        fault(FaultKind.LINK, "ring-2", "sat-1"),
        fault(FaultKind.LINK, "east", "ring-4"),
        fault(FaultKind.LINK, "station-1", "west"),
    ]
    outage = out(*faults)
    assert outage.satellite_links == {(0, 2)}
    assert outage.ground_links == {(4, 1)}
    assert outage.lines.tolist() == [True, False]
    assert not outage.links.any()


def test_link_that_is_none_takes_nothing() -> None:
    outage = out(fault(FaultKind.LINK, "ring-0", "ring-5"), fault(FaultKind.LINK, "sat-1", "station-1"))
    assert not outage.links.any()
    assert not outage.satellite_links


def test_plane_outage_takes_its_satellites_and_no_others() -> None:
    outage = outage_between([fault(FaultKind.PLANE, REAL.mesh.shells[0], plane=5)], REAL, 100, 100)
    assert np.array_equal(outage.relays, REAL.mesh.plane == 5)
    assert outage.relays.sum() == 22
    # In-plane links, and those to both planes beside it.
    touched = (REAL.mesh.plane[REAL.mesh.links] == 5).any(axis=1)
    assert np.array_equal(outage.links, touched)


def test_fault_counts_from_its_start_until_just_before_its_end() -> None:
    brief = Fault("fault-1", FaultKind.NODE, "ring-3", "", 100, 200)
    assert not out(brief, first=0, last=99).relays.any()
    assert out(brief, first=0, last=100).relays.any()
    assert out(brief, first=199, last=300).relays.any()
    assert not out(brief, first=200, last=300).relays.any()


def test_share_of_the_laser_links_is_what_was_asked_for() -> None:
    for share in (0.1, 0.3, 0.9):
        taken = drawn_links(REAL.mesh, share, 7).mean()
        # Three standard deviations of a draw from 3,168.
        assert taken == pytest.approx(share, abs=3 * (share * (1 - share) / len(REAL.mesh.links)) ** 0.5)
    assert drawn_links(REAL.mesh, 1.0, 7).all()


def test_larger_share_takes_the_same_links_and_more() -> None:
    few, many = drawn_links(REAL.mesh, 0.2, 7), drawn_links(REAL.mesh, 0.5, 7)
    assert not (few & ~many).any()


def test_seed_says_which_links() -> None:
    once, again, other = (drawn_links(REAL.mesh, 0.3, seed) for seed in (7, 7, 8))
    assert np.array_equal(once, again)
    # Two independent draws share 9 % of the links.
    assert (once & other).mean() == pytest.approx(0.09, abs=0.02)


def test_links_one_by_one_are_the_links_of_the_mask() -> None:
    names = REAL.mesh.names
    cut = fault(FaultKind.LASER_LINKS, share=0.3, seed=7)
    mask = drawn_links(REAL.mesh, 0.3, 7)
    for place in range(0, len(mask), 40):
        first, second = (names[end] for end in REAL.mesh.links[place])
        assert hits_link(cut, first, second, REAL) == hits_link(cut, second, first, REAL) == bool(mask[place])
    assert not hits_link(fault(FaultKind.LASER_LINKS, share=1.0), "sat-1", names[0], REAL)


def test_nodes_and_links_are_hit_one_by_one_as_by_mask() -> None:
    plane = fault(FaultKind.PLANE, REAL.mesh.shells[0], plane=5)
    member = REAL.mesh.names[int(np.flatnonzero(REAL.mesh.plane == 5)[0])]
    other = REAL.mesh.names[int(np.flatnonzero(REAL.mesh.plane == 6)[0])]
    assert hits_node(plane, member, REAL)
    assert not hits_node(plane, other, REAL)
    assert not hits_node(plane, "station-1", REAL)
    assert hits_node(fault(FaultKind.NODE, "west"), "west", RING)
    assert not hits_node(fault(FaultKind.LINK, "west", "ring-0"), "west", RING)
    assert hits_link(fault(FaultKind.LINK, "west", "ring-0"), "ring-0", "west", RING)
    assert not hits_link(fault(FaultKind.LINK, "west", "ring-0"), "ring-1", "west", RING)


def test_heaviest_rain_on_the_gateway_counts_and_takes_no_link() -> None:
    rains = [fault(FaultKind.RAIN, "west", rain_mm_per_h=rate) for rate in (12.0, 40.0)]
    rains.append(Fault("fault-3", FaultKind.RAIN, "west", "", 0, 100, rain_mm_per_h=90.0))
    assert rain_mm_per_h(rains, "west", 100) == 40.0
    assert rain_mm_per_h(rains, "west", 99) == 90.0
    assert rain_mm_per_h(rains, "east", START_UNIX_NS) == 0.0
    outage = out(*rains)
    assert not outage.nodes_out()
    assert not outage.links.any()
