"""A satellite's camera on the emulated scene, as a source of frames."""

import math
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sat_emulator.frame import Frame, Pose
from sat_emulator.scene.earth.background import Background, NodeSights, node_sights, shared_fields
from sat_emulator.scene.earth.point import clear_share
from sat_emulator.scene.heat.emission import HeatSource, Look
from sat_emulator.scene.heat.lightning import Storm
from sat_emulator.scene.heat.received import Received, received, seen_place_itrs_m
from sat_emulator.scene.heat.sources import heat_sources
from sat_emulator.scene.transmission import band_air
from sat_emulator.sensor import optics
from sat_emulator.sensor.exposure import digitised, photoelectrons, saturate
from sat_emulator.sensor.fixed_pattern import FixedPattern, fixed_pattern
from sat_emulator.sensor.philox import key_of
from sat_emulator.sensor.radiometry import Radiometer
from services.geometry.frames import itrs_from_gcrs
from services.geometry.pointing import PointingError
from services.geometry.sun import sun_direction_gcrs
from services.geometry.time import NS_PER_S
from services.scenario.model import Scenario, Sensor
from services.scenario.resolve import ResolvedSatellite, end_unix_ns, start_unix_ns
from services.scenario.view import nominal_pose

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Height from which pixels are measured on the ground where a scenario draws no orbit pattern itself.
USUAL_ALTITUDE_M = 1.0e6
# Sources this far beyond the border, pixels, are still asked what they send: light takes its time.
BORDER_PX = 128.0


@dataclass(frozen=True)
class Exposure:
    """When and whence one frame is taken, and where the camera then truly looks.

    nominal_camera_to_gcrs, rotation_camera_to_gcrs: (3, 3), as reported and as it is. itrs_from_gcrs: (3, 3), of the
    exposure's middle.
    """

    sequence: int
    mid_unix_ns: int
    position_gcrs_m: Float64
    velocity_gcrs_m_per_s: Float64
    nominal_camera_to_gcrs: Float64
    rotation_camera_to_gcrs: Float64
    itrs_from_gcrs: Float64

    @property
    def position_itrs_m(self) -> Float64:
        """Return the satellite's place, (3,), ITRS."""
        place: Float64 = self.itrs_from_gcrs @ self.position_gcrs_m
        return place

    @property
    def sun_itrs(self) -> Float64:
        """Return the unit vector towards the sun, (3,), ITRS."""
        sun: Float64 = self.itrs_from_gcrs @ sun_direction_gcrs(self.mid_unix_ns)
        return sun


@dataclass(frozen=True)
class Spot:
    """A point source on one frame: where its middle falls, pixels, and its electrons over all pixels.

    clear: the share of its light that passes the cloud.
    """

    source: HeatSource
    row: float
    column: float
    electrons: float
    light: Received
    clear: float


class _Images(threading.local):
    """Room for one frame on its way, of each thread that makes frames: fresh memory costs a millisecond a frame."""

    def __init__(self, rows: int, columns: int) -> None:
        self.radiance = np.empty((rows, columns), dtype=np.float32)
        self.photo_e = np.empty((rows, columns), dtype=np.float32)


class EmulatedSource:
    """Frames of one emulated satellite. A frame follows from scenario, satellite and sequence number alone.

    Satellites with one frame rate expose at the same instants: frame k from start + k / frame_rate. Motion within an
    exposure is not smeared (docs/emulator.md has how much that is). The pointing error of each frame is real in the
    image and not in the pose that the frame reports.
    """

    def __init__(self, scenario: Scenario, satellite: ResolvedSatellite) -> None:
        self.scenario = scenario
        self.satellite = satellite
        self.sensor = satellite.sensor
        self.radiometer = Radiometer.of(self.sensor)
        self.camera = self.radiometer.calibrate(self.sensor)
        self.sources = heat_sources(scenario, self.sensor)
        self._air = band_air(scenario, self.sensor)
        self._start_unix_ns = start_unix_ns(scenario)
        self._period_ns = NS_PER_S / self.sensor.frame_rate_hz
        self._frames = max(1, math.ceil((end_unix_ns(scenario) - self._start_unix_ns) / self._period_ns - 1e-9))
        self._taps = optics.blur_taps(self.sensor.psf_sigma_px)
        self._images = _Images(self.sensor.rows, self.sensor.columns)
        self._key = key_of(scenario.seed, satellite.index)
        self._pointing_error = PointingError(
            scenario.seed,
            satellite.id,
            jitter_rad=self.sensor.jitter_rad,
            jitter_bandwidth_hz=self.sensor.jitter_bandwidth_hz,
            drift_rad=self.sensor.drift_rad,
            drift_correlation_s=self.sensor.drift_correlation_s,
        )

    def __len__(self) -> int:
        return self._frames

    def exposure_start_unix_ns(self, sequence: int) -> int:
        """Return when frame `sequence` begins to be exposed."""
        if not 0 <= sequence < self._frames:
            raise IndexError(f"frame {sequence} of {self._frames}")
        return self._start_unix_ns + round(sequence * self._period_ns)

    def readout_end_unix_ns(self, sequence: int) -> int:
        """Return when frame `sequence` has been read out."""
        taken_s = self.sensor.integration_s + self.sensor.readout_s
        return self.exposure_start_unix_ns(sequence) + round(taken_s * NS_PER_S)

    def mid_exposure_unix_ns(self, sequence: int) -> int:
        """Return the instant to which pose and places of frame `sequence` refer."""
        return self.exposure_start_unix_ns(sequence) + round(self.sensor.integration_s / 2 * NS_PER_S)

    def exposure(self, sequence: int) -> Exposure:
        """Return when, whence and whither frame `sequence` is taken."""
        mid_unix_ns = self.mid_exposure_unix_ns(sequence)
        position, velocity, nominal = nominal_pose(self.satellite, mid_unix_ns)
        error_rad = self._pointing_error.at((mid_unix_ns - self._start_unix_ns) / NS_PER_S)
        rotation = nominal @ _small_rotation(error_rad)
        return Exposure(sequence, mid_unix_ns, position, velocity, nominal, rotation, itrs_from_gcrs(mid_unix_ns))

    def frame(self, sequence: int) -> Frame:
        """Return frame `sequence`."""
        exposure = self.exposure(sequence)
        photo_e = self.scene_e(exposure)
        for spot in self.spots(exposure):
            optics.add_point(photo_e, spot.row, spot.column, spot.electrons, self.sensor.psf_sigma_px)
        saturate(photo_e, self.radiometer, self.sensor.blooming)
        counts = digitised(
            photo_e,
            self.radiometer,
            self.pattern,
            self.sensor.hot_dark_factor,
            self._key,
            sequence,
        )
        return Frame(
            sequence=sequence,
            exposure_start_unix_ns=self.exposure_start_unix_ns(sequence),
            readout_end_unix_ns=self.readout_end_unix_ns(sequence),
            exposure_s=self.sensor.integration_s,
            counts=counts,
            band_lower_m=self.sensor.band_lower_m,
            band_upper_m=self.sensor.band_upper_m,
            pose=Pose(exposure.position_gcrs_m, exposure.velocity_gcrs_m_per_s, exposure.nominal_camera_to_gcrs),
            camera=self.camera,
        )

    def scene_e(self, exposure: Exposure) -> Float32:
        """Return the photoelectrons that pixels expect of the Earth, (rows, columns), without points and noise.

        The array is this thread's own and holds until the thread asks for the next.
        """
        images = self._images
        self.background.draw(
            self._sights,
            exposure.itrs_from_gcrs @ exposure.rotation_camera_to_gcrs,
            exposure.position_itrs_m,
            exposure.sun_itrs,
            images.radiance,
        )
        photoelectrons(images.radiance, self._taps, self.radiometer, images.photo_e)
        return images.photo_e

    def spots(self, exposure: Exposure, only: Collection[str] | None = None) -> list[Spot]:
        """Return the point sources whose light falls on the detector, or within the spread of its border.

        only: of these ids; left out: all.
        """
        margin = optics.REACH_SIGMA * self.sensor.psf_sigma_px + 1
        look = Look(exposure.mid_unix_ns, self.sensor.integration_s, exposure.position_itrs_m)
        spots = []
        wanted = [source for source in self.sources if only is None or source.id in only]
        for source in self._near_detector(wanted, exposure, margin + BORDER_PX):
            light = received(source, look, self._air)
            if light is None:
                continue
            row, column = self._pixels(exposure, light.position_itrs_m[None])
            if self._within(row, column, margin)[0]:
                clear = clear_share(self.background, light.position_itrs_m, look.satellite_itrs_m)
                electrons = light.irradiance_w_per_m2 * clear * self.radiometer.electrons_per_w_per_m2
                if electrons > 0:
                    spots.append(Spot(source, float(row[0]), float(column[0]), electrons, light, clear))
        return spots

    @cached_property
    def background(self) -> Background:
        """The Earth as this satellite shares it with the others."""
        return Background(self.scenario, self.sensor, shared_fields(self.scenario, ground_pixel_m(self.scenario)))

    @cached_property
    def pattern(self) -> FixedPattern:
        """What differs from pixel to pixel and stays."""
        return fixed_pattern(self.sensor, self.scenario.seed, self.satellite.index)

    @cached_property
    def _sights(self) -> NodeSights:
        return node_sights(self.camera, self.sensor.rows, self.sensor.columns)

    def _near_detector(self, sources: Sequence[HeatSource], exposure: Exposure, margin_px: float) -> list[HeatSource]:
        """Return the sources that are, or were a moment ago, where the detector looks.

        Of storms all, for their flashes come from up to a radius beside the place that stands for them.
        """
        there = []
        for source in sources:
            position = seen_place_itrs_m(source, exposure.mid_unix_ns)
            if position is not None:
                there.append((source, position))
        if not there:
            return []
        within = self._within(*self._pixels(exposure, np.array([position for _, position in there])), margin_px)
        return [source for (source, _), near in zip(there, within, strict=True) if near or isinstance(source, Storm)]

    def _pixels(self, exposure: Exposure, positions_itrs_m: Float64) -> tuple[Float64, Float64]:
        """Return row and column, (n,), where places (n, 3) fall."""
        sights_gcrs = (positions_itrs_m - exposure.position_itrs_m) @ exposure.itrs_from_gcrs
        return self.camera.project(sights_gcrs @ exposure.rotation_camera_to_gcrs)

    def _within(self, row: Float64, column: Float64, margin_px: float) -> NDArray[np.bool_]:
        # Comparisons with NaN are false: what is behind the lens is not seen.
        inside: NDArray[np.bool_] = (
            (row > -margin_px)
            & (row < self.sensor.rows + margin_px)
            & (column > -margin_px)
            & (column < self.sensor.columns + margin_px)
        )
        return inside


def ground_pixel_m(scenario: Scenario) -> float:
    """Return the side of the smallest camera's pixel straight below, the same for all satellites of a run."""
    pattern = scenario.train or scenario.walker
    altitude_m = pattern.altitude_m if pattern is not None else USUAL_ALTITUDE_M
    sensors: list[Sensor] = [satellite.sensor for satellite in scenario.satellites if satellite.sensor is not None]
    return min(sensor.ifov_rad for sensor in [scenario.sensor, *sensors]) * altitude_m


def _small_rotation(angles_rad: Float64) -> Float64:
    """Return the rotation by small angles about the camera's x, y and z axes (Rodrigues' formula)."""
    angle = float(np.linalg.norm(angles_rad))
    if angle == 0:
        return np.eye(3)
    x, y, z = (angles_rad / angle).tolist()
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    rotation: Float64 = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross)
    return rotation
