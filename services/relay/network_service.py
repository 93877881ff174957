"""NetworkService: the run clock, the network as the model has it, its faults, and what became of every stream."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import structlog

from plumewatch.v1 import network_pb2, network_pb2_grpc
from services.geometry.time import format_rfc3339
from services.relay import network_messages as messages
from services.relay.downlink_service import DownlinkService
from services.relay.network.planned import problem_with
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

log = structlog.get_logger()


class NetworkService(network_pb2_grpc.NetworkServiceServicer):
    """Answers from the run's state and the router; changes nothing but faults."""

    def __init__(self, run: RunState, router: Router, downlink: DownlinkService, stopping: asyncio.Event) -> None:
        self._run = run
        self._router = router
        self._downlink = downlink
        self._stopping = stopping

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
        # Of tens of thousands of satellites that takes long enough to hold up every stream's frames.
        return await asyncio.to_thread(messages.topology_message, self._router, at, include_mesh=request.include_mesh)

    async def GetRoute(self, request: network_pb2.GetRouteRequest, context: Any) -> network_pb2.GetRouteResponse:  # noqa: N802
        at = await self._instant(request, context)
        constellation = self._router.constellation
        if request.satellite_id not in constellation.satellites:
            known = ", ".join(constellation.satellites[:16])
            await abort_with(
                context, LookupError(f"satellite_id {request.satellite_id!r} is none of this run's: {known}")
            )
        gateways = [gateway.id for gateway in constellation.gateways]
        if request.gateway and request.gateway not in gateways:
            await abort_with(
                context, LookupError(f"gateway {request.gateway!r} is none of this run's: {', '.join(gateways)}")
            )
        path = await asyncio.to_thread(self._router.path, request.satellite_id, at, request.gateway or None)
        if path is None:
            to = request.gateway or constellation.station
            problem = f"{request.satellite_id} has no path to {to} at {format_rfc3339(at)}"
            await abort_with(
                context,
                PlumewatchError(f"{problem}; ask for another instant or gateway, or heal a fault"),
            )
        return messages.route_message(path, at)

    async def WatchLinks(  # noqa: N802
        self, request: network_pb2.WatchLinksRequest, context: Any
    ) -> AsyncIterator[network_pb2.WatchLinksResponse]:
        period_s = request.period_s or 1.0
        if not SHORTEST_PERIOD_S <= period_s <= LONGEST_PERIOD_S:
            await abort_with(
                context, ValueError(f"period_s is {period_s:g}; ask for {SHORTEST_PERIOD_S:g} to {LONGEST_PERIOD_S:g}")
            )
        while True:
            yield await self._links_now()
            try:
                await asyncio.wait_for(self._stopping.wait(), period_s)
            except TimeoutError:
                continue
            return

    async def InjectFault(  # noqa: N802
        self, request: network_pb2.InjectFaultRequest, context: Any
    ) -> network_pb2.InjectFaultResponse:
        faults = self._run.faults
        now = self._now_unix_ns()
        faults.forget_before(now - FAULT_MEMORY_NS)
        try:
            fault = messages.fault_from_message(request.fault, now)
        except ValueError as error:
            await abort_with(context, error)
        # Among tens of thousands of names, the nearest to a wrong one takes a third of a second to find.
        problem = await asyncio.to_thread(problem_with, fault, self._router.constellation)
        if problem:
            await abort_with(context, LookupError(problem))
        try:
            fault = faults.inject(fault, now)
        except OverflowError as error:
            await abort_with(context, PlumewatchError(str(error)))
        await self._run.keep()
        log.info("fault", id=fault.fault_id, part=fault.label(), start_unix_ns=fault.start_unix_ns)
        return network_pb2.InjectFaultResponse(fault=messages.fault_message(fault))

    async def ClearFault(self, request: network_pb2.ClearFaultRequest, context: Any) -> network_pb2.ClearFaultResponse:  # noqa: N802
        try:
            self._run.faults.clear(request.fault_id, self._now_unix_ns())
        except KeyError:
            in_force = self._run.faults.in_force(self._now_unix_ns())
            known = ", ".join(fault.fault_id for fault in in_force) or "none"
            await abort_with(context, LookupError(f"fault_id {request.fault_id!r} is not in force; in force: {known}"))
        await self._run.keep()
        log.info("fault healed", id=request.fault_id)
        return network_pb2.ClearFaultResponse()

    async def ListFaults(self, request: network_pb2.ListFaultsRequest, context: Any) -> network_pb2.ListFaultsResponse:  # noqa: N802
        del request, context
        in_force = self._run.faults.in_force(self._now_unix_ns())
        return network_pb2.ListFaultsResponse(faults=[messages.fault_message(fault) for fault in in_force])

    async def _links_now(self) -> network_pb2.WatchLinksResponse:
        """Return the state of every stream that has been open since this relay started."""
        started, now = self._run.emulated_now_unix_ns(), self._now_unix_ns()
        accounts = tuple(self._downlink.accounts.values())
        paths = await asyncio.to_thread(lambda: [self._router.path(each.satellite_id, now) for each in accounts])
        return network_pb2.WatchLinksResponse(
            time_unix_ns=started or 0,
            streams=[messages.stream_message(each, path) for each, path in zip(accounts, paths, strict=True)],
        )

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
                ValueError(
                    f"time_unix_ns is {format_rfc3339(at)}, more than 30 days from the run; ask between "
                    f"{format_rfc3339(first)} and {format_rfc3339(last)}"
                ),
            )
        return int(at)
