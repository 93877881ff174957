"""How well a point source stands out, in closed form: without making a frame or asking a detector."""

import math
from collections.abc import Iterable
from functools import cached_property

import numpy as np

from sat_emulator.scene.radiance import band_radiance_w_per_m2_sr, sensitivity_w_per_m2_sr_k
from sat_emulator.scene.sources import HeatSource, received
from sat_emulator.sensor import optics
from sat_emulator.sensor.source import EmulatedSource
from services.geometry.ellipsoid import elevation_rad
from services.geometry.frames import itrs_from_gcrs
from services.scenario.view import nominal_pose

# A matched filter that takes the mean of so many pixels round the point as its background.
BOX_PX = 9


class View:
    """One satellite's view of sources.

    Signal-to-noise ratio of a matched filter on the true point spread: total electrons over the standard deviation
    of their estimate, from photon, dark, read and rounding noise and from the background's structure under the filter.
    The background is taken at its mean temperature; its structure as everywhere alike.
    """

    def __init__(self, source: EmulatedSource) -> None:
        self.source = source

    def snr(self, target: HeatSource, sequence: int) -> float:
        """Return the ratio on frame `sequence`; 0 where the target is not on the detector."""
        mid_unix_ns = self.source.mid_exposure_unix_ns(sequence)
        position, _, rotation = nominal_pose(self.source.satellite, mid_unix_ns)
        itrs = itrs_from_gcrs(mid_unix_ns)
        satellite_itrs_m = itrs @ position
        light = received(target, satellite_itrs_m, mid_unix_ns, self.source.scenario.atmosphere)
        if light is None:
            return 0.0
        sight = light.position_itrs_m - satellite_itrs_m
        rows, columns = self.source.camera.project(rotation.T @ (itrs.T @ sight))
        row, column = float(rows[0]), float(columns[0])
        if not (0 <= row <= self.source.sensor.rows - 1 and 0 <= column <= self.source.sensor.columns - 1):
            return 0.0
        cosine_zenith = math.sin(float(elevation_rad(light.position_itrs_m, satellite_itrs_m)))
        radiometer = self.source.radiometer
        electrons = light.irradiance_w_per_m2 * radiometer.electrons_per_w_per_m2
        return electrons / self._sigma_e(cosine_zenith, optics.concentration(row, column, self._psf_sigma_px))

    def _sigma_e(self, cosine_zenith: float, concentration: float) -> float:
        """Return the standard deviation of a point's estimated electrons."""
        sensor, radiometer = self.source.sensor, self.source.radiometer
        temperature_k = self.source.background.temperature_k(cosine_zenith)
        band = (sensor.band_lower_m, sensor.band_upper_m)
        mean_e = float(band_radiance_w_per_m2_sr(temperature_k, *band)) * radiometer.electrons_per_w_per_m2_sr
        noise_e = radiometer.noise_e(mean_e) / math.sqrt(concentration)
        per_kelvin = sensitivity_w_per_m2_sr_k(temperature_k, *band) * radiometer.electrons_per_w_per_m2_sr
        return math.hypot(noise_e, per_kelvin * self._structure_k)

    @property
    def _psf_sigma_px(self) -> float:
        return self.source.sensor.psf_sigma_px

    @cached_property
    def _structure_k(self) -> float:
        """Temperature structure under the filter, as if it were a point, kelvin times pixels."""
        centre = BOX_PX // 2
        shares = optics.pixel_shares(float(centre), self._psf_sigma_px, BOX_PX)
        line = np.zeros(BOX_PX)
        line[shares[0] : shares[0] + len(shares[1])] = shares[1]
        spot = np.outer(line, line)
        weights = spot - spot.mean()
        weights /= (weights * spot).sum()
        taps = optics.blur_taps(self._psf_sigma_px).astype(np.float64)
        blurred = np.apply_along_axis(np.convolve, 0, weights, taps)
        blurred = np.apply_along_axis(np.convolve, 1, blurred, taps)
        return self.source.background.filtered_sigma_k(blurred)


def first_detectable(views: Iterable[View], target: HeatSource, least_snr: float, satellites: int) -> int | None:
    """Return the first frame on which at least so many views have a signal-to-noise ratio; None where none is."""
    viewers = list(views)
    for sequence in range(min(len(view.source) for view in viewers)):
        seeing = 0
        for view in viewers:
            seeing += view.snr(target, sequence) >= least_snr
            if seeing >= satellites:
                return sequence
    return None
