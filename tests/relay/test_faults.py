"""A running relay whose network fails: frames go on another way, or are lost by name; wrong faults are refused."""

import itertools
from typing import Any

import grpc
import grpc.aio
import pytest

from plumewatch.v1 import network_pb2
from tests.relay.network_ends import (
    RelayClient,
    frame_bytes,
    links,
    losses_of,
    opened,
    running_relay,
    running_station,
    small_scenario,
)

MS = 1_000_000
NOT_FOUND, INVALID = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT


async def two_sent(relay: RelayClient, call: Any) -> tuple[int, network_pb2.GetRouteResponse]:
    """Send two frames ahead of their time; return when the first leaves, and the way that it would go."""
    ready = relay.emulated_now() + 300 * MS
    route = await relay.network.GetRoute(network_pb2.GetRouteRequest(satellite_id="sat-1", time_unix_ns=ready))
    await call.write(frame_bytes(0, ready))
    await call.write(frame_bytes(1, ready + 100 * MS))
    return ready, route


async def test_link_that_fails_under_a_frame_sends_it_another_way_later() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        call = await opened(relay)
        ready, route = await two_sent(relay, call)
        down = network_pb2.Fault(
            node=route.hops[-3].node,
            to_node=route.gateway,
            start_unix_ns=ready + round(route.hops[-2].delay_s * 1e9) - MS,
        )
        await relay.network.InjectFault(network_pb2.InjectFaultRequest(fault=down))
        await station.until_received(2)
        cut, later = (received.frame.hops[0] for received in station.received)
        assert [received.frame.sequence for received in station.received] == [0, 1]
        # The node that had sent it noticed 50 ms after the failure, and had it still.
        assert cut.modelled_arrival_unix_ns > down.start_unix_ns + 50 * MS
        assert down.node in cut.path
        assert (down.node, down.to_node) not in itertools.pairwise(cut.path)
        assert later.modelled_arrival_unix_ns >= cut.modelled_arrival_unix_ns
        stream = await links(relay)
        assert (stream.frames_retimed, stream.frames_lost_network_model) == (1, 0)


async def test_node_that_fails_loses_the_frame_that_it_holds() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        call = await opened(relay)
        ready, route = await two_sent(relay, call)
        # The last relay satellite takes half a millisecond to switch it.
        last = route.hops[-3]
        down = network_pb2.Fault(node=last.node, start_unix_ns=ready + round(last.delay_s * 1e9) + MS // 4)
        await relay.network.InjectFault(network_pb2.InjectFaultRequest(fault=down))
        (loss,) = await losses_of(call, 1)
        assert loss.first_sequence == 0
        assert last.node in loss.detail
        # The second frame had not left when that failed, though the relay had it already; it goes another way.
        await station.until_received(1)
        (received,) = station.received
        assert received.frame.sequence == 1


async def test_three_tenths_of_the_laser_links_cut_at_once_cost_no_frame() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        call = await opened(relay)
        start = relay.emulated_now() + 200 * MS
        cut = network_pb2.Fault(
            kind=network_pb2.FAULT_KIND_LASER_LINKS, share=0.3, seed=3, start_unix_ns=start + 605 * MS
        )
        for sequence in range(60):
            await call.write(frame_bytes(sequence, start + sequence * 20 * MS))
        await relay.network.InjectFault(network_pb2.InjectFaultRequest(fault=cut))
        await station.until_received(60)
        assert [received.frame.sequence for received in station.received] == list(range(60))
        asked = network_pb2.GetTopologyRequest(time_unix_ns=start + 900 * MS, include_mesh=True)
        whole = network_pb2.GetTopologyRequest(time_unix_ns=start, include_mesh=True)
        mesh = {
            request.time_unix_ns: {
                frozenset((link.from_node, link.to_node))
                for link in (await relay.network.GetTopology(request)).links
                if link.medium == network_pb2.LINK_MEDIUM_LASER
            }
            for request in (asked, whole)
        }
        left, before = mesh[asked.time_unix_ns], mesh[whole.time_unix_ns]
        assert len(left) == pytest.approx(0.7 * len(before), rel=0.05)
        # Frames that left after the cut went over links that were left.
        for received in station.received[31:]:
            path = received.frame.hops[0].path
            crossed = {frozenset(link) for link in itertools.pairwise(path[1:-2])}
            assert crossed <= left


@pytest.mark.parametrize(
    ("wanted", "code", "wrong"),
    [
        (network_pb2.Fault(node="relay-1", to_node="relay-800"), NOT_FOUND, "'relay-1' has links to relay-"),
        (network_pb2.Fault(node="sat-1", to_node="perth"), NOT_FOUND, "there is never a link"),
        (network_pb2.Fault(node="relay", kind=network_pb2.FAULT_KIND_PLANE, plane=72), NOT_FOUND, "has 72 planes"),
        (network_pb2.Fault(node="prth", kind=network_pb2.FAULT_KIND_RAIN, rain_mm_per_h=5), NOT_FOUND, "'perth'"),
        (network_pb2.Fault(node="perth", kind=network_pb2.FAULT_KIND_RAIN), INVALID, "rain_mm_per_h is 0"),
        (network_pb2.Fault(kind=network_pb2.FAULT_KIND_LASER_LINKS, share=1.5), INVALID, "share is 1.5"),
        (network_pb2.Fault(node="perth", start_unix_ns=9, end_unix_ns=8), INVALID, "end_unix_ns is 8"),
        (network_pb2.Fault(node="perth", kind=99), INVALID, "fault.kind is 99"),  # type: ignore[arg-type]
    ],
)
async def test_fault_of_what_does_not_exist_is_refused_and_the_relay_runs_on(
    wanted: network_pb2.Fault, code: grpc.StatusCode, wrong: str
) -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await relay.network.InjectFault(network_pb2.InjectFaultRequest(fault=wanted))
        assert refused.value.code() is code
        assert wrong in str(refused.value.details())
        call = await opened(relay)
        await call.write(frame_bytes(0, relay.emulated_now()))
        await station.until_received(1)


async def test_gateway_can_be_chosen_and_one_that_is_out_of_order_has_no_path() -> None:
    async with running_station() as station, running_relay(small_scenario(), station) as relay:
        for gateway in ("perth", "sydney"):
            wanted = network_pb2.GetRouteRequest(satellite_id="sat-1", gateway=gateway)
            assert (await relay.network.GetRoute(wanted)).gateway == gateway
        await relay.network.InjectFault(network_pb2.InjectFaultRequest(fault=network_pb2.Fault(node="perth")))
        for gateway, code in (("perth", grpc.StatusCode.FAILED_PRECONDITION), ("moon", NOT_FOUND)):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await relay.network.GetRoute(network_pb2.GetRouteRequest(satellite_id="sat-1", gateway=gateway))
            assert refused.value.code() is code
            assert gateway in str(refused.value.details())
