"""How well alerts tell the truth.

Truth is one record an object, as `plumewatch up` and `simulate` write it; alerts are the revisions that were
published, as JSON objects or in their CloudEvents envelopes. An event is judged by what it was when it was last
heard of; when it was raised, by its first CONFIRMED revision. Pure.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.geometry.ellipsoid import itrs_to_geodetic
from services.geometry.geodesic import geodesic_inverse
from services.runtime.errors import BadInputError

Record = Mapping[str, Any]

STATIC = "static_heat"
# An alert may lie this far off whatever its ellipse says.
NEAR_M = 50_000.0
# Cost of a pair that does not match: more than any distances on the Earth add up to, metres.
FORBIDDEN = 1e12


@dataclass(frozen=True)
class Event:
    """All revisions of one event, oldest first, as plain records."""

    event_id: str
    revisions: tuple[Record, ...]

    @property
    def confirmed(self) -> Record | None:
        """Return the first revision that says CONFIRMED of a threat class."""
        for revision in self.revisions:
            if _word(revision.get("state"), "alert_state_") == "confirmed" and _target_class(revision) != STATIC:
                return revision
        return None

    @property
    def newest(self) -> Record:
        """Return the last revision."""
        return self.revisions[-1]


@dataclass(frozen=True)
class Match:
    """An event and the object it is about."""

    event: Event
    truth: Record
    distance_m: float
    in_ellipse: bool | None


def score(
    truth: Sequence[Record], alerts: Iterable[Record], delivered_s: Mapping[tuple[str, int], float] | None = None
) -> dict[str, Any]:
    """Return the figures of CONTRACT's `plumewatch score`, fit for JSON; None where there is nothing to measure.

    delivered_s: wall time from the frame's arrival until a subscriber had the revision, by event and revision; where
    it is known, latency ends there, after the broker has acknowledged, else where the alert says it was handed over.

    A match needs a launch point within max(50 km, the alert's 90 % ellipse) of the object's, and lives that overlap;
    an alert without a launch point is held by its present place against the object's track. Only threats can be
    found; heat that stays in its place is in the truth so that an alert about it counts as false.
    """
    events = [event for event in events_of(alerts) if event.confirmed is not None]
    threats = [record for record in truth if _word(record.get("class")) != STATIC]
    matches = match(threats, events)
    matched_events = {each.event.event_id for each in matches}
    matched_truth = {id(each.truth) for each in matches}
    errors = [each for each in matches if _target_class(each.event.newest) != _word(each.truth["class"])]
    in_ellipse = [each.in_ellipse for each in matches if each.in_ellipse is not None]
    launch_errors = [each.distance_m for each in matches if each.event.newest.get("launch")]
    return {
        "found": len(matches),
        "missed": len(threats) - len(matches),
        "false_alerts": len(events) - len(matches),
        "class_errors": len(errors),
        "launch_error_m": _percentiles(launch_errors, 50, 90),
        "launch_in_ellipse": sum(in_ellipse) / len(in_ellipse) if in_ellipse else None,
        "launch_time_error_s": _percentiles([abs(each) for each in _launch_time_errors(matches)], 50, 90),
        "heading_error_deg": _percentiles(_heading_errors(matches), 50, 90),
        "time_to_alert_s": _percentiles([_time_to_alert_s(each) for each in matches], 50, 99),
        "latency_s": _percentiles([_latency_s(_confirmed(each.event), delivered_s or {}) for each in matches], 50, 99),
        "objects": [_of_object(record, matches) for record in threats],
        "missed_objects": [str(record["object_id"]) for record in threats if id(record) not in matched_truth],
        "false_alert_events": [event.event_id for event in events if event.event_id not in matched_events],
    }


def events_of(alerts: Iterable[Record]) -> list[Event]:
    """Return the alerts by event, in order of first appearance; each event's revisions ascend, repeats are dropped."""
    found: dict[str, dict[int, Record]] = {}
    for line in alerts:
        alert = unwrap(line)
        revisions = found.setdefault(str(alert["event_id"]), {})
        revisions.setdefault(int(alert.get("revision", 0)), alert)
    return [
        Event(event_id, tuple(revisions[number] for number in sorted(revisions)))
        for event_id, revisions in found.items()
    ]


def unwrap(line: Record) -> Record:
    """Return the alert inside a CloudEvents envelope, or the alert itself."""
    data = line.get("data")
    if "specversion" in line and isinstance(data, Mapping):
        return data
    return line


def match(threats: Sequence[Record], events: Sequence[Event]) -> list[Match]:
    """Return the one-to-one matching with the most matches, and of these the least sum of distances."""
    from scipy.optimize import linear_sum_assignment

    if not threats or not events:
        return []
    pairs = [[_pair(record, event) for record in threats] for event in events]
    cost = np.array([[FORBIDDEN if each is None else each.distance_m for each in row] for row in pairs])
    rows, columns = linear_sum_assignment(cost)
    chosen = [pairs[row][column] for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
    return [each for each in chosen if each is not None]


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Return the file's lines as objects; BadInputError names file and line of what is none."""
    records = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except json.JSONDecodeError as error:
                    raise BadInputError(f"{path}:{number}", f"is not JSON: {error}") from error
                if not isinstance(record, dict):
                    raise BadInputError(f"{path}:{number}", "is not a JSON object")
                records.append(record)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(str(path), f"cannot be read: {error}") from error
    return records


def check_truth(records: Sequence[Record], path: Path) -> None:
    """Raise BadInputError for a truth record that lacks what scoring needs."""
    for number, record in enumerate(records, 1):
        missing = [key for key in ("object_id", "class") if key not in record]
        if _word(record.get("class")) != STATIC:
            missing += [key for key in ("launch_time_unix_ns", "launch", "track") if key not in record]
        if missing:
            raise BadInputError(f"{path}:{number}", f"lacks {', '.join(missing)}; is it a truth file?")
        _checked(_read_truth, record, f"{path}:{number}")


def check_alerts(records: Sequence[Record], path: Path) -> None:
    """Raise BadInputError for a line that is no alert."""
    for number, record in enumerate(records, 1):
        missing = [key for key in ("event_id", "state") if key not in unwrap(record)]
        if missing:
            raise BadInputError(f"{path}:{number}", f"lacks {', '.join(missing)}; is it a file of alerts?")
        _checked(_read_alert, unwrap(record), f"{path}:{number}")


def _checked(read: Callable[[Record], None], record: Record, where: str) -> None:
    """Raise BadInputError where `read` meets a value that scoring could not use."""
    try:
        read(record)
    except KeyError as error:
        raise BadInputError(where, f"lacks {error.args[0]}") from error
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise BadInputError(where, f"has a value that cannot be used: {error}") from error


def _read_truth(record: Record) -> None:
    """Read all that scoring reads of a truth object."""
    if _word(record["class"]) == STATIC:
        return
    int(record["launch_time_unix_ns"])
    int(record.get("first_detectable_unix_ns") or 0)
    _finite(*_degrees(record["launch"]))
    for point in record["track"]:
        int(point["time_unix_ns"])
        x, y, z = point["position_itrs_m"]
        _finite(float(x), float(y), float(z))


def _read_alert(alert: Record) -> None:
    """Read all that scoring reads of an alert."""
    int(alert.get("revision", 0))
    int(alert.get("time_unix_ns", 0))
    _published_unix_ns(alert)
    launch = alert.get("launch")
    if launch:
        int(launch["time_unix_ns"])
        _finite(*_degrees(launch["point"]), float(launch.get("heading_deg") or 0.0))
        _finite(_reach_m(launch["ellipse"], 0.0) if launch.get("ellipse") else 0.0)
    if alert.get("present"):
        _finite(*_degrees(alert["present"]["point"]))


def _finite(*values: float) -> None:
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")


def _pair(record: Record, event: Event) -> Match | None:
    if not _lives_overlap(record, event):
        return None
    launch = event.newest.get("launch") or _confirmed(event).get("launch")
    if launch:
        point, place = launch["point"], record["launch"]
        distance, azimuth = geodesic_inverse(
            float(place["latitude_deg"]), float(place["longitude_deg"]), *_degrees(point)
        )
        ellipse = launch.get("ellipse")
        # How far the ellipse reaches in the direction of the object, from its own centre.
        reach = _reach_m(ellipse, azimuth + 180.0) if ellipse else 0.0
        inside = distance <= reach if ellipse else None
        return Match(event, record, distance, inside) if distance <= max(NEAR_M, reach) else None
    present = _confirmed(event).get("present") or event.newest.get("present")
    if not present:
        return None
    distance = _distance_to_track(record, present["point"], int(_confirmed(event).get("time_unix_ns", 0)))
    return Match(event, record, distance, None) if distance <= NEAR_M else None


def _lives_overlap(record: Record, event: Event) -> bool:
    times = [int(revision.get("time_unix_ns", 0)) for revision in event.revisions]
    track = [int(point["time_unix_ns"]) for point in record["track"]]
    begin, end = int(record["launch_time_unix_ns"]), max(track, default=int(record["launch_time_unix_ns"]))
    return min(times) <= end and max(times) >= begin


def _reach_m(ellipse: Record, azimuth_deg: float) -> float:
    """Return the radius of an ellipse in a direction, clockwise from north."""
    major, minor = float(ellipse["semi_major_m"]), float(ellipse["semi_minor_m"])
    angle = math.radians(azimuth_deg - float(ellipse["orientation_deg"]))
    if major <= 0 or minor <= 0:
        return 0.0
    return 1 / math.hypot(math.cos(angle) / major, math.sin(angle) / minor)


def _distance_to_track(record: Record, point: Record, time_unix_ns: int) -> float:
    """Return the distance over the ground between a place and the object at a time."""
    nearest = min(record["track"], key=lambda each: abs(int(each["time_unix_ns"]) - time_unix_ns), default=None)
    if nearest is None:
        return math.inf
    latitude, longitude, _ = itrs_to_geodetic(np.asarray(nearest["position_itrs_m"], dtype=np.float64))
    return geodesic_inverse(float(latitude), float(longitude), *_degrees(point))[0]


def _launch_time_errors(matches: Sequence[Match]) -> list[float]:
    pairs = [(each.truth, each.event.newest["launch"]) for each in matches if each.event.newest.get("launch")]
    return [(int(launch["time_unix_ns"]) - int(truth["launch_time_unix_ns"])) / 1e9 for truth, launch in pairs]


def _heading_errors(matches: Sequence[Match]) -> list[float]:
    """Return angles between the stated heading and the direction the object's track takes."""
    errors = []
    for each in matches:
        heading = (each.event.newest.get("launch") or {}).get("heading_deg")
        track = each.truth["track"]
        if heading is None or len(track) < 2:
            continue
        start = _ground(track[0]["position_itrs_m"])
        time_unix_ns = int(each.event.newest.get("time_unix_ns", 0))
        then = min(track, key=lambda point: abs(int(point["time_unix_ns"]) - time_unix_ns))
        distance, azimuth = geodesic_inverse(*start, *_ground(then["position_itrs_m"]))
        if distance > 0:
            errors.append(abs((float(heading) - azimuth + 180.0) % 360.0 - 180.0))
    return errors


def _time_to_alert_s(each: Match) -> float:
    """Return the time from when the object could first be detected until the alert was out."""
    since = each.truth.get("first_detectable_unix_ns") or each.truth["launch_time_unix_ns"]
    return (_published_unix_ns(_confirmed(each.event)) - int(since)) / 1e9


def _latency_s(alert: Record, delivered_s: Mapping[tuple[str, int], float]) -> float:
    """Return modelled arrival less read-out end, plus the wall time from arrival to delivery or publication."""
    budget = alert.get("latency") or {}
    readout_end = int(budget.get("readout_end_unix_ns") or 0)
    if not readout_end:
        return math.nan
    arrival = int(budget.get("arrival_unix_ns") or 0) or readout_end
    published_s = float(budget.get("published_s") or 0.0)
    key = (str(alert["event_id"]), int(alert.get("revision", 0)))
    return (arrival - readout_end) / 1e9 + delivered_s.get(key, published_s)


def _published_unix_ns(alert: Record) -> int:
    budget = alert.get("latency") or {}
    arrival = int(budget.get("arrival_unix_ns") or 0) or int(budget.get("readout_end_unix_ns") or 0)
    arrival = arrival or int(alert.get("time_unix_ns", 0))
    return arrival + round(float(budget.get("published_s") or 0.0) * 1e9)


def _of_object(record: Record, matches: Sequence[Match]) -> dict[str, Any]:
    """Return one object's own line of the score."""
    own = next((each for each in matches if each.truth is record), None)
    line: dict[str, Any] = {
        "object_id": str(record["object_id"]),
        "class": _word(record["class"]),
        "found": own is not None,
    }
    if own is not None:
        line |= {
            "event_id": own.event.event_id,
            "alert_class": _target_class(own.event.newest),
            "launch_error_m": own.distance_m if own.event.newest.get("launch") else None,
            "launch_in_ellipse": own.in_ellipse,
            "time_to_alert_s": _time_to_alert_s(own),
            "revisions": len(own.event.revisions),
        }
    return line


def _confirmed(event: Event) -> Record:
    confirmed = event.confirmed
    if confirmed is None:
        raise ValueError(f"event {event.event_id} was never confirmed")
    return confirmed


def _percentiles(values: Sequence[float], *ranks: int) -> dict[str, float | None]:
    """Return p50, p90, ... of the finite values; None where there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return {f"p{rank}": float(np.percentile(finite, rank)) if finite else None for rank in ranks}


def _target_class(alert: Record) -> str:
    return _word(alert.get("target_class") or alert.get("class"), "target_class_")


def _word(value: object, prefix: str = "") -> str:
    return str(value or "").lower().removeprefix(prefix)


def _degrees(point: Record) -> tuple[float, float]:
    return float(point["latitude_deg"]), float(point["longitude_deg"])


def _ground(position_itrs_m: Sequence[float]) -> tuple[float, float]:
    latitude, longitude, _ = itrs_to_geodetic(np.asarray(position_itrs_m, dtype=np.float64))
    return float(latitude), float(longitude)
