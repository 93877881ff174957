"""Residues, dead and hot pixels: as many and as large as stated, and whose they are."""

import dataclasses

import numpy as np
import pytest

from sat_emulator.sensor.fixed_pattern import fixed_pattern
from services.scenario.model import Sensor
from tests.sat_emulator import naive

SENSOR = Sensor(rows=300, columns=400, dead_fraction=1e-3, hot_fraction=2e-3, gain_residue=0.02, offset_residue_e=35.0)


def test_residues_have_the_stated_standard_deviations() -> None:
    gain, offset = naive.residues(fixed_pattern(SENSOR, 1, 0))
    five = 5 / np.sqrt(gain.size)
    for residue, sigma in ((gain, 0.02), (offset, 35.0)):
        assert residue.std() == pytest.approx(sigma, rel=five / np.sqrt(2) + 2e-3)
        assert abs(residue.mean()) < five * sigma
        assert residue.shape == (300, 400)
        # Signed bytes end at 4.1 standard deviations, which is more than five in 1e5 of a normal distribution have.
        assert 3.9 * sigma < np.abs(residue).max() < 4.1 * sigma
    assert abs(np.corrcoef(gain.ravel(), offset.ravel())[0, 1]) < five


def test_dead_and_hot_pixels_are_as_many_as_stated_and_never_both() -> None:
    pattern = fixed_pattern(SENSOR, 1, 0)
    assert (len(pattern.dead), len(pattern.hot)) == (120, 240)
    both = np.concatenate([pattern.dead, pattern.hot])
    assert len(np.unique(both)) == 360
    assert 0 <= both.min() <= both.max() < 120_000
    # Over the whole plane.
    assert both.mean() == pytest.approx(60_000, abs=5 * 120_000 / np.sqrt(12 * 360))


def test_no_bad_pixels_where_none_are_asked_for() -> None:
    pattern = fixed_pattern(dataclasses.replace(SENSOR, dead_fraction=0.0, hot_fraction=0.0), 1, 0)
    assert (len(pattern.dead), len(pattern.hot)) == (0, 0)


def test_pattern_stays_and_is_each_focal_planes_own() -> None:
    pattern, again = fixed_pattern(SENSOR, 1, 0), fixed_pattern(SENSOR, 1, 0)
    assert np.array_equal(pattern.residue, again.residue)
    assert np.array_equal(pattern.dead, again.dead)
    assert np.array_equal(pattern.hot, again.hot)
    for other in (fixed_pattern(SENSOR, 1, 1), fixed_pattern(SENSOR, 2, 0)):
        for ours, theirs in zip(naive.residues(pattern), naive.residues(other), strict=True):
            assert abs(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]) < 5 / np.sqrt(ours.size)
        assert not np.array_equal(pattern.dead, other.dead)
