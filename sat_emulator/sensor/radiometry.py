"""From radiance and irradiance at the aperture to electrons and counts, and what noise does to them."""

import dataclasses
import math
from dataclasses import dataclass

from sat_emulator.scene.radiance import photon_energy_j
from services.geometry.camera import Camera
from services.scenario.model import Sensor
from services.scenario.view import lens


@dataclass(frozen=True)
class Radiometer:
    """A sensor's constants.

    Every photon counts as one of the band's middle wavelength; for 265 K, whose light leans to the band's long end,
    that is 2 % of electrons too few. Photon, dark, read and rounding noise are independent.
    """

    # Of one exposure, for a point source (electrons over all pixels) and for an extended one on the boresight.
    electrons_per_w_per_m2: float
    electrons_per_w_per_m2_sr: float
    electrons_per_count: float
    dark_e: float
    read_noise_e: float
    full_well_e: float
    offset_counts: float
    full_scale_counts: int

    @classmethod
    def of(cls, sensor: Sensor) -> "Radiometer":
        """Return the constants of a sensor; without a gain of its own the full well fills the digitiser."""
        area_m2 = math.pi / 4 * sensor.aperture_diameter_m**2
        energy_j = photon_energy_j((sensor.band_lower_m + sensor.band_upper_m) / 2)
        through = area_m2 * sensor.optics_transmission * sensor.quantum_efficiency
        per_irradiance = through * sensor.integration_s / energy_j
        full_scale = 2**sensor.bit_depth - 1
        return cls(
            electrons_per_w_per_m2=per_irradiance,
            electrons_per_w_per_m2_sr=per_irradiance * sensor.ifov_rad**2,
            electrons_per_count=sensor.gain_e_per_count or sensor.full_well_e / (full_scale - sensor.offset_counts),
            dark_e=sensor.dark_current_e_per_s * sensor.integration_s,
            read_noise_e=sensor.read_noise_e,
            full_well_e=sensor.full_well_e,
            offset_counts=sensor.offset_counts,
            full_scale_counts=full_scale,
        )

    def noise_e(self, mean_e: float) -> float:
        """Return the standard deviation of one pixel, electrons, whose mean without dark current is `mean_e`."""
        rounding2 = self.electrons_per_count**2 / 12
        return math.sqrt(mean_e + self.dark_e + self.read_noise_e**2 + rounding2)

    def calibrate(self, sensor: Sensor) -> Camera:
        """Return the camera with what a count means."""
        return dataclasses.replace(
            lens(sensor),
            radiance_w_per_m2_sr_per_count=self.electrons_per_count / self.electrons_per_w_per_m2_sr,
            irradiance_w_per_m2_per_count=self.electrons_per_count / self.electrons_per_w_per_m2,
        )
