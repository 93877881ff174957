"""From committed batches to written alerts: the trackers of all runs and the alert book. Blocks; used in one thread.

What tracking knows is never stored: it follows from the committed batches in the order of their commits. A station that
starts again goes through them once more and stands where it stood, event ids included. Batches up to `tracked` have
said all they had to say; later ones raise their alerts then.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from plumewatch.v1 import alert_pb2, detection_pb2
from services.ground_station import figures
from services.ground_station.alerting import AlertBook
from services.ground_station.archive import Archive
from services.ground_station.outlook import Outlooks
from services.ground_station.run_clock import latency_budget
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.sensors import TooManySensorsError
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.tracking.tracker import LateLookError, TakenPlaceError, Tracker
from services.ground_station.wire import batch_from_message

NEVER = 1 << 62
# Why a committed look is in no track, as the metric says it.
LEFT_OUT_CAUSES = {LateLookError: "late", TakenPlaceError: "place_taken", TooManySensorsError: "satellite_too_many"}

log = structlog.get_logger()


@dataclass(frozen=True)
class Followed:
    """What one batch, or a person, has led to; the alerts are written.

    arrival_wall_unix_ns: modelled arrival of the frame behind the alerts; 0: there is none, or each has its own.
    """

    run_id: str
    snapshots: Sequence[TrackSnapshot] = ()
    alerts: Sequence[alert_pb2.Alert] = ()
    arrival_wall_unix_ns: int = 0


@dataclass
class _Run:
    tracker: Tracker
    outlooks: Outlooks = field(default_factory=Outlooks)
    confirmed: set[str] = field(default_factory=set)


class Follower:
    """Owns archive, trackers and alert book."""

    def __init__(
        self,
        archive: Archive,
        book: AlertBook,
        tracking: TrackingConfig,
        arrival_wall_unix_ns: Callable[[detection_pb2.DetectionBatch, int], int],
    ) -> None:
        """arrival_wall_unix_ns: gives the wall instant of a batch's modelled arrival, from when it was received."""
        self.archive = archive
        self.book = book
        self._tracking = tracking
        self._arrival_wall_unix_ns = arrival_wall_unix_ns
        self._runs: dict[str, _Run] = {}
        for alert in archive.open_events():
            book.restore(alert)

    @property
    def tracks_confirmed(self) -> int:
        """Tracks that are confirmed now."""
        return sum(len(run.confirmed) for run in list(self._runs.values()))

    def restore(self, run_id: str, before_number: int = NEVER) -> list[Followed]:
        """Go through a run's committed batches again; return what had not been said.

        before_number: the batch that is followed next.
        """
        for alert in self.archive.newest_alerts(run_id):
            self.book.restore(alert)
        run = self._runs[run_id] = _Run(Tracker(self._tracking, run_id, left_out=_note_wrong_clock))
        through = self.archive.tracked_through(run_id)
        missed: list[Followed] = []
        began, batches = time.monotonic(), 0
        for number, committed_wall_unix_ns, data in self.archive.batches(run_id, before_number):
            message = detection_pb2.DetectionBatch.FromString(data)
            snapshots = self._update(run, message)
            batches += 1
            if number > through:
                missed.append(self._raise(message, number, snapshots, committed_wall_unix_ns, committed_wall_unix_ns))
        if batches:
            log.info(
                "tracks rebuilt",
                run_id=run_id,
                batches=batches,
                seconds=round(time.monotonic() - began, 3),
                alerts_missed=sum(len(followed.alerts) for followed in missed),
            )
        return [followed for followed in missed if followed.alerts]

    def follow(
        self,
        number: int,
        message: detection_pb2.DetectionBatch,
        received_wall_unix_ns: int,
        committed_wall_unix_ns: int,
    ) -> list[Followed]:
        """Track a committed batch and write the alerts that it gives cause for.

        The first batch of a run that is not in memory brings back what stands in the archive before it.
        """
        run_id = message.run_id
        missed = [] if run_id in self._runs else self.restore(run_id, number)
        with figures.TRACK_S.time():
            snapshots = self._update(self._runs[run_id], message)
            followed = self._raise(message, number, snapshots, received_wall_unix_ns, committed_wall_unix_ns)
        return [*missed, followed]

    def acknowledge(self, acknowledgement: alert_pb2.Acknowledgement) -> tuple[alert_pb2.Alert, bool]:
        """Write an operator's acknowledgement; return the revision that carries it, and whether it is new.

        Raises LookupError and ValueError as AlertBook.acknowledge does.
        """
        event_id = acknowledgement.event_id
        if self.book.newest(event_id) is None:
            for alert in self.archive.revisions(event_id)[-1:]:
                self.book.restore(alert)
        revision = self.book.acknowledge(acknowledgement)
        newest = self.book.newest(event_id)
        assert newest is not None
        if revision is not None:
            self._write([revision], time.time_ns())
        return newest, revision is not None

    def note_published(self, alert: alert_pb2.Alert) -> None:
        """Keep a revision with the time at which it was handed to the broker, so that it is said the same again."""
        self.archive.note_published(alert)
        self.book.note_published(alert)

    def close_runs(self, keep_run_ids: set[str], reason: str) -> list[Followed]:
        """End the open events of all other runs and drop their tracks; return what was written."""
        left = [alert for alert in self.book.open_events() if alert.run_id not in keep_run_ids]
        closed = [ended for alert in left if (ended := self.book.close(alert.event_id, reason)) is not None]
        self._write(closed, time.time_ns())
        for run_id in {*self._runs, *(alert.run_id for alert in closed)} - keep_run_ids:
            self._runs.pop(run_id, None)
            self.book.forget_run(run_id)
        return [Followed(alert.run_id, alerts=[alert]) for alert in closed]

    def _update(self, run: _Run, message: detection_pb2.DetectionBatch) -> list[TrackSnapshot]:
        try:
            changed = run.tracker.update(batch_from_message(message))
        except (LateLookError, TooManySensorsError) as error:
            # It is committed and comes again with every restart: the station must live with it.
            _note_left_out(message.satellite_id, LEFT_OUT_CAUSES.get(type(error), "other"), str(error))
            return []
        snapshots = [run.outlooks.added(snapshot) for snapshot in changed]
        for snapshot in snapshots:
            if snapshot.state == "confirmed":
                run.confirmed.add(snapshot.track_id)
            else:
                run.confirmed.discard(snapshot.track_id)
        return snapshots

    def _raise(
        self,
        message: detection_pb2.DetectionBatch,
        number: int,
        snapshots: Sequence[TrackSnapshot],
        received_wall_unix_ns: int,
        committed_wall_unix_ns: int,
    ) -> Followed:
        arrival_wall_unix_ns = self._arrival_wall_unix_ns(message, received_wall_unix_ns)
        now_wall_unix_ns = time.time_ns()
        latency = latency_budget(message, arrival_wall_unix_ns, committed_wall_unix_ns, now_wall_unix_ns)
        considered = (self.book.consider(snapshot, message.run_id, latency, message.trace_id) for snapshot in snapshots)
        alerts = [alert for alert in considered if alert is not None]
        self._write(alerts, now_wall_unix_ns, arrival_wall_unix_ns, (message.run_id, number))
        return Followed(message.run_id, snapshots, alerts, arrival_wall_unix_ns)

    def _write(
        self,
        alerts: Sequence[alert_pb2.Alert],
        wall_unix_ns: int,
        arrival_wall_unix_ns: int = 0,
        tracked: tuple[str, int] | None = None,
    ) -> None:
        if not alerts:
            return
        self.archive.write_alerts(alerts, wall_unix_ns, arrival_wall_unix_ns, tracked)
        for alert in alerts:
            state = alert_pb2.AlertState.Name(alert.state).removeprefix("ALERT_STATE_").lower()
            figures.ALERTS.labels(state).inc()
            log.info("alert", event_id=alert.event_id, revision=alert.revision, state=state, trace_id=alert.trace_id)


def _note_left_out(satellite_id: str, cause: str, reason: str) -> None:
    figures.LOOKS_LEFT_OUT.labels(satellite_id, cause).inc()
    log.warning("look left out", satellite_id=satellite_id, reason=reason)


def _note_wrong_clock(look: Look, reason: str) -> None:
    _note_left_out(look.sensor_id, "clock", reason)
