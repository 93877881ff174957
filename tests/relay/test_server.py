"""The relay over real sockets: time, order, stamps, losses that are told, and errors that say what to do."""

import asyncio
import contextlib
import itertools
import threading
import time
from typing import Any

import grpc
import grpc.aio
import psutil
import pytest

from plumewatch.v1 import detection_pb2, downlink_pb2, frame_pb2, network_pb2
from services.relay.network.constellation import constellation_of
from services.relay.network.faults import FaultBook
from services.relay.network.link import Traffic
from services.relay.network.routing import Router
from services.relay.network.stream import StreamLink
from tests.relay.network_ends import (
    FRAMES,
    answer_of,
    frame_bytes,
    links,
    links_released,
    losses_of,
    opened,
    running_relay,
    running_station,
    small_scenario,
)

NOT_FOUND, INVALID = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT
MS = 1_000_000
DETECTIONS = FRAMES.replace("DownlinkFrames", "DownlinkDetections")


async def code_at_end(call: Any) -> grpc.StatusCode:
    """Return how a stream ended; what was answered before is read away."""
    async with asyncio.timeout(10):
        with contextlib.suppress(grpc.aio.AioRpcError):
            while await call.read() is not grpc.aio.EOF:
                pass
        code: grpc.StatusCode = await call.code()
    return code


async def test_frames_are_released_at_their_modelled_arrival_never_early_and_in_order() -> None:
    scenario = small_scenario()
    async with running_station() as station, running_relay(scenario, station) as relay:
        call = await opened(relay)
        constellation = constellation_of(scenario)
        router, link = Router(constellation, FaultBook()), StreamLink(constellation, 0, "sat-1", Traffic.FRAMES)
        start = relay.emulated_now() + 100 * MS
        expected = []
        for sequence in range(30):
            data = frame_bytes(sequence, start + sequence * 20 * MS, 20_000)
            path = router.path("sat-1", start + sequence * 20 * MS)
            assert path is not None
            expected.append(link.carry(path, start + sequence * 20 * MS, len(data), sequence))
            await call.write(data)
        await station.until_received(30)
        hops = [received.frame.hops[0] for received in station.received]
        assert [received.frame.sequence for received in station.received] == list(range(30))
        assert [hop.modelled_arrival_unix_ns for hop in hops] == [transit.arrival_unix_ns for transit in expected]
        assert [hop.modelled_departure_unix_ns for hop in hops] == [transit.departure_unix_ns for transit in expected]
        assert [tuple(hop.path) for hop in hops] == [transit.path.nodes for transit in expected]
        clock = relay.clock
        for received, hop in zip(station.received, hops, strict=True):
            wall_ns = received.wall_unix_ns - clock.wall_start_unix_ns
            assert clock.emulated_start_unix_ns + wall_ns >= hop.modelled_arrival_unix_ns
            assert 0 <= hop.measured_lateness_ns < 100 * MS
        assert hops[0].node == "relay"
        assert {len(received.frame.pixels) for received in station.received} == {20_000}
        stream = await links_released(relay, 30)
        assert (stream.frames_received, stream.frames_released, stream.connected) == (30, 30, True)
        assert 0 <= stream.lateness_p50_s <= stream.lateness_p99_s < 0.1


@pytest.mark.parametrize("rate", [0.5, 3.7])
async def test_release_follows_a_clock_that_runs_slower_or_faster(rate: float) -> None:
    async with running_station() as station, running_relay(small_scenario(rate=rate), station) as relay:
        call = await opened(relay)
        start = relay.emulated_now() + round(50 * MS * rate)
        for sequence in range(10):
            await call.write(frame_bytes(sequence, start + round(sequence * 20 * MS * rate)))
        await station.until_received(10)
        clock = relay.clock
        for received in station.received:
            emulated = clock.emulated_start_unix_ns + (received.wall_unix_ns - clock.wall_start_unix_ns) * rate
            assert emulated >= received.frame.hops[0].modelled_arrival_unix_ns


async def test_damaged_frame_is_refused_by_number_and_the_stream_goes_on() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        call = await opened(relay)
        now = relay.emulated_now()
        no_number = frame_pb2.Frame(exposure_start_unix_ns=now, readout_end_unix_ns=now).SerializeToString()
        wrong_clock = frame_bytes(7, now + 3600 * 24 * 365 * 1000 * MS)
        sent = [frame_bytes(0, now), b"\xff" * 50, no_number, wrong_clock, frame_bytes(8, now + MS)]
        for data in sent:
            await call.write(data)
        losses = await losses_of(call, 3)
        # Of what cannot be read the number is not known: it came in the place of the next.
        assert [loss.first_sequence for loss in losses] == [1, 2, 7]
        assert {(loss.cause, loss.node) for loss in losses} == {(downlink_pb2.LOSS_CAUSE_REFUSED, "relay")}
        assert all(word in loss.detail for word, loss in zip(("no frame", "sequence", "GetClock"), losses, strict=True))
        await station.until_received(2)
        assert [received.frame.sequence for received in station.received] == [0, 8]
        assert (await links(relay)).frames_refused == 3


async def test_full_queue_drops_its_oldest_frames_counts_and_tells_them() -> None:
    async with running_station() as station, running_relay(small_scenario(queue_frames=4), station) as relay:
        call = await opened(relay)
        due = relay.emulated_now() + 700 * MS
        for sequence in range(10):
            await call.write(frame_bytes(sequence, due))
        losses = await losses_of(call, 6)
        assert sorted((loss.first_sequence, loss.last_sequence) for loss in losses) == [(k, k) for k in range(6)]
        assert {loss.cause for loss in losses} == {downlink_pb2.LOSS_CAUSE_QUEUE_FULL}
        assert (await links(relay)).frames_queued == 4
        await station.until_received(4)
        assert [received.frame.sequence for received in station.received] == [6, 7, 8, 9]
        stream = await links_released(relay, 4)
        assert (stream.frames_lost_queue_full, stream.frames_released, stream.bytes_queued) == (6, 4, 0)


async def test_ground_station_that_does_not_read_costs_frames_not_memory() -> None:
    async with (
        running_station() as station,
        running_relay(small_scenario(queue_frames=64, queue_bytes=4_000_000), station) as relay,
    ):
        call = await opened(relay)
        station.reading.clear()
        now = relay.emulated_now()
        lost = 0
        async with asyncio.timeout(20):
            for sequence in itertools.count():
                await call.write(frame_bytes(sequence, now + sequence, 1_000_000))
                stream = await links(relay)
                assert stream.bytes_queued <= 4_000_000
                lost = stream.frames_lost_queue_full
                if lost >= 3:
                    break
        station.reading.set()
        await losses_of(call, lost)
        await station.until_received(stream.frames_received - lost)


async def test_frames_without_a_path_are_lost_and_told_until_the_part_is_healed() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        call = await opened(relay)
        wanted = network_pb2.InjectFaultRequest(fault=network_pb2.Fault(node="station-1"))
        fault = (await relay.network.InjectFault(wanted)).fault
        listed = await relay.network.ListFaults(network_pb2.ListFaultsRequest())
        assert list(listed.faults) == [fault]
        topology = await relay.network.GetTopology(network_pb2.GetTopologyRequest())
        assert [node.node for node in topology.nodes if node.failed] == ["station-1"]
        assert not topology.links
        for sequence in range(3):
            await call.write(frame_bytes(sequence, relay.emulated_now()))
        losses = await losses_of(call, 3)
        assert {loss.cause for loss in losses} == {downlink_pb2.LOSS_CAUSE_NETWORK_MODEL}
        await relay.network.ClearFault(network_pb2.ClearFaultRequest(fault_id=fault.fault_id))
        await call.write(frame_bytes(3, relay.emulated_now()))
        await station.until_received(1)
        assert station.received[0].frame.sequence == 3
        assert (await links(relay)).frames_lost_network_model == 3


@pytest.mark.parametrize(
    ("satellite_id", "run_id", "wrong"),
    [("sat-9", None, "sat-9"), ("", None, "satellite-id"), ("sat-1", "other-run", "GetClock")],
)
async def test_stream_for_another_run_or_satellite_is_refused(
    satellite_id: str, run_id: str | None, wrong: str
) -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        call = await relay.open(satellite_id, run_id)
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert wrong in await call.details()


async def test_refusal_by_the_ground_station_reaches_the_satellite_word_for_word() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        station.refusal = (grpc.StatusCode.INVALID_ARGUMENT, "run id differs; ask again")
        call = await relay.open()
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert await call.details() == "run id differs; ask again"


async def test_ground_station_gone_ends_the_stream_so_that_the_satellite_starts_again() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        call = await opened(relay)
        now = relay.emulated_now()
        for sequence in range(3):
            await call.write(frame_bytes(sequence, now + sequence))
        await station.until_received(3)
        await station.server.stop(None)
        assert await code_at_end(call) is grpc.StatusCode.UNAVAILABLE
        async with running_station(station.port, station):
            async with asyncio.timeout(20):
                while True:
                    again = await relay.open()
                    first = await again.read()
                    if first is not grpc.aio.EOF:
                        break
            assert answer_of(first).acknowledged_sequence == 2
            await again.write(frame_bytes(3, relay.emulated_now()))
            await station.until_received(4)


async def test_satellite_that_is_done_gets_all_its_answers_and_a_clean_end() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        call = await opened(relay)
        now = relay.emulated_now()
        for sequence in range(5):
            await call.write(frame_bytes(sequence, now + 200 * MS + sequence * MS))
        await call.done_writing()
        answers = []
        while (data := await call.read()) is not grpc.aio.EOF:
            answers.append(answer_of(data))
        assert [answer.acknowledged_sequence for answer in answers] == [0, 1, 2, 3, 4]
        assert await call.code() is grpc.StatusCode.OK
        assert station.metadata["plumewatch-satellite-id"] == "sat-1"
        assert station.metadata["plumewatch-run-id"] == relay.clock.run_id
        assert (await links(relay)).connected is False


async def test_newer_stream_of_a_satellite_ends_the_older() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        older = await opened(relay)
        newer = await relay.open()
        await newer.read()
        assert await code_at_end(older) is grpc.StatusCode.ABORTED
        await newer.write(frame_bytes(0, relay.emulated_now()))
        await station.until_received(1)
        assert (await relay.network.GetClock(network_pb2.GetClockRequest())).satellites_connected == 1


async def test_streams_that_ended_leave_no_thread_and_no_descriptor_behind() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        await (await opened(relay)).done_writing()
        threads, descriptors = set(threading.enumerate()), psutil.Process().num_fds()
        for number in range(100):
            call = await relay.open()
            await call.read()
            # Frames that are due, frames that are held, none; ended by either side, or by a newer stream.
            for sequence in range(number % 3):
                await call.write(frame_bytes(sequence, relay.emulated_now() + sequence * 3_000 * MS))
            if number % 4 == 0:
                call.cancel()
            elif number % 4 == 1:
                await call.done_writing()
        call.cancel()
        async with asyncio.timeout(20):
            while set(threading.enumerate()) - threads:
                await relay.network.GetClock(network_pb2.GetClockRequest())
        # One connection more or less may be on its way.
        assert psutil.Process().num_fds() <= descriptors + 3


async def test_stream_opened_again_delivers_nothing_before_what_the_one_before_it_has() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        call = await opened(relay)
        ready = relay.emulated_now()
        await call.write(frame_bytes(0, ready + 100 * MS))
        await station.until_received(1)
        again = await relay.open()
        await again.read()
        await again.write(frame_bytes(1, ready))
        await station.until_received(2)
        first, second = (received.frame.hops[0].modelled_arrival_unix_ns for received in station.received)
        assert second == first


async def test_detections_take_the_same_way_as_frames() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        await opened(relay)
        call = await relay.open(method=DETECTIONS)
        await call.read()
        now = relay.emulated_now()
        batch = detection_pb2.DetectionBatch(
            exposure_start_unix_ns=now - 70 * MS, readout_end_unix_ns=now, sequence=0, satellite_id="sat-1"
        )
        await call.write(batch.SerializeToString())
        await station.until_received(1)
        arrived = detection_pb2.DetectionBatch.FromString(station.received[0].data)
        assert arrived.hops[0].modelled_arrival_unix_ns > now
        del arrived.hops[:]
        assert arrived == batch


async def test_run_starts_when_every_satellite_has_its_stream_open() -> None:
    async with running_station() as station, running_relay(small_scenario(2), station) as relay:
        assert not relay.clock.HasField("wall_start_unix_ns")
        assert relay.clock.satellites_expected == 2
        first = await relay.open("sat-1")
        await first.read()
        # Sent before the run starts: held, not lost.
        await first.write(frame_bytes(0, relay.clock.emulated_start_unix_ns + MS))
        clock = await relay.network.GetClock(network_pb2.GetClockRequest())
        assert (clock.satellites_connected, clock.HasField("wall_start_unix_ns")) == (1, False)
        second = await relay.open("sat-2")
        await second.read()
        clock = await relay.started_clock()
        assert abs(time.time_ns() - clock.wall_start_unix_ns) < 2_000 * MS
        await station.until_received(1)
        assert station.received[0].wall_unix_ns > clock.wall_start_unix_ns


async def test_run_starts_without_a_missing_satellite_in_the_end() -> None:
    async with running_station() as station, running_relay(small_scenario(2), station, start_after_s=0.1) as relay:
        assert (await relay.started_clock()).satellites_connected == 0


NOWHERE = network_pb2.Fault(node="nowhere")


@pytest.mark.parametrize(
    ("method", "question", "code", "wrong"),
    [
        ("WatchLinks", network_pb2.WatchLinksRequest(period_s=-1), INVALID, "period_s"),
        ("GetRoute", network_pb2.GetRouteRequest(satellite_id="sat-9"), NOT_FOUND, "sat-1"),
        ("GetRoute", network_pb2.GetRouteRequest(satellite_id="sat-1", time_unix_ns=1), INVALID, "30 days"),
        ("GetTopology", network_pb2.GetTopologyRequest(time_unix_ns=2**63), INVALID, "30 days"),
        ("InjectFault", network_pb2.InjectFaultRequest(), INVALID, "name what fails"),
        ("InjectFault", network_pb2.InjectFaultRequest(fault=NOWHERE), NOT_FOUND, "nowhere"),
        ("ClearFault", network_pb2.ClearFaultRequest(fault_id="fault-7"), NOT_FOUND, "fault-7"),
    ],
)
async def test_impossible_question_is_an_error_that_says_what_to_do(
    method: str, question: Any, code: grpc.StatusCode, wrong: str
) -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        call = getattr(relay.network, method)(question)
        assert await call.code() is code
        assert wrong in await call.details()


async def test_topology_lists_every_node_once_and_the_links_of_every_path() -> None:
    async with running_station() as station, running_relay(small_scenario(2), station) as relay:
        topology = await relay.network.GetTopology(network_pb2.GetTopologyRequest())
        names = [node.node for node in topology.nodes]
        assert len(names) == len(set(names)) == 2 + 1584 + 2 + 1
        route = await relay.network.GetRoute(network_pb2.GetRouteRequest(satellite_id="sat-2"))
        hops = [hop.node for hop in route.hops]
        assert set(itertools.pairwise(hops)) <= {(link.from_node, link.to_node) for link in topology.links}
        assert (hops[0], hops[-1], hops[-2]) == ("sat-2", "station-1", route.gateway)
        assert route.hops[-1].delay_s == pytest.approx(route.delay_s)
        # Light up and down at least, and half round the Earth at most.
        assert 0.004 < route.delay_s < 0.1


async def test_metrics_port_nought_opens_no_port(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[int, str]] = []
    monkeypatch.setattr("services.runtime.metrics.MetricsServer", lambda *address: opened.append(address))
    async with running_station() as station, running_relay(small_scenario(), station):
        assert opened == []
