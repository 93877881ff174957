"""Pictures of a scenario on file: one a satellite, a sheet with the map, an animation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from services.geometry.time import NS_PER_S, format_rfc3339
from services.runtime.errors import BadInputError
from services.runtime.whole_file import whole_file
from services.scenario.resolve import start_unix_ns
from services.stack.pictures.animation import palette_of, write_gif
from services.stack.pictures.frame_picture import Scale, draw
from services.stack.pictures.map_picture import MapPainter, map_title
from services.stack.pictures.map_scene import extent_deg, map_scene
from services.stack.pictures.scenario_run import ScenarioRun, Shot
from services.stack.pictures.sheet import Layout, draw_sheet, layout

Progress = Callable[[int, int], None]

SHEET_PX, SHEET_TEXT_PX = 1840, 14
GIF_PX, GIF_TEXT_PX = 900, 11
MAP_PX = (1000, 900)
# Frames of each satellite from which an animation takes its scale of grey.
SCALE_SHOTS = 5


@dataclass(frozen=True)
class Wanted:
    """What is to be on the pictures. frames: what the satellites see."""

    frames: bool = True
    map: bool = True
    detections: bool = True
    gateways: bool = False


def draw_satellites(run: ScenarioRun, seconds: float, folder: Path, wanted: Wanted) -> Iterator[str]:
    """Draw each satellite's frame of an instant, and the map, into `folder`; yield a line on each as it is written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(str(folder), f"is no folder that can be written: {error.strerror}") from error
    instant = _instant(run, seconds)
    for satellite in run.satellites if wanted.frames else ():
        shot = run.shot(satellite, instant, detect=wanted.detections)
        frame = shot.frame
        title = f"{satellite.id}  frame {frame.sequence}  {format_rfc3339(frame.exposure_start_unix_ns)}"
        path = folder / f"{satellite.id}-{frame.sequence:05d}.png"
        _save(draw(frame.counts, shot.marks, title), path)
        yield f"{path}: {_in_words(shot, wanted)}"
    if wanted.map:
        path = folder / "map.png"
        _save(_Painter(run, MAP_PX, instant, instant, wanted).paint(instant, so_far=False), path)
        yield f"{path}: the map"


def draw_sheet_file(run: ScenarioRun, seconds: float, path: Path, wanted: Wanted) -> Iterator[str]:
    """Draw all frames of an instant and the map into one PNG; yield a line a satellite, then one on the file."""
    instant = _instant(run, seconds)
    with whole_file(path) as file:
        if not wanted.frames:
            picture = _Painter(run, MAP_PX, instant, instant, wanted).paint(instant, so_far=False)
        else:
            place = layout(len(run.satellites), SHEET_PX, with_map=wanted.map and run.knows_places)
            shots = []
            for satellite in run.satellites:
                shots.append(run.shot(satellite, instant, detect=wanted.detections))
                yield f"{satellite.id} frame {shots[-1].frame.sequence}: {_in_words(shots[-1], wanted)}"
            drawn = _map_for(run, place, instant, instant, wanted)
            on_map = None if drawn is None else drawn.paint(instant, so_far=False)
            picture = draw_sheet(shots, place, on_map, SHEET_TEXT_PX)
        picture.save(file, "PNG")
    yield f"{path}: {picture.width} x {picture.height} px"


def draw_gif_file(
    run: ScenarioRun, span_s: tuple[float, float], every_s: float, path: Path, wanted: Wanted, on_progress: Progress
) -> str:
    """Draw the run from and to a second, one picture every so many, into a GIF; return a line on it.

    `on_progress` is told pictures done and their number.
    """
    begin, end = _instant(run, span_s[0]), _instant(run, span_s[1])
    times = list(range(begin, end + 1, round(every_s * NS_PER_S)))
    with whole_file(path) as file:
        if wanted.frames:
            place = layout(len(run.satellites), GIF_PX, with_map=wanted.map and run.knows_places)
            painter = _map_for(run, place, begin, end, wanted)
            scales = {satellite.id: _scale(run, satellite.id, times) for satellite in run.satellites}

            def picture_at(instant: int, *, detect: bool) -> Image.Image:
                shots = [run.shot(satellite, instant, detect=detect) for satellite in run.satellites]
                on_map = None if painter is None else painter.paint(instant, so_far=True)
                return draw_sheet(shots, place, on_map, GIF_TEXT_PX, scales)
        else:
            alone = _Painter(run, (GIF_PX, GIF_PX * MAP_PX[1] // MAP_PX[0]), begin, end, wanted)

            def picture_at(instant: int, *, detect: bool) -> Image.Image:
                del detect
                return alone.paint(instant, so_far=True)

        ends = [picture_at(instant, detect=wanted.detections) for instant in {times[0], times[-1]}]
        palette = palette_of(ends)

        def pictures() -> Iterator[Image.Image]:
            for done, instant in enumerate(times, start=1):
                yield picture_at(instant, detect=wanted.detections)
                on_progress(done, len(times))

        write_gif(file, pictures(), palette)
    size = ends[0].size
    return f"{path}: {len(times)} pictures of {size[0]} x {size[1]} px, {path.stat().st_size / 1e6:.1f} MB"


class _Painter:
    """A map's painter that asks the run where the satellites are."""

    def __init__(self, run: ScenarioRun, size_px: tuple[int, int], begin: int, end: int, wanted: Wanted) -> None:
        self._run = run
        scene = map_scene(run)
        self._painter = MapPainter(scene, extent_deg(run, scene, begin, end), *size_px, with_gateways=wanted.gateways)

    def paint(self, instant: int, *, so_far: bool) -> Image.Image:
        sights = {satellite.id: self._run.sight(satellite, instant) for satellite in self._run.satellites}
        known = {name: sight for name, sight in sights.items() if sight is not None}
        return self._painter.paint(known, instant, so_far=so_far, title=map_title(self._run.scenario.name, instant))


def _map_for(run: ScenarioRun, place: Layout, begin: int, end: int, wanted: Wanted) -> _Painter | None:
    return None if place.map_box is None else _Painter(run, place.map_box[2:], begin, end, wanted)


def _scale(run: ScenarioRun, satellite_id: str, times: Sequence[int]) -> Scale:
    """Return one scale of grey for all of a satellite's frames, from a few of them."""
    satellite = next(each for each in run.satellites if each.id == satellite_id)
    chosen = times[:: max(1, (len(times) - 1) // (SCALE_SHOTS - 1))]
    return Scale.of([run.shot(satellite, instant, detect=False).frame.counts for instant in chosen])


def _instant(run: ScenarioRun, seconds: float) -> int:
    return start_unix_ns(run.scenario) + round(seconds * NS_PER_S)


def _in_words(shot: Shot, wanted: Wanted) -> str:
    truth = shot.count("truth")
    found = f", {shot.count('detection')} detections" if wanted.detections else ""
    return f"{truth} object{'' if truth == 1 else 's'} in view{found}"


def _save(picture: Image.Image, path: Path) -> None:
    with whole_file(path) as file:
        picture.save(file, "PNG")
