"""Sends every frame of a source until each is settled, over as many streams as it takes.

    source ──make and encode, in a thread──> frames ahead ──when due──> stream ──> relay
       ^                                                                  |
       └──── the first frame that is not settled <──── account <──answers─┘

Nothing is kept for sending again: after an outage the source is asked once more for what nobody acknowledged.
"""

import asyncio
import time

import structlog

from plumewatch.v1 import downlink_pb2
from sat_emulator.downlink.account import Account
from sat_emulator.downlink.config import DownlinkConfig
from sat_emulator.downlink.encode import encode
from sat_emulator.downlink.frames_ahead import FramesAhead
from sat_emulator.downlink.link import Link, Run, Stream, StreamEndedError
from sat_emulator.frame import FrameSource
from services.runtime.backoff import Backoff
from services.runtime.clock import RunClock
from services.runtime.errors import BadInputError, PeerUnavailableError, PlumewatchError
from services.runtime.pixel_codec import PixelCodec

# With frames on their way, a stream without an answer for so long is dead, and another is opened; seconds.
SILENCE_S = 20.0
# asyncio's timers may fire a clock tick early; the rest is waited for in steps of this.
SHORT_WAIT_S = 0.001

log = structlog.get_logger()


class GaveUpError(PlumewatchError):
    """Nobody took the frames for too long."""


class Sender:
    """One satellite's downlink."""

    def __init__(
        self,
        config: DownlinkConfig,
        source: FrameSource,
        link: Link,
        emulated_start_unix_ns: int,
        codec: PixelCodec | None = None,
    ) -> None:
        """codec: compresses the pixels; None: they go as they are."""
        self._config = config
        self._source = source
        self._link = link
        self._emulated_start_unix_ns = emulated_start_unix_ns
        self._codec = codec
        self._run: Run | None = None
        self._progress_s = time.monotonic()
        self._answered = asyncio.Event()
        # Of the present stream: the newest frame sent, and when anything last went either way.
        self._sent = -1
        self._alive_s = 0.0
        self.clock: RunClock | None = None
        self.account = Account(config.satellite_id, len(source))
        # Wall instant of the newest acknowledgement.
        self.settled_wall_unix_ns = 0

    async def run(self) -> None:
        """Return once every frame is settled.

        Raises RefusedError where the other side will not have them, GaveUpError after too long without progress.
        """
        backoff = Backoff(cap_s=2.0)
        with FramesAhead(self._make, len(self._source), self._config.frames_ahead) as ahead:
            while not self.account.done or self.account.streams_opened == 0:
                try:
                    await self._one_stream(ahead, backoff)
                except (StreamEndedError, PeerUnavailableError) as error:
                    self._give_up_if_stuck(error)
                    log.warning("stream ended", satellite=self._config.satellite_id, reason=str(error))
                    await asyncio.sleep(backoff.next_delay_s())

    async def _one_stream(self, ahead: FramesAhead[bytes], backoff: Backoff) -> None:
        run = await self._link.ask_run(self._config.run_id if self._run is None else self._run.run_id)
        if self._run is not None and run.run_id != self._run.run_id:
            raise PlumewatchError(
                f"satellite {self._config.satellite_id}: {self._config.target} has begun another run, {run.run_id}; "
                "start the satellite again to take part in it"
            )
        self._run = run
        stream = self._link.open(run.run_id)
        # Raised after the block: before Python 3.11.4, what is raised within `except*` comes out as a group.
        ended: Exception | None = None
        try:
            first = await stream.first_answer()
            start = self.account.open(_acknowledged(first))
            self._sent = start - 1
            self._take(first)
            backoff.reset()
            log.info("stream open", satellite=self._config.satellite_id, run_id=run.run_id, next_sequence=start)
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._send(stream, ahead, start), name="send")
                watching = tasks.create_task(self._watch(), name="watch")
                await tasks.create_task(self._read(stream, sending), name="read")
                watching.cancel()
        except* (StreamEndedError, PlumewatchError) as group:
            ended = group.exceptions[0]
        finally:
            stream.cancel()
        if ended is not None:
            raise ended

    async def _send(self, stream: Stream, ahead: FramesAhead[bytes], start: int) -> None:
        clock = await self._started_clock()
        for sequence in range(start, len(self._source)):
            while sequence - self.account.settled_sequence > self._config.window_frames:
                self._answered.clear()
                await self._answered.wait()
            try:
                message = await ahead.frame(sequence)
            except BadInputError as error:
                log.warning(
                    "frame unreadable", satellite=self._config.satellite_id, sequence=sequence, error=str(error)
                )
                self.account.skip_unreadable(sequence, str(error))
                continue
            await _sleep_until(clock.wall_unix_ns(self._source.readout_end_unix_ns(sequence)))
            if self._sent <= self.account.settled_sequence:
                self._alive_s = time.monotonic()
            self._sent = sequence
            self.account.send(sequence)
            await stream.send(message)
        await stream.done_sending()

    async def _read(self, stream: Stream, sending: asyncio.Task[None]) -> None:
        while True:
            answer = await stream.answer()
            if answer is None:
                break
            self._take(answer)
        if not sending.done():
            raise StreamEndedError("the other side closed the stream while frames were to come")
        if not self.account.done:
            raise StreamEndedError(f"closed with frames unsettled after {self.account.settled_sequence}")

    async def _watch(self) -> None:
        """Raise once frames have been on their way without an answer for too long."""
        while True:
            await asyncio.sleep(1.0)
            if self._sent > self.account.settled_sequence and time.monotonic() - self._alive_s > SILENCE_S:
                raise StreamEndedError(f"frames sent and no answer for {SILENCE_S:g} s")

    def _take(self, answer: downlink_pb2.DownlinkFramesResponse) -> None:
        settled = self.account.settled_sequence
        for loss in answer.losses:
            cause = downlink_pb2.LossCause.Name(loss.cause).removeprefix("LOSS_CAUSE_").lower()
            detail = f"{loss.detail} ({loss.node})"
            log.warning("frames lost", first=loss.first_sequence, last=loss.last_sequence, cause=cause, detail=detail)
            self.account.lose(loss.first_sequence, loss.last_sequence, cause, detail)
        if answer.HasField("acknowledged_sequence"):
            self.account.acknowledge(answer.acknowledged_sequence)
        if self.account.settled_sequence > settled and self.clock is not None:
            self.settled_wall_unix_ns = time.time_ns()
            # The oldest of the frames that this answer settles has waited longest.
            emulated_ns = self.clock.emulated_unix_ns(self.settled_wall_unix_ns)
            waited_ns = emulated_ns - self._source.readout_end_unix_ns(settled + 1)
            self.account.max_backlog_s = max(self.account.max_backlog_s, waited_ns / 1e9)
        self._progress_s = self._alive_s = time.monotonic()
        self._answered.set()

    async def _started_clock(self) -> RunClock:
        """Return the run clock once it runs; where no relay keeps one, this satellite's own, from its first stream."""
        assert self._run is not None
        if self._run.kept_by_relay:
            self.clock = await self._link.started_clock()
        elif self.clock is None:
            self.clock = RunClock(self._run.run_id, self._emulated_start_unix_ns, time.time_ns())
        self._progress_s = time.monotonic()
        return self.clock

    def _make(self, sequence: int) -> bytes:
        assert self._run is not None
        return encode(self._source.frame(sequence), self._config.satellite_id, self._run.run_id, self._codec)

    def _give_up_if_stuck(self, error: Exception) -> None:
        waited_s = time.monotonic() - self._progress_s
        if waited_s > self._config.give_up_after_s:
            raise GaveUpError(
                f"satellite {self._config.satellite_id} gave up after {waited_s:.0f} s without progress: {error}"
            ) from error


def _acknowledged(answer: downlink_pb2.DownlinkFramesResponse) -> int:
    return answer.acknowledged_sequence if answer.HasField("acknowledged_sequence") else -1


async def _sleep_until(wall_unix_ns: int) -> None:
    """Return at a wall instant or just after it, never before."""
    while True:
        left_ns = wall_unix_ns - time.time_ns()
        if left_ns <= 0:
            return
        await asyncio.sleep(max(left_ns / 1e9, SHORT_WAIT_S))
