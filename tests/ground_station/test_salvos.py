"""Which launches belong together, as revisions come in any order of their events."""

from typing import Any

import pytest

from plumewatch.v1 import alert_pb2
from services.ground_station.salvos import Salvos

START = 1_782_043_200_000_000_000
SECOND = 1_000_000_000


def launched(event_id: str, east_deg: float, first_s: float = 0.0, **changes: Any) -> alert_pb2.Alert:
    alert = alert_pb2.Alert(
        event_id=event_id,
        run_id="run-1",
        state=alert_pb2.ALERT_STATE_CONFIRMED,
        first_time_unix_ns=START + round(first_s * SECOND),
    )
    alert.launch.time_unix_ns = START
    # At the equator a degree is 111 km.
    alert.launch.point.longitude_deg = east_deg
    alert.launch.ellipse.semi_major_m = 3e3
    for name, value in changes.items():
        setattr(alert, name, value)
    return alert


def say(salvos: Salvos, alert: alert_pb2.Alert) -> str:
    """Return the salvo that the revision says, once it is the newest."""
    alert.salvo_id = salvos.salvo_of(alert)
    salvos.note(alert)
    return alert.salvo_id


def test_salvos_that_an_event_joins_become_the_older_ones() -> None:
    salvos = Salvos()
    west, west2 = launched("w", 0.0, 5.0), launched("w2", 0.1, 6.0)
    east, east2 = launched("e", 1.6, 1.0), launched("e2", 1.5, 2.0)
    for alert in (west, west2, east, east2):
        say(salvos, alert)
    assert (west2.salvo_id, east2.salvo_id) == ("w", "e")
    between = launched("m", 0.8, 9.0)
    assert say(salvos, between) == "e"
    # Each says so with its own next revision; what is near the joined one hears of it through that.
    assert [say(salvos, alert) for alert in (west, west2, east, east2)] == ["e", "e", "e", "e"]


def test_event_that_joined_stays_when_its_launch_is_known_better() -> None:
    salvos = Salvos()
    first, second = launched("a", 0.0), launched("b", 0.8, 3.0)
    say(salvos, first)
    assert say(salvos, second) == "a"
    second.launch.point.longitude_deg = 1.2
    assert say(salvos, second) == "a"


@pytest.mark.parametrize("changes", [{"state": alert_pb2.ALERT_STATE_RETRACTED}, {"merged_into_event_id": "x"}])
def test_what_was_nothing_or_another_joins_nobody(changes: dict[str, Any]) -> None:
    salvos = Salvos()
    say(salvos, launched("a", 0.0, **changes))
    assert say(salvos, launched("b", 0.1)) == ""


def test_launch_known_badly_late_or_of_another_run_joins_nobody() -> None:
    salvos = Salvos()
    say(salvos, launched("a", 0.0))
    vague, late = launched("b", 0.1), launched("c", 0.1)
    vague.launch.ellipse.semi_major_m = 6e4
    late.launch.time_unix_ns += 301 * SECOND
    assert [say(salvos, alert) for alert in (vague, late, launched("d", 0.1, run_id="run-2"))] == ["", "", ""]


def test_launches_across_the_date_line_are_near() -> None:
    salvos = Salvos()
    say(salvos, launched("a", 179.9))
    assert say(salvos, launched("b", -179.9, 1.0)) == "a"


def test_forgotten_run_has_no_salvos() -> None:
    salvos = Salvos()
    say(salvos, launched("a", 0.0))
    salvos.forget_run("run-1")
    assert say(salvos, launched("b", 0.1)) == ""


def test_forgotten_run_leaves_no_memory_of_any_event() -> None:
    salvos = Salvos()
    unlaunched = launched("n", 0.0)
    unlaunched.ClearField("launch")
    retracted = launched("r", 0.0)
    for alert in (launched("a", 0.0), unlaunched, retracted):
        say(salvos, alert)
    retracted.state = alert_pb2.ALERT_STATE_RETRACTED
    say(salvos, retracted)
    salvos.forget_run("run-1")
    assert not any(vars(salvos).values())
