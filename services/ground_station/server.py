"""The ground station's life: load, start, serve, drain, stop. It owns the sockets and the waiting."""

import asyncio
import functools
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import grpc.aio
import structlog

from plumewatch.v1 import ground_station_pb2_grpc
from services.ground_station import downlink_service, service
from services.ground_station.alerting import AlertBook
from services.ground_station.archive import Archive
from services.ground_station.config import GroundStationConfig
from services.ground_station.downlink_service import DownlinkService
from services.ground_station.follower import Follower
from services.ground_station.quick_looks import QuickLooks
from services.ground_station.run_clock import RunClocks, ask_clock, follow_clock
from services.ground_station.search import Search
from services.ground_station.service import GroundStationService
from services.ground_station.station import Station
from services.ground_station.tracking.rehearsal import rehearse
from services.runtime.errors import PlumewatchError
from services.runtime.grpc_server import SERVER_OPTIONS, drain, open_channel, start_server
from services.runtime.metrics import metrics_served

ARCHIVE_FILE = "archive.sqlite3"
# Time in which what is handed over is settled, alerts reach the broker and open calls end, seconds each.
SETTLE_S, FLUSH_S, DRAIN_S = 3.0, 3.0, 1.0

log = structlog.get_logger()


async def serve(config: GroundStationConfig, stop: asyncio.Event, on_port: Callable[[int], None] | None = None) -> int:
    """Detect, track and warn until `stop` is set; return the exit code.

    on_port: told the port once it serves; of use where `listen` leaves the choice to the system (port 0).
    """
    clocks = RunClocks()
    archive = Archive(config.state_dir / ARCHIVE_FILE)
    book = AlertBook(config.settings.alerting, config.station_id)
    follower = Follower(archive, book, config.settings.tracking, clocks.arrival_wall_unix_ns)
    station = Station(config, follower, clocks)
    search = Search(config.settings.detection, config.threads)
    # Raised after the block: before Python 3.11.4, what is raised within `except*` comes out as a group.
    failed: PlumewatchError | None = None
    try:
        async with AsyncExitStack() as stack:
            stack.callback(station.fusion.close)
            stack.callback(search.close)
            stack.enter_context(metrics_served(config.metrics_port))
            await search.warm_up()
            relay = await stack.enter_async_context(open_channel(config.relay)) if config.relay else None
            async with asyncio.TaskGroup() as tasks:
                station.tasks = tasks
                work = await _start(config, station, relay, tasks)
                if station.publisher is not None:
                    # Ends by itself once it has said `down`.
                    tasks.create_task(station.publisher.run(stop), name="publish")
                await _serve_calls(station, search, stop, on_port)
                for task in (*work, *station.settling()):
                    task.cancel()
    except* PlumewatchError as group:
        failed = _first(group)
    if failed is not None:
        raise failed
    return 0


def _first(group: BaseExceptionGroup[PlumewatchError]) -> PlumewatchError:
    """Return what the user is told: the first of what went wrong at once."""
    first = group.exceptions[0]
    return first if isinstance(first, PlumewatchError) else _first(first)


async def _start(
    config: GroundStationConfig, station: Station, relay: grpc.aio.Channel | None, tasks: asyncio.TaskGroup
) -> list[asyncio.Task[None]]:
    """Stand where the last run stood; return the tasks that work for ever."""
    work = []
    if relay is not None:
        try:
            # A station that starts again within a run knows when its frames arrived, from the first one on.
            clock = await ask_clock(relay)
        except grpc.aio.AioRpcError:
            clock = None
        if clock is not None:
            station.clocks.learn(clock)
        work.append(tasks.create_task(follow_clock(relay, station.clocks), name="follow run clock"))
    # Kernels are loaded, or compiled, before the first frame waits for them.
    await station.fusion.in_thread(functools.partial(rehearse, crowd=False))
    await station.restore()
    forget = station.follower.archive.forget_batches
    await station.fusion.in_thread(forget, time.time_ns() - int(config.keep_batches_s * 1e9), station.run_id)
    work.append(tasks.create_task(station.fusion.run(), name="fusion"))
    work.append(tasks.create_task(station.close_quiet_runs(), name="close quiet runs"))
    return work


async def _serve_calls(
    station: Station, search: Search, stop: asyncio.Event, on_port: Callable[[int], None] | None
) -> None:
    """Serve until `stop`, then settle, flush and drain."""
    config = station.config
    quick_looks = QuickLooks(search)
    downlink = DownlinkService(station.fusion, search, quick_looks, station.clocks, station.open_stream)
    server = grpc.aio.server(options=SERVER_OPTIONS)
    server.add_generic_rpc_handlers((downlink.handler(),))
    ground_station_pb2_grpc.add_GroundStationServiceServicer_to_server(  # type: ignore[no-untyped-call]
        GroundStationService(station, quick_looks), server
    )
    port, health = await start_server(server, config.listen, (downlink_service.SERVICE, service.SERVICE))
    try:
        if on_port is not None:
            on_port(port)
        log.info("ground station serves", port=port, run_id=station.run_id, broker=config.broker.rpartition("@")[2])
        await stop.wait()
        await health.enter_graceful_shutdown()
        downlink.stop()
        if station.publisher is not None:
            await station.publisher.drain()
        await _settle(station)
    finally:
        for hub in (station.batches, station.tracks, station.alerts, quick_looks.hub):
            hub.close()
        await drain(server, health, DRAIN_S)


async def _settle(station: Station) -> None:
    try:
        await asyncio.wait_for(station.settle_all(), SETTLE_S)
    except TimeoutError:
        log.warning("not all frames are settled; satellites send them again")
    if station.publisher is not None:
        await station.publisher.flush(FLUSH_S)
        station.publisher.finish()
