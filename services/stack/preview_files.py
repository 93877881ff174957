"""One picture a satellite, written to a folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from sat_emulator.downlink.program import open_source
from sat_emulator.frame import Frame, FrameSource
from sat_emulator.replay.targets import find_targets, read_targets
from services.geometry.time import NS_PER_S, format_rfc3339
from services.runtime.errors import BadInputError
from services.scenario.model import Scenario
from services.scenario.resolve import ResolvedSatellite, resolve_satellites, start_unix_ns
from services.stack.preview import Mark, draw, sequence_at, truth_marks
from services.stack.simulate import emulated_truth


def draw_satellites(
    scenario: Scenario, satellites: Sequence[ResolvedSatellite], seconds: float, folder: Path, detect: bool
) -> Iterator[str]:
    """Draw each satellite's frame of an instant into `folder`; yield a line on each picture as it is written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(str(folder), f"is no folder that can be written: {error.strerror}") from error
    records = emulated_truth(scenario, resolve_satellites(scenario))
    instant = start_unix_ns(scenario) + round(seconds * NS_PER_S)
    for satellite in satellites:
        source = open_source(scenario, satellite)
        if len(source) == 0:
            raise BadInputError(satellite.id, f"has no frame in the run's {scenario.duration_s:g} s")
        frame = source.frame(sequence_at(source, instant))
        marks = _targets(satellite, frame) if satellite.replay is not None else truth_marks(frame, records)
        truth = len(marks)
        if detect:
            marks += _detections(source, satellite, frame)
        title = f"{satellite.id}  frame {frame.sequence}  {format_rfc3339(frame.exposure_start_unix_ns)}"
        path = folder / f"{satellite.id}-{frame.sequence:05d}.png"
        draw(frame.counts, marks, title).save(path)
        found = f", {len(marks) - truth} detections" if detect else ""
        yield f"{path}: {truth} object{'' if truth == 1 else 's'} in view{found}"


def _targets(satellite: ResolvedSatellite, frame: Frame) -> list[Mark]:
    path = find_targets(satellite.replay) if satellite.replay is not None else None
    if path is None:
        return []
    targets = read_targets(path)
    target = targets[frame.sequence % len(targets)] if targets else None
    return [] if target is None else [Mark("truth", *target, "target")]


def _detections(source: FrameSource, satellite: ResolvedSatellite, frame: Frame) -> list[Mark]:
    """Return what the ground station finds; it searches recorded images against the scene that came before them."""
    from services.ground_station.detection.detect import DetectionConfig, Detector
    from services.ground_station.detection.sequence import SequenceDetector

    psf_sigma_px = frame.camera.psf_sigma_px if frame.camera is not None else 0.0
    config = DetectionConfig(psf_sigma_px=psf_sigma_px) if psf_sigma_px else DetectionConfig()
    if satellite.replay is not None and (frame.camera is None or frame.camera.projection == "unknown"):
        detector = SequenceDetector(config, satellite.replay.rate_hz)
        for sequence in range(max(0, frame.sequence - detector.frames_back), frame.sequence):
            detector.remember(sequence, source.frame(sequence).counts)
        found = detector.detect(frame.sequence, frame.counts)[0]
    else:
        found = Detector(config).detect(frame.counts)
    return [
        Mark("detection", float(row), float(column), f"SNR {snr:.0f}")
        for row, column, snr in zip(found.row, found.column, found.snr, strict=True)
    ]
