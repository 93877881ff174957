"""The run clock turns emulated instants into wall instants and back."""

from hypothesis import given
from hypothesis import strategies as st

from services.runtime.clock import RunClock

instants = st.integers(min_value=0, max_value=4 * 10**18)


def test_clock_runs_at_its_rate() -> None:
    clock = RunClock("run", emulated_start_unix_ns=1_000, wall_start_unix_ns=5_000, rate=2.0)
    assert clock.emulated_unix_ns(5_000) == 1_000
    assert clock.emulated_unix_ns(5_010) == 1_020
    assert clock.wall_unix_ns(1_020) == 5_010


@given(instants, instants, st.sampled_from([0.5, 1.0, 2.0, 10.0]), st.integers(0, 86_400 * 10**9))
def test_there_and_back_is_within_a_microsecond(start: int, wall: int, rate: float, ahead: int) -> None:
    # A day of run time in a double resolves about 16 ns; the rate multiplies that.
    clock = RunClock("run", start, wall, rate)
    assert abs(clock.wall_unix_ns(clock.emulated_unix_ns(wall + ahead)) - (wall + ahead)) <= 1_000
