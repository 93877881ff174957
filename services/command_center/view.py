"""The live table of alerts, for rich. Pure: a book and an instant in, something to print out."""

from typing import Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from plumewatch.v1 import alert_pb2
from services.command_center import describe
from services.command_center.alert_book import AlertBook, Entry

# Closed events beyond this many are counted, not shown.
CLOSED_SHOWN = 10
OPEN_SHOWN = 40
STATE_STYLES = {
    alert_pb2.ALERT_STATE_DETECTED: "yellow",
    alert_pb2.ALERT_STATE_CONFIRMED: "bold red",
    alert_pb2.ALERT_STATE_ENDED: "dim",
    alert_pb2.ALERT_STATE_RETRACTED: "dim strike",
}
SERVICE_STYLES = {"up": "green", "draining": "yellow", "down": "bold red"}
# Name, how it is set, and the narrowest terminal that shows it, in columns of text.
COLUMNS: tuple[tuple[str, Literal["left", "right"], int], ...] = (
    ("state", "left", 0),
    ("class", "left", 0),
    ("place", "left", 0),
    ("launch", "left", 130),
    ("may come down", "left", 170),
    ("salvo", "left", 200),
    ("age", "right", 0),
    ("latency", "right", 0),
    ("seen by", "left", 150),
    ("event", "left", 0),
    ("rev", "right", 90),
    ("acknowledged", "left", 110),
)


def view(book: AlertBook, now_s: float, broker: str, connected: bool, width: int) -> RenderableType:
    """Return the whole picture for a terminal of `width` columns. now_s: the clock that the book was told.

    Nothing that came over the network is read as markup.
    """
    return Group(_heading(book, now_s, broker, connected), _table(book, now_s, width))


def _heading(book: AlertBook, now_s: float, broker: str, connected: bool) -> Text:
    heading = Text("Plumewatch alerts", style="bold", overflow="fold")
    if any(entry.alert.exercise for entry in book.entries.values()):
        heading.append("  EXERCISE", style="bold magenta")
    heading.append(f"  {broker} ", style="default")
    heading.append("connected" if connected else "not connected, trying again", "green" if connected else "bold red")
    now_ns = book.emulated_now_unix_ns(now_s)
    if now_ns:
        heading.append(f"  {describe.instant(now_ns)}", style="default")
    for status in sorted(book.statuses.values(), key=lambda status: (status.service, status.instance)):
        heading.append(f"  {status.service}/{status.instance} ", style="default")
        heading.append(status.state, SERVICE_STYLES[status.state])
    return heading


def _table(book: AlertBook, now_s: float, width: int) -> Table:
    table = Table(expand=False, show_edge=False, header_style="bold", pad_edge=False)
    shown = [i for i, (_, _, narrowest) in enumerate(COLUMNS) if width >= narrowest]
    for i in shown:
        name, justify, _ = COLUMNS[i]
        table.add_column(name, justify=justify, no_wrap=justify == "right", overflow="fold")
    entries = book.in_order()
    opened = [entry for entry in entries if entry.is_open]
    closed = [entry for entry in entries if not entry.is_open]
    now_ns = book.emulated_now_unix_ns(now_s)
    for entry in opened[:OPEN_SHOWN] + closed[:CLOSED_SHOWN]:
        row = _row(entry, now_ns)
        table.add_row(*(row[i] for i in shown), style="dim" if not entry.is_open else "")
    left_out = max(len(opened) - OPEN_SHOWN, 0), max(len(closed) - CLOSED_SHOWN, 0)
    if any(left_out):
        table.caption = f"and {left_out[0]} more open, {left_out[1]} more closed"
    elif not entries:
        table.caption = "no alerts"
    return table


def _row(entry: Entry, now_ns: int) -> list[Text]:
    alert = entry.alert
    age_s, latency_s = describe.age_s(alert, now_ns), describe.latency_s(alert)
    operators = ", ".join(describe.plain(item.operator) for item in alert.acknowledgements)
    state = Text(describe.state(alert), style=STATE_STYLES.get(alert.state, "default"))
    if entry.cleared:
        state.append(" (cleared)", style="magenta")
    words = [
        describe.target_class(alert),
        describe.place(alert),
        describe.launch(alert),
        describe.comes_down(alert),
        describe.salvo(alert),
        f"{age_s:.0f} s" if age_s is not None else "",
        f"{latency_s:.2f} s" if latency_s is not None else "",
        ", ".join(describe.plain(name) for name in alert.satellite_ids),
        describe.plain(alert.event_id),
        str(alert.revision),
        operators,
    ]
    return [state, *map(Text, words)]
