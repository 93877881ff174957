"""A contact sheet: the satellites' frames side by side, and the map beside or below them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from services.geometry.time import format_rfc3339
from services.stack.pictures.frame_picture import Scale, draw
from services.stack.pictures.scenario_run import Shot
from services.stack.pictures.style import PAPER

GAP_PX = 6


@dataclass(frozen=True)
class Layout:
    """Where frames and map go; pixels of the sheet.

    columns, tile_px: of the frames' grid, whose tiles are squares. map_box: left, top, width, height; None: no map.
    """

    columns: int
    tile_px: int
    width_px: int
    height_px: int
    map_box: tuple[int, int, int, int] | None


def layout(frames: int, width_px: int, *, with_map: bool) -> Layout:
    """Return the layout of a sheet of a width: a square grid with the map to its right, a wide one with it below."""
    columns = math.ceil(math.sqrt(frames))
    rows = math.ceil(frames / columns)
    beside = with_map and rows == columns
    grid_px = round(width_px * 0.56) if beside else width_px
    tile = (grid_px - GAP_PX * (columns - 1)) // columns
    grid_px, grid_height = tile * columns + GAP_PX * (columns - 1), tile * rows + GAP_PX * (rows - 1)
    if not with_map:
        return Layout(columns, tile, grid_px, grid_height, None)
    if beside:
        left = grid_px + GAP_PX
        return Layout(columns, tile, width_px, grid_height, (left, 0, width_px - left, grid_height))
    top, height = grid_height + GAP_PX, round(width_px * 0.62)
    return Layout(columns, tile, grid_px, top + height, (0, top, grid_px, height))


def draw_sheet(
    shots: Sequence[Shot],
    place: Layout,
    map_picture: Image.Image | None,
    text_px: int,
    scales: Mapping[str, Scale] | None = None,
) -> Image.Image:
    """Return the sheet. scales: by satellite; left out, each frame has its own."""
    sheet = Image.new("RGB", (place.width_px, place.height_px), PAPER)
    for index, shot in enumerate(shots):
        row, column = divmod(index, place.columns)
        title = f"{shot.satellite_id}  {format_rfc3339(shot.frame.exposure_start_unix_ns)[11:21]}"
        scale = None if scales is None else scales[shot.satellite_id]
        tile = draw(shot.frame.counts, shot.marks, title, place.tile_px, scale, text_px, legend=index == 0)
        # Frames that are no squares stand in the middle of theirs.
        left = column * (place.tile_px + GAP_PX) + (place.tile_px - tile.width) // 2
        top = row * (place.tile_px + GAP_PX) + (place.tile_px - tile.height) // 2
        sheet.paste(tile, (left, top))
    if map_picture is not None and place.map_box is not None:
        sheet.paste(map_picture, place.map_box[:2])
    return sheet
