"""An alert in words, and nothing in it that a terminal would obey."""

import io

import pytest
from rich.console import Console

from plumewatch.v1 import alert_pb2, track_pb2
from services.command_center import describe
from services.command_center.alert_book import AlertBook
from services.command_center.view import CLOSED_SHOWN, view
from services.runtime.envelope import Status

NS = 1_772_000_000_000_000_000
NASTY = "[bold red]x[/] \x1b[2J\x07\u202egnp\u200b\r\n\u2028"


def an_alert(event_id: str = "ev-1") -> alert_pb2.Alert:
    alert = alert_pb2.Alert(
        event_id=event_id,
        revision=4,
        exercise=True,
        state=alert_pb2.ALERT_STATE_CONFIRMED,
        target_class=track_pb2.TARGET_CLASS_SPACE_LAUNCH,
        time_unix_ns=NS,
        satellite_ids=["sat-1", "sat-2"],
    )
    alert.class_probabilities.add(target_class=track_pb2.TARGET_CLASS_BALLISTIC, probability=0.04)
    alert.class_probabilities.add(target_class=track_pb2.TARGET_CLASS_SPACE_LAUNCH, probability=0.96)
    alert.launch.time_unix_ns = NS - 40 * 10**9
    alert.launch.point.latitude_deg, alert.launch.point.longitude_deg = -30.94, 136.52
    alert.launch.ellipse.semi_major_m = 2_149.0
    alert.launch.heading_deg = 45.0
    alert.present.point.latitude_deg, alert.present.point.longitude_deg = 12.0, -7.5
    alert.present.point.height_m = 61_400.0
    alert.latency.readout_end_unix_ns = NS
    alert.latency.arrival_unix_ns = NS + 45_000_000
    alert.latency.published_s = 0.08
    return alert


def test_alert_in_words() -> None:
    alert = an_alert()
    assert describe.state(alert) == "CONFIRMED"
    assert describe.target_class(alert) == "space launch 96 %"
    assert describe.place(alert) == "12.00°N 7.50°W 61 km"
    assert describe.launch(alert) == "30.94°S 136.52°E ±2.1 km 06:12:40Z heading 045°"
    assert describe.latency_s(alert) == pytest.approx(0.125)


def test_reach_in_words_is_the_middle_and_the_farthest_corner() -> None:
    alert = an_alert()
    # A degree of latitude is 111.2 km on the mean sphere.
    for latitude, longitude in ((50.0, 179.0), (51.0, -180.0), (50.0, -179.0), (49.0, 180.0)):
        alert.reach_area.add(latitude_deg=latitude, longitude_deg=longitude)
    alert.time_left_s = 240.4
    shown = describe.comes_down(alert)
    assert shown.startswith("from 240 s in 50.0")
    assert shown.endswith("±111 km")
    assert f"may come down {shown}" in describe.line(alert)
    del alert.reach_area[:]
    assert describe.comes_down(alert) == "from 240 s"


def test_salvo_is_named_after_its_first_event() -> None:
    alert = an_alert()
    assert "salvo" not in describe.line(alert)
    alert.salvo_id = "ev-0"
    assert "salvo ev-0" in describe.line(alert)


def test_what_is_not_known_is_not_made_up() -> None:
    assert describe.comes_down(an_alert()) == ""
    alert = alert_pb2.Alert(event_id="ev-1", revision=1)
    assert describe.place(alert) == "unknown"
    assert describe.launch(alert) == ""
    assert describe.latency_s(alert) is None
    assert describe.age_s(alert, 0) is None


def test_image_plane_alert_says_where_on_which_image() -> None:
    alert = alert_pb2.Alert()
    alert.image_plane.satellite_id, alert.image_plane.row, alert.image_plane.column = "sat-3", 12.4, 870.6
    assert describe.place(alert) == "sat-3 row 12 column 871"


def test_latency_without_a_network_is_the_measured_part() -> None:
    alert = an_alert()
    alert.latency.arrival_unix_ns = 0
    assert describe.latency_s(alert) == pytest.approx(0.08)


def test_age_runs_while_open_and_stands_once_closed() -> None:
    alert = an_alert()
    assert describe.age_s(alert, NS + 5 * 10**9) == pytest.approx(45.0)
    # The clock may be behind what the alert itself says.
    assert describe.age_s(alert, NS - 5 * 10**9) == pytest.approx(40.0)
    alert.state = alert_pb2.ALERT_STATE_ENDED
    assert describe.age_s(alert, NS + 500 * 10**9) == pytest.approx(40.0)


def test_values_of_a_later_version_are_shown_as_numbers() -> None:
    alert = alert_pb2.Alert.FromString(b"\x38\x63\x40\x62")
    assert (describe.state(alert), describe.target_class(alert)) == ("99", "98")


def test_numbers_that_are_none_break_nothing() -> None:
    alert = an_alert()
    alert.present.point.latitude_deg = float("nan")
    alert.present.point.height_m = float("inf")
    alert.class_probabilities[1].probability = float("nan")
    alert.launch.time_unix_ns = 2**64 - 1
    alert.latency.published_s = float("nan")
    alert.time_left_s = float("inf")
    alert.reach_area.add(latitude_deg=float("nan"), longitude_deg=float("inf"))
    assert "nan" in describe.line(alert)


def test_nothing_steers_the_terminal() -> None:
    shown = describe.plain(NASTY)
    assert shown.startswith("[bold red]x[/] ")
    assert not set(shown) & set("\x1b\x07\u202e\u200b\r\n\u2028")
    assert len(describe.plain("x" * 10_000)) < 300


def render(book: AlertBook, width: int, connected: bool = True) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False, color_system=None)
    console.print(view(book, 0.0, "mqtt://127.0.0.1:1883", connected, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_table_shows_state_class_place_age_and_latency_at_any_width(width: int) -> None:
    book = AlertBook()
    book.take(an_alert(), 0.0)
    text = render(book, width)
    assert max(len(line) for line in text.splitlines()) <= width
    joined = " ".join(text.split())
    for word in ("EXERCISE", "CONFIRMED", "space", "12.00°N", "40 s", "0.12 s", "ev-1"):
        assert word in joined
    assert ("30.94°S" in text) == (width >= 130)
    assert ("may come" in joined) == (width >= 170)


def test_table_prints_foreign_text_as_it_is() -> None:
    book = AlertBook()
    alert = an_alert()
    alert.satellite_ids.append(NASTY)
    alert.acknowledgements.add(event_id="ev-1", operator=NASTY)
    book.take(alert, 0.0)
    text = render(book, 300)
    assert text.count("[bold red]x[/]") == 2
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_heading_says_who_is_there() -> None:
    book = AlertBook()
    book.note_status(Status("ground-station", "gs-1", "down"))
    text = " ".join(render(book, 200, connected=False).split())
    assert "ground-station/gs-1 down" in text
    assert "not connected, trying again" in text
    assert "no alerts" in text


def test_what_does_not_fit_is_counted() -> None:
    book = AlertBook()
    for k in range(CLOSED_SHOWN + 7):
        alert = an_alert(f"ev-{k}")
        alert.state = alert_pb2.ALERT_STATE_ENDED
        book.take(alert, 0.0)
    assert "and 0 more open, 7 more closed" in " ".join(render(book, 200).split())


def test_line_says_who_acknowledged() -> None:
    alert = an_alert()
    before = describe.line(alert)
    assert "acknowledged" not in before
    for operator in ("anna", "ben", "anna", NASTY):
        alert.acknowledgements.add(event_id="ev-1", operator=operator)
    shown = describe.line(alert)
    assert f"acknowledged by anna, ben, {describe.plain(NASTY)}" in shown
    assert "\x1b" not in shown
    for k in range(1000):
        alert.acknowledgements.add(event_id="ev-1", operator=f"o-{k}")
    assert describe.line(alert).endswith("acknowledged by o-997, o-998, o-999 and 1000 more")
