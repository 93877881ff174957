"""One exposure: photoelectrons, what the focal plane adds to them, counts."""

import numpy as np
from numpy.typing import NDArray

from sat_emulator.sensor import kernels
from sat_emulator.sensor.fixed_pattern import FixedPattern
from sat_emulator.sensor.radiometry import Radiometer

Float32 = NDArray[np.float32]


def photoelectrons(radiance_w_per_m2_sr: Float32, taps: Float32, radiometer: Radiometer, out: Float32) -> None:
    """Write the expected photoelectrons of an extended scene, (rows, columns).

    radiance_w_per_m2_sr: times each pixel's solid angle over that on the boresight.
    taps: of the lens's blur (optics.py).
    """
    if out.shape != radiance_w_per_m2_sr.shape:
        raise ValueError(f"an image of shape {radiance_w_per_m2_sr.shape} does not go into one of shape {out.shape}")
    if len(taps) % 2 == 0 or len(taps) // 2 >= min(radiance_w_per_m2_sr.shape):
        raise ValueError(
            f"{len(taps)} taps do not blur an image of shape {radiance_w_per_m2_sr.shape}; use an odd, smaller number"
        )
    kernels.blur_to_electrons(radiance_w_per_m2_sr, taps, np.float32(radiometer.electrons_per_w_per_m2_sr), out)


def saturate(photo_e: Float32, radiometer: Radiometer, blooming: float) -> None:
    """Let what the wells cannot hold spill along the columns, in place; `blooming`: the share that is not drained."""
    room = np.float32(radiometer.full_well_e - radiometer.dark_e)
    if kernels.any_above(photo_e, room):
        kernels.bloom(photo_e, room, np.float32(blooming))


def digitised(
    photo_e: Float32,
    radiometer: Radiometer,
    pattern: FixedPattern,
    hot_dark_factor: float,
    key: NDArray[np.uint32],
    sequence: int,
) -> NDArray[np.uint16]:
    """Return counts of one exposure whose pixels expect `photo_e` photoelectrons.

    photo_e: (rows, columns), overwritten at dead and hot pixels. key: (2,) of whose noise it is, philox.py.
    """
    if photo_e.shape != pattern.residue.shape:
        raise ValueError(f"photoelectrons {photo_e.shape} and the pattern {pattern.residue.shape} differ in shape")
    flat = photo_e.reshape(-1)
    flat[pattern.dead] = -radiometer.dark_e
    flat[pattern.hot] += radiometer.dark_e * (hot_dark_factor - 1.0)
    sensor = np.array(
        [
            radiometer.dark_e,
            radiometer.read_noise_e,
            radiometer.full_well_e,
            radiometer.electrons_per_count,
            radiometer.offset_counts,
            radiometer.full_scale_counts,
            pattern.gain_step,
            pattern.offset_step_e,
        ]
    )
    counts = np.empty(photo_e.shape, dtype=np.uint16)
    kernels.digitise(photo_e, pattern.residue, key, np.uint32(sequence), sensor, counts)
    if pattern.bad_pixels_replaced:
        _replace(counts, pattern.dead)
        _replace(counts, pattern.hot)
    return counts


def _replace(counts: NDArray[np.uint16], bad: NDArray[np.intp]) -> None:
    """Put the mean of the neighbours in the row in the place of bad pixels; at the border, the only neighbour's."""
    row, column = np.divmod(bad, counts.shape[1])
    left, right = column - 1, column + 1
    left = np.where(left < 0, right, left)
    right = np.where(right >= counts.shape[1], left, right)
    both = counts[row, left].astype(np.uint32) + counts[row, right]
    counts[row, column] = (both + 1) // 2
