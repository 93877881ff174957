"""Commits what was detected, then has it followed: one thread, in the order of the commits.

    settlements ──> commit, a group at a time ──> acknowledged
                           └──> follower: tracks, alerts ──> written ──> told

A group is what has come while the group before was at work, so a slow disk makes groups larger, not the queue longer.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from plumewatch.v1 import alert_pb2, detection_pb2
from services.ground_station import figures
from services.ground_station.archive import Settlement
from services.ground_station.follower import Followed, Follower
from services.ground_station.run_clock import RunClocks

T = TypeVar("T")

# Settlements in one commit; the queue holds as many again and then pushes back on the streams.
LARGEST_GROUP = 64


class Listener(Protocol):
    """Who is told of what happens, on the event loop."""

    def on_batch(self, batch: detection_pb2.DetectionBatch) -> None:
        """Hear of a batch that is committed."""

    def on_followed(self, followed: Followed) -> None:
        """Hear of tracks, and of alerts that are written and must reach everybody."""


@dataclass(frozen=True)
class _Submission:
    settlement: Settlement
    # As a message; None where the frame was refused.
    batch: detection_pb2.DetectionBatch | None
    received_wall_unix_ns: int
    committed: asyncio.Future[None]


class Fusion:
    """The thread that owns archive, trackers and alert book, and the queue before it."""

    def __init__(self, follower: Follower, clocks: RunClocks, listener: Listener) -> None:
        self._follower = follower
        self._clocks = clocks
        self._listener = listener
        self._queue: asyncio.Queue[_Submission] = asyncio.Queue(LARGEST_GROUP)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fusion")

    async def in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Run something in the thread that owns archive, trackers and alert book."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def submit(
        self, settlement: Settlement, batch: detection_pb2.DetectionBatch | None, received_wall_unix_ns: int
    ) -> asyncio.Future[None]:
        """Queue a settlement; the future is done once it is on the disk."""
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Submission(settlement, batch, received_wall_unix_ns, committed))
        return committed

    async def run(self) -> None:
        """Work through what is submitted, for ever."""
        while True:
            group = [await self._queue.get()]
            while len(group) < LARGEST_GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            # After an outage satellites send faster than they look: track in order of time as far as it is known here.
            # Within a satellite this changes nothing, since its newest time only grows.
            group.sort(key=lambda submission: submission.settlement.stream.newest_readout_end_unix_ns)
            await self._commit_and_follow(group)
            for _ in group:
                self._queue.task_done()

    async def idle(self) -> None:
        """Return once all that was submitted is committed and followed."""
        await self._queue.join()

    async def _commit_and_follow(self, group: Sequence[_Submission]) -> None:
        committed_wall_unix_ns = time.time_ns()
        settlements = [submission.settlement for submission in group]
        numbers = iter(await self.in_thread(self._follower.archive.settle, settlements, committed_wall_unix_ns))
        committed_wall_unix_ns = time.time_ns()
        for submission in group:
            # Whoever waited may have been cancelled.
            if not submission.committed.done():
                submission.committed.set_result(None)
        for submission in group:
            batch, received = submission.batch, submission.received_wall_unix_ns
            if batch is None:
                continue
            arrival_wall_unix_ns = self._clocks.arrival_wall_unix_ns(batch, received)
            figures.COMMITTED_S.observe(max(committed_wall_unix_ns - arrival_wall_unix_ns, 0) / 1e9)
            self._listener.on_batch(batch)
            work = self._follower.follow
            self._tell(await self.in_thread(work, next(numbers), batch, received, committed_wall_unix_ns))

    async def restore(self) -> None:
        """Stand where the newest run stood, and tell what it had not come to say."""
        run_id = await self.in_thread(self._follower.archive.newest_run)
        if run_id:
            self._tell(await self.in_thread(self._follower.restore, run_id))

    async def acknowledge(self, acknowledgement: alert_pb2.Acknowledgement) -> alert_pb2.Alert:
        """Return the revision that carries an operator's acknowledgement, written and told.

        Raises LookupError and ValueError as AlertBook.acknowledge does.
        """
        alert, new = await self.in_thread(self._follower.acknowledge, acknowledgement)
        if new:
            self._tell([Followed(alert.run_id, alerts=[alert])])
        return alert

    async def close_runs(self, keep_run_ids: set[str], reason: str) -> None:
        """End the events of all other runs."""
        self._tell(await self.in_thread(self._follower.close_runs, keep_run_ids, reason))

    def close(self) -> None:
        """Wait for the thread's last work and close the archive."""
        self._thread.submit(self._follower.archive.close)
        self._thread.shutdown(wait=True)

    def _tell(self, all_followed: Sequence[Followed]) -> None:
        for followed in all_followed:
            self._listener.on_followed(followed)
