"""Find hot points in image files.

Takes PNG, TIFF and NPY, 8 or 16 bit or float; a folder is its images in natural order. OUT gets one line a file
(docs/formats.md has its fields). With --pfa, whatever noise alone would show more rarely counts as a hot point, and no
rule against clutter holds. Without it, a picture's hot points are judged by two small networks, and those of a sequence
must move on straight paths against the scene. With --sequence, the scene as earlier and later frames show it is taken
out first, with --pfa as without. A file that cannot be served is named in its line; the exit status is 0 unless none
could be.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.runtime.errors import BadInputError

if TYPE_CHECKING:
    from services.stack.detect_files import Options


def run(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Images, or folders of images.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Detections, JSON lines.")],
    sequence: Annotated[bool, typer.Option("--sequence", help="The files are one camera's successive frames.")] = False,
    fps: Annotated[float, typer.Option(metavar="F", help="Frames a second of a sequence.")] = 10.0,
    psf_sigma_px: Annotated[
        float | None, typer.Option(metavar="S", help="Width of a point on the image; left out: 0.7 px.")
    ] = None,
    pfa: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="False detections per pixel of noise, and no rule against clutter; --sequence still takes the scene "
            "out.",
        ),
    ] = None,
    masks: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for masks, <stem>.png, 0 and 255.")] = None,
) -> None:
    from services.stack.detect_files import Options, check_mask_names, groups

    options = Options(sequence, fps, psf_sigma_px, pfa)
    try:
        options.config  # noqa: B018  a value out of range is wrong usage
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if not 0 < fps < 1e6:
        raise typer.BadParameter(f"{fps:g} must be above 0", param_hint="--fps")
    files = groups(paths, sequence)
    if masks is not None:
        check_mask_names([file for group in files for file in group])
    try:
        if masks is not None:
            masks.mkdir(parents=True, exist_ok=True)
        served, points = _search_all(files, options, out, masks)
    except OSError as error:
        raise BadInputError(str(error.filename or out), f"cannot be written: {error.strerror}") from error
    total = sum(len(group) for group in files)
    print(f"{served} of {total} images searched, {points} hot points; {out}", file=sys.stderr)
    if served == 0:
        raise BadInputError(str(paths[0]), f"none of {total} images could be searched; {out} says why of each")


def _search_all(files: list[list[Path]], options: "Options", out: Path, masks: Path | None) -> tuple[int, int]:
    """Write a line a file; return how many were served and how many hot points they have."""
    import json

    from rich.console import Console
    from rich.progress import Progress

    from services.stack.detect_files import search, write_mask

    served = points = 0
    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    with out.open("w", encoding="utf-8") as lines, bar as progress:
        task = progress.add_task("searching", total=sum(len(group) for group in files))
        for group in files:
            for searched in search(group, options):
                lines.write(json.dumps(searched.line) + "\n")
                if masks is not None:
                    write_mask(masks, searched)
                served += "error" not in searched.line
                points += len(searched.line["detections"])
                progress.advance(task)
    return served, points
