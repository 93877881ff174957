"""Chances of the pairings of one look, against the sum over all of them written out."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ground_station.tracking.crowd.sharing import share_out

Float64 = NDArray[np.float64]


def written_out(ratio: Float64) -> tuple[Float64, float]:
    """Return each pair's chance and the log of the sum over all one-to-one pairings, some of either left alone."""
    tracks, detections = ratio.shape
    chances, total = np.zeros_like(ratio), 0.0
    for choice in itertools.product(range(-1, detections), repeat=tracks):
        taken = [d for d in choice if d >= 0]
        if len(set(taken)) < len(taken):
            continue
        pairs = [(t, d) for t, d in enumerate(choice) if d >= 0]
        weight = math.prod(float(ratio[pair]) for pair in pairs)
        total += weight
        for pair in pairs:
            chances[pair] += weight
    return chances / total, math.log(total)


@pytest.mark.parametrize(("tracks", "detections"), [(1, 1), (2, 3), (4, 4), (5, 3)])
def test_chances_and_likelihood_are_those_of_all_joint_pairings(tracks: int, detections: int) -> None:
    ratio = np.exp(np.random.default_rng(tracks).normal(0.0, 3.0, (tracks, detections)))
    chances = np.empty_like(ratio)
    likelihood = share_out(ratio, chances)
    expected, expected_likelihood = written_out(ratio)
    np.testing.assert_allclose(chances, expected, rtol=1e-9)
    assert likelihood == pytest.approx(expected_likelihood)
