"""The delivery schedule of a scenario: same seed, same nanoseconds, whatever was asked before."""

import itertools

import numpy as np
import pytest

from services.relay.network.constellation import Constellation, constellation_of
from services.relay.network.faults import Fault, FaultBook, FaultKind
from services.relay.network.link import Traffic, Transit
from services.relay.network.planned import planned_faults
from services.relay.network.routing import Router
from services.relay.network.stream import StreamLink
from services.scenario.model import Gateway, Network, Place, PlannedFault, Scenario, Train
from services.scenario.resolve import start_unix_ns

NS_PER_S = 1_000_000_000
FRAME_BYTES = 2_000_000
# Faults, rain, jitter, losses in bursts: everything that a schedule can hang on.
SCENARIO = Scenario(
    name="schedule",
    duration_s=60.0,
    area=Place(-30.9, 136.5),
    train=Train(2),
    network=Network(
        gateways=(Gateway("perth", Place(-31.8, 115.9)), Gateway("sydney", Place(-33.8, 150.9))),
        jitter_s=0.0005,
        loss=0.002,
        burst_loss=0.2,
        burst_s=0.5,
        burst_every_s=3.0,
        handover_gap_s=0.2,
        faults=(
            PlannedFault("links", start_s=2.0, duration_s=3.0, share=0.3),
            PlannedFault("gateway", start_s=4.0, duration_s=2.0, node="sydney"),
            PlannedFault("rain", start_s=6.0, duration_s=3.0, node="perth", rain_mm_per_h=8.0),
        ),
    ),
)
START = start_unix_ns(SCENARIO)
INSTANTS = [START + round(k * 0.25 * NS_PER_S) for k in range(40)]


@pytest.fixture(scope="module")
def constellation() -> Constellation:
    return constellation_of(SCENARIO)


def schedule(constellation: Constellation, seed: int, asked_before: int = 0) -> list[list[Transit]]:
    """Return every frame's transit, by satellite; `asked_before`: a seed of questions asked in between."""
    faults = FaultBook(planned_faults(SCENARIO, constellation))
    router = Router(constellation, faults)
    links = [StreamLink(constellation, seed, name, Traffic.FRAMES) for name in constellation.satellites]
    generator = np.random.default_rng(asked_before)
    found: list[list[Transit]] = [[] for _ in links]
    order = range(len(links)) if not asked_before else reversed(range(len(links)))
    for place in order:
        for sequence, instant in enumerate(INSTANTS):
            if asked_before:
                router.path(
                    str(generator.choice(constellation.satellites)), START + int(generator.integers(20 * NS_PER_S))
                )
            path = router.path(constellation.satellites[place], instant)
            assert path is not None
            transit = links[place].carry(path, instant, FRAME_BYTES, sequence)
            found[place].append(links[place].retimed(transit, faults.all(), router.path_from))
    return found


def test_same_seed_gives_the_same_nanoseconds_in_any_order_of_questions(constellation: Constellation) -> None:
    first, again = schedule(constellation, 5), schedule(constellation, 5, asked_before=9)
    assert [[each.arrival_unix_ns for each in stream] for stream in first] == [
        [each.arrival_unix_ns for each in stream] for stream in again
    ]
    assert [[each.nodes for each in stream] for stream in first] == [
        [each.nodes for each in stream] for stream in again
    ]
    other = schedule(constellation, 6)
    assert first[0][5].arrival_unix_ns != other[0][5].arrival_unix_ns


def test_frames_of_a_stream_arrive_in_order_and_none_is_lost_where_a_path_is_left(constellation: Constellation) -> None:
    for stream in schedule(constellation, 5):
        assert [each.lost for each in stream] == [""] * len(stream)
        arrivals = [each.arrival_unix_ns for each in stream]
        assert arrivals == sorted(arrivals)
        assert all(each.arrival_unix_ns > each.ready_unix_ns for each in stream)


def test_frame_whose_link_is_cut_under_it_takes_another_way_of_the_real_mesh(constellation: Constellation) -> None:
    faults = FaultBook()
    router = Router(constellation, faults)
    link = StreamLink(constellation, 5, "sat-1", Traffic.DETECTIONS)
    path = router.path("sat-1", START)
    assert path is not None
    transit = link.carry(path, START, 2000, 0)
    crossing = transit.stays[-2]
    cut_unix_ns = (crossing.enters_link_unix_ns + crossing.leaves_link_unix_ns) // 2
    faults.inject(Fault("", FaultKind.LINK, crossing.from_node, crossing.to_node, cut_unix_ns))
    sent_on = link.retimed(transit, faults.all(), router.path_from)
    assert not sent_on.lost
    assert sent_on.arrival_unix_ns > max(transit.arrival_unix_ns, cut_unix_ns + 50_000_000)
    assert crossing.from_node in sent_on.nodes
    assert (crossing.from_node, crossing.to_node) not in itertools.pairwise(sent_on.nodes)
