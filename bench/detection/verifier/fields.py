"""Windows of candidates cut, turned, scaled and measured on the training device, many at a time.

The same measures as services.ground_station.detection.verify.windows, which is what runs later.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.detection.verifier.pictures import Picture
from services.ground_station.detection.verify import windows as w

# Share of windows that are only turned by right angles and mirrored, pixels untouched.
EXACT_SHARE = 0.5
SCALES = (0.75, 1.35)
JITTER_PX = 3
# Strength of pasted targets over their own, and what they must stand out by: deviations around, and counts.
PASTE_GAIN = (0.4, 1.2)
PASTE_SPREADS, PASTE_COUNTS = 1.5, 5.0
# Share of windows that get noise, and the most of it over the field's own.
NOISY_SHARE, MOST_NOISE = 0.25, 1.5
# Share of windows whose counts are bent by a power law, and its least exponent and greatest.
BENT_SHARE, EXPONENTS = 0.3, (0.7, 1.4)


@dataclass(frozen=True)
class Stack:
    """All pictures on the device, one after the other, and each one's place and size there."""

    counts: Tensor
    mask: Tensor
    start: Tensor
    rows: Tensor
    columns: Tensor
    floor: Tensor

    @classmethod
    def of(cls, pictures: Sequence[Picture], device: torch.device) -> "Stack":
        """Return the pictures' pixels as float32 and their masks, on the device."""
        sizes = np.array([each.counts.shape for each in pictures])
        start = np.concatenate([[0], np.cumsum(sizes.prod(axis=1))[:-1]])
        whole = np.array([w.ROUNDING_SIGMA if each.counts.dtype.kind in "iu" else 0.0 for each in pictures])
        return cls(
            counts=torch.from_numpy(np.concatenate([p.counts.ravel().astype(np.float32) for p in pictures])).to(device),
            mask=torch.from_numpy(np.concatenate([p.mask.ravel() for p in pictures])).to(device, torch.float32),
            start=torch.from_numpy(start).to(device, torch.int32),
            rows=torch.from_numpy(sizes[:, 0].copy()).to(device, torch.int32),
            columns=torch.from_numpy(sizes[:, 1].copy()).to(device, torch.int32),
            floor=torch.from_numpy(whole.astype(np.float32)).to(device),
        )


INNER = slice(w.INSET_PX, w.INSET_PX + w.WINDOW_PX)


@dataclass(frozen=True)
class Place:
    """Candidates: index of the picture, row and column; (n,) each."""

    picture: Tensor
    row: Tensor
    column: Tensor


def cut(
    stack: Stack, at: Place, draw: torch.Generator | None = None, donor: Place | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return fine (n, 3, 48, 48), coarse (n, 4, 48, 48), mask (n, 48, 48) and whether the label holds, (n,) bool.

    draw: what turns, scales and spoils the windows; None: as they are. donor: targets laid over the last windows, of
    labelled pictures that stand before the same ones painted over; one that cannot be seen there makes no label.
    """
    rows, columns = _places(at.row.float(), at.column.float(), draw)
    field = _read(stack, stack.counts, at.picture, rows, columns)
    mask = _read(stack, stack.mask, at.picture, rows[:, INNER, INNER], columns[:, INNER, INNER])
    holds = torch.ones(len(field), dtype=torch.bool, device=field.device)
    if donor is not None and draw is not None:
        own = slice(len(field) - len(donor.row), None)
        shift = [
            (b.float() - a[own].float())[:, None, None] for a, b in ((at.row, donor.row), (at.column, donor.column))
        ]
        rows, columns = rows[own, INNER, INNER] + shift[0], columns[own, INNER, INNER] + shift[1]
        light = _read(stack, stack.counts, donor.picture, rows, columns)
        light = light - _read(stack, stack.counts, donor.picture + 1, rows, columns)
        outline = _read(stack, stack.mask, donor.picture, rows, columns)
        field, holds = _pasted(field, own, light, outline > 0.5, draw)
        outline = outline * holds[own, None, None]
        mask = torch.cat([mask[: own.start], torch.maximum(mask[own], outline)])
    if draw is not None:
        field = _spoiled(field, draw)
    fine, coarse = measure(field, stack.floor[at.picture])
    return fine, coarse, (mask > 0.5).float(), holds


def _pasted(field: Tensor, own: slice, light: Tensor, outline: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return fields (8-bit) with targets' light added to those of `own`, and which of all fields keep their label."""
    low, high = PASTE_GAIN
    gain = low + (high - low) * torch.rand(len(light), 1, 1, device=field.device, generator=draw)
    inside = field[own, INNER, INNER]
    close = inside[:, 12:36, 12:36].flatten(1)
    added = torch.where(outline, gain * light, 0.0).flatten(1).amax(dim=1)
    top = (inside + gain * light).clamp(0, 255)
    seen = torch.where(outline, top - inside, 0.0).flatten(1).amax(dim=1)
    plain = (seen > PASTE_SPREADS * close.std(dim=1)) & (seen > PASTE_COUNTS) & (seen > 0.5 * added)
    field = field.clone()
    field[own, INNER, INNER] = torch.where(plain[:, None, None], top, inside)
    holds = torch.ones(len(field), dtype=torch.bool, device=field.device)
    holds[own] = plain
    return field, holds


def measure(field: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    """Return fine and coarse measures of fields (n, 192, 192) whose counts were rounded to `floor` (n,)."""
    median = _median(field[:, INNER, INNER])
    field = field - median
    window = field[:, INNER, INNER]
    few = field[:, :: w.SAMPLE_STEP]
    bend = few[:, :, 1 : -1 : w.SAMPLE_STEP] - 0.5 * (few[:, :, : -2 : w.SAMPLE_STEP] + few[:, :, 2 :: w.SAMPLE_STEP])
    bend = bend.abs()
    floor = floor[:, None, None]
    spread = few[:, :, :: w.SAMPLE_STEP].flatten(1).std(dim=1, correction=0)[:, None, None]
    spread = torch.maximum(spread, floor).clamp_min(1e-30)
    noise = torch.maximum(torch.maximum(_median(bend) * w.NOISE_SCALE, floor), w.LEAST_NOISE_SHARE * spread)
    middle = slice(w.FIELD_PX // 2 - w.PEAK_HALF_PX, w.FIELD_PX // 2 + w.PEAK_HALF_PX + 1)
    height = torch.maximum(field[:, middle, middle].amax(dim=(1, 2), keepdim=True), noise)
    fine = [
        (window / height).clamp(-w.CLIP, w.CLIP),
        w.NOISE_GAIN * torch.asinh(window / noise),
        (window / spread).clamp(-w.CLIP, w.CLIP),
    ]
    blocks = field.reshape(-1, w.WINDOW_PX, w.COARSE_PX, w.WINDOW_PX, w.COARSE_PX)
    mean, highest = blocks.mean(dim=(2, 4)), blocks.amax(dim=(2, 4))
    coarse = [
        w.NOISE_GAIN * torch.asinh(mean / noise),
        w.NOISE_GAIN * torch.asinh(highest / noise),
        (mean / spread).clamp(-w.CLIP, w.CLIP),
        (highest / spread).clamp(-w.CLIP, w.CLIP),
    ]
    return torch.stack(fine, dim=1), torch.stack(coarse, dim=1)


def _median(values: Tensor) -> Tensor:
    """Return medians (n, 1, 1), the mean of the two middle values as NumPy has it (all counts here are even)."""
    flat = values.flatten(1).sort(dim=1).values
    half = flat.shape[1] // 2
    middle = 0.5 * (flat[:, half - 1] + flat[:, half]) if flat.shape[1] % 2 == 0 else flat[:, half]
    return middle[:, None, None]


def _places(row: Tensor, column: Tensor, draw: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Return rows and columns (n, 192, 192) that each field's pixels come from."""
    device, count = row.device, len(row)
    reach = torch.arange(-w.FIELD_PX // 2, w.FIELD_PX // 2, device=device, dtype=torch.float32)
    if draw is None:
        shape = (count, w.FIELD_PX, w.FIELD_PX)
        high, wide = row[:, None] + reach, column[:, None] + reach
        return high[:, :, None].expand(shape), wide[:, None, :].expand(shape)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, device=device, generator=draw)

    exact = uniform(0, 1) < EXACT_SHARE
    turn = uniform(0, 2 * math.pi)
    turn = torch.where(exact, torch.floor(turn / (math.pi / 2)) * (math.pi / 2), turn)
    scale = torch.where(exact, 1.0, torch.exp(uniform(math.log(SCALES[0]), math.log(SCALES[1]))))
    flip = torch.where(uniform(0, 1) < 0.5, 1.0, -1.0)
    cos, sin = scale * torch.cos(turn), scale * torch.sin(turn)
    shift = [uniform(-JITTER_PX - 0.5, JITTER_PX + 0.5) for _ in range(2)]
    shift = [torch.where(exact, torch.round(each), each) for each in shift]
    high, wide = reach[None, :, None], flip[:, None, None] * reach[None, None, :]
    rows = (row + shift[0])[:, None, None] + cos[:, None, None] * high - sin[:, None, None] * wide
    columns = (column + shift[1])[:, None, None] + sin[:, None, None] * high + cos[:, None, None] * wide
    return rows, columns


def _read(stack: Stack, values: Tensor, picture: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return values at places of the pictures, bilinear, mirrored at the edges."""
    high, wide = stack.rows[picture][:, None, None], stack.columns[picture][:, None, None]
    # A right angle's sine is not quite 0: whole places must stay whole.
    rows, columns = torch.round(rows * 256) / 256, torch.round(columns * 256) / 256
    top, left = rows.floor(), columns.floor()
    down, right = rows - top, columns - left
    lines = [_mirrored(top.int() + i, high) * wide for i in range(2)]
    files = [_mirrored(left.int() + i, wide) for i in range(2)]
    start = stack.start[picture][:, None, None]
    corners = [[values[start + line + file] for file in files] for line in lines]
    upper = torch.lerp(corners[0][0], corners[0][1], right)
    lower = torch.lerp(corners[1][0], corners[1][1], right)
    return torch.lerp(upper, lower, down)


def _mirrored(index: Tensor, size: Tensor) -> Tensor:
    folded = torch.remainder(index, 2 * size)
    return torch.where(folded < size, folded, 2 * size - 1 - folded)


def _spoiled(field: Tensor, draw: torch.Generator) -> Tensor:
    """Return fields some of which are noisier, some with their counts bent by a power law."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(field), 1, 1, device=field.device, generator=draw)

    low, high = field.amin(dim=(1, 2), keepdim=True), field.amax(dim=(1, 2), keepdim=True)
    span = (high - low).clamp_min(1e-6)
    exponent = torch.where(uniform(0, 1) < BENT_SHARE, uniform(*EXPONENTS), torch.ones_like(span))
    field = low + span * ((field - low) / span).clamp(0, 1) ** exponent
    few = field[:, :: w.SAMPLE_STEP, :: w.SAMPLE_STEP]
    own = (few[:, :, 1:] - few[:, :, :-1]).abs().flatten(1).mean(dim=1)[:, None, None]
    share = torch.where(uniform(0, 1) < NOISY_SHARE, uniform(0, MOST_NOISE), torch.zeros_like(span))
    return field + share * own * torch.randn(field.shape, device=field.device, generator=draw)
