"""Waits between tries grow, stay within their cap, and differ from client to client."""

import random

import pytest

from services.runtime.backoff import Backoff


def test_waits_double_up_to_the_cap() -> None:
    backoff = Backoff(initial_s=0.1, cap_s=1.0, rng=random.Random(1))
    bounds = [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    for bound, delay in zip(bounds, [backoff.next_delay_s() for _ in bounds], strict=True):
        assert bound / 2 <= delay <= bound


def test_success_begins_again() -> None:
    backoff = Backoff(initial_s=0.1, cap_s=5.0)
    for _ in range(10):
        backoff.next_delay_s()
    backoff.reset()
    assert backoff.next_delay_s() <= 0.1


def test_jitter_follows_the_generator() -> None:
    def delays(seed: int) -> list[float]:
        backoff = Backoff(rng=random.Random(seed))
        return [backoff.next_delay_s() for _ in range(5)]

    assert delays(1) == delays(1)
    assert delays(1) != delays(2)


def test_nonsense_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="initial_s"):
        Backoff(initial_s=2.0, cap_s=1.0)
