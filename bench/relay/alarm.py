"""A million waits of the alarm that releases frames, and a million releases: how many are early, and how late.

Four threads wait at the same time, each until instants a little ahead, as the threads of four streams do, here at
ordinary priority. Then four release frames through a network that takes no time: nothing may be handed out before the
first wall nanosecond at which its modelled arrival has come.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.relay.rounds import quantiles_ms
from bench.relay.sleeper import bare_sleeper
from plumewatch.v1 import frame_pb2
from services.relay.account import Account
from services.relay.alarm import Alarm
from services.relay.header import FRAME, Header
from services.relay.held import HeldFrame, HeldFrames
from services.relay.network.link import Leg, Path, Stay, Transit
from services.relay.release import Label, Release, due
from services.runtime.clock import RunClock

WAITS = 1_000_000
RELEASES = 1_000_000
THREADS = 4
# Longest wait, nanoseconds; they are drawn evenly, so that some end at once, some within the watched moment.
LONGEST_WAIT_NS = 400_000
# Emulated UTC at which the run of the releases begins, nanoseconds, and its rate: one at which wall instants have to be
# rounded.
START_UNIX_NS = 1_782_043_200_000_000_000
RATE = 1.1
NO_DELAY = Path((Leg("satellite", "station", 0.0, 0.0, 0.0),))

Lateness = NDArray[np.int64]


class _NoDelay:
    """A way on which a frame arrives as it leaves."""

    def leave(self, ready_unix_ns: int, size_bytes: int, sequence: int) -> Transit:
        stay = Stay("satellite", "station", ready_unix_ns, ready_unix_ns, ready_unix_ns, ready_unix_ns)
        return Transit(NO_DELAY, ready_unix_ns, ready_unix_ns, (stay,), ready_unix_ns, size_bytes, sequence, sequence)

    def arrive(self, transit: Transit) -> Transit:
        return transit


def run(waits: int = WAITS, releases: int = RELEASES) -> dict[str, Any]:
    """Return the numbers of early ends and early releases, and lateness in milliseconds beside the bare sleeper's."""
    with bare_sleeper() as bare_ns:
        waited_ns = _in_threads(_wait, waits)
        released_ns = _in_threads(_release, releases)
    return {
        "waits": waited_ns.size,
        "early": int((waited_ns < 0).sum()),
        "alarm_ms": quantiles_ms(waited_ns.tolist()),
        "releases": released_ns.size,
        "early_releases": int((released_ns < 0).sum()),
        "release_ms": quantiles_ms(released_ns.tolist()),
        "clock_nanosleep_ms": quantiles_ms(bare_ns),
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    counted = (("waits", "early"), ("releases", "early_releases"))
    lines = ["; ".join(f"{figures[of]} {of}, {figures[early]} early" for of, early in counted) + "; late, ms"]
    for name in ("alarm_ms", "release_ms", "clock_nanosleep_ms"):
        quantiles = "  ".join(f"{quantile} {value:.3f}" for quantile, value in figures[name].items())
        lines.append(f"{name.removesuffix('_ms'):16}  {quantiles}")
    return "\n".join(lines)


def _in_threads(measure: Callable[[Lateness, int], None], count: int) -> Lateness:
    """Return how late each of `count` instants was met, nanoseconds, by as many threads as streams."""
    lateness_ns = np.zeros((THREADS, count // THREADS), dtype=np.int64)
    threads = [threading.Thread(target=measure, args=(lateness_ns[k], k)) for k in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return lateness_ns.ravel()


def _wait(lateness_ns: Lateness, seed: int) -> None:
    alarm = Alarm()
    for k, wait_ns in enumerate(_drawn_ns(lateness_ns.size, seed)):
        instant = time.time_ns() + wait_ns
        while not alarm.wait_until(instant):
            pass
        lateness_ns[k] = time.time_ns() - instant
    alarm.close()


def _release(lateness_ns: Lateness, seed: int) -> None:
    clock = RunClock("bench", START_UNIX_NS, time.time_ns(), RATE)
    account = Account(f"satellite-{seed}")
    label, held = Label(FRAME, "relay"), HeldFrames(1, 1 << 20, account.hold)
    release = Release(label, held, _NoDelay(), account, lambda _frame, _why: None)  # type: ignore[arg-type]
    release.begin(clock)
    data = frame_pb2.Frame(exposure_start_unix_ns=1, readout_end_unix_ns=1, sequence=1).SerializeToString()
    for k, wait_ns in enumerate(_drawn_ns(lateness_ns.size, seed)):
        arrival = clock.emulated_unix_ns(time.time_ns() + wait_ns)
        release.put(HeldFrame(data, Header(arrival, arrival, k)))
        next(release)
        lateness_ns[k] = time.time_ns() - due(clock, arrival)
    release.end()


def _drawn_ns(count: int, seed: int) -> list[int]:
    drawn: list[int] = np.random.default_rng(seed).integers(0, LONGEST_WAIT_NS, count).tolist()
    return drawn


if __name__ == "__main__":
    print(table(run()))
