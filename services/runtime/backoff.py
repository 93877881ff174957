"""How long to wait before trying a peer again."""

import random


class Backoff:
    """Delays that double up to a cap, each drawn from the upper half of its span.

    Half of each delay is random, so that a hundred clients of one server that comes back do not come in one instant.
    """

    def __init__(self, initial_s: float = 0.1, cap_s: float = 5.0, rng: random.Random | None = None) -> None:
        self._initial_s = initial_s
        self._cap_s = cap_s
        self._rng = rng or random.Random()
        self._span_s = initial_s

    def next_delay_s(self) -> float:
        """Return the next delay, seconds, in (span / 2, span]."""
        span_s = self._span_s
        self._span_s = min(2 * span_s, self._cap_s)
        return span_s * (1 - 0.5 * self._rng.random())

    def reset(self) -> None:
        """Begin again with the shortest delay: the peer has answered."""
        self._span_s = self._initial_s
