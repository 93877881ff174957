"""A scenario's map as a picture: ground tracks, footprints, threats, heat and antennas on the Earth."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from services.geometry.time import format_rfc3339
from services.stack.pictures.map_canvas import OVERSAMPLING, Canvas
from services.stack.pictures.map_legend import legend_entries
from services.stack.pictures.map_scene import MapScene, degrees_of
from services.stack.pictures.projection import EqualArea, Window
from services.stack.pictures.sight import Sight, footprint_itrs_m
from services.stack.pictures.style import GATEWAY, GRATICULE, HEAT, SATELLITES, THREATS

Float64 = NDArray[np.float64]

# Fields of fires and constellations are dots without names.
MOST_HEAT_NAMES = 8
MOST_SATELLITE_NAMES = 16
# The close-up: its side over the picture's shorter one, and from how many times the map's scale on it is worth it.
CLOSE_UP_SHARE = 0.34
CLOSE_UP_FROM = 2.5
CLOSE_UP_LEAST_M = 1.5e5
CLOSE_UP_MARGIN = 0.25


class MapPainter:
    """Draws one map at any instant. All pictures of an animation show the same window.

    Threats whose ways would be a few pixels long are shown once more in a close-up at the lower left.
    """

    def __init__(
        self, scene: MapScene, places_deg: Float64, width_px: int, height_px: int, *, with_gateways: bool = False
    ) -> None:
        """`places_deg`: (n, 2), what must be in view."""
        self._scene = scene
        self._with_gateways = with_gateways
        self._projection = EqualArea(*scene.centre_deg)
        size = (width_px * OVERSAMPLING, height_px * OVERSAMPLING)
        self._window = Window.around(self._projection, places_deg, *size)
        self._close_up = self._close_up_window()
        self._colours = {
            track.satellite_id: SATELLITES[place % len(SATELLITES)] for place, track in enumerate(scene.tracks)
        }

    def paint(
        self, sights: Mapping[str, Sight], instant_unix_ns: int, *, so_far: bool = False, title: str = ""
    ) -> Image.Image:
        """Return the map at an instant. sights: by satellite. so_far: trajectories only up to the instant."""
        canvas = Canvas(self._window, instant_unix_ns)
        canvas.draw_footprints({name: _outline_deg(sight) for name, sight in sights.items()}, self._colours)
        if self._close_up is not None:
            height, width = self._close_up.height_px, self._close_up.width_px
            canvas.labels.keep_clear((0, self._window.height_px - height, width, self._window.height_px))
        canvas.draw_frame(title, legend_entries(self._scene.objects, gateways=self._with_gateways))
        for track in self._scene.tracks:
            canvas.draw_track(track, self._colours[track.satellite_id])
        self._draw_objects(canvas, so_far=so_far)
        self._draw_satellites(canvas, sights)
        self._name_objects(canvas, named_elsewhere=self._close_up)
        if self._with_gateways:
            self._draw_gateways(canvas)
        picture = canvas.finished()
        if self._close_up is not None:
            self._paste_close_up(picture, self._close_up, instant_unix_ns, so_far=so_far)
        return picture

    def _close_up_window(self) -> Window | None:
        """Return the window of the threats' ways; None where the map shows them well enough, or there are none."""
        threats = [each.places_deg for each in self._scene.objects if each.is_threat]
        if not threats:
            return None
        side = round(CLOSE_UP_SHARE * min(self._window.width_px, self._window.height_px)) // 2 * 2
        places = np.concatenate(threats)
        window = Window.around(self._projection, places, side, side, CLOSE_UP_MARGIN, CLOSE_UP_LEAST_M)
        return window if window.pixel_m * CLOSE_UP_FROM < self._window.pixel_m else None

    def _draw_objects(self, canvas: Canvas, *, so_far: bool) -> None:
        for each in self._scene.objects:
            if not each.is_threat:
                canvas.draw_heat(each)
        for each in self._scene.objects:
            if each.is_threat:
                canvas.draw_threat(each, so_far=so_far)

    def _name_objects(self, canvas: Canvas, *, named_elsewhere: Window | None) -> None:
        """Write the names of all but what lies in another window."""
        threats = [each for each in self._scene.objects if each.is_threat]
        heat = [each for each in self._scene.objects if not each.is_threat]
        names = [(each.launch_deg, each.id, THREATS[each.kind]) for each in threats if each.launch_deg is not None]
        if len(heat) <= MOST_HEAT_NAMES:
            names += [(each.place_at(canvas.instant_unix_ns), each.id, HEAT[each.kind]) for each in heat]
        for place, name, colour in names:
            if named_elsewhere is None or not named_elsewhere.shows(place):
                canvas.name(place, name, colour)

    def _draw_satellites(self, canvas: Canvas, sights: Mapping[str, Sight]) -> None:
        places = {name: degrees_of(sight.position_itrs_m[None])[0] for name, sight in sights.items()}
        below = {name: (float(place[0]), float(place[1])) for name, place in places.items()}
        for name, place in below.items():
            canvas.draw_satellite(place, self._colours[name])
        if len(below) <= MOST_SATELLITE_NAMES:
            for name, place in below.items():
                canvas.name(place, name, self._colours[name])

    def _draw_gateways(self, canvas: Canvas) -> None:
        for place in self._scene.gateways_deg.values():
            canvas.draw_gateway(place)
        for name, place in self._scene.gateways_deg.items():
            canvas.name(place, name, GATEWAY)

    def _paste_close_up(self, picture: Image.Image, window: Window, instant_unix_ns: int, *, so_far: bool) -> None:
        canvas = Canvas(window, instant_unix_ns)
        canvas.draw_frame("", [])
        self._draw_objects(canvas, so_far=so_far)
        self._name_objects(canvas, named_elsewhere=None)
        close_up = canvas.finished()
        top = picture.height - close_up.height
        picture.paste(close_up, (0, top))
        pen = ImageDraw.Draw(picture)
        pen.rectangle((-1, top, close_up.width, picture.height), outline=GRATICULE, width=1)
        # Where on the map it is.
        x, y = (np.array(self._window.to_px(*window.to_place((window.width_px / 2, window.height_px / 2))))
                / OVERSAMPLING).tolist()  # fmt: skip
        half = window.width_px * window.pixel_m / self._window.pixel_m / OVERSAMPLING / 2
        pen.rectangle((x - half, y - half, x + half, y + half), outline=GRATICULE, width=1)


def map_title(scenario_name: str, instant_unix_ns: int) -> str:
    """Return what stands above a map."""
    return f"{scenario_name}  {format_rfc3339(instant_unix_ns)[:19]}Z"


def _outline_deg(sight: Sight) -> Float64:
    return degrees_of(footprint_itrs_m(sight))
