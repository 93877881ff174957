"""What differs from pixel to pixel and stays: residues of the correction, dead and hot pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.scenario.model import Sensor

# Steps of a residue a standard deviation; the signed byte ends at four of them.
STEPS_A_SIGMA = 31.0
LARGEST_STEP = 127
# Sets these draws apart from others of the same satellite.
STREAM = 0xF1DE


@dataclass(frozen=True)
class FixedPattern:
    """One focal plane's.

    residue: (rows, columns) lower byte gain, upper byte offset, both signed, in steps of gain_step (1) and
    offset_step_e. dead, hot: indices of pixels in the flattened plane, which the camera
    replaces by their neighbours or sends as they are.
    """

    residue: NDArray[np.int16]
    gain_step: float
    offset_step_e: float
    dead: NDArray[np.intp]
    hot: NDArray[np.intp]
    bad_pixels_replaced: bool = False


def fixed_pattern(sensor: Sensor, seed: int, satellite_index: int) -> FixedPattern:
    """Return a focal plane's pattern; it follows from the run's seed and the satellite's place in the run."""
    generator = np.random.default_rng([seed, satellite_index, STREAM])
    shape = (sensor.rows, sensor.columns)
    gain, offset = (
        np.clip(np.rint(STEPS_A_SIGMA * generator.standard_normal(shape)), -LARGEST_STEP, LARGEST_STEP).astype(np.int16)
        for _ in range(2)
    )
    pixels = sensor.rows * sensor.columns
    bad = generator.permutation(pixels)[: round(pixels * (sensor.dead_fraction + sensor.hot_fraction))]
    dead = round(pixels * sensor.dead_fraction)
    return FixedPattern(
        ((gain & 0xFF) | (offset << 8)).astype(np.int16),
        sensor.gain_residue / STEPS_A_SIGMA,
        sensor.offset_residue_e / STEPS_A_SIGMA,
        np.sort(bad[:dead]),
        np.sort(bad[dead:]),
        sensor.bad_pixels_replaced,
    )
