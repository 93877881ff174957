"""From tracks to alerts: which event is said to be what, and when it is worth saying again. Decides only.

    nothing ──> DETECTED or CONFIRMED <──> ENDED or RETRACTED
                      (open)                    (over)

While it is open, what was detected may be confirmed, and never the other way round. What is over opens again, as
either, where its track proves to go on after all or a new one takes it up, or where what was held for a fire or an
airliner flies as neither does.

One object is one event. Where two tracks prove to be one object's, the event that was raised first goes on, whichever
track does; the other ends and names it. A new track that takes up where a lost one was going reopens its event. An
object that parts from another is an event of its own, and of the same salvo.

What is decided depends on the newest revisions of the run's events and the track's snapshot alone. So a station that
starts again needs no more than the newest revisions to go on, and the same batches lead to the same revisions.
"""

from dataclasses import dataclass

from plumewatch.v1 import alert_pb2
from services.ground_station import wire_tracks
from services.ground_station.lost_events import continued_event
from services.ground_station.salvos import Salvos
from services.ground_station.tracking.snapshot import TARGET_CLASSES, TargetClass, TrackSnapshot

DETECTED = alert_pb2.ALERT_STATE_DETECTED
CONFIRMED = alert_pb2.ALERT_STATE_CONFIRMED
ENDED = alert_pb2.ALERT_STATE_ENDED
RETRACTED = alert_pb2.ALERT_STATE_RETRACTED
OPEN = (DETECTED, CONFIRMED)

# Events that one event may turn out to be besides, as many as an object is lost and found again.
MOST_ABSORBED = 50
# Probability from which heat is held to stay in its place.
SHOWN_TO_STAY = 0.9
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
        # The event that goes on for another, by that one's id.
        self._goes_on_as: dict[str, str] = {}
        self._salvos = Salvos()

    def restore(self, alert: alert_pb2.Alert) -> None:
        """Take over an event's newest revision from the archive."""
        known = self._newest.get(alert.event_id)
        if known is None or known.revision < alert.revision:
            self._keep(alert)

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
        self._goes_on_as = {name: event_id for name, event_id in self._goes_on_as.items() if event_id in self._newest}
        self._salvos.forget_run(run_id)

    def consider(
        self,
        snapshot: TrackSnapshot,
        run_id: str,
        latency: alert_pb2.LatencyBudget | None = None,
        trace_id: str = "",
    ) -> alert_pb2.Alert | None:
        """Return an event's next revision, which is from now on its newest; None: there is nothing new to say.

        It is the event of the snapshot's object: another than the snapshot names where that one goes on as another,
        and the one that ends where two prove to be one.

        latency, trace_id: of the frame behind the snapshot.
        """
        newest = self._newest.get(self._event_id(snapshot.event_id))
        if snapshot.state == "ended" and snapshot.merged_into and not _is_static(snapshot):
            alert = self._merge(newest, snapshot)
        else:
            alert = self._next(newest, snapshot, run_id)
        if alert is None:
            return None
        if latency is not None:
            alert.latency.CopyFrom(latency)
        alert.trace_id = trace_id
        self._keep(alert)
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
        alert = _copy(newest)
        alert.acknowledgements.append(acknowledgement)
        self._keep(alert)
        return alert

    def close(self, event_id: str, reason: str) -> alert_pb2.Alert | None:
        """Return the event's ENDED revision; None where it is not open."""
        newest = self._newest.get(event_id)
        if newest is None or newest.state not in OPEN:
            return None
        alert = _ended(newest, reason)
        self._keep(alert)
        return alert

    def _keep(self, alert: alert_pb2.Alert) -> None:
        self._newest[alert.event_id] = alert
        self._salvos.note(alert)
        for absorbed in alert.absorbed_event_ids:
            self._goes_on_as[absorbed] = alert.event_id
        if alert.merged_into_event_id:
            self._goes_on_as[alert.event_id] = alert.merged_into_event_id

    def _event_id(self, named: str) -> str:
        """Return the event that goes on for the one that a snapshot names."""
        while named in self._goes_on_as:
            named = self._goes_on_as[named]
        return named

    def _next(self, newest: alert_pb2.Alert | None, snapshot: TrackSnapshot, run_id: str) -> alert_pb2.Alert | None:
        """Return the next revision that a living or lost track gives cause for."""
        state, reason = self._judge(snapshot, newest.state if newest else None)
        if state is None:
            return None
        found = None
        if newest is None or not newest.HasField("present"):
            events = (event for event in self._newest.values() if event.run_id == run_id)
            found = continued_event(snapshot, events)
        if found is not None and newest is not None:
            return _ended(newest, f"It is the same object as event {found.event_id}.", found.event_id)
        alert = self._alert(snapshot, run_id, state, reason)
        if found is not None and len(found.absorbed_event_ids) < MOST_ABSORBED:
            _go_on(alert, found)
            alert.absorbed_event_ids.append(snapshot.event_id)
        elif newest is not None:
            if not self._worth_saying(alert, newest):
                return None
            _go_on(alert, newest)
        alert.salvo_id = self._salvos.salvo_of(alert)
        return alert

    def _merge(self, newest: alert_pb2.Alert | None, snapshot: TrackSnapshot) -> alert_pb2.Alert | None:
        """Return the revision that says that two tracks are one object's, the snapshot's track being the one to end."""
        other_id = self._event_id(snapshot.merged_into)
        if newest is None or newest.state not in OPEN or other_id == newest.event_id:
            return None
        other = self._newest.get(other_id)
        if other is None and len(newest.absorbed_event_ids) < MOST_ABSORBED:
            alert = _copy(newest)
            alert.absorbed_event_ids.append(other_id)
            return alert
        if other is None or other.state not in OPEN or _age(other) < _age(newest):
            return _ended(newest, f"It is the same object as event {other_id}.", other_id)
        return _ended(other, f"It is the same object as event {newest.event_id}.", newest.event_id)

    def _judge(
        self, snapshot: TrackSnapshot, now: alert_pb2.AlertState | None
    ) -> tuple[alert_pb2.AlertState | None, str]:
        """Return what the event is from now on, and why it is over if it is; None: no alert."""
        is_open = now in OPEN
        over = _why_over(snapshot)
        if over is not None:
            return over if is_open else (None, "")
        known = snapshot.state == "confirmed" and snapshot.kinematic is not None
        if known and snapshot.target_class != "static_heat":
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
        """Return whether a revision is new in kind, or the newest old enough.

        Another class is not new in kind: while two are as likely it may change with every look.
        """
        if alert.state != newest.state:
            return True
        if alert.HasField("launch") > newest.HasField("launch"):
            return True
        if alert.HasField("burnout_time_unix_ns") > newest.HasField("burnout_time_unix_ns"):
            return True
        if bool(alert.reach_area) > bool(newest.reach_area):
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
            first_time_unix_ns=snapshot.time_unix_ns,
            reach_area=wire_tracks.reach_messages(snapshot.reach),
            time_left_s=snapshot.time_left_s,
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


def _go_on(alert: alert_pb2.Alert, newest: alert_pb2.Alert) -> None:
    """Make a revision the one after the newest: what was known does not become unknown by a later look."""
    alert.event_id = newest.event_id
    alert.revision = newest.revision + 1
    alert.salvo_id = newest.salvo_id
    alert.first_time_unix_ns = newest.first_time_unix_ns
    alert.acknowledgements.extend(newest.acknowledgements)
    alert.absorbed_event_ids.extend(newest.absorbed_event_ids)
    if newest.HasField("launch") and not alert.HasField("launch"):
        alert.launch.CopyFrom(newest.launch)
    if newest.HasField("burnout_time_unix_ns") and not alert.HasField("burnout_time_unix_ns"):
        alert.burnout_time_unix_ns = newest.burnout_time_unix_ns
        alert.burnout.CopyFrom(newest.burnout)
    if alert.state == ENDED and not alert.reach_area and newest.HasField("time_left_s"):
        # It is lost, and comes down all the same.
        alert.reach_area.extend(newest.reach_area)
        passed_s = (alert.time_unix_ns - newest.time_unix_ns) / 1e9
        alert.time_left_s = max(newest.time_left_s - passed_s, 0.0)


def _copy(newest: alert_pb2.Alert) -> alert_pb2.Alert:
    """Return the next revision, the same so far."""
    alert = alert_pb2.Alert()
    alert.CopyFrom(newest)
    alert.revision += 1
    return alert


def _ended(newest: alert_pb2.Alert, reason: str, merged_into: str = "") -> alert_pb2.Alert:
    alert = _copy(newest)
    alert.state = ENDED
    alert.reason = reason
    alert.merged_into_event_id = merged_into
    return alert


def _age(alert: alert_pb2.Alert) -> tuple[int, str]:
    """Return what orders events: the older is the less."""
    return alert.first_time_unix_ns, alert.event_id


def _is_static(snapshot: TrackSnapshot) -> bool:
    # Less sure than this, it has not been shown to stay: it has not been shown to move yet.
    return snapshot.state != "tentative" and snapshot.class_probability.get("static_heat", 0.0) >= SHOWN_TO_STAY


def _why_over(snapshot: TrackSnapshot) -> tuple[alert_pb2.AlertState, str] | None:
    """Return how and why an alert of this track is over; None: it is not."""
    if _is_static(snapshot):
        return RETRACTED, "It is heat that stays in its place."
    if snapshot.refuted:
        return RETRACTED, snapshot.refuted
    if snapshot.state != "ended":
        return None
    return ENDED, snapshot.end_reason or "It was not seen any more."


def _likeliest(snapshot: TrackSnapshot, *, threats_only: bool) -> TargetClass:
    """Return the likeliest class; while an alert is open, of those that are a threat."""
    if not threats_only:
        return snapshot.target_class
    threats = [word for word in TARGET_CLASSES if word != "static_heat"]
    best = max(threats, key=lambda word: snapshot.class_probability.get(word, 0.0))
    return best if snapshot.class_probability.get(best, 0.0) > 0 else "unknown"
