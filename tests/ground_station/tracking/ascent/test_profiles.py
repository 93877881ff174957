"""Priors of an ascent's parameters, and the knots of its deviations."""

import numpy as np
import pytest

from services.ground_station.tracking.ascent.profiles import (
    MOST_KNOTS,
    STATE_FREEDOMS,
    knots_over,
    with_deviations,
)


@pytest.mark.parametrize("span_s", [0.0, 9.0, 110.0, 111.0, 270.0, 361.0, 2000.0])
def test_knots_reach_the_end_of_any_burn_and_are_few(span_s: float) -> None:
    knots, apart_s = knots_over(span_s)
    assert 2 <= knots <= MOST_KNOTS
    assert (knots - 1) * apart_s >= span_s


def test_upper_stages_may_set_out_a_radian_off_their_way_and_then_turn_slowly() -> None:
    steered = STATE_FREEDOMS[1]
    _, precision = with_deviations(np.zeros(0), np.zeros((0, 0)), steered, 6, 10.0)
    covariance = np.linalg.inv(precision)
    # In the plane, then out of it: half a radian and a fifth, one standard deviation.
    assert covariance[0, 0] == pytest.approx(0.5**2)
    assert covariance[6, 6] == pytest.approx(0.2**2)
    for first, slow_rad in ((0, 0.15), (6, 0.015)):
        apart = covariance[first, first] + covariance[first + 1, first + 1] - 2 * covariance[first, first + 1]
        assert np.sqrt(apart) < slow_rad
