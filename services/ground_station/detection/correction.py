"""What is known of a focal plane's pixels beforehand: gain, offset, and which are bad."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

# More bad pixels than this part of a focal plane is no focal plane to search.
MOST_BAD = 0.25
# A pixel whose gain or noise differs from the median by this factor is bad.
GAIN_FACTOR, NOISE_FACTOR = 2.0, 5.0


@dataclass(frozen=True, eq=False)
class PixelCorrection:
    """Makes pixels equal: corrected = gain * counts + offset; bad pixels are replaced from their neighbours.

    gain, offset: (rows, columns), 1 and counts. bad: (rows, columns), True where a pixel tells nothing; its gain and
    offset do not matter. Raises ValueError for shapes that differ, values that are no numbers, gains of 0 or less, and
    more than a quarter of bad pixels.
    """

    gain: Float32
    offset: Float32
    bad: Bool
    # Flat indices of the bad, and the least of what the good have.
    cells: NDArray[np.int32] = field(init=False, repr=False)
    least_gain: float = field(init=False)
    least_offset: float = field(init=False)

    def __post_init__(self) -> None:
        shape = np.shape(self.gain)
        if len(shape) != 2:
            raise ValueError(f"gain has shape {shape}, not (rows, columns)")
        for name in ("offset", "bad"):
            if np.shape(getattr(self, name)) != shape:
                raise ValueError(f"{name} has shape {np.shape(getattr(self, name))}, gain {shape}; make them equal")
        bad = np.array(self.bad, dtype=bool)
        if bad.mean() > MOST_BAD:
            raise ValueError(f"{bad.mean():.0%} of the pixels are bad; at most {MOST_BAD:.0%} can be replaced")
        gain, offset = np.where(bad, 1.0, self.gain), np.where(bad, 0.0, self.offset)
        for name, values, fit in (("gain", gain, gain > 0.0), ("offset", offset, True)):
            wrong = ~(np.isfinite(values) & fit)
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                raise ValueError(
                    f"{name} is {values[row, column]:g} at row {row}, column {column}; correct it or mark the pixel bad"
                )
        for name, values in (
            ("gain", gain.astype(np.float32)),
            ("offset", offset.astype(np.float32)),
            ("bad", bad),
            ("cells", np.flatnonzero(bad).astype(np.int32)),
        ):
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        for name, values in (("least_gain", gain), ("least_offset", offset)):
            object.__setattr__(self, name, float(values[~bad].min()))

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of the frames it fits."""
        return self.bad.shape[0], self.bad.shape[1]

    def saturation(self, counts: float) -> float:
        """Return corrected counts below which no pixel has read `counts` or more."""
        return self.least_gain * counts + self.least_offset

    @classmethod
    def from_flat_fields(cls, dark: NDArray[np.generic], flat: NDArray[np.generic]) -> Self:
        """Return the two-point correction from frames of two even levels, each (frames, rows, columns), 2 or more.

        Corrected frames have the dark and the flat frames' median levels. Bad are pixels with half or twice the
        median's gain, or five times the median's noise.
        """
        for name, frames in (("dark", dark), ("flat", flat)):
            if frames.ndim != 3 or frames.shape[0] < 2 or frames.shape[1:] != dark.shape[1:]:
                raise ValueError(f"{name} has shape {frames.shape}; give 2 or more frames of one size")
        low, high = dark.mean(axis=0, dtype=np.float64), flat.mean(axis=0, dtype=np.float64)
        steps = high - low
        step = float(np.median(steps))
        if not step > 0.0:
            raise ValueError(f"flat frames are {step:g} counts above the dark ones; they must be brighter")
        noise = np.maximum(dark.std(axis=0, dtype=np.float64), flat.std(axis=0, dtype=np.float64))
        bad = ~(
            (steps > step / GAIN_FACTOR) & (steps < step * GAIN_FACTOR) & (noise <= NOISE_FACTOR * np.median(noise))
        )
        gain = step / np.where(bad, step, steps)
        return cls(
            gain=gain.astype(np.float32), offset=(np.median(low) - gain * low).astype(np.float32), bad=np.asarray(bad)
        )
