"""Measure speed beside numpy, OpenCV and the operating system's own clock.

Parts: detection (ns a pixel), temporal (frames against their scene, ns a pixel), sensitivity (SNR and centroids beside
the bounds), render (emulated frames, ns a pixel), compression (of the downlink: bits a pixel and MB/s), lateness (of
the relay), relay (its throughput alone), chain (frames/s and MB/s of 2 MiB frames through satellite, relay and ground
station, and memory), memory (of the emulator, over an hour of emulated time). Needs a source checkout.
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

    from services.stack.bench import PARTS, run_parts

    unknown = [part for part in parts or () if part not in PARTS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is not one of {', '.join(PARTS)}", param_hint="PART")
    machine = {
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    typer.echo(", ".join(f"{name} {value}" for name, value in machine.items()))
    figures = {"machine": machine}
    for done in run_parts(parts or list(PARTS), lambda title: typer.echo(f"\n{title} ...")):
        typer.echo(f"{done.lines}\n({done.took_s:.0f} s)")
        figures[done.part] = dict(done.values)
    if out is not None:
        try:
            out.write_text(json.dumps(figures, indent=2) + "\n")
        except OSError as error:
            raise BadInputError(str(out), f"cannot be written: {error.strerror}") from error
