"""An alert in words. What came over the network is untrusted: nothing here may steer a terminal. Pure."""

import math
import unicodedata
from collections.abc import Sequence

from plumewatch.v1 import alert_pb2, track_pb2
from services.geometry.geodesic import MEAN_RADIUS_M
from services.runtime.envelope import format_instant

# Longer texts are cut; a table has no room for them, and an attacker all the time.
TEXT_LIMIT = 200
OPERATORS_NAMED = 3
# Corners of an area beyond these are not looked at: ground stations send 36 at most.
CORNERS_READ = 64
# Unicode categories that steer instead of show: control, format (bidirectional overrides), surrogate, private,
# line and paragraph separators.
STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(text: str) -> str:
    """Return `text` without anything that a terminal would obey, each such character as U+FFFD, and not too long.

    Markup in square brackets stays: whoever prints it must not interpret it (rich.text.Text does not).
    """
    shown = "".join("\ufffd" if unicodedata.category(letter) in STEERING else letter for letter in text[:TEXT_LIMIT])
    return shown + "…" if len(text) > TEXT_LIMIT else shown


def state(alert: alert_pb2.Alert) -> str:
    """Return the state as one word; a number that this version does not know stays a number."""
    return _word(alert_pb2.AlertState, alert.state, "ALERT_STATE_")


def target_class(alert: alert_pb2.Alert) -> str:
    """Return the likeliest class as words, with its probability where it is known: `ballistic 97 %`."""
    word = _word(track_pb2.TargetClass, alert.target_class, "TARGET_CLASS_").lower().replace("_", " ")
    for item in alert.class_probabilities:
        if item.target_class == alert.target_class and math.isfinite(item.probability):
            return f"{word} {item.probability:.0%}".replace("%", " %")
    return word


def place(alert: alert_pb2.Alert) -> str:
    """Return where it is now: on the Earth with its height, on a satellite's image, or unknown."""
    if alert.HasField("present"):
        return f"{point(alert.present.point)} {alert.present.point.height_m / 1e3:.0f} km"
    if alert.HasField("image_plane"):
        image = alert.image_plane
        return f"{plain(image.satellite_id)} row {image.row:.0f} column {image.column:.0f}"
    return "unknown"


def launch(alert: alert_pb2.Alert) -> str:
    """Return where and when it left the ground, with its heading; empty where that is not known."""
    if not alert.HasField("launch"):
        return ""
    words = [point(alert.launch.point)]
    if alert.launch.HasField("ellipse"):
        words.append(f"±{alert.launch.ellipse.semi_major_m / 1e3:.1f} km")
    words.append(instant(alert.launch.time_unix_ns))
    if alert.launch.HasField("heading_deg"):
        words.append(f"heading {alert.launch.heading_deg:03.0f}°")
    return " ".join(words)


def comes_down(alert: alert_pb2.Alert) -> str:
    """Return where it may come down and in how long at the soonest: `from 240 s in 12.00°N 7.50°W ±35 km`.

    The middle of the area's corners and the farthest of them; empty where neither is known.
    """
    words = []
    if alert.HasField("time_left_s"):
        words.append(f"from {alert.time_left_s:.0f} s")
    corners = alert.reach_area[:CORNERS_READ]
    if corners:
        middle, radius_m = _middle(corners)
        words.append(f"in {point(middle)} ±{radius_m / 1e3:.0f} km")
    return " ".join(words)


def salvo(alert: alert_pb2.Alert) -> str:
    """Return which salvo it belongs to, by the id of its first event; empty: it is alone."""
    return plain(alert.salvo_id)


def acknowledged(alert: alert_pb2.Alert) -> str:
    """Return who has acknowledged it, each once and the newest few by name; empty where nobody has."""
    operators = list(dict.fromkeys(plain(item.operator) for item in alert.acknowledgements))
    if not operators:
        return ""
    more = f" and {len(operators) - OPERATORS_NAMED} more" if len(operators) > OPERATORS_NAMED else ""
    return f"acknowledged by {', '.join(operators[-OPERATORS_NAMED:])}{more}"


def point(where: track_pb2.GeodeticPoint) -> str:
    """Return latitude and longitude to a hundredth of a degree, about a kilometre: `30.94°S 136.52°E`."""
    latitude, longitude = where.latitude_deg, where.longitude_deg
    return f"{abs(latitude):.2f}°{'S' if latitude < 0 else 'N'} {abs(longitude):.2f}°{'W' if longitude < 0 else 'E'}"


def instant(unix_ns: int) -> str:
    """Return the time of day in UTC, to a second; beyond the year 9999, the bare number."""
    try:
        return format_instant(unix_ns)[11:19] + "Z"
    except OverflowError:
        return str(unix_ns)


def latency_s(alert: alert_pb2.Alert) -> float | None:
    """Return readout end to publication, seconds: the modelled way down and the measured rest; None: not known."""
    if not alert.HasField("latency") or not alert.latency.published_s:
        return None
    budget = alert.latency
    way_s = (budget.arrival_unix_ns - budget.readout_end_unix_ns) / 1e9 if budget.arrival_unix_ns else 0.0
    return way_s + budget.published_s


def age_s(alert: alert_pb2.Alert, emulated_now_unix_ns: int) -> float | None:
    """Return the time since launch, or since the light of the first revision where no launch is known.

    Of a closed event it is the age at which it closed. None: no time is known.
    """
    closed = alert.state not in (alert_pb2.ALERT_STATE_DETECTED, alert_pb2.ALERT_STATE_CONFIRMED)
    now = alert.time_unix_ns if closed else max(emulated_now_unix_ns, alert.time_unix_ns)
    began = alert.launch.time_unix_ns if alert.HasField("launch") else alert.time_unix_ns
    return (now - began) / 1e9 if now and began else None


def line(alert: alert_pb2.Alert) -> str:
    """Return a revision as one line, for a log or a terminal that cannot redraw."""
    latency = latency_s(alert)
    words = [
        instant(alert.time_unix_ns),
        f"{state(alert):<9}",
        f"{target_class(alert):<14}",
        place(alert),
        f"launch {launch(alert)}" if launch(alert) else "",
        f"may come down {comes_down(alert)}" if comes_down(alert) else "",
        f"salvo {salvo(alert)}" if alert.salvo_id else "",
        f"latency {latency:.2f} s" if latency is not None else "",
        f"event {plain(alert.event_id)} revision {alert.revision}",
        plain(alert.reason),
        acknowledged(alert),
    ]
    return "  ".join(word for word in words if word)


def _middle(corners: Sequence[track_pb2.GeodeticPoint]) -> tuple[track_pb2.GeodeticPoint, float]:
    """Return the middle of the corners on the mean sphere, and the distance to the farthest of them, metres.

    The middle is that of their chord vectors: right for areas up to half the Earth.
    """
    vectors = [_unit(corner) for corner in corners]
    x, y, z = (sum(vector[k] for vector in vectors) for k in range(3))
    length = math.hypot(x, y, z) or 1.0
    nearest = min((vector[0] * x + vector[1] * y + vector[2] * z) / length for vector in vectors)
    middle = track_pb2.GeodeticPoint(
        latitude_deg=math.degrees(math.atan2(z, math.hypot(x, y))), longitude_deg=math.degrees(math.atan2(y, x))
    )
    return middle, MEAN_RADIUS_M * math.acos(max(-1.0, min(1.0, nearest)))


def _unit(corner: track_pb2.GeodeticPoint) -> tuple[float, float, float]:
    """Return a point's direction; one that is no number lies at 0, 0."""
    known = math.isfinite(corner.latitude_deg) and math.isfinite(corner.longitude_deg)
    latitude, longitude = (math.radians(corner.latitude_deg), math.radians(corner.longitude_deg)) if known else (0, 0)
    return math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude)


def _word(enum: object, value: int, prefix: str) -> str:
    try:
        name: str = enum.Name(value)  # type: ignore[attr-defined]
    except ValueError:
        return str(value)
    return name.removeprefix(prefix)
