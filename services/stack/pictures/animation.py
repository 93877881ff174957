"""An animated GIF with one palette for all its pictures."""

from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np
from PIL import Image

# Greys of the palette; the other entries are the colours of marks and map.
GREYS = 80
COLOURS = 256 - GREYS
# A colour's channels differ by more than this.
COLOURED = 12
SHOWN_MS = 125
LAST_SHOWN_MS = 1500


def palette_of(pictures: Sequence[Image.Image]) -> Image.Image:
    """Return a picture whose palette suits these: even greys for the frames, and the colours that are most used.

    The same palette for every picture of an animation keeps what does not change from flickering.
    """
    pixels = np.concatenate([np.asarray(picture.convert("RGB")).reshape(-1, 3) for picture in pictures])
    coloured = pixels[np.ptp(pixels.astype(np.int16), axis=1) > COLOURED]
    greys = np.repeat(np.linspace(0, 255, GREYS).round().astype(np.uint8)[:, None], 3, axis=1)
    entries = greys
    if len(coloured):
        strip = Image.fromarray(np.ascontiguousarray(coloured[None]))
        found = strip.quantize(COLOURS, Image.Quantize.MEDIANCUT).getpalette() or []
        entries = np.concatenate([greys, np.array(found, dtype=np.uint8).reshape(-1, 3)])[:256]
    palette = Image.new("P", (1, 1))
    palette.putpalette(entries.tobytes())
    return palette


def write_gif(file: BinaryIO, pictures: Iterable[Image.Image], palette: Image.Image) -> int:
    """Write the pictures, all of one size, as an endless loop that rests on its last; return how many they were."""
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    shown_ms = [SHOWN_MS] * (len(frames) - 1) + [LAST_SHOWN_MS]
    frames[0].save(
        file, "GIF", save_all=True, append_images=frames[1:], duration=shown_ms, loop=0, optimize=False, disposal=1
    )
    return len(frames)
