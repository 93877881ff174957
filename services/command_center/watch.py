"""`plumewatch watch`: alerts on a screen, as lines of text, or as lines of JSON."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from rich.console import Console, RenderableType
from rich.live import Live

from plumewatch.v1 import alert_pb2, track_pb2
from services.command_center import describe
from services.command_center.alert_book import AlertBook
from services.command_center.archive import AlertArchive
from services.command_center.config import CommandCenterConfig
from services.command_center.subscriber import News, news
from services.command_center.view import view
from services.runtime.errors import PeerUnavailableError
from services.runtime.mqtt import parse_broker_url

# How often the table is drawn again, seconds; ages count seconds.
REDRAW_S = 0.25


@dataclass
class Watch:
    """One subscription and where its news goes."""

    config: CommandCenterConfig
    archive: AlertArchive | None = None
    book: AlertBook = field(default_factory=AlertBook)
    connected: bool = False
    # Whether it ever was connected.
    reached: bool = False

    async def lines(self, stop: asyncio.Event, as_json: bool) -> int:
        """Print a line for each revision as it comes: the envelope itself, or words."""
        async with contextlib.aclosing(self._news(stop)) as coming:
            async for heard in coming:
                data = heard.envelope.data
                if as_json and isinstance(data, alert_pb2.Alert | track_pb2.Track):
                    # Compact and ASCII: one line, whatever the sender made of it.
                    print(json.dumps(json.loads(heard.payload), separators=(",", ":")), flush=True)
                elif not as_json and isinstance(data, alert_pb2.Alert):
                    print(describe.line(data), flush=True)
        return 0

    async def table(self, stop: asyncio.Event, console: Console) -> int:
        """Keep the table on the screen until `stop`; leave its last state behind."""
        with Live(console=console, auto_refresh=False) as live:
            hearing = asyncio.create_task(self._hear(stop), name="hear alerts")
            try:
                while not hearing.done():
                    live.update(self.picture(console.width), refresh=True)
                    await asyncio.wait((hearing,), timeout=REDRAW_S)
            finally:
                hearing.cancel()
            live.update(self.picture(console.width), refresh=True)
        return hearing.result()

    def picture(self, width: int) -> RenderableType:
        """Return what a terminal of `width` columns shows now."""
        broker = str(parse_broker_url(self.config.broker))
        return view(self.book, time.monotonic(), broker, self.connected, width)

    async def _hear(self, stop: asyncio.Event) -> int:
        async with contextlib.aclosing(self._news(stop)) as coming:
            async for _ in coming:
                pass
        return 0

    async def _news(self, stop: asyncio.Event) -> AsyncGenerator[News, None]:
        def note(connected: bool) -> None:
            self.connected = connected
            self.reached = self.reached or connected

        tracks = self.config.tracks
        hearing = news(self.config.broker, self.book, stop, tracks=tracks, on_connection=note)
        async with contextlib.aclosing(hearing) as coming:
            async for heard in coming:
                if self.archive is not None and isinstance(heard.envelope.data, alert_pb2.Alert):
                    self.archive.add(heard.envelope.data)
                yield heard


async def watch(config: CommandCenterConfig, stop: asyncio.Event, as_json: bool, for_s: float | None) -> int:
    """Watch until `stop` or for so many seconds; a table where stdout is a terminal, else lines."""
    if for_s is not None:
        asyncio.get_running_loop().call_later(for_s, stop.set)
    with contextlib.ExitStack() as stack:
        archive = stack.enter_context(AlertArchive(config.archive)) if config.archive else None
        watching = Watch(config, archive)
        on_screen = sys.stdout.isatty() and not as_json
        code = await (watching.table(stop, Console()) if on_screen else watching.lines(stop, as_json))
        if for_s is not None and not watching.reached:
            address = str(parse_broker_url(config.broker))
            raise PeerUnavailableError("broker", address, "start it, or name another with --broker")
        return code
