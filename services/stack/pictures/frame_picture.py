"""One frame as a picture: grey, with truth and detections marked."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from services.stack.pictures.labels import Labels
from services.stack.pictures.marks import Mark
from services.stack.pictures.style import DETECTION, TRUTH, Colour, font, write

# Small frames are enlarged to about this where no size is asked for.
USUAL_SIDE_PX = 768
# Magnified cut-outs of marked objects: half their side in frame pixels, magnification, and how many fit.
CUTOUT_HALF_PX = 12
CUTOUT_ZOOM = 8
MOST_CUTOUTS = 4
MARGIN_PX = 8
# Fields of fires are circles without names.
MOST_NAMES = 20
COLOURS: dict[str, Colour] = {"truth": TRUTH, "detection": DETECTION}
# Percentiles of the counts that become black and white; a plume is far above and stays white.
STRETCH = (1.0, 99.7)
# A power below one lifts the dim background that most of the picture is.
GAMMA = 0.8


@dataclass(frozen=True)
class Scale:
    """Counts that become black and white."""

    black: float
    white: float

    @staticmethod
    def of(images: Iterable[NDArray[Any]]) -> "Scale":
        """Return the scale on which these frames together are from black to nearly all white; 0 to 1 without any."""
        limits = []
        for counts in images:
            values = counts[np.isfinite(counts)]
            if values.size:
                limits.append(np.percentile(values.astype(np.float64), STRETCH))
        if not limits:
            return Scale(0.0, 1.0)
        return Scale(float(min(low for low, _ in limits)), float(max(high for _, high in limits)))

    def grey(self, counts: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the counts as 8-bit grey; what is no number is black."""
        values = np.nan_to_num(counts.astype(np.float64), nan=self.black, posinf=self.white, neginf=self.black)
        scaled = (values - self.black) / max(self.white - self.black, 1e-12)
        return np.asarray(255 * np.clip(scaled, 0, 1) ** GAMMA, dtype=np.uint8)


def draw(
    counts: NDArray[Any],
    marks: Sequence[Mark],
    title: str,
    side_px: int | None = None,
    scale: Scale | None = None,
    text_px: int = 14,
    *,
    legend: bool = True,
) -> Image.Image:
    """Return the frame with its marks: truth as circles with names, detections as squares, and cut-outs.

    side_px: the longer side is at most so long. Left out: in full, small frames enlarged; only then with cut-outs.
    """
    grey = (Scale.of([counts]) if scale is None else scale).grey(counts)
    if side_px is None:
        zoom = float(max(1, USUAL_SIDE_PX // max(grey.shape)))
        picture = _enlarged(grey, int(zoom))
    else:
        picture, zoom = _fitted(grey, side_px)
    pen = ImageDraw.Draw(picture)
    labels = Labels(pen, picture.width, picture.height, text_px)
    if side_px is None:
        _draw_cutouts(picture, grey, marks, text_px)
    write(pen, (MARGIN_PX / 2, MARGIN_PX / 2), title, text_px)
    labels.keep_clear((0, 0, font(text_px).getlength(title) + MARGIN_PX, text_px + MARGIN_PX))
    if legend:
        _draw_legend(pen, marks, text_px)
    _draw_marks(pen, labels, marks, zoom, text_px)
    return picture


def _fitted(grey: NDArray[np.uint8], side_px: int) -> tuple[Image.Image, float]:
    """Return the picture, its longer side within a length, and its pixels per frame pixel.

    Small frames are enlarged by a whole number. Of large ones pixels are averaged, but what is white stays white: a
    plume is a pixel or two and must not be lost.
    """
    longest = max(grey.shape)
    if longest <= side_px:
        return _enlarged(grey, side_px // longest), float(side_px // longest)
    zoom = side_px / longest
    size = (max(1, round(grey.shape[1] * zoom)), max(1, round(grey.shape[0] * zoom)))
    small = np.array(Image.fromarray(grey).resize(size, Image.Resampling.BOX))
    rows, columns = (np.argwhere(grey == 255) * zoom).astype(np.intp).T
    small[np.minimum(rows, size[1] - 1), np.minimum(columns, size[0] - 1)] = 255
    return Image.fromarray(small).convert("RGB"), zoom


def _enlarged(grey: NDArray[np.uint8], zoom: int) -> Image.Image:
    picture = Image.fromarray(grey)
    size = (picture.width * zoom, picture.height * zoom)
    return picture.resize(size, Image.Resampling.NEAREST).convert("RGB")


def _draw_marks(pen: ImageDraw.ImageDraw, labels: Labels, marks: Sequence[Mark], zoom: float, text_px: int) -> None:
    for mark in marks:
        # A pixel's centre lies half a pixel from its corner.
        x, y = (mark.column + 0.5) * zoom, (mark.row + 0.5) * zoom
        if mark.kind == "truth":
            radius = _radius(zoom, text_px)
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=TRUTH, width=2)
        else:
            half = 0.4 * text_px + zoom / 2
            pen.rectangle((x - half, y - half, x + half, y + half), outline=DETECTION, width=1)
    truth = [mark for mark in marks if mark.kind == "truth"]
    for mark in truth if len(truth) <= MOST_NAMES else ():
        x, y = (mark.column + 0.5) * zoom, (mark.row + 0.5) * zoom
        labels.put(x, y, mark.label, TRUTH, gap_px=_radius(zoom, text_px))


def _radius(zoom: float, text_px: int) -> float:
    return 0.75 * text_px + max(zoom, 1)


def _draw_legend(pen: ImageDraw.ImageDraw, marks: Sequence[Mark], text_px: int) -> None:
    below = MARGIN_PX + text_px + 6
    for kind, text in (("truth", "circle: truth"), ("detection", "square: detection")):
        if any(mark.kind == kind for mark in marks):
            write(pen, (MARGIN_PX / 2, below), text, text_px, COLOURS[kind])
            below += text_px + 4


def _draw_cutouts(picture: Image.Image, grey: NDArray[np.uint8], marks: Sequence[Mark], text_px: int) -> None:
    """Put magnified surroundings of the truth (without truth: of the first detections) along the bottom."""
    chosen = [mark for mark in marks if mark.kind == "truth"] or list(marks)
    side = (2 * CUTOUT_HALF_PX + 1) * CUTOUT_ZOOM
    fitting = min(MOST_CUTOUTS, (picture.width - MARGIN_PX) // (side + MARGIN_PX))
    padded = np.pad(grey, CUTOUT_HALF_PX)
    pen = ImageDraw.Draw(picture)
    for place, mark in enumerate(chosen[:fitting]):
        row, column = math.floor(mark.row + 0.5), math.floor(mark.column + 0.5)
        cut = padded[row : row + 2 * CUTOUT_HALF_PX + 1, column : column + 2 * CUTOUT_HALF_PX + 1]
        left, top = MARGIN_PX + place * (side + MARGIN_PX), picture.height - side - MARGIN_PX
        picture.paste(_enlarged(np.ascontiguousarray(cut), CUTOUT_ZOOM), (left, top))
        pen.rectangle((left - 1, top - 1, left + side, top + side), outline=COLOURS[mark.kind], width=1)
        write(pen, (left + 4, top + 2), mark.label, text_px, COLOURS[mark.kind])
