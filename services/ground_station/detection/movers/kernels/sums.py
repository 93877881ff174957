"""Sums along paths at sub-pixel places: tracks refined, held apart, and chance paths beside them."""

import math

import numba
import numpy as np
from numba.core.types import float64, int32, int64, void

from services.ground_station.detection.movers.kernels.layout import HISTORY, QUANTUM, TRACKS, WEIGHTS

FAST = {"reassoc", "contract", "nsz"}


@numba.njit(fastmath=FAST)
def _look(frame, weights, row, column):
    """Return the frame, counts, at a sub-pixel place, and 1; outside it 0 and 0."""
    i, j = math.floor(row), math.floor(column)
    if i < 0 or j < 0 or i + 1 >= frame.shape[0] or j + 1 >= frame.shape[1]:
        return np.float32(0.0), 0
    w = weights[np.int64((row - i) * weights.shape[0]), np.int64((column - j) * weights.shape[1])]
    i, j = np.int64(i), np.int64(j)
    upper = w[0, 0] * frame[i, j] + w[0, 1] * frame[i, j + 1]
    return upper + w[1, 0] * frame[i + 1, j] + w[1, 1] * frame[i + 1, j + 1], 1


@numba.njit(fastmath=FAST)
def _sum(history, slots, offsets, weights, row, column, row_velocity, column_velocity):
    """Return the integrated signal-to-noise ratio; the place is that in the middle of the window."""
    frames = offsets.shape[0]
    middle = 0.5 * (frames - 1)
    total = np.float32(0.0)
    for age in range(frames):
        at_row = row + (middle - age) * row_velocity + offsets[age, 0]
        at_column = column + (middle - age) * column_velocity + offsets[age, 1]
        total += _look(history[slots[age]], weights, at_row, at_column)[0]
    return total * QUANTUM / math.sqrt(frames)


@numba.njit(
    void(HISTORY, int64[::1], TRACKS, WEIGHTS, float64, float64, float64, TRACKS, int64), nogil=True, cache=True
)
def refine(history, slots, offsets, weights, fastest_px, first_px, last_px, tracks, count):
    """Move each track to the largest integrated signal-to-noise ratio nearby, and state it.

    tracks: row and column in the newest frame, velocities, ratio. offsets: (frames, 2). Place in the middle of the
    window and displacement over half of it are tried in steps from `first_px` down to `last_px`, halved in between.
    None is faster than `fastest_px` then.
    """
    middle = max(0.5 * (offsets.shape[0] - 1), 0.5)
    for t in range(count):
        r, c, vr, vc = (
            tracks[t, 0] - middle * tracks[t, 2],
            tracks[t, 1] - middle * tracks[t, 3],
            tracks[t, 2],
            tracks[t, 3],
        )
        # What followed the seeds also looked a little beyond.
        slower = fastest_px / max(math.sqrt(vr * vr + vc * vc), fastest_px)
        vr, vc = slower * vr, slower * vc
        best = _sum(history, slots, offsets, weights, r, c, vr, vc)
        step = first_px
        while step >= last_px:
            moved = False
            for axis in range(4):
                for sign in range(-1, 2, 2):
                    d = sign * step
                    nr, nc = r + (d if axis == 0 else 0.0), c + (d if axis == 1 else 0.0)
                    nvr = vr + (d * 1.5 / middle if axis == 2 else 0.0)
                    nvc = vc + (d * 1.5 / middle if axis == 3 else 0.0)
                    if nvr * nvr + nvc * nvc > fastest_px * fastest_px:
                        continue
                    value = _sum(history, slots, offsets, weights, nr, nc, nvr, nvc)
                    if value > best:
                        best, r, c, vr, vc, moved = value, nr, nc, nvr, nvc, True
                        break
            if not moved:
                step *= 0.5
        tracks[t, 0], tracks[t, 1] = r + middle * vr, c + middle * vc
        tracks[t, 2], tracks[t, 3], tracks[t, 4] = vr, vc, best


@numba.njit(
    void(HISTORY, int64[::1], TRACKS, WEIGHTS, TRACKS, float64[::1], int32[::1]), nogil=True, cache=True, fastmath=FAST
)
def sum_paths(history, slots, offsets, weights, tracks, sums, shown):
    """Fill sums along paths, signal-to-noise ratios, and how many frames show something there.

    tracks: (n, 4) row and column in the newest frame, velocities. offsets: (frames, 2). Four pixels that are all 0 are
    unknown.
    """
    for t in range(tracks.shape[0]):
        total, looked = np.float32(0.0), 0
        for age in range(offsets.shape[0]):
            row = tracks[t, 0] - age * tracks[t, 2] + offsets[age, 0]
            column = tracks[t, 1] - age * tracks[t, 3] + offsets[age, 1]
            frame = history[slots[age]]
            value, inside = _look(frame, weights, row, column)
            if inside:
                i, j = math.floor(row), math.floor(column)
                total += value
                looked += (frame[i, j] | frame[i, j + 1] | frame[i + 1, j] | frame[i + 1, j + 1]) != 0
        sums[t] = total * QUANTUM
        shown[t] = looked


@numba.njit(
    int64(HISTORY, int64[::1], TRACKS, WEIGHTS, float64, float64[::1], TRACKS, int64, int32[::1]),
    nogil=True,
    cache=True,
)
def separate(history, slots, offsets, weights, apart_px, least_snr, tracks, count, seen):
    """Return how many tracks, strongest first as given, keep `least_snr` without the light of stronger ones.

    least_snr: (n,) of each. Kept tracks move to the front; `seen` is filled with their frames. A track's light is what
    lies within `apart_px` of it, in each frame.
    """
    frames = offsets.shape[0]
    kept = 0
    for t in range(count):
        total = np.float32(0.0)
        looked = 0
        for age in range(frames):
            row, column = tracks[t, 0] - age * tracks[t, 2], tracks[t, 1] - age * tracks[t, 3]
            taken = False
            for k in range(kept):
                down, right = tracks[k, 0] - age * tracks[k, 2] - row, tracks[k, 1] - age * tracks[k, 3] - column
                if down * down + right * right < apart_px * apart_px:
                    taken = True
                    break
            if not taken:
                value, inside = _look(history[slots[age]], weights, row + offsets[age, 0], column + offsets[age, 1])
                total += value
                looked += inside
        if total * QUANTUM >= least_snr[t] * math.sqrt(frames):
            for field in range(5):
                tracks[kept, field] = tracks[t, field]
            seen[kept] = looked
            kept += 1
    return kept
