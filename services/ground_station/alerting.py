"""From tracks to alerts: which event is said to be what, and when it is worth saying again. Decides only.

    nothing ──> DETECTED ──> CONFIRMED ──> ENDED
                    └────────────┴───────> RETRACTED

What is decided depends on the newest revision of an event and the track's snapshot alone. So a station that starts
again needs no more than the newest revisions to go on, and the same batches lead to the same revisions.
"""

from dataclasses import dataclass

from plumewatch.v1 import alert_pb2
from services.ground_station import wire_tracks
from services.ground_station.tracking.snapshot import TARGET_CLASSES, TargetClass, TrackSnapshot

DETECTED = alert_pb2.ALERT_STATE_DETECTED
CONFIRMED = alert_pb2.ALERT_STATE_CONFIRMED
ENDED = alert_pb2.ALERT_STATE_ENDED
RETRACTED = alert_pb2.ALERT_STATE_RETRACTED
OPEN = (DETECTED, CONFIRMED)

# More would make one message too long for some brokers; each is an operator's, so there are few.
MOST_ACKNOWLEDGEMENTS = 100
LONGEST_OPERATOR = 64
LONGEST_NOTE = 1000


@dataclass(frozen=True)
class AlertingConfig:
    """When a track is worth an alert."""

    # Between two revisions of an event that say nothing but where it is now, emulated seconds: once a second is as
    # often as a person or a map takes it in.
    update_period_s: float = 1.0
    # Looks that must have seen a moving track of one satellite before it is called detected. It moves over the ground
    # already (the tracker is strict); this keeps a short-lived one from being told.
    plane_hits: int = 8
    # The same on recorded images without geometry, where the camera's own motion moves everything: long and strong.
    image_hits: int = 30
    image_snr: float = 8.0

    def __post_init__(self) -> None:
        if not self.update_period_s >= 0:
            raise ValueError(f"alerting: update_period_s is {self.update_period_s:g} and must not be negative")
        for name in ("plane_hits", "image_hits"):
            if getattr(self, name) < 1:
                raise ValueError(f"alerting: {name} is {getattr(self, name)} and must be at least 1")


class AlertBook:
    """The newest revision of every event, and the next one when a track gives cause for it."""

    def __init__(self, config: AlertingConfig, issuer: str) -> None:
        self._config = config
        self._issuer = issuer
        self._newest: dict[str, alert_pb2.Alert] = {}

    def restore(self, alert: alert_pb2.Alert) -> None:
        """Take over an event's newest revision from the archive."""
        known = self._newest.get(alert.event_id)
        if known is None or known.revision < alert.revision:
            self._newest[alert.event_id] = alert

    def note_published(self, alert: alert_pb2.Alert) -> None:
        """Take over what a revision came to say of its own publication."""
        known = self._newest.get(alert.event_id)
        if known is not None and known.revision == alert.revision:
            self._newest[alert.event_id] = alert

    def newest(self, event_id: str) -> alert_pb2.Alert | None:
        """Return the newest revision of an event; it must not be changed."""
        return self._newest.get(event_id)

    def open_events(self, run_id: str | None = None) -> list[alert_pb2.Alert]:
        """Return the newest revisions of all open events, of one run if it is given."""
        return [
            alert
            for alert in self._newest.values()
            if alert.state in OPEN and (run_id is None or alert.run_id == run_id)
        ]

    def forget_run(self, run_id: str) -> None:
        """Drop a run's events from memory; the archive keeps them."""
        self._newest = {event_id: alert for event_id, alert in self._newest.items() if alert.run_id != run_id}

    def consider(
        self,
        snapshot: TrackSnapshot,
        run_id: str,
        latency: alert_pb2.LatencyBudget | None = None,
        trace_id: str = "",
    ) -> alert_pb2.Alert | None:
        """Return the event's next revision, which is from now on its newest; None: there is nothing new to say.

        latency, trace_id: of the frame behind the snapshot.
        """
        newest = self._newest.get(snapshot.event_id)
        state, reason = self._judge(snapshot, newest.state if newest else None)
        if state is None:
            return None
        alert = self._alert(snapshot, run_id, state, reason)
        if newest is not None:
            if not self._worth_saying(alert, newest):
                return None
            alert.revision = newest.revision + 1
            alert.acknowledgements.extend(newest.acknowledgements)
            # What was known of launch and burnout does not become unknown by a later look.
            if newest.HasField("launch") and not alert.HasField("launch"):
                alert.launch.CopyFrom(newest.launch)
            if newest.HasField("burnout_time_unix_ns") and not alert.HasField("burnout_time_unix_ns"):
                alert.burnout_time_unix_ns = newest.burnout_time_unix_ns
                alert.burnout.CopyFrom(newest.burnout)
        if latency is not None:
            alert.latency.CopyFrom(latency)
        alert.trace_id = trace_id
        self._newest[alert.event_id] = alert
        return alert

    def acknowledge(self, acknowledgement: alert_pb2.Acknowledgement) -> alert_pb2.Alert | None:
        """Return the event's next revision, which carries the acknowledgement; None where it carries it already.

        Raises LookupError for an event that is not known, ValueError for an acknowledgement that cannot be taken.
        """
        event_id, revision, note = acknowledgement.event_id, acknowledgement.revision, acknowledgement.note
        newest = self._newest.get(event_id)
        if newest is None:
            raise LookupError(f"event {event_id!r} does not exist; see ListEvents")
        if not 1 <= len(acknowledgement.operator) <= LONGEST_OPERATOR:
            raise ValueError(
                f"operator has {len(acknowledgement.operator)} characters; 1 to {LONGEST_OPERATOR} say who"
            )
        if len(note) > LONGEST_NOTE:
            raise ValueError(f"note has {len(note)} characters; at most {LONGEST_NOTE} are kept")
        if revision > newest.revision:
            raise ValueError(f"revision {revision} of event {event_id} does not exist; the newest is {newest.revision}")
        # A broker may deliver twice what it delivers at least once.
        if any(
            (known.operator, known.revision, known.note) == (acknowledgement.operator, revision, note)
            for known in newest.acknowledgements
        ):
            return None
        if len(newest.acknowledgements) >= MOST_ACKNOWLEDGEMENTS:
            raise ValueError(f"event {event_id} has {MOST_ACKNOWLEDGEMENTS} acknowledgements, as many as are kept")
        alert = alert_pb2.Alert()
        alert.CopyFrom(newest)
        alert.revision += 1
        alert.acknowledgements.append(acknowledgement)
        self._newest[event_id] = alert
        return alert

    def close(self, event_id: str, reason: str) -> alert_pb2.Alert | None:
        """Return the event's ENDED revision; None where it is not open."""
        newest = self._newest.get(event_id)
        if newest is None or newest.state not in OPEN:
            return None
        alert = alert_pb2.Alert()
        alert.CopyFrom(newest)
        alert.revision += 1
        alert.state = ENDED
        alert.reason = reason
        self._newest[event_id] = alert
        return alert

    def _judge(
        self, snapshot: TrackSnapshot, now: alert_pb2.AlertState | None
    ) -> tuple[alert_pb2.AlertState | None, str]:
        """Return what the event is from now on, and why it is over if it is; None: no alert."""
        is_open = now in OPEN
        over = _why_over(snapshot)
        if over is not None:
            return over if is_open else (None, "")
        if snapshot.state == "confirmed" and snapshot.kinematic is not None:
            return CONFIRMED, ""
        if is_open:
            # What has been believed once stays so until it ends or proves to be nothing.
            return now, ""
        return (DETECTED, "") if self._moves_by_one_satellite(snapshot) else (None, "")

    def _moves_by_one_satellite(self, snapshot: TrackSnapshot) -> bool:
        if snapshot.state != "confirmed" or snapshot.image_plane is None or not snapshot.moving:
            return False
        if snapshot.geometry:
            return snapshot.hits >= self._config.plane_hits
        return snapshot.hits >= self._config.image_hits and snapshot.snr >= self._config.image_snr

    def _worth_saying(self, alert: alert_pb2.Alert, newest: alert_pb2.Alert) -> bool:
        if (alert.state, alert.target_class) != (newest.state, newest.target_class):
            return True
        if alert.HasField("launch") > newest.HasField("launch"):
            return True
        if alert.HasField("burnout_time_unix_ns") > newest.HasField("burnout_time_unix_ns"):
            return True
        # Satellites report with different delays; a look from before the newest one's says nothing of now.
        return alert.time_unix_ns - newest.time_unix_ns >= self._config.update_period_s * 1e9

    def _alert(self, snapshot: TrackSnapshot, run_id: str, state: alert_pb2.AlertState, reason: str) -> alert_pb2.Alert:
        alert = alert_pb2.Alert(
            event_id=snapshot.event_id,
            revision=1,
            issuer=self._issuer,
            run_id=run_id,
            exercise=True,
            state=state,
            target_class=wire_tracks.CLASSES[_likeliest(snapshot, threats_only=state in OPEN)],
            class_probabilities=wire_tracks.class_probability_messages(snapshot.class_probability),
            time_unix_ns=snapshot.time_unix_ns,
            satellite_ids=snapshot.satellite_ids,
            track_id=snapshot.track_id,
            reason=reason,
        )
        if snapshot.kinematic is not None:
            alert.present.CopyFrom(wire_tracks.kinematic_message(snapshot.kinematic))
        if snapshot.image_plane is not None:
            alert.image_plane.CopyFrom(wire_tracks.image_plane_message(snapshot.image_plane))
        if snapshot.launch is not None:
            alert.launch.CopyFrom(wire_tracks.launch_message(snapshot.launch))
        if snapshot.burnout is not None:
            alert.burnout_time_unix_ns = snapshot.burnout.time_unix_ns
            alert.burnout.CopyFrom(wire_tracks.kinematic_message(snapshot.burnout.kinematic))
        return alert


def _why_over(snapshot: TrackSnapshot) -> tuple[alert_pb2.AlertState, str] | None:
    """Return how and why an alert of this track is over; None: it is not."""
    if snapshot.state != "tentative" and snapshot.target_class == "static_heat":
        return RETRACTED, "It is heat that stays in its place."
    if snapshot.state != "ended":
        return None
    if snapshot.merged_into:
        return RETRACTED, f"It is the same object as event {snapshot.merged_into}."
    return ENDED, snapshot.end_reason or "It was not seen any more."


def _likeliest(snapshot: TrackSnapshot, *, threats_only: bool) -> TargetClass:
    """Return the likeliest class; while an alert is open, of those that are a threat."""
    if not threats_only:
        return snapshot.target_class
    threats = [word for word in TARGET_CLASSES if word != "static_heat"]
    best = max(threats, key=lambda word: snapshot.class_probability.get(word, 0.0))
    return best if snapshot.class_probability.get(best, 0.0) > 0 else "unknown"
