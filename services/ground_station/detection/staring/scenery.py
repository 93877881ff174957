"""Points that stay with a scene where its background cannot be told: edges of clouds, coasts, what always burns."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from services.ground_station.detection.staring.motion import SceneMotion, at

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

# A point this near to where one was so many frames before is the same, pixels: what moves has left by then.
REACH_PX, DELAY_FRAMES = 1.5, 8
# Light that appears where the scene was known without it is reported for so many frames before it is scenery.
NEW_FRAMES = 128
# Frames after which a place where nothing was found again is forgotten.
KEPT_FRAMES = 64
# What outshines its place so much is reported all the same, and so is what shines with this signal-to-noise ratio: of
# emulated clouds' edges near 3.8 um one in twenty exceeds 16 to 25, the median fire of the fire season stands at 30.
BRIGHTER, BRIGHT_SNR = 1.5, 20.0
# Shares of a found point's place and of its rise in strength that are taken over: what creeps is not followed.
PLACE_GAIN, RISE_GAIN = 1.0 / 8.0, 1.0 / 8.0
# Places that may lie within reach of one point.
NEIGHBOURS = 8
# Beyond the frame places are kept, pixels: jitter brings them back.
BEYOND_PX = 4.0


class Scenery:
    """Places of one camera's scene at which points were found, carried along from frame to frame.

    Where the scene's contrast is many times the noise no background fits a frame well enough to find a point against
    it. But what a frame by itself shows at edges of clouds and coasts it shows again and again at the same places. A
    place counts as scenery some frames after the first point there.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = np.array(shape)
        self._place = np.empty((0, 2))
        self._snr = np.empty(0)
        # Frames of the first point, of the last, and from which the place is scenery.
        self._first, self._last, self._since = (np.empty(0, dtype=np.int64) for _ in range(3))
        self._frame = 0

    def __len__(self) -> int:
        return len(self._place)

    def follow(self, motion: SceneMotion) -> None:
        """Carry all places into the next frame, and forget those out of view or not found for long."""
        self._frame += 1
        # The displacement is given at the new places: one step of the fixed point leaves a hundredth of the motion.
        moved = self._place - at(motion.displacement_px, self._place)
        self._place = self._place - at(motion.displacement_px, moved)
        inside = np.all((self._place > -BEYOND_PX) & (self._place < self._shape + BEYOND_PX), axis=1)
        self._keep(inside & (self._last >= self._frame - KEPT_FRAMES))

    def judge(self, place: Float64, snr: Float64, young: Bool) -> Bool:
        """Return (n,) which points of the frame are scenery, and remember all of them.

        place: (n, 2) row and column, pixels. young: (n,) whether the place came into view a short while ago: what is
        found there first is taken for scenery.
        """
        if len(place) == 0:
            return np.zeros(0, dtype=bool)
        near, entry = self._near(place)
        again, scenery = near[:, 0], np.zeros(len(place), dtype=bool)
        if again.any():
            counts = near & (self._since[entry] <= self._frame)
            before = np.where(counts, self._snr[entry], 0.0).max(axis=1)
            scenery = snr < np.minimum(BRIGHTER * before, BRIGHT_SNR)
            self._refresh(entry[again, 0], place[again], snr[again])
        since = self._frame + np.where(young, DELAY_FRAMES, NEW_FRAMES)
        self._add(place[~again], snr[~again], since[~again])
        return scenery

    def _near(self, place: Float64) -> tuple[Bool, NDArray[np.int64]]:
        """Return (n, NEIGHBOURS) which places of long enough ago lie within reach, nearest first, and their indices."""
        old = np.flatnonzero(self._first <= self._frame - DELAY_FRAMES)
        if len(old) == 0:
            return np.zeros((len(place), NEIGHBOURS), dtype=bool), np.zeros((len(place), NEIGHBOURS), dtype=np.int64)
        distance, index = KDTree(self._place[old]).query(place, NEIGHBOURS, distance_upper_bound=REACH_PX)
        near = np.isfinite(distance)
        return near, old[np.where(near, index, 0)]

    def _refresh(self, entry: NDArray[np.int64], place: Float64, snr: Float64) -> None:
        self._last[entry] = self._frame
        self._place[entry] += PLACE_GAIN * (place - self._place[entry])
        self._snr[entry] += RISE_GAIN * np.maximum(snr - self._snr[entry], 0.0)

    def _add(self, place: Float64, snr: Float64, since: NDArray[np.int64]) -> None:
        now = np.full(len(place), self._frame)
        self._place = np.concatenate([self._place, place])
        self._snr = np.concatenate([self._snr, snr])
        self._first, self._last = np.concatenate([self._first, now]), np.concatenate([self._last, now])
        self._since = np.concatenate([self._since, since])

    def _keep(self, chosen: Bool) -> None:
        self._place, self._snr = self._place[chosen], self._snr[chosen]
        self._first, self._last, self._since = self._first[chosen], self._last[chosen], self._since[chosen]
