"""Three tenths of the laser links cut at once: frames and detections arrive, both over links that are left."""

import pytest

from plumewatch.v1 import detection_pb2, network_pb2
from services.relay.network.faults import FaultBook, FaultKind
from services.relay.network.link import Traffic
from services.relay.network.outage import drawn_links
from services.relay.network.routing import Router
from services.relay.network.stream import StreamLink
from tests.relay.network_ends import FRAMES, frame_bytes, opened, running_relay, running_station, small_scenario
from tests.relay.sky import SECOND_NS, START_UNIX_NS, fault, path_of, real_constellation

MS = 1_000_000
DETECTIONS = FRAMES.replace("DownlinkFrames", "DownlinkDetections")
CONSTELLATION = real_constellation()


@pytest.mark.parametrize("kind", Traffic)
def test_what_is_on_its_way_and_what_leaves_then_arrive_over_links_that_are_left(kind: Traffic) -> None:
    mesh = CONSTELLATION.mesh
    turned = 0
    for seed in range(5):
        cut_at = START_UNIX_NS + seed * 100 * SECOND_NS + SECOND_NS // 3
        faults = FaultBook()
        router = Router(CONSTELLATION, faults)
        faults.inject(fault(FaultKind.LASER_LINKS, start=cut_at, share=0.3, seed=seed))
        gone = {frozenset(ends) for ends in mesh.links[drawn_links(mesh, 0.3, seed)].tolist()}
        for name in CONSTELLATION.satellites:
            link = StreamLink(CONSTELLATION, 1, name, kind)
            for sequence, ready in enumerate(range(cut_at - 120 * MS, cut_at + 60 * MS, 10 * MS)):
                transit = link.carry(path_of(router, ready, name), ready, 2048, sequence)
                transit = link.retimed(transit, faults.all(), router.path_from)
                assert not transit.lost
                turned += not all(stay.arrived for stay in transit.stays)
                for stay in transit.stays:
                    ends = frozenset((mesh.index.get(stay.from_node), mesh.index.get(stay.to_node)))
                    assert ends not in gone or not stay.arrived or stay.leaves_link_unix_ns <= cut_at
    assert turned > 5


async def test_detections_arrive_beside_the_frames_of_a_running_relay() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        frames = await opened(relay)
        detections = await relay.open(method=DETECTIONS)
        await detections.read()
        start = relay.emulated_now() + 200 * MS
        for sequence, ready in enumerate(range(start, start + 800 * MS, 20 * MS)):
            batch = detection_pb2.DetectionBatch(
                exposure_start_unix_ns=ready - MS, readout_end_unix_ns=ready, sequence=sequence, satellite_id="sat-1"
            )
            await frames.write(frame_bytes(sequence, ready))
            await detections.write(batch.SerializeToString())
        cut = network_pb2.Fault(
            kind=network_pb2.FAULT_KIND_LASER_LINKS, share=0.3, seed=3, start_unix_ns=start + 405 * MS
        )
        await relay.network.InjectFault(network_pb2.InjectFaultRequest(fault=cut))
        await station.until_received(80)
        # Frames have pixels, of which a batch has none.
        for has_pixels in (True, False):
            these = [received for received in station.received if (len(received.data) > 1000) == has_pixels]
            assert [received.frame.sequence for received in these] == list(range(40))
