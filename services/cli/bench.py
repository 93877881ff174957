"""Measure speed and quality beside peers and bounds: numpy, OpenCV, Stone Soup, Cramer-Rao, the bare clock.

Parts: detection (ns a pixel), temporal (frames against their scene, ns a pixel), sensitivity (SNR and centroids beside
the bounds), render (emulated frames, ns a pixel), compression (of the downlink: bits a pixel and MB/s), network.refresh
(of 41,914 satellites' links and routes), network.motion (beside SGP4), network.channel (us a frame), network.routes
(beside Dijkstra's), relay.alarm (early wake-ups), relay.lateness, relay.added (time to a message's way),
relay.throughput, chain (frames/s and MB/s of 2 MiB frames through satellite, relay and ground station, and memory),
memory (of the emulator, over an hour of emulated time), tracking.speed (ms a frame of four looks), tracking.accuracy
(of places in boost), tracking.ascent (its fit alone), tracking.launch (point and heading), tracking.confirmation (looks
it takes), tracking.classes, tracking.salvo (20 rockets at once), tracking.false_tracks, tracking.ghosts,
warning.classes, warning.reach (area and time left).

`tracking` is all of tracking's, and so with network, relay and warning. Tracking's are small editions, a minute or so
each: their figures scatter. For those of docs/tracking.md run the module, `python -m bench.tracking.accuracy --help`
says how. Needs a source checkout.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from services.runtime.errors import BadInputError


def run(
    parts: Annotated[
        list[str] | None, typer.Argument(metavar="[PART]...", help="Which; left out: all.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures here, as JSON.")] = None,
) -> None:
    import platform

    import psutil

    from services.stack.bench import PARTS, find_parts, run_parts

    try:
        chosen = find_parts(parts or ())
    except KeyError as error:
        raise typer.BadParameter(f"{error.args[0]!r} is not one of {', '.join(PARTS)}", param_hint="PART") from error
    machine = {
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    typer.echo(", ".join(f"{name} {value}" for name, value in machine.items()))
    figures = {"machine": machine}
    for done in run_parts(chosen, lambda title: typer.echo(f"\n{title} ...")):
        typer.echo(f"{done.lines}\n({done.took_s:.0f} s)")
        figures[done.part] = dict(done.values)
    if out is not None:
        try:
            out.write_text(json.dumps(figures, indent=2) + "\n")
        except OSError as error:
            raise BadInputError(str(out), f"cannot be written: {error.strerror}") from error
