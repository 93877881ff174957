"""One window of the map while it is drawn: what is on the Earth goes on it, larger than it will be shown."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from services.stack.pictures.labels import Labels
from services.stack.pictures.map_ground import draw_graticule, draw_scale_bar, ground, label_graticule, pieces
from services.stack.pictures.map_legend import Entry, draw_legend
from services.stack.pictures.map_scene import GroundTrack, MapObject
from services.stack.pictures.projection import Window
from services.stack.pictures.style import GATEWAY, HEAT, TEXT, THREATS, Colour, write

Float64 = NDArray[np.float64]
Degrees = tuple[float, float]

# Drawn so many times larger and then reduced, which smooths lines and text.
OVERSAMPLING = 2
TEXT_PX = 13 * OVERSAMPLING
FILL_ALPHA = 26
# From one dot's middle to the next.
DOTS_PX = 5.0 * OVERSAMPLING


class Canvas:
    """A picture of the Earth in a window; sizes are pixels of the finished picture, `OVERSAMPLING` times drawn."""

    def __init__(self, window: Window, instant_unix_ns: int) -> None:
        self.window = window
        self.instant_unix_ns = instant_unix_ns
        self.picture = ground(window, instant_unix_ns)
        self.pen = ImageDraw.Draw(self.picture)
        self.labels = Labels(self.pen, window.width_px, window.height_px, TEXT_PX)

    def finished(self) -> Image.Image:
        """Return the picture in its own size."""
        return self.picture.reduce(OVERSAMPLING)

    def draw_footprints(self, outlines_deg: Mapping[str, Float64], colours: Mapping[str, Colour]) -> None:
        """Draw outlines, (n, 2) each, and fill them with a breath of their colour."""
        for name, outline in outlines_deg.items():
            path = self._to_px(outline)
            points = [(float(x), float(y)) for x, y in path[np.isfinite(path).all(axis=1)]]
            if len(points) > 2:
                mask = Image.new("L", self.picture.size, 0)
                ImageDraw.Draw(mask).polygon(points, fill=FILL_ALPHA)
                self.picture.paste(Image.new("RGB", self.picture.size, colours[name]), (0, 0), mask)
                self._draw_path(np.concatenate([path, path[:1]]), colours[name], 1.4)

    def draw_frame(self, title: str, legend: Sequence[Entry]) -> None:
        """Draw the graticule, the scale bar, the title and the legend."""
        step = draw_graticule(self.pen, self.window, OVERSAMPLING, TEXT_PX)
        draw_scale_bar(self.labels, self.pen, self.window, TEXT_PX)
        if title:
            write(self.pen, (TEXT_PX / 2, TEXT_PX / 2), title, TEXT_PX)
            self.labels.keep_clear((0, 0, self.window.width_px * 0.6, 2 * TEXT_PX))
        if legend:
            draw_legend(self.labels, self.pen, self.window, legend, TEXT_PX)
        label_graticule(self.labels, self.pen, self.window, step, TEXT_PX)

    def draw_track(self, track: GroundTrack, colour: Colour) -> None:
        """Draw a satellite's ground track."""
        self._draw_path(self._to_px(track.places_deg), colour, 0.7)

    def draw_satellite(self, place: Degrees, colour: Colour) -> None:
        """Draw a satellite above its place."""
        x, y = self._point(place)
        half = 3.5 * OVERSAMPLING
        self.pen.rectangle((x - half, y - half, x + half, y + half), fill=colour, outline=(0, 0, 0))
        self.labels.keep_clear_around(x, y, half)

    def draw_gateway(self, place: Degrees) -> None:
        """Draw an antenna."""
        x, y = self._point(place)
        half = 3.5 * OVERSAMPLING
        rhomb = [(x, y - half), (x + half, y), (x, y + half), (x - half, y)]
        self.pen.polygon(rhomb, fill=GATEWAY, outline=(0, 0, 0))
        self.labels.keep_clear_around(x, y, half)

    def draw_threat(self, each: MapObject, *, so_far: bool) -> None:
        """Draw a threat's way, solid while an engine burns, its launch point, and where it is."""
        colour = THREATS[each.kind]
        shown = each.times_unix_ns <= self.instant_unix_ns if so_far else np.ones(len(each.times_unix_ns), np.bool_)
        path = self._to_px(each.places_deg)[shown]
        for begin, end, burning in _runs(each.burning[: max(0, len(path) - 1)]):
            self._draw_path(path[begin : end + 1], colour, 2.0 if burning else 1.6, dotted=not burning)
        if each.launch_deg is not None:
            x, y = self._point(each.launch_deg)
            size = 4.0 * OVERSAMPLING
            triangle = [(x, y - size), (x - size, y + size * 0.8), (x + size, y + size * 0.8)]
            self.pen.polygon(triangle, fill=(20, 20, 20), outline=colour, width=OVERSAMPLING)
            self.labels.keep_clear_around(x, y, size)
        if each.times_unix_ns[0] <= self.instant_unix_ns <= each.times_unix_ns[-1]:
            self._dot(each.place_at(self.instant_unix_ns), colour, 3.2, TEXT)

    def draw_heat(self, each: MapObject) -> None:
        """Draw a source of heat where it is, with its way where it moves and its border where it is an area."""
        colour = HEAT[each.kind]
        place = each.place_at(self.instant_unix_ns)
        if np.ptp(each.places_deg, axis=0).any():
            self._draw_path(self._to_px(each.places_deg), colour, 0.8)
        if each.radius_m:
            x, y = self._point(place)
            radius = each.radius_m / self.window.pixel_m
            self.pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=OVERSAMPLING)
        self._dot(place, colour, 2.4, None)

    def name(self, place: Degrees, text: str, colour: Colour) -> None:
        """Write a name beside a place, if that is in the picture and has room."""
        if self.window.shows(place):
            self.labels.put(*self._point(place), text, colour, gap_px=4 * OVERSAMPLING)

    def _dot(self, place: Degrees, colour: Colour, radius: float, outline: Colour | None) -> None:
        x, y = self._point(place)
        size = radius * OVERSAMPLING
        self.pen.ellipse((x - size, y - size, x + size, y + size), fill=colour, outline=outline)
        self.labels.keep_clear_around(x, y, size)

    def _draw_path(self, path_px: Float64, colour: Colour, width: float, *, dotted: bool = False) -> None:
        line_px = max(1, round(width * OVERSAMPLING))
        for part in pieces(path_px, self.window) if len(path_px) > 1 else []:
            if dotted:
                for x, y in _spaced(np.array(part), DOTS_PX):
                    half = line_px / 2
                    self.pen.ellipse((x - half, y - half, x + half, y + half), fill=colour)
            else:
                self.pen.line(part, fill=colour, width=line_px, joint="curve")

    def _to_px(self, places_deg: Float64) -> Float64:
        return self.window.to_px(places_deg[:, 0], places_deg[:, 1])

    def _point(self, place: Degrees) -> tuple[float, float]:
        """Return a place's pixel; far outside of the picture where the map has none for it."""
        x, y = np.nan_to_num(self.window.to_px(*place), nan=-1e6).tolist()
        return x, y


def _runs(burning: NDArray[np.bool_]) -> list[tuple[int, int, bool]]:
    """Return (first point, last point, burning) of each stretch of a path."""
    changes = [0, *(np.flatnonzero(burning[1:] != burning[:-1]) + 1).tolist(), len(burning)]
    return [(begin, end, bool(burning[begin])) for begin, end in itertools.pairwise(changes) if end > begin]


def _spaced(points: Float64, apart_px: float) -> Float64:
    """Return points at even distances along a line, (n, 2)."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.arange(0.0, lengths[-1] + 1e-9, apart_px)
    return np.stack([np.interp(at, lengths, points[:, 0]), np.interp(at, lengths, points[:, 1])], axis=-1)
