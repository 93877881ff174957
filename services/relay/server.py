"""The relay's life: load, start, serve, drain, stop. It owns the sockets and the waiting."""

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import grpc
import grpc.aio
import structlog

from plumewatch.v1 import network_pb2_grpc
from services.geometry.time import NS_PER_S
from services.relay import downlink_service, network_service
from services.relay.carrier import Carriage
from services.relay.config import RelayConfig
from services.relay.downlink_service import DownlinkService
from services.relay.memory import share_free_memory
from services.relay.network.constellation import constellation_of
from services.relay.network.planned import planned_faults
from services.relay.network.routing import EPOCH_NS, Router
from services.relay.network.trace import read_trace
from services.relay.network_service import NetworkService
from services.relay.run_state import RunState, open_run, plan_of
from services.runtime.grpc_server import CHANNEL_OPTIONS, SERVER_OPTIONS, drain, start_server, wait_until_serving
from services.runtime.metrics import metrics_served
from services.scenario.model import Scenario
from services.scenario.resolve import start_unix_ns
from services.scenario.tle import TleProblem

# Time in which open calls may end by themselves when the relay stops, seconds.
DRAIN_S = 2.0
# A ground station is asked again for as long as it takes; this is one try, seconds.
STATION_TRY_S = 10.0
# The next second's paths are worked out this long before it begins, seconds of emulated time.
AHEAD_S = 0.6
# Where emulated time runs faster, seconds come too fast to be worked out one by one ahead of use.
FASTEST_AHEAD_RATE = 20.0
# A thread whose frame is due waits at most so long for another that runs Python, seconds. The default is 5 ms.
SWITCH_INTERVAL_S = 0.0001

# Elements that could not be used are named one by one, up to so many.
MOST_PROBLEMS = 10

log = structlog.get_logger()


async def serve(
    config: RelayConfig, scenario: Scenario, stop: asyncio.Event, on_port: Callable[[int], None] | None = None
) -> int:
    """Carry frames until `stop` is set; return the exit code.

    on_port: told the port once it serves; of use where `listen` leaves the choice to the system (port 0).
    """
    share_free_memory()
    constellation = constellation_of(scenario)
    _warn_of(constellation.problems)
    trace = None if scenario.network.trace is None else read_trace(scenario.network.trace, start_unix_ns(scenario))
    plan = plan_of(scenario)
    run = open_run(plan, config.state_dir, config.run_id, planned_faults(scenario, constellation))
    await run.keep()
    router = Router(constellation, run.faults)
    # Time scales and orbits are loaded by their first use; better now than when the first frame is due.
    router.prepare(run.emulated_now_unix_ns() or plan.emulated_start_unix_ns)
    # What has been loaded stays; a collection that walked all of it would hold up whatever is due for about 10 ms.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    carriage = Carriage(
        config.node,
        run,
        router,
        scenario.network.queue_frames,
        scenario.network.queue_bytes,
        scenario.seed,
        trace,
    )
    async with AsyncExitStack() as stack:
        stack.enter_context(metrics_served(config.metrics_port))
        # A connection each: detections must not wait on a socket behind frames.
        stations = [
            stack.enter_context(grpc.insecure_channel(config.station, options=CHANNEL_OPTIONS))
            for _ in ("frames", "detections")
        ]
        downlink = DownlinkService(carriage, router.constellation.satellites, *stations)
        server = grpc.aio.server(options=SERVER_OPTIONS)
        server.add_generic_rpc_handlers((downlink.handler(),))
        network = NetworkService(run, router, downlink, stop)
        network_pb2_grpc.add_NetworkServiceServicer_to_server(network, server)  # type: ignore[no-untyped-call]
        services = (downlink_service.SERVICE, network_service.SERVICE)
        port, health = await start_server(server, config.listen, services)
        if on_port is not None:
            on_port(port)
        log.info("relay serves", port=port, run_id=run.run_id, station=config.station, clock_runs=run.clock is not None)
        try:
            async with asyncio.TaskGroup() as tasks:
                background = [
                    tasks.create_task(_start_run(config, run, downlink), name="start run"),
                    tasks.create_task(_work_ahead(run, router), name="work ahead"),
                ]
                await stop.wait()
                for task in background:
                    task.cancel()
        finally:
            downlink.stop()
            await drain(server, health, DRAIN_S)
    return 0


async def _start_run(config: RelayConfig, run: RunState, downlink: DownlinkService) -> None:
    """Start the clock once all satellites are there, or the ground station has served for long enough."""
    if run.clock is not None:
        return
    everybody = asyncio.create_task(downlink.all_connected.wait(), name="all satellites")
    enough = asyncio.create_task(_station_served(config), name="start after")
    try:
        await asyncio.wait((everybody, enough), return_when=asyncio.FIRST_COMPLETED)
    finally:
        everybody.cancel()
        enough.cancel()
    await run.start(config.start_lead_s)
    log.info(
        "run starts",
        run_id=run.run_id,
        satellites_connected=downlink.satellites_connected,
        satellites_expected=downlink.satellites_expected,
    )


async def _station_served(config: RelayConfig) -> None:
    while not await wait_until_serving(config.station, downlink_service.SERVICE, STATION_TRY_S):
        log.warning("the ground station does not serve yet", station=config.station)
    await asyncio.sleep(config.start_after_s)


async def _work_ahead(run: RunState, router: Router) -> None:
    """Work out each second's paths shortly before it begins, in a thread beside those that release."""
    await run.started.wait()
    clock = run.clock
    assert clock is not None
    if clock.rate > FASTEST_AHEAD_RATE:
        return
    second = 0
    while True:
        # Each second once; none that has begun, since whoever needed its paths has worked them out.
        began = clock.emulated_unix_ns(time.time_ns()) // EPOCH_NS * EPOCH_NS
        second = max(second, began) + EPOCH_NS
        begin_wall_ns = clock.wall_unix_ns(second - round(AHEAD_S * NS_PER_S))
        await asyncio.sleep(max((begin_wall_ns - time.time_ns()) / NS_PER_S, 0))
        await asyncio.to_thread(router.prepare, second)


def _warn_of(problems: Sequence[TleProblem]) -> None:
    for problem in problems[:MOST_PROBLEMS]:
        log.warning("satellite left out", problem=str(problem))
    if len(problems) > MOST_PROBLEMS:
        log.warning("more satellites left out", satellites=len(problems) - MOST_PROBLEMS)
