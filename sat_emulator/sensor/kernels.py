"""From radiance to counts, pixel by pixel. Arguments are checked in exposure.py."""

import math

import numba
import numpy as np


@numba.njit(
    "void(float32[:,::1], float32[::1], float32[:,::1], float32, float32, float32[:,::1])", nogil=True, cache=True
)
def blur_to_electrons(radiance, taps, solid_angle, electrons_per_radiance, dark_e, out):
    """Write the mean electrons of an extended scene: blurred on both axes, times pixels' solid angles, plus dark.

    Borders go on as the last pixel. Rows are blurred once each, into a ring of as many lines as there are taps.
    """
    rows, columns = radiance.shape
    count = len(taps)
    reach = count // 2
    ring = np.empty((count, columns), dtype=np.float32)
    padded = np.empty(columns + 2 * reach, dtype=np.float32)
    for step in range(-reach, rows + reach):
        i = min(max(step, 0), rows - 1)
        padded[:reach] = radiance[i, 0]
        padded[reach : reach + columns] = radiance[i]
        padded[reach + columns :] = radiance[i, columns - 1]
        line = ring[(step + count) % count]
        line[:] = taps[0] * padded[:columns]
        for k in range(1, count):
            tap = taps[k]
            for j in range(columns):
                line[j] += tap * padded[j + k]
        i = step - reach
        if i < 0:
            continue
        target = out[i]
        target[:] = 0.0
        for k in range(count):
            tap = taps[k]
            source = ring[(i - reach + k + count) % count]
            for j in range(columns):
                target[j] += tap * source[j]
        for j in range(columns):
            target[j] = target[j] * electrons_per_radiance * solid_angle[i, j] + dark_e


@numba.njit(
    "void(float32[:,::1], float32[:,::1], float32, float32, float32, float32, float32, uint16[:,::1])",
    nogil=True,
    cache=True,
)
def digitise(mean_e, normal, read_noise_e, full_well_e, electrons_per_count, offset_counts, full_scale, out):
    """Write counts: mean electrons with photon and read noise, held at the full well, offset, rounded.

    normal: standard normal numbers. Photon noise is normal with the mean as variance, good from some 50 electrons.
    """
    rows, columns = mean_e.shape
    read2 = read_noise_e * read_noise_e
    per_count = np.float32(1.0) / electrons_per_count
    for i in range(rows):
        for j in range(columns):
            mean = mean_e[i, j]
            electrons = mean + normal[i, j] * math.sqrt(max(mean, np.float32(0.0)) + read2)
            counts = min(electrons, full_well_e) * per_count + offset_counts + np.float32(0.5)
            out[i, j] = np.uint16(min(max(counts, np.float32(0.0)), full_scale))
