"""Where all satellites are at any instant: SGP4 once a minute, and the cubic through both states in between.

A cubic that has position and velocity of both anchors (Hermite's) leaves a circular orbit of radius a and rate n by at
most a (n h)^4 / 384 in a span h: 0.3 m of an orbit at 550 km in 60 s, a nanosecond of light.

Everything is TEME, in which gateways turn and orbits do not.
"""

import itertools
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.geometry.orbit import Orbit, propagate_teme
from services.geometry.time import NS_PER_S
from services.relay.network.kernels.geometry import places_between, some_places_between

Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]

# From anchor to anchor; they lie at whole minutes of UTC.
SPAN_NS = 60 * NS_PER_S
# Orbits propagated in one go ahead of need: under half a millisecond, for which other threads may wait.
ORBITS_A_PIECE = 256
# The anchor after the next is there this long after the one before: before the last slot that looks beyond it begins.
AHEAD_BY_NS = 40 * NS_PER_S
# Anchors remembered: of the present span, the next, and of instants in the past that somebody asks for.
ANCHORS_KEPT = 6


class Anchor:
    """All states at one whole minute: positions and velocities (n, 3), TEME, m and m/s, as far as worked out."""

    def __init__(self, orbits: Sequence[Orbit], unix_ns: int) -> None:
        self.positions_m = np.empty((len(orbits), 3))
        self.velocities_m_per_s = np.empty((len(orbits), 3))
        self._orbits = orbits
        self._unix_ns = unix_ns
        self._done = 0
        # When it was asked for last, as a count of questions.
        self.asked = 0

    @property
    def complete(self) -> bool:
        """Whether all states are there."""
        return self._done == len(self._orbits)

    def go_on(self, count: int) -> None:
        """Work out the states of the first `count` orbits, those that are not there yet."""
        while self._done < min(count, len(self._orbits)):
            piece = slice(self._done, min(self._done + ORBITS_A_PIECE, len(self._orbits)))
            positions, velocities, _ = propagate_teme(self._orbits[piece], self._unix_ns)
            self.positions_m[piece], self.velocities_m_per_s[piece] = positions, velocities
            self._done = piece.stop


class Motion:
    """Places of all orbits over time. May be asked from several threads."""

    def __init__(self, orbits: Sequence[Orbit]) -> None:
        self._orbits = tuple(orbits)
        self._anchors: dict[int, Anchor] = {}
        self._questions = itertools.count()
        self._lock = threading.Lock()

    def places_teme_m(self, unix_ns: int) -> Float64:
        """Return all places (n, 3), TEME, metres; rows of NaN where SGP4 has no answer."""
        before, after, part = self._span(unix_ns)
        places = np.empty_like(before.positions_m)
        places_between(
            before.positions_m, before.velocities_m_per_s, after.positions_m, after.velocities_m_per_s,
            part, SPAN_NS / NS_PER_S, places,
        )  # fmt: skip
        return places

    def some_places_teme_m(self, orbits: Int32, unix_ns: int) -> Float64:
        """Return the places (k, 3) of some orbits (k,), in their order; the same numbers as of all."""
        before, after, part = self._span(unix_ns)
        if orbits.size and not 0 <= orbits.min() <= orbits.max() < len(self._orbits):
            raise IndexError(f"orbits {orbits} are not all of {len(self._orbits)}")
        places = np.empty((len(orbits), 3))
        some_places_between(
            before.positions_m, before.velocities_m_per_s, after.positions_m, after.velocities_m_per_s,
            orbits, part, SPAN_NS / NS_PER_S, places,
        )  # fmt: skip
        return places

    def work_ahead(self, unix_ns: int) -> None:
        """Have what an instant needs, and a share of the anchor after: all of it 40 s into the span."""
        self._span(unix_ns)
        minute, into_ns = divmod(unix_ns, SPAN_NS)
        share = min(1.0, (into_ns + NS_PER_S) / AHEAD_BY_NS)
        self._anchor(minute + 2, int(np.ceil(share * len(self._orbits))))

    def _span(self, unix_ns: int) -> tuple[Anchor, Anchor, float]:
        minute, into_ns = divmod(unix_ns, SPAN_NS)
        return self._anchor(minute), self._anchor(minute + 1), into_ns / SPAN_NS

    def _anchor(self, minute: int, count: int | None = None) -> Anchor:
        """Return the anchor with its first `count` states; None: all."""
        anchor = self._anchors.get(minute)
        # A frame that is due does not wait for another minute's anchor to be worked out.
        if anchor is not None and anchor.complete:
            anchor.asked = next(self._questions)
            return anchor
        with self._lock:
            if minute not in self._anchors:
                while len(self._anchors) >= ANCHORS_KEPT:
                    del self._anchors[min(self._anchors, key=lambda other: self._anchors[other].asked)]
                self._anchors[minute] = Anchor(self._orbits, minute * SPAN_NS)
            anchor = self._anchors[minute]
            anchor.asked = next(self._questions)
            anchor.go_on(len(self._orbits) if count is None else count)
            return anchor
