"""When a modelled arrival was on the wall clock: from the relay's run clock, else from the frame's own stamp."""

import asyncio
from typing import Any

import grpc.aio
import structlog

from plumewatch.v1 import alert_pb2, detection_pb2, frame_pb2, network_pb2, network_pb2_grpc
from services.ground_station.wire import arrival_unix_ns
from services.runtime.backoff import Backoff
from services.runtime.clock import RunClock

# A relay that is there answers at once; seconds.
ANSWER_S = 2.0
# A run waits for its satellites: ask until it has started; then now and then, since a relay may begin another run.
WAITING_PERIOD_S, STARTED_PERIOD_S = 0.5, 10.0

log = structlog.get_logger()


class RunClocks:
    """The newest run clock that the relay has told."""

    def __init__(self) -> None:
        self._clock: RunClock | None = None

    def learn(self, clock: RunClock) -> None:
        """Take over what the relay says."""
        self._clock = clock

    def of(self, run_id: str) -> RunClock | None:
        """Return a run's clock; None: nobody told."""
        return self._clock if self._clock is not None and self._clock.run_id == run_id else None

    def arrival_wall_unix_ns(
        self, message: frame_pb2.Frame | detection_pb2.DetectionBatch, received_wall_unix_ns: int
    ) -> int:
        """Return the wall instant of a message's modelled arrival.

        Without a clock: when it was received, less the lateness that its last stamp admits.
        """
        clock = self.of(message.run_id)
        arrival = arrival_unix_ns(message)
        if clock is not None and arrival:
            return clock.wall_unix_ns(arrival)
        lateness = message.hops[-1].measured_lateness_ns if message.hops else 0
        return received_wall_unix_ns - max(lateness, 0)

    def emulated_now_unix_ns(self, run_id: str, wall_unix_ns: int) -> int | None:
        """Return the emulated instant at a wall instant; None where the run's clock is not known."""
        clock = self.of(run_id)
        return None if clock is None else clock.emulated_unix_ns(wall_unix_ns)


def latency_budget(
    batch: detection_pb2.DetectionBatch, arrival_wall_unix_ns: int, committed_wall_unix_ns: int, now_wall_unix_ns: int
) -> alert_pb2.LatencyBudget:
    """Return where the time went until now."""
    return alert_pb2.LatencyBudget(
        readout_end_unix_ns=batch.readout_end_unix_ns,
        arrival_unix_ns=arrival_unix_ns(batch),
        detected_s=(committed_wall_unix_ns - arrival_wall_unix_ns) / 1e9,
        tracked_s=(now_wall_unix_ns - arrival_wall_unix_ns) / 1e9,
    )


async def ask_clock(channel: grpc.aio.Channel) -> RunClock | None:
    """Return the relay's run clock; None where it waits for its satellites. Raises AioRpcError."""
    stub: Any = network_pb2_grpc.NetworkServiceStub(channel)  # type: ignore[no-untyped-call]
    answer = await stub.GetClock(network_pb2.GetClockRequest(), timeout=ANSWER_S)
    if not answer.HasField("wall_start_unix_ns"):
        return None
    return RunClock(
        answer.run_id,
        answer.emulated_start_unix_ns,
        answer.wall_start_unix_ns,
        answer.rate,
        answer.emulated_end_unix_ns,
    )


async def follow_clock(channel: grpc.aio.Channel, clocks: RunClocks) -> None:
    """Keep the run clock known, for ever."""
    backoff = Backoff()
    while True:
        try:
            clock = await ask_clock(channel)
        except grpc.aio.AioRpcError as error:
            log.debug("the relay does not tell the run clock", details=error.details())
            await asyncio.sleep(backoff.next_delay_s())
            continue
        backoff.reset()
        if clock is not None:
            clocks.learn(clock)
        await asyncio.sleep(WAITING_PERIOD_S if clock is None else STARTED_PERIOD_S)
