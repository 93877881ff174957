"""What the map's colours and lines mean, for those that are on it."""

from collections.abc import Iterable, Sequence

from PIL import ImageDraw

from services.stack.pictures.labels import Labels
from services.stack.pictures.map_scene import MapObject
from services.stack.pictures.projection import Window
from services.stack.pictures.style import GATEWAY, HEAT, TEXT, THREATS, Colour, font, write

# Text, colour, and sign: line, dots or dot.
Entry = tuple[str, Colour, str]


def legend_entries(objects: Iterable[MapObject], *, gateways: bool) -> list[Entry]:
    """Return what is to be explained of what is on the map."""
    shown = list(objects)
    kinds = {each.kind for each in shown}
    threats = [(kind.replace("_", " "), colour, "line") for kind, colour in THREATS.items() if kind in kinds]
    coasting = any(each.is_threat and not each.burning.all() for each in shown)
    heat = [("gas flare, factory" if kind == "flare" else kind, colour, "dot") for kind, colour in HEAT.items()
            if kind in kinds]  # fmt: skip
    return [
        *threats,
        *([("engine off", TEXT, "dots")] if coasting else []),
        *heat,
        *([("gateway", GATEWAY, "dot")] if gateways else []),
    ]


def draw_legend(
    labels: Labels, pen: ImageDraw.ImageDraw, window: Window, entries: Sequence[Entry], text_px: float
) -> None:
    """Write the legend at the lower right, above the degrees."""
    line = 1.35 * text_px
    width = 2 * text_px + max(font(text_px).getlength(text) for text, _, _ in entries)
    left, top = window.width_px - width - text_px, window.height_px - 2.2 * text_px - line * len(entries)
    labels.keep_clear((left - text_px / 2, top - text_px / 2, window.width_px, window.height_px - 1.5 * text_px))
    for place, (text, colour, sign) in enumerate(entries):
        y = top + line * (place + 0.5)
        _draw_sign(pen, sign, left, y, text_px, colour)
        write(pen, (left + 1.8 * text_px, y), text, text_px, colour, anchor="lm")


def _draw_sign(pen: ImageDraw.ImageDraw, sign: str, left: float, y: float, text_px: float, colour: Colour) -> None:
    if sign == "line":
        pen.line((left, y, left + 1.3 * text_px, y), fill=colour, width=max(1, round(text_px * 0.14)))
        return
    radius = text_px * (0.07 if sign == "dots" else 0.18)
    centres = (0.1, 0.5, 0.9, 1.3) if sign == "dots" else (0.65,)
    for centre in centres:
        x = left + centre * text_px
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
