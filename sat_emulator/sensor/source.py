"""A satellite's camera on the emulated scene, as a source of frames."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sat_emulator.frame import Frame, Pose
from sat_emulator.scene.background import Background, shared_background
from sat_emulator.scene.sources import HeatSource, plumes, received, wildfires
from sat_emulator.sensor import optics
from sat_emulator.sensor.exposure import digitised, mean_electrons
from sat_emulator.sensor.radiometry import Radiometer
from services.geometry.frames import itrs_from_gcrs
from services.geometry.time import NS_PER_S
from services.scenario.model import Scenario
from services.scenario.resolve import ResolvedSatellite, end_unix_ns, start_unix_ns
from services.scenario.view import nominal_pose

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

# Height from which pixels are measured on the ground where a scenario draws no orbit pattern itself.
USUAL_ALTITUDE_M = 1.0e6


@dataclass(frozen=True)
class Spot:
    """A point source on one frame: where its middle falls, pixels, and its electrons over all pixels."""

    id: str
    row: float
    column: float
    electrons: float


class EmulatedSource:
    """Frames of one emulated satellite. A frame follows from scenario, satellite and sequence number alone.

    All satellites expose at the same instants: frame k from start + k / frame_rate. Motion within an exposure is not
    smeared: a rocket at burnout moves a thirtieth of a pixel. The pointing error of each frame is real in the image and
    not in the pose that the frame reports.
    """

    def __init__(self, scenario: Scenario, satellite: ResolvedSatellite) -> None:
        self.scenario = scenario
        self.satellite = satellite
        self.sensor = satellite.sensor
        self.radiometer = Radiometer.of(self.sensor)
        self.camera = self.radiometer.calibrate(self.sensor)
        self.sources: list[HeatSource] = [*plumes(scenario), *wildfires(scenario)]
        self._start_unix_ns = start_unix_ns(scenario)
        self._period_ns = NS_PER_S / self.sensor.frame_rate_hz
        self._frames = max(1, math.ceil((end_unix_ns(scenario) - self._start_unix_ns) / self._period_ns - 1e-9))
        self._taps = optics.blur_taps(self.sensor.psf_sigma_px)

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

    def frame(self, sequence: int) -> Frame:
        """Return frame `sequence`."""
        mid_unix_ns = self.mid_exposure_unix_ns(sequence)
        position, velocity, nominal = nominal_pose(self.satellite, mid_unix_ns)
        generator = self._generator(sequence)
        rotation = nominal @ _small_rotation(generator.normal(0.0, self.sensor.jitter_rad, 3))
        mean_e = self._background_electrons(mid_unix_ns, position, rotation)
        for spot in self.spots(mid_unix_ns, position, rotation):
            optics.add_point(mean_e, spot.row, spot.column, spot.electrons, self.sensor.psf_sigma_px)
        return Frame(
            sequence=sequence,
            exposure_start_unix_ns=self.exposure_start_unix_ns(sequence),
            readout_end_unix_ns=self.readout_end_unix_ns(sequence),
            exposure_s=self.sensor.integration_s,
            counts=digitised(mean_e, self.radiometer, generator),
            band_lower_m=self.sensor.band_lower_m,
            band_upper_m=self.sensor.band_upper_m,
            pose=Pose(position, velocity, nominal),
            camera=self.camera,
        )

    def spots(self, mid_unix_ns: int, position_gcrs_m: Float64, rotation_camera_to_gcrs: Float64) -> list[Spot]:
        """Return the point sources whose light falls on the detector, or within the spread of its border."""
        itrs = itrs_from_gcrs(mid_unix_ns)
        satellite_itrs_m = itrs @ position_gcrs_m
        margin = optics.REACH_SIGMA * self.sensor.psf_sigma_px + 1
        spots = []
        for source in self.sources:
            light = received(source, satellite_itrs_m, mid_unix_ns, self.scenario.atmosphere)
            if light is None:
                continue
            sight_gcrs = itrs.T @ (light.position_itrs_m - satellite_itrs_m)
            rows, columns = self.camera.project(rotation_camera_to_gcrs.T @ sight_gcrs)
            row, column = float(rows[0]), float(columns[0])
            # Comparisons with NaN are false: what is behind the lens is not seen.
            if -margin < row < self.sensor.rows + margin and -margin < column < self.sensor.columns + margin:
                electrons = light.irradiance_w_per_m2 * self.radiometer.electrons_per_w_per_m2
                spots.append(Spot(source.id, row, column, electrons))
        return spots

    @cached_property
    def background(self) -> Background:
        """The Earth as this satellite shares it with the others."""
        return shared_background(self.scenario, ground_pixel_m(self.scenario))

    @cached_property
    def _los_camera(self) -> Float32:
        return optics.lines_of_sight(self.camera, self.sensor.rows, self.sensor.columns)

    @cached_property
    def _solid_angle(self) -> Float32:
        return optics.relative_solid_angle(self.camera, self._los_camera)

    def _background_electrons(self, mid_unix_ns: int, position_gcrs_m: Float64, rotation: Float64) -> Float32:
        itrs = itrs_from_gcrs(mid_unix_ns)
        radiance = np.empty((self.sensor.rows, self.sensor.columns), dtype=np.float32)
        self.background.draw(self._los_camera, itrs @ rotation, itrs @ position_gcrs_m, self.sensor.ifov_rad, radiance)
        return mean_electrons(radiance, self._taps, self._solid_angle, self.radiometer)

    def _generator(self, sequence: int) -> np.random.Generator:
        return np.random.default_rng([self.scenario.seed, self.satellite.index, sequence])


def ground_pixel_m(scenario: Scenario) -> float:
    """Return the side of a pixel straight below, the same for all satellites of a run."""
    pattern = scenario.train or scenario.walker
    altitude_m = pattern.altitude_m if pattern is not None else USUAL_ALTITUDE_M
    return scenario.sensor.ifov_rad * altitude_m


def _small_rotation(angles_rad: Float64) -> Float64:
    """Return the rotation by small angles about the camera's x, y and z axes (Rodrigues' formula)."""
    angle = float(np.linalg.norm(angles_rad))
    if angle == 0:
        return np.eye(3)
    x, y, z = (angles_rad / angle).tolist()
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    rotation: Float64 = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross)
    return rotation
