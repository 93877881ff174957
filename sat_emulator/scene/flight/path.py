"""Integration of a flight, piece by piece, each until a time or until something happens."""

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from sat_emulator.scene.flight.flight import Float64
from sat_emulator.scene.flight.forces import Motion, height_and_up, split

# Relative to position and velocity, a step; absolute floors in metres and metres a second. Flights then
# end within 1 m of where a hundred times finer ones do, intercontinental ones within 0.2 m.
TOLERANCE = 1e-10
FLOORS = np.array([1e-4, 1e-4, 1e-4, 1e-6, 1e-6, 1e-6])


@dataclass(frozen=True)
class Event:
    """Something that ends a piece of flight: a function of time and state that passes zero, upwards or downwards."""

    function: Callable[[float, Float64], float]
    # 1: passes upwards; -1: downwards. The name is scipy's.
    direction: float = 1.0
    terminal: bool = True

    def __call__(self, time: float, state: Float64) -> float:
        return self.function(time, state)

    def is_past(self, time: float, state: Float64) -> bool:
        """Return whether it has happened already."""
        return self.direction * self.function(time, state) >= 0


class Path:
    """States over time, in ITRS: position and velocity over the turning Earth, (6,), m and m/s.

    Dormand and Prince's method of order 8 with dense output of order 7 (scipy's DOP853; E. Hairer, S. P. Norsett and
    G. Wanner, "Solving Ordinary Differential Equations I", 2nd ed. (1993), section II.5). A motion's jumps, engines for
    instance, must lie between pieces.
    """

    def __init__(self, time_s: float, state: Float64, ground_m: float, tolerance: float = TOLERANCE) -> None:
        """ground_m: height above the ellipsoid at which the flight is over once it comes down to it."""
        self.end_s = time_s
        self.state = state
        self.landed = False
        self._tolerance = tolerance
        self._begins: list[float] = []
        self._pieces: list[Any] = []
        self._ground = Event(lambda _, state: height_and_up(split(state)[0])[0] - ground_m, -1.0)

    def fly(self, motion: Motion, until_s: float, stop: Event | None = None, longest_step_s: float = math.inf) -> bool:
        """Fly on to a time, to `stop` or to the ground, whichever comes first; return whether `stop` came.

        Raises ArithmeticError for a motion that no step is small enough for.
        """
        if self.landed:
            return False
        if stop is not None and stop.is_past(self.end_s, self.state):
            return True
        if until_s <= self.end_s:
            return False
        events = [self._ground] if stop is None else [self._ground, stop]
        floors = FLOORS * max(1.0, self._tolerance / TOLERANCE)
        solved = solve_ivp(
            motion,
            (self.end_s, until_s),
            self.state,
            "DOP853",
            dense_output=True,
            events=events,
            rtol=self._tolerance,
            atol=floors,
            max_step=longest_step_s,
        )
        if solved.status < 0:
            raise ArithmeticError(
                f"its flight cannot be integrated beyond {solved.t[-1]:g} s: {solved.message.rstrip('.')}"
            )
        self._begins.append(self.end_s)
        self._pieces.append(solved.sol)
        self.end_s, self.state = float(solved.t[-1]), solved.y[:, -1].copy()
        self.landed = len(solved.t_events[0]) > 0
        return stop is not None and len(solved.t_events[1]) > 0

    def at(self, time_s: float) -> Float64:
        """Return the state at a time from the first to the last flown."""
        piece = max(bisect.bisect_right(self._begins, time_s) - 1, 0)
        state: Float64 = self._pieces[piece](min(time_s, self.end_s))
        return state
