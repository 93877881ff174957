"""Pairs of tracks and detections: the best of all choices."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from services.ground_station.tracking.association.assignment import assign, shortest_paths

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]


def gates(rng: np.random.Generator, tracks: int, detections: int, density: float) -> tuple[Int64, Int64, Float64]:
    """Return pairs within random gates: track, detection, gain; some pairs are worse than a miss."""
    track, detection = np.nonzero(rng.random((tracks, detections)) < density)
    return np.ascontiguousarray(track), np.ascontiguousarray(detection), rng.normal(2.0, 4.0, len(track))


def chosen_of(track: Int64, detection: Int64, gain: Float64, detections: int) -> tuple[set[tuple[int, int]], float]:
    chosen = np.ones(len(track), dtype=np.bool_)
    count = assign(track, detection, gain, len(track), detections, chosen)
    assert count == chosen.sum()
    return set(zip(track[chosen].tolist(), detection[chosen].tolist(), strict=True)), float(gain[chosen].sum())


@pytest.mark.parametrize(
    ("tracks", "detections", "density"),
    [(1, 1, 1.0), (5, 7, 0.4), (30, 40, 0.03), (30, 40, 0.1), (25, 8, 0.6), (40, 40, 1.0)],
)
def test_choice_is_the_best_of_all_with_a_place_to_miss_for_each_track(
    tracks: int, detections: int, density: float
) -> None:
    rng = np.random.default_rng(tracks + detections)
    for _ in range(25):
        track, detection, gain = gates(rng, tracks, detections, density)
        cost = np.full((tracks, detections + tracks), 1e9)
        cost[track, detection] = -gain
        cost[np.arange(tracks), detections + np.arange(tracks)] = 0.0
        rows, columns = linear_sum_assignment(cost)
        best = {
            (row, column) for row, column in zip(rows.tolist(), columns.tolist(), strict=True) if column < detections
        }
        pairs, total = chosen_of(track, detection, gain, detections)
        assert total == pytest.approx(-cost[rows, columns].sum(), abs=1e-9)
        assert pairs == best


def test_order_of_tracks_does_not_change_the_choice() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        track, detection, gain = gates(rng, 12, 15, 0.3)
        pairs, _ = chosen_of(track, detection, gain, 15)
        # Numbers of tracks may be any, as long as equal ones stand together.
        name = rng.permutation(1000)[:12]
        order = np.argsort(name[track], kind="stable")[::-1]
        again, _ = chosen_of(name[track][order], detection[order], gain[order], 15)
        assert again == {(int(name[row]), column) for row, column in pairs}


def test_what_gains_nothing_is_missed() -> None:
    pairs, _ = chosen_of(np.array([0, 1, 1]), np.array([0, 1, 2]), np.array([-1.0, -2.0, -1e-9]), 3)
    assert pairs == set()


def test_no_pairs_are_no_choice() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert chosen_of(nothing, nothing, np.empty(0), 0) == (set(), 0)


def test_a_large_bonus_pairs_as_many_as_can_be() -> None:
    # How tracks of one satellite are given theirs: as many pairs as possible, and of these choices the likeliest.
    rng = np.random.default_rng(3)
    for _ in range(20):
        allowed = rng.random((4, 4)) < 0.7
        likelihood = rng.uniform(-10, 0, (4, 4))
        track, detection = (np.ascontiguousarray(each) for each in np.nonzero(allowed))
        pairs, _ = chosen_of(track, detection, 1e6 + likelihood[track, detection], 4)
        best = max(
            (
                [(row, column) for row, column in enumerate(permutation) if allowed[row, column]]
                for permutation in itertools.permutations(range(4))
            ),
            key=lambda each: (len(each), sum(likelihood[pair] for pair in each)),
        )
        assert pairs == set(best)


def test_shortest_paths_find_the_cheapest_assignment() -> None:
    rng = np.random.default_rng(4)
    for rows in (1, 2, 7, 20):
        for spare in (0, 1, 15):
            cost = rng.normal(0.0, 10.0, (rows, rows + spare))
            matched = shortest_paths(cost)
            assert len(set(matched.tolist())) == rows
            assert cost[np.arange(rows), matched].sum() == pytest.approx(cost[linear_sum_assignment(cost)].sum())
