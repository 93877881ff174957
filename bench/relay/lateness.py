"""How late the relay releases frames (write call - due), beside a bare clock_nanosleep in the same run.

Four satellites send 2 MiB frames at 10 Hz, 84 MB/s, all at the same instants. A process of its own sleeps until
instants of the same clock meanwhile: what the operating system allows a program that does nothing else, under the
same load.
"""

import ctypes
import multiprocessing
import os
import time
from typing import Any

import numpy as np

from bench.relay.rig import SATELLITES, Plan, measure

SECONDS = 20
RATE_HZ = 10.0
SLEEP_STEP_NS = 7_000_000
_CLOCK_REALTIME, _TIMER_ABSTIME = 0, 1


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


def run(seconds: int = SECONDS) -> dict[str, Any]:
    """Return the lateness of relay and bare sleeper, milliseconds, and what the relay spent."""
    spawn = multiprocessing.get_context("spawn")
    stop, results = spawn.Event(), spawn.Queue()
    sleeper = spawn.Process(target=_sleep, args=(stop, results), daemon=True)
    sleeper.start()
    measured = measure(Plan(round(seconds * RATE_HZ), RATE_HZ))
    stop.set()
    bare_ns = results.get(timeout=30)
    sleeper.join(10)
    return {
        "satellites": SATELLITES,
        "cores": os.cpu_count(),
        "rate_hz": RATE_HZ,
        "frames": measured.arrivals.frames,
        "lost": measured.losses,
        "mb_per_s": measured.arrivals.bytes / 1e6 / measured.elapsed_s,
        "relay_cpu_share": measured.relay_cpu_s / measured.elapsed_s,
        "relay": _quantiles_ms(measured.arrivals.lateness_ns),
        "clock_nanosleep": _quantiles_ms(bare_ns),
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    share = 100 * figures["relay_cpu_share"]
    columns = ("min", "p50", "p99", "max")
    load = (
        f"{figures['satellites']} satellites at {figures['rate_hz']:g} Hz, {figures['mb_per_s']:.0f} MB/s, "
        f"{figures['frames']} frames, {figures['lost']} lost, relay at {share:.0f} % of a core"
    )
    heading = f"{'late, ms':18}" + "".join(f"{column:>8}" for column in columns)
    rows = [
        f"{name:18}" + "".join(f"{figures[name][column]:8.3f}" for column in columns)
        for name in ("relay", "clock_nanosleep")
    ]
    return "\n".join([load, heading, *rows])


def _quantiles_ms(values_ns: list[int]) -> dict[str, float]:
    values_ms = np.array(values_ns) / 1e6
    low, middle, high, most = np.quantile(values_ms, (0.0, 0.5, 0.99, 1.0)).tolist()
    return {"min": low, "p50": middle, "p99": high, "max": most}


def _sleep(stop: Any, results: Any) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    late_ns = []
    while not stop.is_set():
        due = time.time_ns() + SLEEP_STEP_NS
        until = _Timespec(*divmod(due, 1_000_000_000))
        libc.clock_nanosleep(_CLOCK_REALTIME, _TIMER_ABSTIME, ctypes.byref(until), None)
        late_ns.append(time.time_ns() - due)
    results.put(late_ns)


if __name__ == "__main__":
    print(table(run()))
