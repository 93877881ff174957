"""A million waits of the alarm that releases frames: how many end early, and how late they end.

Four threads wait at the same time, each until instants a little ahead, as the threads of four streams do, here at
ordinary priority.
"""

import threading
import time
from typing import Any

import numpy as np

from bench.relay.rounds import quantiles_ms
from bench.relay.sleeper import bare_sleeper
from services.relay.alarm import Alarm

WAITS = 1_000_000
THREADS = 4
# Longest wait, nanoseconds; they are drawn evenly, so that some end at once, some within the watched moment.
LONGEST_WAIT_NS = 400_000


def run(waits: int = WAITS) -> dict[str, Any]:
    """Return the number of early ends, and lateness in milliseconds beside the bare sleeper's."""
    lateness_ns = np.zeros((THREADS, waits // THREADS), dtype=np.int64)
    threads = [threading.Thread(target=_wait, args=(lateness_ns[k], k)) for k in range(THREADS)]
    with bare_sleeper() as bare_ns:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return {
        "waits": lateness_ns.size,
        "early": int((lateness_ns < 0).sum()),
        "alarm_ms": quantiles_ms(lateness_ns.ravel().tolist()),
        "clock_nanosleep_ms": quantiles_ms(bare_ns),
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures as lines for a person."""
    lines = [f"{figures['waits']} waits, {figures['early']} early; late, ms"]
    for name in ("alarm_ms", "clock_nanosleep_ms"):
        quantiles = "  ".join(f"{quantile} {value:.3f}" for quantile, value in figures[name].items())
        lines.append(f"{name.removesuffix('_ms'):16}  {quantiles}")
    return "\n".join(lines)


def _wait(lateness_ns: Any, seed: int) -> None:
    waits_ns = np.random.default_rng(seed).integers(0, LONGEST_WAIT_NS, lateness_ns.size).tolist()
    alarm = Alarm()
    for k, wait_ns in enumerate(waits_ns):
        due = time.time_ns() + wait_ns
        while not alarm.wait_until(due):
            pass
        lateness_ns[k] = time.time_ns() - due
    alarm.close()


if __name__ == "__main__":
    print(table(run()))
