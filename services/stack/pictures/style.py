"""Colours and text of all pictures."""

from typing import Any

from PIL import ImageDraw, ImageFont

Colour = tuple[int, int, int]

TEXT: Colour = (235, 235, 235)
SHADOW: Colour = (0, 0, 0)
PAPER: Colour = (13, 16, 21)
TRUTH: Colour = (90, 220, 120)
DETECTION: Colour = (255, 140, 60)
# Ground by day and by night, and what is not the Earth.
DAY: Colour = (54, 70, 84)
NIGHT: Colour = (22, 28, 37)
SPACE: Colour = (6, 8, 11)
GRATICULE: Colour = (92, 107, 121)
# One a satellite, beginning again after the last.
SATELLITES: tuple[Colour, ...] = (
    (110, 190, 255),
    (255, 205, 100),
    (190, 150, 255),
    (120, 225, 190),
    (255, 150, 170),
    (200, 220, 120),
    (150, 170, 255),
    (240, 180, 130),
)
# Threats by class and heat by kind, as legends name them.
THREATS: dict[str, Colour] = {
    "ballistic": (255, 84, 84),
    "glide": (255, 110, 230),
    "cruise": (255, 235, 90),
    "space_launch": (90, 235, 255),
}
HEAT: dict[str, Colour] = {
    "fire": (255, 140, 40),
    "flare": (255, 214, 120),
    "lightning": (190, 170, 255),
    "aircraft": (170, 225, 235),
    "glint": (255, 255, 255),
    "heat": (255, 140, 40),
}
GATEWAY: Colour = (150, 160, 170)
# The network: what is there, what carries frames, what is out of order.
RELAY: Colour = (150, 180, 210)
MESH: Colour = (70, 112, 158)
LASER: Colour = (255, 205, 100)
GROUND_LINK: Colour = (120, 225, 190)
FAILED: Colour = (255, 84, 84)


def font(size_px: float) -> Any:
    """Return the font that Pillow brings along, so that pictures are the same on every machine."""
    return ImageFont.load_default(size_px)


def write(
    pen: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size_px: float,
    colour: Colour = TEXT,
    anchor: str = "la",
) -> None:
    """Write a text that can be read on any ground. `anchor`: Pillow's, "la" being its upper left corner."""
    pen.text(at, text, fill=colour, font=font(size_px), anchor=anchor, stroke_width=max(1, round(size_px / 11)),
             stroke_fill=SHADOW)  # fmt: skip
