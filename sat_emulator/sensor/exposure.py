"""One exposure: mean electrons, their noise, counts."""

import numpy as np
from numpy.typing import NDArray

from sat_emulator.sensor import kernels
from sat_emulator.sensor.radiometry import Radiometer

Float32 = NDArray[np.float32]

# Fewer electrons than this are drawn as whole numbers from Poisson's distribution.
FEW_ELECTRONS = 50.0


def mean_electrons(
    radiance_w_per_m2_sr: Float32, taps: Float32, solid_angle: Float32, radiometer: Radiometer
) -> Float32:
    """Return the expected electrons of an extended scene with dark current, (rows, columns).

    taps: of the lens's blur (optics.py). solid_angle: of each pixel, over that on the boresight.
    """
    if radiance_w_per_m2_sr.shape != solid_angle.shape:
        raise ValueError(f"radiance {radiance_w_per_m2_sr.shape} and solid angles {solid_angle.shape} differ in shape")
    if len(taps) % 2 == 0 or len(taps) // 2 >= min(solid_angle.shape):
        raise ValueError(
            f"{len(taps)} taps do not blur an image of shape {solid_angle.shape}; use an odd, smaller number"
        )
    out = np.empty_like(radiance_w_per_m2_sr)
    kernels.blur_to_electrons(
        radiance_w_per_m2_sr,
        taps,
        solid_angle,
        np.float32(radiometer.electrons_per_w_per_m2_sr),
        np.float32(radiometer.dark_e),
        out,
    )
    return out


def digitised(mean_e: Float32, radiometer: Radiometer, generator: np.random.Generator) -> NDArray[np.uint16]:
    """Return counts of one exposure whose pixels expect `mean_e` electrons, dark current included.

    mean_e: (rows, columns), overwritten.
    """
    normal = generator.standard_normal(mean_e.shape, dtype=np.float32)
    counts = np.empty(mean_e.shape, dtype=np.uint16)
    full_well_e = (radiometer.full_scale_counts - radiometer.offset_counts) * radiometer.electrons_per_count
    few = mean_e < FEW_ELECTRONS
    if few.any():
        # The drawn number takes the mean's place and its photon noise is taken back out of the normal one's variance.
        _draw_few(mean_e, normal, few, radiometer.read_noise_e, generator)
    kernels.digitise(
        mean_e,
        normal,
        np.float32(radiometer.read_noise_e),
        np.float32(full_well_e),
        np.float32(radiometer.electrons_per_count),
        np.float32(radiometer.offset_counts),
        np.float32(radiometer.full_scale_counts),
        counts,
    )
    return counts


def _draw_few(
    mean_e: Float32, normal: Float32, few: NDArray[np.bool_], read_noise_e: float, generator: np.random.Generator
) -> None:
    """Replace small means by drawn numbers of electrons, and leave their normal numbers read noise alone to show."""
    drawn = generator.poisson(np.maximum(mean_e[few], 0.0)).astype(np.float32)
    mean_e[few] = drawn
    both = np.sqrt(drawn + np.float32(read_noise_e) ** 2)
    normal[few] *= np.divide(np.float32(read_noise_e), both, out=np.zeros_like(both), where=both > 0)
