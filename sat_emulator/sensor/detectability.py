"""How well a point source stands out, in closed form: without making a frame or asking a detector."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from sat_emulator.scene.earth.background import relative_solid_angle
from sat_emulator.scene.earth.point import meet_ground
from sat_emulator.scene.heat.emission import HeatSource
from sat_emulator.sensor import optics
from sat_emulator.sensor.source import EmulatedSource, Exposure, Spot

Float64 = NDArray[np.float64]

# A matched filter that takes the mean of so many pixels round the point as its background.
BOX_PX = 9


@dataclass(frozen=True)
class Signal:
    """A point source against what surrounds it.

    noise_e: standard deviation of one pixel, electrons: photon, dark, read and rounding noise of the scene behind it;
    infinite where the scene alone fills the well.
    concentration: sum of squares of the pixels' shares of its light. clutter_e: standard deviation that the scene's own
    structure and the fixed pattern add to a matched filter's estimate of the electrons.
    """

    spot: Spot
    noise_e: float
    concentration: float
    clutter_e: float

    @property
    def snr(self) -> float:
        """Return the signal-to-noise ratio of a matched filter: electrons * sqrt(concentration) / noise of a pixel."""
        return self.spot.electrons * math.sqrt(self.concentration) / self.noise_e

    @property
    def scr(self) -> float:
        """Return the signal-to-clutter ratio of the same filter; infinite on a smooth scene."""
        return self.spot.electrons / self.clutter_e if self.clutter_e > 0 else math.inf

    @property
    def scnr(self) -> float:
        """Return the ratio to noise and clutter together."""
        noise_e = self.noise_e / math.sqrt(self.concentration)
        return self.spot.electrons / math.hypot(noise_e, self.clutter_e)


class View:
    """One satellite's view of sources.

    The noise follows from what the line of sight meets (scene/earth/point.py), not from a rendered frame. The clutter
    is measured once, on the scene of the middle of the run in the middle quarter of the detector's width and height,
    noise-free.
    """

    def __init__(self, source: EmulatedSource) -> None:
        self.source = source

    def signals(self, sequence: int, only: Collection[str] | None = None) -> list[Signal]:
        """Return every source that is on the detector on frame `sequence`; `only`: of these ids."""
        exposure = self.source.exposure(sequence)
        sensor = self.source.sensor
        return [
            self._signal(exposure, spot)
            for spot in self.source.spots(exposure, only)
            if 0 <= spot.row <= sensor.rows - 1 and 0 <= spot.column <= sensor.columns - 1
        ]

    def _signal(self, exposure: Exposure, spot: Spot) -> Signal:
        concentration = optics.concentration(spot.row, spot.column, self.source.sensor.psf_sigma_px)
        radiometer = self.source.radiometer
        mean_e = self.background_e(exposure, spot.row, spot.column)
        full = mean_e + radiometer.dark_e >= radiometer.full_well_e
        return Signal(spot, math.inf if full else radiometer.noise_e(mean_e), concentration, self.clutter_e)

    def background_e(self, exposure: Exposure, row: float, column: float) -> float:
        """Return the photoelectrons that a pixel expects of the scene; 0 in space."""
        camera, radiometer = self.source.camera, self.source.radiometer
        los_camera = camera.lines_of_sight([row], [column])
        los_itrs = exposure.itrs_from_gcrs @ exposure.rotation_camera_to_gcrs @ los_camera[0]
        ground = meet_ground(self.source.background, exposure.position_itrs_m, los_itrs, exposure.sun_itrs)
        if ground is None:
            return 0.0
        weight = float(relative_solid_angle(camera, los_camera)[0])
        return max(ground.radiance_w_per_m2_sr, 0.0) * weight * radiometer.electrons_per_w_per_m2_sr

    @cached_property
    def clutter_e(self) -> float:
        """Standard deviation of a matched filter's estimate from the scene's structure and the fixed pattern."""
        source, sensor = self.source, self.source.sensor
        exposure = source.exposure(len(source) // 2)
        scene_e = source.scene_e(exposure).astype(np.float64)
        rows, columns = scene_e.shape
        middle = scene_e[3 * rows // 8 : 5 * rows // 8, 3 * columns // 8 : 5 * columns // 8]
        weights = _matched_weights(sensor.psf_sigma_px)
        structure = oaconvolve(middle - middle.mean(), weights[::-1, ::-1], mode="valid")
        pattern_e = math.hypot(sensor.gain_residue * float(middle.mean()), sensor.offset_residue_e)
        return math.hypot(float(structure.std()), pattern_e * float(np.linalg.norm(weights)))


def _matched_weights(psf_sigma_px: float) -> Float64:
    """Return the filter, (BOX_PX, BOX_PX), whose sum over an image is a centred point's electrons."""
    shares = optics.pixel_shares(float(BOX_PX // 2), psf_sigma_px, BOX_PX)
    line = np.zeros(BOX_PX)
    line[shares[0] : shares[0] + len(shares[1])] = shares[1]
    spot = np.outer(line, line)
    weights: Float64 = spot - spot.mean()
    return weights / float((weights * spot).sum())


def first_detectable_unix_ns(
    views: Sequence[View], targets: Iterable[HeatSource], least_scnr: float, satellites: int, most_frames: int
) -> dict[str, int | None]:
    """Return by id when so many satellites first have each target at a ratio: the end of that read-out; else None.

    most_frames: frames a satellite that are looked at, evenly over the run.
    """
    waiting = {target.id for target in targets}
    found: dict[str, int | None] = dict.fromkeys(waiting)
    for group in _instants(views, most_frames):
        if not waiting:
            break
        seen: dict[str, list[int]] = {}
        for view, sequence in group:
            for signal in view.signals(sequence, waiting):
                if signal.scnr >= least_scnr:
                    seen.setdefault(signal.spot.source.id, []).append(view.source.readout_end_unix_ns(sequence))
        for name in [name for name, ends in seen.items() if len(ends) >= satellites]:
            # The end of the read-out that completes the number.
            found[name] = sorted(seen[name])[satellites - 1]
            waiting.discard(name)
    return found


def _instants(views: Sequence[View], most_frames: int) -> Iterable[list[tuple[View, int]]]:
    """Yield frames that satellites take together: one of each, the last that has begun by the slowest one's."""
    slowest = min(views, key=lambda view: len(view.source))
    step = max(1, math.ceil(len(slowest.source) / most_frames))
    for sequence in range(0, len(slowest.source), step):
        begun = slowest.source.exposure_start_unix_ns(sequence)
        yield [(view, _newest(view.source, begun)) for view in views]


def _newest(source: EmulatedSource, begun_unix_ns: int) -> int:
    """Return the last frame whose exposure has begun by an instant."""
    elapsed_ns = begun_unix_ns - source.exposure_start_unix_ns(0)
    return min(len(source) - 1, max(0, math.floor(elapsed_ns * source.sensor.frame_rate_hz / 1e9 + 1e-6)))
