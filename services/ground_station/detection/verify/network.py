"""The trained network in NumPy: odds that a candidate is a target, and which of its window's pixels the target covers.

Weights are made by bench.detection.verifier.train, which also holds the same network in PyTorch.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

LEVELS = 4


@dataclass(frozen=True)
class Seen:
    """What the downward half of the network keeps of a candidate: log odds, and layers for its mask, finest first."""

    odds: float
    layers: tuple[Float32, ...]


class Network:
    """One trained network; arrays are channels last."""

    def __init__(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        self._arrays = {name: np.ascontiguousarray(each, dtype=np.float32) for name, each in arrays.items()}

    def look(self, fine: Float32, coarse: Float32) -> Seen:
        """Return what one window, (48, 48, 3), in its field, (48, 48, 4), says."""
        field = coarse
        for i in range(3):
            field = self._convolved(f"around{i}", field, stride=2)
        field = np.concatenate([field.mean(axis=(0, 1)), field.max(axis=(0, 1))])
        layers = []
        x = fine
        for level in range(LEVELS):
            if level:
                x = halved(x)
            last = level == LEVELS - 1
            x = self._convolved(f"down{2 * level}", x, shift=self._linear("lift", field) if last else None)
            x = self._convolved(f"down{2 * level + 1}", x)
            layers.append(x)
        whole = [x.mean(axis=(0, 1)), _middle(x), _middle(layers[2]), _middle(layers[1]), field]
        hidden = np.maximum(self._linear("hidden", np.concatenate(whole)), 0.0)
        return Seen(float(self._linear("odds", hidden)[0]), tuple(layers))

    def mask(self, seen: Seen) -> Float32:
        """Return the log odds of each pixel of the window, (48, 48)."""
        x = seen.layers[-1]
        for i, beside in enumerate(reversed(seen.layers[:-1])):
            x = self._convolved(f"up{i}", np.concatenate([x.repeat(2, axis=0).repeat(2, axis=1), beside], axis=2))
        return np.asarray(self._linear("pixel", x)[..., 0])

    def _linear(self, name: str, x: Float32) -> Float32:
        return np.asarray(x @ self._arrays[f"{name}.weight"] + self._arrays[f"{name}.bias"])

    def _convolved(self, name: str, x: Float32, stride: int = 1, shift: Float32 | None = None) -> Float32:
        """Return the rectified 3 x 3 convolution; `shift` is added after the rectifier."""
        out = np.maximum(convolution(x, self._arrays[f"{name}.weight"], stride) + self._arrays[f"{name}.bias"], 0.0)
        return np.asarray(out if shift is None else out + shift)


def convolution(x: Float32, kernel: Float32, stride: int = 1) -> Float32:
    """Return x, (rows, columns, inputs), correlated with kernel (3, 3, inputs, outputs); zeros around x."""
    rows, columns, inputs = x.shape
    padded = np.zeros((rows + 2, columns + 2, inputs), dtype=np.float32)
    padded[1:-1, 1:-1] = x
    # (rows, columns, inputs, 3, 3) without a copy, then one copy in the order of the kernel.
    patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::stride, ::stride]
    high, wide = patches.shape[:2]
    flat = patches.transpose(0, 1, 3, 4, 2).reshape(high * wide, 9 * inputs)
    return np.asarray((flat @ kernel.reshape(9 * inputs, -1)).reshape(high, wide, -1))


def halved(x: Float32) -> Float32:
    """Return the largest of each 2 x 2 pixels."""
    pairs = np.maximum(x[0::2], x[1::2])
    return np.maximum(pairs[:, 0::2], pairs[:, 1::2])


def _middle(x: Float32) -> Float32:
    half = x.shape[0] // 2
    return np.asarray(x[half - 1 : half + 1, half - 1 : half + 1].mean(axis=(0, 1)))
