"""From radiance to counts, pixel by pixel. Arguments are checked in exposure.py."""

import math

import numba
import numpy as np

from sat_emulator.sensor.philox import four_normals, philox

F = np.float32
U32 = np.uint32
# Fewer electrons than this are drawn as whole numbers from Poisson's distribution.
FEW_ELECTRONS = 50.0
# Streams of random numbers of one frame: the last word of the counter.
NORMAL, POISSON = U32(0), U32(1)


@numba.njit("void(float32[:,::1], float32[::1], float32, float32[:,::1])", nogil=True, cache=True)
def blur_to_electrons(radiance, taps, electrons_per_radiance, out):
    """Write the mean photoelectrons of an extended scene, blurred on both axes by the lens's taps.

    Borders go on as the last pixel. Rows are blurred once each, into a ring of as many lines as there are taps.
    """
    rows, columns = radiance.shape
    count = len(taps)
    reach = count // 2
    ring = np.empty((count, columns), dtype=np.float32)
    padded = np.empty(columns + 2 * reach, dtype=np.float32)
    scaled = taps * electrons_per_radiance
    for step in range(-reach, rows + reach):
        i = min(max(step, 0), rows - 1)
        padded[:reach] = radiance[i, 0]
        padded[reach : reach + columns] = radiance[i]
        padded[reach + columns :] = radiance[i, columns - 1]
        line = ring[(step + count) % count]
        for j in range(columns):
            line[j] = taps[0] * padded[j]
        for k in range(1, count):
            tap = taps[k]
            for j in range(columns):
                line[j] += tap * padded[j + k]
        i = step - reach
        if i < 0:
            continue
        target = out[i]
        first = ring[(i - reach + count) % count]
        for j in range(columns):
            target[j] = scaled[0] * first[j]
        for k in range(1, count):
            tap = scaled[k]
            source = ring[(i - reach + k + count) % count]
            for j in range(columns):
                target[j] += tap * source[j]


@numba.njit("boolean(float32[:,::1], float32)", nogil=True, cache=True, fastmath={"nnan", "nsz", "reassoc"})
def any_above(image, limit):
    """Whether any pixel of an image without NaN is above a limit."""
    greatest = image[0, 0]
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            greatest = max(greatest, image[i, j])
    return greatest > limit


@numba.njit("void(float32[:,::1], float32, float32)", nogil=True, cache=True)
def bloom(mean_e, room_e, share):
    """Let charge beyond `room_e` spill along the columns: half of its share up, half down, until it finds room.

    mean_e: (rows, columns), changed in place. What the edges cannot take is drained.
    """
    rows, columns = mean_e.shape
    spilt = np.zeros(columns, dtype=np.float32)
    half = share * F(0.5)
    # Downwards; full pixels keep their excess for the way back.
    for i in range(rows):
        for j in range(columns):
            spare = room_e - mean_e[i, j]
            if spare < 0:
                spilt[j] -= spare * half
            else:
                taken = min(spilt[j], spare)
                mean_e[i, j] += taken
                spilt[j] -= taken
    spilt[:] = 0
    # Upwards.
    for step in range(rows):
        i = rows - 1 - step
        for j in range(columns):
            spare = room_e - mean_e[i, j]
            if spare < 0:
                spilt[j] -= spare * half
                mean_e[i, j] = room_e
            else:
                taken = min(spilt[j], spare)
                mean_e[i, j] += taken
                spilt[j] -= taken


@numba.njit(nogil=True)
def _poisson(mean, word):
    """Return the number whose cumulative Poisson probability a random word falls on, for means up to 50."""
    u = (word + 0.5) * 2.0**-32
    probability = math.exp(-mean)
    total = probability
    number = 0
    while u > total and number < 200:
        number += 1
        probability *= mean / number
        total += probability
    return number


@numba.njit(nogil=True)
def _normals_of_row(row, sequence, key, out):
    """Write as many standard normal numbers as a row has pixels, up to three more."""
    quarter = out.size // 4
    k0, k1 = key[0], key[1]
    for j in range(quarter):
        a, b, c, d = four_normals(U32(j), U32(row), U32(sequence), NORMAL, k0, k1)
        out[j] = a
        out[j + quarter] = b
        out[j + 2 * quarter] = c
        out[j + 3 * quarter] = d


@numba.njit(
    "void(float32[:,::1], int16[:,::1], uint32[::1], uint32, float64[::1], uint16[:,::1])",
    nogil=True,
    cache=True,
    error_model="numpy",
    fastmath={"contract", "reassoc", "nsz"},
)
def digitise(photo_e, residue, key, sequence, sensor, out):
    """Write counts of an exposure whose pixels expect `photo_e` photoelectrons.

    residue: what correction leaves; lower byte gain, upper byte offset, both signed, in steps.
    sensor: dark electrons, read noise (e), full well (e), electrons a count, offset (counts), full scale (counts), step
    of gain (1), of offset (e).

    The sum of photon and read noise is a normal number bent to Poisson's skewness (E. A. Cornish and R. A. Fisher,
    1938, first term); below FEW_ELECTRONS it is drawn from the two distributions themselves.
    """
    rows, columns = photo_e.shape
    dark, read, well, per_count = F(sensor[0]), F(sensor[1]), F(sensor[2]), F(1.0 / sensor[3])
    offset, full, gain_step, offset_step = F(sensor[4] + 0.5), F(sensor[5]), F(sensor[6]), F(sensor[7])
    read2 = read * read
    normal = np.empty(4 * ((columns + 3) // 4), dtype=np.float32)
    electrons = np.empty(columns, dtype=np.float32)
    for i in range(rows):
        _normals_of_row(i, sequence, key, normal)
        few = np.int32(0)
        for j in range(columns):
            both = np.int32(residue[i, j])
            gain = F(np.int32(np.int32(both << 24) >> 24)) * gain_step
            mean = photo_e[i, j] + photo_e[i, j] * gain + dark
            few += np.int32(mean < F(FEW_ELECTRONS))
            z = normal[j]
            variance = max(mean, F(0.0)) + read2
            bend = max(mean, F(0.0)) / max(variance, F(1e-12)) * F(1.0 / 6.0)
            electrons[j] = mean + math.sqrt(variance) * z + bend * (z * z - F(1.0))
        if few:
            for j in range(columns):
                gain = F(np.int32(np.int32(np.int32(residue[i, j]) << 24) >> 24)) * gain_step
                mean = photo_e[i, j] + photo_e[i, j] * gain + dark
                if mean < F(FEW_ELECTRONS):
                    word, _, _, _ = philox(U32(j), U32(i), U32(sequence), POISSON, key[0], key[1])
                    electrons[j] = F(_poisson(max(float(mean), 0.0), float(word))) + read * normal[j]
        for j in range(columns):
            residual = F(np.int32(np.int32(residue[i, j]) >> 8)) * offset_step
            counts = (min(electrons[j], well) + residual) * per_count + offset
            out[i, j] = np.uint16(np.int32(min(max(counts, F(0.0)), full)))
