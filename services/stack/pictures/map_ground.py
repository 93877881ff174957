"""The map's ground: day and night, the graticule with its degrees, and the scale bar."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from services.geometry.frames import itrs_from_gcrs
from services.geometry.sun import sun_direction_gcrs
from services.stack.pictures.labels import Labels
from services.stack.pictures.projection import DISC_M, Window
from services.stack.pictures.style import DAY, GRATICULE, NIGHT, SPACE, TEXT, font, write

Float64 = NDArray[np.float64]

# Steps of the graticule, degrees, and how far apart its lines should be about, in heights of the text.
STEPS_DEG = (0.25, 0.5, 1, 2, 5, 10, 15, 30)
APART = 10
LINE_POINTS = 361
# The sun's elevation at which day begins and twilight has ended (astronomical twilight ends at -18 degrees; by -12 a
# camera in the short-wave infrared sees no sunlight any more).
DAY_SINE = math.sin(math.radians(0.5))
NIGHT_SINE = math.sin(math.radians(-12.0))
# The shade changes slowly and is computed on a grid so much coarser than the picture.
SHADE_GRID_PX = 4


def ground(window: Window, instant_unix_ns: int) -> Image.Image:
    """Return the Earth by day and by night in the window, RGB."""
    columns, rows = -(-window.width_px // SHADE_GRID_PX), -(-window.height_px // SHADE_GRID_PX)
    x, y = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    latitude, longitude = window.to_place(np.stack([x, y], axis=-1) * SHADE_GRID_PX)
    lit = _lit(latitude, longitude, instant_unix_ns)[..., None]
    colours = np.where(np.isfinite(lit), lit * np.array(DAY) + (1 - lit) * np.array(NIGHT), np.array(SPACE))
    coarse = Image.fromarray(np.round(colours).astype(np.uint8))
    return coarse.resize((columns * SHADE_GRID_PX, rows * SHADE_GRID_PX), Image.Resampling.BILINEAR).crop(
        (0, 0, window.width_px, window.height_px)
    )


def draw_graticule(pen: ImageDraw.ImageDraw, window: Window, line_px: int, text_px: float) -> float:
    """Draw meridians and parallels and the Earth's rim; return their step, degrees."""
    step = step_deg(window, text_px)
    for latitude in _multiples(-90, 90, step):
        draw_line(pen, window, np.full(LINE_POINTS, latitude), np.linspace(-180, 180, LINE_POINTS), line_px)
    # Meridians end short of the poles, where they would run together.
    end = 90 - min(step, 10)
    for longitude in _multiples(-180, 180 - step, step):
        draw_line(pen, window, np.linspace(-end, end, LINE_POINTS), np.full(LINE_POINTS, longitude), line_px)
    radius = DISC_M / window.pixel_m
    x, y = window.width_px / 2 - window.x_m / window.pixel_m, window.height_px / 2 + window.y_m / window.pixel_m
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=GRATICULE, width=line_px)
    return step


def label_graticule(labels: Labels, pen: ImageDraw.ImageDraw, window: Window, step: float, text_px: float) -> None:
    """Write degrees where parallels leave the picture on its left and meridians at its bottom."""
    inset = text_px * 0.5
    y = np.arange(text_px, window.height_px - text_px)
    latitude, _ = window.to_place(np.stack([np.full_like(y, inset), y], axis=-1))
    for value, place in _crossings(latitude, y, step):
        _edge_label(labels, pen, (inset, place), degrees_text(value, "NS"), "lm", text_px)
    x = np.arange(4 * text_px, window.width_px - 2 * text_px)
    bottom = np.full_like(x, window.height_px - inset)
    _, longitude = window.to_place(np.stack([x, bottom], axis=-1))
    for value, place in _crossings(longitude, x, step):
        _edge_label(labels, pen, (place, window.height_px - inset), degrees_text(value, "EW"), "mb", text_px)


def draw_scale_bar(labels: Labels, pen: ImageDraw.ImageDraw, window: Window, text_px: float) -> None:
    """Draw a bar of a round length at the upper right; true in the map's middle."""
    length_m = round_length_m(window.pixel_m * window.width_px / 4)
    length_px = length_m / window.pixel_m
    right, y = window.width_px - text_px, 2.2 * text_px
    left, tick = right - length_px, text_px * 0.3
    for width, colour in ((text_px * 0.35, (0, 0, 0)), (text_px * 0.14, TEXT)):
        bar = ((left, y - tick), (left, y), (right, y), (right, y - tick))
        pen.line(bar, fill=colour, width=max(1, round(width)), joint="curve")
    text = f"{length_m / 1000:g} km"
    write(pen, ((left + right) / 2, y - tick), text, text_px, anchor="mb")
    labels.keep_clear((left - text_px, 0, window.width_px, y + text_px))


def draw_line(
    pen: ImageDraw.ImageDraw, window: Window, latitude_deg: Float64, longitude_deg: Float64, line_px: int
) -> None:
    """Draw a line of the graticule where it passes through the window, broken where it jumps across the map's rim."""
    points = window.to_px(latitude_deg, longitude_deg)
    # From one point of the line to the next, so that none is left out which passes between two.
    reach = 2 * math.radians(360 / (LINE_POINTS - 1)) * DISC_M / window.pixel_m
    near = (points > -reach) & (points < (window.width_px + reach, window.height_px + reach))
    if near.all(axis=1).any():
        for part in pieces(points, window):
            pen.line(part, fill=GRATICULE, width=line_px)


def pieces(points_px: Float64, window: Window) -> list[list[tuple[float, float]]]:
    """Return a line's points, (n, 2), in pieces of two or more: broken at NaN and where it jumps across the rim."""
    steps = np.linalg.norm(np.diff(points_px, axis=0), axis=1)
    # NaN compares false, so that a gap breaks the line.
    breaks = np.flatnonzero(~(steps < DISC_M / window.pixel_m)) + 1
    return [[(x, y) for x, y in part.tolist()] for part in np.split(points_px, breaks) if len(part) > 1]


def step_deg(window: Window, text_px: float) -> float:
    """Return the graticule's step: that which puts parallels ten heights of the text apart, or nearly so."""
    wanted_deg = math.degrees(APART * text_px * window.pixel_m / (DISC_M / 2))
    return min(STEPS_DEG, key=lambda step: abs(math.log(step / wanted_deg)))


def round_length_m(at_most_m: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not more."""
    power = 10.0 ** math.floor(math.log10(at_most_m))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= at_most_m * (1 + 1e-9))


def degrees_text(value_deg: float, letters: str) -> str:
    """Return an angle as a map writes it: 30°S, 136.5°E; no letter on the equator and the two meridians."""
    text = f"{abs(value_deg):g}°"
    return text if abs(value_deg) in {0, 180} else text + letters[value_deg < 0]


def _lit(latitude_deg: Float64, longitude_deg: Float64, instant_unix_ns: int) -> Float64:
    """Return 1 by day, 0 by night and in between in twilight; NaN stays."""
    sun = itrs_from_gcrs(instant_unix_ns) @ sun_direction_gcrs(instant_unix_ns)
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    sine = np.cos(latitude) * (np.cos(longitude) * sun[0] + np.sin(longitude) * sun[1]) + np.sin(latitude) * sun[2]
    lit: Float64 = np.clip((sine - NIGHT_SINE) / (DAY_SINE - NIGHT_SINE), 0, 1)
    return lit


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [step * index for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _crossings(values_deg: Float64, places_px: Float64, step: float) -> list[tuple[float, float]]:
    """Return (multiple of the step, pixel) wherever an angle passes one along an edge."""
    found = []
    for index in range(len(values_deg) - 1):
        before, after = values_deg[index], values_deg[index + 1]
        # NaN beyond the Earth, and the jump from 180 to -180 degrees, are no crossings.
        if not abs(after - before) < 90:
            continue
        low, high = sorted((before, after))
        multiple = math.ceil(low / step) * step
        if low <= multiple < high:
            found.append((multiple, float(places_px[index])))
    return found


def _edge_label(
    labels: Labels, pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, anchor: str, text_px: float
) -> None:
    left, top, right, bottom = font(text_px).getbbox(text, anchor=anchor)
    box = (at[0] + left - 4, at[1] + top - 2, at[0] + right + 4, at[1] + bottom + 2)
    if labels.is_free(box):
        write(pen, at, text, text_px, (175, 186, 196), anchor)
        labels.keep_clear(box)
