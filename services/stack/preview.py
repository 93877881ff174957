"""What a satellite sees at an instant, as a picture with truth and detections marked."""

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sat_emulator.frame import Frame, FrameSource
from services.geometry.ellipsoid import line_clears_earth
from services.geometry.frames import itrs_from_gcrs

# Small frames are enlarged to about this.
SMALLEST_SIDE_PX = 768
# Magnified cut-outs of marked objects: half their side in frame pixels, magnification, and how many fit.
CUTOUT_HALF_PX = 12
CUTOUT_ZOOM = 8
MOST_CUTOUTS = 4
MARGIN_PX = 8
COLOURS = {"truth": (90, 220, 120), "detection": (255, 140, 60), "text": (235, 235, 235)}
# Percentiles of the counts that become black and white; a plume is far above and stays white.
STRETCH = (1.0, 99.7)


@dataclass(frozen=True)
class Mark:
    """Something to point at; pixels of the frame."""

    kind: Literal["truth", "detection"]
    row: float
    column: float
    label: str = ""


def sequence_at(source: FrameSource, instant_unix_ns: int) -> int:
    """Return the newest frame whose read-out has ended by an instant; the first where none has."""
    ended = bisect.bisect_right(range(len(source)), instant_unix_ns, key=source.readout_end_unix_ns)
    return max(0, ended - 1)


def truth_marks(frame: Frame, records: Sequence[Mapping[str, Any]]) -> list[Mark]:
    """Return where the truth's objects fall on a frame: those that are there, above the horizon and on the detector."""
    if frame.pose is None or frame.camera is None or frame.camera.projection == "unknown":
        return []
    mid = frame.exposure_start_unix_ns + round(frame.exposure_s * 0.5e9)
    itrs = itrs_from_gcrs(mid)
    satellite_itrs = itrs @ frame.pose.position_gcrs_m
    marks = []
    for record in records:
        position = position_at(record, mid)
        # From a metre up, so that what stands on the ground does not hide itself.
        if position is None or not line_clears_earth(position * (1 + 2e-7), satellite_itrs, 0.0):
            continue
        los_gcrs = itrs.T @ (position - satellite_itrs)
        rows, columns = frame.camera.project(frame.pose.rotation_camera_to_gcrs.T @ los_gcrs)
        row, column = float(rows[0]), float(columns[0])
        if 0 <= row <= frame.counts.shape[0] - 1 and 0 <= column <= frame.counts.shape[1] - 1:
            marks.append(Mark("truth", row, column, str(record["object_id"])))
    return marks


def position_at(record: Mapping[str, Any], instant_unix_ns: int) -> NDArray[np.float64] | None:
    """Return a truth object's place, ITRS, metres, between the points of its track; None outside of it."""
    times = [point["time_unix_ns"] for point in record["track"]]
    if not times or not times[0] <= instant_unix_ns <= times[-1]:
        return None
    after = bisect.bisect_left(times, instant_unix_ns)
    end = np.array(record["track"][after]["position_itrs_m"], dtype=np.float64)
    if times[after] == instant_unix_ns:
        return end
    begin = np.array(record["track"][after - 1]["position_itrs_m"], dtype=np.float64)
    along = (instant_unix_ns - times[after - 1]) / (times[after] - times[after - 1])
    between: NDArray[np.float64] = begin + along * (end - begin)
    return between


def draw(counts: NDArray[Any], marks: Sequence[Mark], title: str) -> Image.Image:
    """Return the frame in grey with its marks: truth as circles with names, detections as squares, and cut-outs."""
    grey = stretch(counts)
    zoom = max(1, SMALLEST_SIDE_PX // max(grey.shape))
    picture = _enlarged(grey, zoom)
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(14)
    for mark in marks:
        _draw_mark(pen, font, mark, zoom)
    _draw_cutouts(picture, grey, marks, font)
    _draw_text(pen, (MARGIN_PX, MARGIN_PX), title, font, COLOURS["text"])
    below = MARGIN_PX + 20
    for kind, text in (("truth", "circle: truth"), ("detection", "square: detection")):
        if any(mark.kind == kind for mark in marks):
            _draw_text(pen, (MARGIN_PX, below), text, font, COLOURS[kind])
            below += 18
    return picture


def stretch(counts: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the counts as 8-bit grey, from the lowest to nearly the highest; what is not finite is black."""
    values = counts.astype(np.float64)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.zeros(counts.shape, np.uint8)
    low, high = np.percentile(finite, STRETCH)
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-12)
    # A power below one lifts the dim background that most of the picture is.
    return np.asarray(255 * np.clip(scaled, 0, 1) ** 0.8, dtype=np.uint8)


def _enlarged(grey: NDArray[np.uint8], zoom: int) -> Image.Image:
    picture = Image.fromarray(grey)
    size = (picture.width * zoom, picture.height * zoom)
    return picture.resize(size, Image.Resampling.NEAREST).convert("RGB")


def _draw_mark(pen: ImageDraw.ImageDraw, font: Any, mark: Mark, zoom: int) -> None:
    # A pixel's centre lies half a pixel from its corner.
    x, y = (mark.column + 0.5) * zoom, (mark.row + 0.5) * zoom
    colour = COLOURS[mark.kind]
    if mark.kind == "truth":
        radius = 11 + zoom
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=2)
        _draw_text(pen, (x + radius + 3, y - 8), mark.label, font, colour)
    else:
        half = 6 + zoom / 2
        pen.rectangle((x - half, y - half, x + half, y + half), outline=colour, width=1)


def _draw_cutouts(picture: Image.Image, grey: NDArray[np.uint8], marks: Sequence[Mark], font: Any) -> None:
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
        _draw_text(pen, (left + 4, top + 2), mark.label, font, COLOURS[mark.kind])


def _draw_text(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, font: Any, colour: tuple[int, ...]
) -> None:
    pen.text(at, text, fill=colour, font=font, stroke_width=2, stroke_fill=(0, 0, 0))
