"""Where names go on a map, so that they do not cover each other. Pure but for measuring text."""

from PIL import ImageDraw

from services.stack.pictures.style import Colour, font, write

Box = tuple[float, float, float, float]

# Directions from a point in which its name is tried, best first: right, left, above, below, and between.
DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1))
# How far from its point a name may be moved, in heights of the text, before it is left out.
DISTANCES = (0.45, 1.2, 2.2, 3.2)


class Labels:
    """Writes names beside points; a name that finds no free place within the picture is left out.

    Call `keep_clear` for what names must not cover, then `put` in the order of importance.
    """

    def __init__(self, pen: ImageDraw.ImageDraw, width_px: int, height_px: int, text_px: float) -> None:
        self._pen = pen
        self._width_px = width_px
        self._height_px = height_px
        self._text_px = text_px
        self._taken: list[Box] = []

    def keep_clear(self, box: Box) -> None:
        """Keep names out of (left, top, right, bottom)."""
        self._taken.append(box)

    def keep_clear_around(self, x: float, y: float, radius_px: float) -> None:
        """Keep names off a dot."""
        self._taken.append((x - radius_px, y - radius_px, x + radius_px, y + radius_px))

    def put(self, x: float, y: float, text: str, colour: Colour, gap_px: float = 0.0) -> bool:
        """Write a name beside (x, y), at least `gap_px` away; return whether there was room."""
        length = font(self._text_px).getlength(text)
        height = self._text_px
        for away in DISTANCES:
            for east, south in DIRECTIONS:
                reach = gap_px + away * height
                middle_x, middle_y = x + east * (reach + length / 2), y + south * (reach + height / 2)
                box = (middle_x - length / 2, middle_y - height / 2, middle_x + length / 2, middle_y + height / 2)
                if self.is_free(box):
                    # On whole pixels, or thin strokes are smeared over two.
                    at = (round(box[0]), round(middle_y))
                    write(self._pen, at, text, self._text_px, colour, anchor="lm")
                    self._taken.append(box)
                    return True
        return False

    def is_free(self, box: Box) -> bool:
        """Return whether a box lies within the picture and covers nothing that is to be kept clear."""
        left, top, right, bottom = box
        margin = self._text_px / 4
        if left < margin or top < margin or right > self._width_px - margin or bottom > self._height_px - margin:
            return False
        return not any(
            left < other[2] and other[0] < right and top < other[3] and other[1] < bottom for other in self._taken
        )
