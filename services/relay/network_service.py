"""NetworkService: the run clock, the network as the model has it, its faults, and what became of every stream."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

from plumewatch.v1 import frame_pb2, network_pb2, network_pb2_grpc
from services.relay.account import Account
from services.relay.downlink_service import DownlinkService
from services.relay.network.faults import Fault
from services.relay.network.link import Path
from services.relay.network.routing import Router
from services.relay.run_state import RunState
from services.runtime.errors import PlumewatchError
from services.runtime.grpc_server import abort_with

SERVICE = network_pb2.DESCRIPTOR.services_by_name["NetworkService"].full_name
# Orbits mean nothing far from their epoch: questions may look this far round the run, nanoseconds.
DAY_NS = 86_400_000_000_000
LONGEST_LOOK_NS = 30 * DAY_NS
# Seconds between two responses of WatchLinks.
SHORTEST_PERIOD_S, LONGEST_PERIOD_S = 0.05, 3600.0
# Healed faults older than this cannot have met a frame that is still on its way, nanoseconds of emulated time.
FAULT_MEMORY_NS = 3600_000_000_000


class NetworkService(network_pb2_grpc.NetworkServiceServicer):
    """Answers from the run's state and the router; changes nothing but faults."""

    def __init__(self, run: RunState, router: Router, downlink: DownlinkService, stopping: asyncio.Event) -> None:
        self._run = run
        self._router = router
        self._downlink = downlink
        self._stopping = stopping
        self._names = frozenset(router.constellation.node_names())

    async def GetClock(self, request: network_pb2.GetClockRequest, context: Any) -> network_pb2.GetClockResponse:  # noqa: N802
        del request, context
        plan, clock = self._run.plan, self._run.clock
        return network_pb2.GetClockResponse(
            run_id=self._run.run_id,
            emulated_start_unix_ns=plan.emulated_start_unix_ns,
            wall_start_unix_ns=clock.wall_start_unix_ns if clock else None,
            rate=plan.rate,
            emulated_end_unix_ns=plan.emulated_end_unix_ns,
            satellites_expected=self._downlink.satellites_expected,
            satellites_connected=self._downlink.satellites_connected,
        )

    async def GetTopology(  # noqa: N802
        self, request: network_pb2.GetTopologyRequest, context: Any
    ) -> network_pb2.GetTopologyResponse:
        at = await self._instant(request, context)
        constellation = self._router.constellation
        satellites_m, relays_m = self._router.positions(at)
        out = {fault.node for fault in self._run.faults.at(at) if not fault.to_node}
        kinds = (
            (network_pb2.NODE_KIND_SENSOR_SATELLITE, constellation.satellites, satellites_m),
            (network_pb2.NODE_KIND_RELAY_SATELLITE, constellation.relays, relays_m),
            (
                network_pb2.NODE_KIND_GATEWAY,
                tuple(gateway.id for gateway in constellation.gateways),
                constellation.gateway_itrs_m,
            ),
        )
        response = network_pb2.GetTopologyResponse(time_unix_ns=at)
        for kind, names, places_m in kinds:
            for name, (x, y, z) in zip(names, places_m.tolist(), strict=True):
                place = frame_pb2.Vector3(x=x, y=y, z=z) if math.isfinite(x) else None
                response.nodes.add(node=name, kind=kind, position_itrs_m=place, failed=name in out)
        station = constellation.station
        response.nodes.add(node=station, kind=network_pb2.NODE_KIND_GROUND_STATION, failed=station in out)
        paths = [self._router.path(name, at) for name in constellation.satellites]
        legs = {(leg.from_node, leg.to_node): leg for path in paths if path for leg in path.legs}
        for leg in legs.values():
            response.links.add(from_node=leg.from_node, to_node=leg.to_node, delay_s=leg.delay_s, rate_bps=leg.rate_bps)
        return response

    async def GetRoute(self, request: network_pb2.GetRouteRequest, context: Any) -> network_pb2.GetRouteResponse:  # noqa: N802
        at = await self._instant(request, context)
        constellation = self._router.constellation
        if request.satellite_id not in constellation.satellites:
            known = ", ".join(constellation.satellites[:16])
            await abort_with(
                context, LookupError(f"satellite_id {request.satellite_id!r} is none of this run's: {known}")
            )
        path = self._router.path(request.satellite_id, at)
        if path is None:
            problem = f"{request.satellite_id} has no path to {constellation.station} at {at}"
            await abort_with(
                context, PlumewatchError(f"{problem}; ask for another instant, or heal what ListFaults names")
            )
        return route_message(path, at)

    async def WatchLinks(  # noqa: N802
        self, request: network_pb2.WatchLinksRequest, context: Any
    ) -> AsyncIterator[network_pb2.WatchLinksResponse]:
        period_s = request.period_s or 1.0
        if not SHORTEST_PERIOD_S <= period_s <= LONGEST_PERIOD_S:
            await abort_with(
                context, ValueError(f"period_s is {period_s:g}; ask for {SHORTEST_PERIOD_S:g} to {LONGEST_PERIOD_S:g}")
            )
        while True:
            yield self.links_now()
            try:
                await asyncio.wait_for(self._stopping.wait(), period_s)
            except TimeoutError:
                continue
            return

    async def InjectFault(  # noqa: N802
        self, request: network_pb2.InjectFaultRequest, context: Any
    ) -> network_pb2.InjectFaultResponse:
        wanted = request.fault
        problem = self._fault_problem(wanted)
        if problem is not None:
            await abort_with(context, problem)
        faults = self._run.faults
        now = self._now_unix_ns()
        faults.forget_before(now - FAULT_MEMORY_NS)
        try:
            fault = faults.inject(wanted.node, wanted.to_node, wanted.start_unix_ns or now)
        except OverflowError as error:
            await abort_with(context, PlumewatchError(str(error)))
        await self._run.keep()
        return network_pb2.InjectFaultResponse(fault=_fault_message(fault))

    async def ClearFault(self, request: network_pb2.ClearFaultRequest, context: Any) -> network_pb2.ClearFaultResponse:  # noqa: N802
        try:
            self._run.faults.clear(request.fault_id, self._now_unix_ns())
        except KeyError:
            known = ", ".join(fault.fault_id for fault in self._run.faults.in_force()) or "none"
            await abort_with(context, LookupError(f"fault_id {request.fault_id!r} is not in force; in force: {known}"))
        await self._run.keep()
        return network_pb2.ClearFaultResponse()

    async def ListFaults(self, request: network_pb2.ListFaultsRequest, context: Any) -> network_pb2.ListFaultsResponse:  # noqa: N802
        del request, context
        return network_pb2.ListFaultsResponse(faults=[_fault_message(fault) for fault in self._run.faults.in_force()])

    def links_now(self) -> network_pb2.WatchLinksResponse:
        """Return the state of every stream that has been open since this relay started."""
        at = self._run.emulated_now_unix_ns()
        response = network_pb2.WatchLinksResponse(time_unix_ns=at or 0)
        for account in self._downlink.accounts.values():
            path = self._router.path(account.satellite_id, self._now_unix_ns())
            response.streams.append(_stream_message(account, path))
        return response

    def _now_unix_ns(self) -> int:
        """Return the emulated instant now; the run's start before it starts."""
        now = self._run.emulated_now_unix_ns()
        return self._run.plan.emulated_start_unix_ns if now is None else now

    async def _instant(self, request: Any, context: Any) -> int:
        """Return the instant a request asks for, or abort the call."""
        at = request.time_unix_ns if request.HasField("time_unix_ns") else self._now_unix_ns()
        plan = self._run.plan
        first = plan.emulated_start_unix_ns - LONGEST_LOOK_NS
        last = max(plan.emulated_end_unix_ns, self._now_unix_ns()) + LONGEST_LOOK_NS
        if not first <= at <= last:
            await abort_with(
                context,
                ValueError(f"time_unix_ns is {at}, more than 30 days from the run; ask between {first} and {last}"),
            )
        return int(at)

    def _fault_problem(self, fault: network_pb2.Fault) -> Exception | None:
        if not fault.node:
            return ValueError("fault.node is not set; name what fails")
        if fault.fault_id:
            return ValueError(f"fault.fault_id is {fault.fault_id!r}; leave it empty")
        if fault.node == fault.to_node:
            return ValueError(f"fault.to_node is fault.node, {fault.node!r}; no such link")
        for name in (fault.node, fault.to_node):
            if name and name not in self._names:
                return LookupError(f"node {name!r} does not exist; GetTopology lists all")
        return None


def route_message(path: Path, unix_ns: int) -> network_pb2.GetRouteResponse:
    """Return a path as a response."""
    return network_pb2.GetRouteResponse(
        time_unix_ns=unix_ns,
        hops=[
            network_pb2.RouteHop(node=node, delay_s=delay_s)
            for node, delay_s in zip(path.nodes, path.delays_s(), strict=True)
        ],
        delay_s=path.delay_s,
        gateway=path.nodes[-2],
    )


def _fault_message(fault: Fault) -> network_pb2.Fault:
    return network_pb2.Fault(
        fault_id=fault.fault_id, node=fault.node, to_node=fault.to_node, start_unix_ns=fault.start_unix_ns
    )


def _stream_message(account: Account, path: Path | None) -> network_pb2.StreamStatus:
    return network_pb2.StreamStatus(
        satellite_id=account.satellite_id,
        connected=account.streams_open > 0,
        path=path.nodes if path else (),
        delay_s=path.delay_s if path else 0.0,
        frames_received=account.received,
        frames_released=account.released,
        frames_lost_queue_full=account.lost_queue_full,
        frames_lost_network_model=account.lost_network_model,
        frames_refused=account.refused,
        frames_queued=account.frames_queued,
        bytes_queued=account.bytes_queued,
        lateness_p50_s=account.lateness_quantile_s(0.5),
        lateness_p99_s=account.lateness_quantile_s(0.99),
    )
