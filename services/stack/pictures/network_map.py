"""The network as a picture: the laser mesh, the paths that frames take, satellites and antennas on the Earth."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.geometry.time import format_rfc3339
from services.stack.pictures.map_canvas import OVERSAMPLING, Canvas
from services.stack.pictures.map_legend import Entry
from services.stack.pictures.network_scene import NetworkScene
from services.stack.pictures.projection import EqualArea, Window
from services.stack.pictures.style import FAILED, GATEWAY, GROUND_LINK, LASER, MESH, RELAY, SATELLITES, Colour

Float64 = NDArray[np.float64]

# Around what is in use, so that the mesh beside it is seen, too.
MARGIN = 0.25
MESH_PX, PATH_PX, RELAY_PX = 0.5, 2.4, 1.4
# Where there are more relay satellites, they are drawn smaller, and still seen.
MANY_RELAYS, SMALL_PX = 5000, 0.5
# Of gateways that carry nothing, names are left out where there are many.
MOST_IDLE_NAMES = 40
# Satellites without a path are named in the title, and counted where they are more.
MOST_TITLE_NAMES = 3


def draw_network(scene: NetworkScene, width_px: int, height_px: int, *, world: bool, title: str) -> Image.Image:
    """Return the map of the network. world: the whole Earth; else what surrounds the paths."""
    places = scene.paths_deg()
    if not len(places):
        places = np.array(list(scene.gateways.values())).reshape(-1, 2)
    window = _window(places, width_px * OVERSAMPLING, height_px * OVERSAMPLING, world=world)
    canvas = Canvas(window, scene.instant_unix_ns)
    _draw_segments(canvas, scene.mesh_deg, MESH, MESH_PX)
    _draw_dots(canvas, scene.relays_deg, RELAY, SMALL_PX if len(scene.relays_deg) > MANY_RELAYS else RELAY_PX)
    _draw_dots(canvas, scene.failed_deg, FAILED, RELAY_PX)
    canvas.draw_frame(f"{title}  {format_rfc3339(scene.instant_unix_ns)}{_without_path(scene)}", _legend(scene))
    _draw_segments(canvas, scene.lasers_deg, LASER, PATH_PX)
    _draw_segments(canvas, scene.grounds_deg, GROUND_LINK, PATH_PX)
    for place in scene.gateways.values():
        canvas.draw_gateway(place)
    for place in scene.satellites.values():
        canvas.draw_satellite(place, SATELLITES[0])
    _write_names(canvas, scene)
    return canvas.finished()


def _window(places_deg: Float64, width_px: int, height_px: int, *, world: bool) -> Window:
    """Return the window around places (n, 2); their middle is the map's, so that it is least distorted there."""
    turns = np.radians(places_deg)
    vectors = np.stack(
        [np.cos(turns[:, 0]) * np.cos(turns[:, 1]), np.cos(turns[:, 0]) * np.sin(turns[:, 1]), np.sin(turns[:, 0])]
    )
    x, y, z = vectors.mean(axis=1) if len(places_deg) else (1.0, 0.0, 0.0)
    projection = EqualArea(float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x))))
    shown = np.array([(-90.0, 0.0), (90.0, 0.0), (0.0, 0.0), (0.0, 90.0), (0.0, 180.0), (0.0, -90.0)])
    if world:
        return Window.around(projection, shown, width_px, height_px, margin=10.0)
    return Window.around(projection, places_deg, width_px, height_px, MARGIN)


def _draw_segments(canvas: Canvas, ends_deg: Float64, colour: Colour, width_px: float) -> None:
    """Draw straight links, (n, 2, 2), but those that the map tears apart at its rim."""
    window = canvas.window
    ends_px = window.to_px(ends_deg[..., 0], ends_deg[..., 1])
    length = np.linalg.norm(ends_px[:, 1] - ends_px[:, 0], axis=1)
    size = np.array([window.width_px, window.height_px])
    # Both ends beyond one edge of the picture.
    beside = np.any(np.all(ends_px < 0, axis=1) | np.all(ends_px > size, axis=1), axis=1)
    # NaN compares false.
    for first, second in ends_px[(length < max(size)) & ~beside].tolist():
        canvas.pen.line((*first, *second), fill=colour, width=max(1, round(width_px * OVERSAMPLING)))


def _draw_dots(canvas: Canvas, places_deg: Float64, colour: Colour, radius_px: float) -> None:
    radius = radius_px * OVERSAMPLING
    places_px = canvas.window.to_px(places_deg[:, 0], places_deg[:, 1])
    for x, y in places_px[np.isfinite(places_px).all(axis=1)].tolist():
        canvas.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _write_names(canvas: Canvas, scene: NetworkScene) -> None:
    """Write names over all else; where room is short, those first that say most."""
    whole = scene.gateways.keys() - scene.failed
    for name, place in scene.satellites.items():
        if name not in scene.failed:
            canvas.name(place, name, SATELLITES[0])
    for name, place in scene.gateways.items():
        if name in whole & scene.in_use:
            canvas.name(place, name, GROUND_LINK)
    for name, place in (scene.satellites | scene.gateways).items():
        if name in scene.failed:
            canvas.name(place, f"{name} (failed)", FAILED)
    idle = [name for name in scene.gateways if name in whole - scene.in_use]
    if len(idle) <= MOST_IDLE_NAMES:
        for name in idle:
            canvas.name(scene.gateways[name], name, GATEWAY)


def _without_path(scene: NetworkScene) -> str:
    """Return what the title says of satellites that no path leads from; empty if there are none."""
    cut_off = [name for name in scene.satellites if name not in scene.in_use]
    if not cut_off:
        return ""
    named = len(cut_off) <= MOST_TITLE_NAMES
    return f"  no path from {', '.join(cut_off) if named else f'{len(cut_off)} satellites'}"


def _legend(scene: NetworkScene) -> list[Entry]:
    return [
        (f"{len(scene.relays_deg)} relay satellites", RELAY, "dot"),
        *([(f"{len(scene.failed_deg)} out of order", FAILED, "dot")] if len(scene.failed_deg) else []),
        (f"{len(scene.mesh_deg) + len(scene.lasers_deg)} laser links", MESH, "line"),
        *([("path, laser", LASER, "line")] if len(scene.lasers_deg) else []),
        *([("path, radio", GROUND_LINK, "line")] if len(scene.grounds_deg) else []),
        ("gateway", GATEWAY, "dot"),
    ]
