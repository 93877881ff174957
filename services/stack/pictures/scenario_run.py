"""A scenario's satellites with what they see and what is true, opened once for any number of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sat_emulator.downlink.program import open_source
from sat_emulator.frame import Frame, FrameSource
from sat_emulator.replay.recorded import McapSource
from sat_emulator.replay.targets import find_targets, read_targets
from services.runtime.errors import BadInputError
from services.scenario.model import Scenario
from services.scenario.resolve import ResolvedSatellite, resolve_satellites, start_unix_ns
from services.stack.pictures.marks import Mark, sequence_at, truth_marks
from services.stack.pictures.sight import Sight, sight_of
from services.stack.truth import Record, run_truth


@dataclass(frozen=True)
class Shot:
    """One satellite's frame with what is to be marked on it."""

    satellite_id: str
    frame: Frame
    marks: tuple[Mark, ...]

    def count(self, kind: str) -> int:
        """Return how many marks are of a kind."""
        return sum(mark.kind == kind for mark in self.marks)


class ScenarioRun:
    """The satellites that pictures are wanted of, in their order. Sources and truth are opened when first needed."""

    def __init__(self, scenario: Scenario, satellites: Sequence[ResolvedSatellite]) -> None:
        self.scenario = scenario
        self.satellites = satellites
        self._sources: dict[str, FrameSource] = {}

    @cached_property
    def truth(self) -> list[Record]:
        """What is true in the whole run, whichever satellites are drawn."""
        return run_truth(self.scenario, resolve_satellites(self.scenario))

    @property
    def knows_places(self) -> bool:
        """Whether any satellite says where it is, without which a map beside its frames says nothing."""
        start = start_unix_ns(self.scenario)
        return any(self.sight(satellite, start) is not None for satellite in self.satellites)

    def source(self, satellite: ResolvedSatellite) -> FrameSource:
        """Return the satellite's frames; BadInputError where the run is too short for one."""
        if satellite.id not in self._sources:
            source = open_source(self.scenario, satellite)
            if len(source) == 0:
                raise BadInputError(satellite.id, f"has no frame in the run's {self.scenario.duration_s:g} s")
            self._sources[satellite.id] = source
        return self._sources[satellite.id]

    def sight(self, satellite: ResolvedSatellite, instant_unix_ns: int) -> Sight | None:
        """Return where the satellite is and looks; None where its recorded images do not say."""
        return sight_of(satellite, self.source(satellite), instant_unix_ns)

    def shot(self, satellite: ResolvedSatellite, instant_unix_ns: int, *, detect: bool) -> Shot:
        """Return the satellite's newest frame of an instant with truth and, if asked, detections marked."""
        source = self.source(satellite)
        frame = source.frame(sequence_at(source, instant_unix_ns))
        marks = [*truth_marks(frame, self.truth), *_targets(satellite, frame)]
        if detect:
            marks += _detections(source, satellite, frame)
        return Shot(satellite.id, frame, tuple(marks))


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
        # A recording has its own rate; of a single frame none is known, nor is it needed.
        rate_hz = source.rate_hz if isinstance(source, McapSource) else satellite.replay.rate_hz
        detector = SequenceDetector(config, rate_hz or satellite.replay.rate_hz)
        for sequence in range(max(0, frame.sequence - detector.frames_back), frame.sequence):
            detector.remember(sequence, source.frame(sequence).counts)
        found = detector.detect(frame.sequence, frame.counts)[0]
    else:
        found = Detector(config).detect(frame.counts)
    return [
        Mark("detection", float(row), float(column), f"SNR {snr:.0f}")
        for row, column, snr in zip(found.row, found.column, found.snr, strict=True)
    ]
