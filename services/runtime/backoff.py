"""Growing, jittered waits between tries, so that many clients of one restarted server do not come back as one."""

import random


class Backoff:
    """Each wait is drawn between half of and all of a bound that doubles from `initial_s` up to `cap_s`."""

    def __init__(self, initial_s: float = 0.1, cap_s: float = 5.0, rng: random.Random | None = None) -> None:
        if not 0 < initial_s <= cap_s:
            raise ValueError(f"initial_s is {initial_s:g} and cap_s {cap_s:g}; it must be 0 < initial_s <= cap_s")
        self._initial_s = initial_s
        self._cap_s = cap_s
        self._bound_s = initial_s
        # Not for secrets, and different in every process unless the caller wants it otherwise.
        self._rng = random.Random() if rng is None else rng

    def next_delay_s(self) -> float:
        """Return how long to wait before the next try, and double the bound."""
        delay_s = self._bound_s * self._rng.uniform(0.5, 1.0)
        self._bound_s = min(self._bound_s * 2, self._cap_s)
        return delay_s

    def reset(self) -> None:
        """Begin again with the shortest wait: a try succeeded."""
        self._bound_s = self._initial_s
