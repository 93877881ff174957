"""The camera."""

import math
from dataclasses import dataclass
from typing import Literal

from services.scenario.model.checks import check_positive, check_range


@dataclass(frozen=True)
class Sensor:
    """An infrared camera. Defaults: the wide-field reference, 1 mrad pixels, 59 degrees over 1024 px."""

    # Whose values stand where a file sets none: wide (these defaults) or medium (300 urad); see references.toml.
    reference: Literal["wide", "medium"] = "wide"
    # A band's name sets its edges where a file sets none; see references.toml.
    band: Literal["2.7um", "3.8um", "4.3um"] = "2.7um"
    rows: int = 1024
    columns: int = 1024
    # Angle one pixel spans on the boresight; 1 mrad is 1 km at the nadir from 1,000 km.
    ifov_rad: float = 1e-3
    # Set both in place of ifov_rad, which is then pitch over focal length.
    focal_length_m: float | None = None
    pixel_pitch_m: float | None = None
    projection: Literal["equidistant", "gnomonic"] = "equidistant"
    # Radial distortion: r' = r (1 + k1 (r/f)^2 + k2 (r/f)^4).
    distortion_k1: float = 0.0
    distortion_k2: float = 0.0
    # 2 Hz: several looks in a plume's first seconds, and half the load of a core for four satellites on two cores.
    frame_rate_hz: float = 2.0
    integration_s: float = 0.02
    readout_s: float = 0.05
    # f/1.5 over 30 um pixels of 1 mrad; more glass does not fit so wide a field.
    aperture_diameter_m: float = 0.02
    optics_transmission: float = 0.7
    quantum_efficiency: float = 0.7
    # The water and carbon dioxide wing near 2.7 um, where the low atmosphere hides much of the ground's clutter.
    band_lower_m: float = 2.69e-6
    band_upper_m: float = 2.95e-6
    # A diffraction and jitter limited spot about a pixel wide; its Gaussian is integrated over each pixel.
    psf_sigma_px: float = 0.6
    read_noise_e: float = 60.0
    dark_current_e_per_s: float = 2.0e4
    full_well_e: float = 2.0e6
    bit_depth: int = 14
    # Electrons a count. Left out: the full well fills the digitiser.
    gain_e_per_count: float | None = None
    # Offset of the digitiser, so that read noise does not clip at zero.
    offset_counts: float = 200.0
    # What is left of pixels' differences after correction: standard deviation of gain, and of offset in electrons.
    # Two-point corrections of HgCdTe arrays leave a few hundredths of a per cent.
    gain_residue: float = 3.0e-4
    offset_residue_e: float = 20.0
    # Parts of all pixels. Dead ones stay at the offset; hot ones have so many times the dark current.
    dead_fraction: float = 1.0e-4
    hot_fraction: float = 1.0e-4
    hot_dark_factor: float = 100.0
    # Whether the camera knows its dead and hot pixels and sends the mean of their neighbours in the row in their stead,
    # as cameras do; false: it sends them as they are, and whoever detects has to find them.
    bad_pixels_replaced: bool = True
    # Part of the charge beyond the full well that spills along the column; the rest is drained.
    blooming: float = 0.3
    # Pointing error, per axis, standard deviation: a part with a flat spectrum up to a bandwidth, and one that drifts
    # with an exponential correlation. Neither is in the pose that a frame reports.
    jitter_rad: float = 2.0e-5
    jitter_bandwidth_hz: float = 50.0
    drift_rad: float = 1.0e-5
    drift_correlation_s: float = 300.0

    def __post_init__(self) -> None:
        if (self.focal_length_m is None) != (self.pixel_pitch_m is None):
            raise ValueError("focal_length_m and pixel_pitch_m must be set together")
        check_positive(
            self,
            "ifov_rad",
            "focal_length_m",
            "pixel_pitch_m",
            "frame_rate_hz",
            "integration_s",
            "aperture_diameter_m",
            "full_well_e",
            "psf_sigma_px",
            "gain_e_per_count",
            "jitter_bandwidth_hz",
            "drift_correlation_s",
        )
        if self.focal_length_m is not None and self.pixel_pitch_m is not None:
            # Frozen: the one angle that everything else reads follows from the two lengths.
            object.__setattr__(self, "ifov_rad", self.pixel_pitch_m / self.focal_length_m)
        for name in ("rows", "columns"):
            check_range(getattr(self, name), 64, 4096, name)
        for name in ("optics_transmission", "quantum_efficiency", "blooming"):
            check_range(getattr(self, name), 0, 1, name)
        for name in ("dead_fraction", "hot_fraction", "gain_residue"):
            check_range(getattr(self, name), 0, 0.2, name)
        for name in ("readout_s", "read_noise_e", "dark_current_e_per_s", "offset_residue_e", "hot_dark_factor",
                     "offset_counts", "jitter_rad", "drift_rad"):  # fmt: skip
            check_range(getattr(self, name), 0, 1e9, name)
        for name in ("distortion_k1", "distortion_k2"):
            check_range(getattr(self, name), -1, 1, name)
        check_range(self.psf_sigma_px, 0.2, 5, "psf_sigma_px")
        check_range(self.bit_depth, 8, 16, "bit_depth")
        if self.integration_s + self.readout_s > 1 / self.frame_rate_hz:
            raise ValueError(
                f"integration_s + readout_s is {self.integration_s + self.readout_s:g} s, longer than a frame at "
                f"frame_rate_hz = {self.frame_rate_hz:g}; shorten them or lower frame_rate_hz"
            )
        if not 1e-6 < self.band_lower_m < self.band_upper_m < 15e-6:
            raise ValueError(
                f"band_lower_m = {self.band_lower_m:g} and band_upper_m = {self.band_upper_m:g} must be "
                "1e-6 < lower < upper < 15e-6 (metres)"
            )
        if self.offset_counts >= 2**self.bit_depth - 1:
            raise ValueError(f"offset_counts is {self.offset_counts:g}, beyond the {self.bit_depth} bits of the range")
        self._check_field_of_view()

    def _check_field_of_view(self) -> None:
        corner = math.hypot(self.rows, self.columns) / 2 * self.ifov_rad
        turning = self._turning_point()
        if corner > self._distorted(turning):
            raise ValueError(
                f"{self.rows} x {self.columns} pixels reach {corner / self.ifov_rad:.0f} pixels from the middle, but "
                f"with distortion_k1 = {self.distortion_k1:g} and distortion_k2 = {self.distortion_k2:g} light falls "
                f"no further out than {self._distorted(turning) / self.ifov_rad:.0f}; bring them nearer to 0, or lower "
                "ifov_rad, rows or columns"
            )
        if self.projection == "equidistant" and turning > math.pi / 2 and corner > self._distorted(math.pi / 2):
            raise ValueError(
                f"{self.rows} x {self.columns} pixels of {self.ifov_rad:g} rad reach {math.degrees(corner):.0f} "
                "degrees off the boresight, beyond 90; lower ifov_rad, rows or columns"
            )

    def _distorted(self, ideal: float) -> float:
        """Return r'/f of r/f; infinite where that is, for what turns nowhere grows on."""
        if math.isinf(ideal):
            return math.inf
        square = ideal * ideal
        return ideal * (1 + square * (self.distortion_k1 + square * self.distortion_k2))

    def _turning_point(self) -> float:
        """Return r/f up to which r' grows; beyond it two directions would share a pixel. Infinite where it always does.

        Where the slope, 1 + 3 k1 s + 5 k2 s^2 with s = (r/f)^2, first falls to 0.
        """
        k1, k2 = 3 * self.distortion_k1, 5 * self.distortion_k2
        inside = k1 * k1 - 4 * k2
        if inside < 0:
            return math.inf
        # 2 / (-k1 +- root), the quadratic's roots in the form that holds for k2 = 0, too.
        halves = [-k1 + sign * math.sqrt(inside) for sign in (1, -1)]
        roots = [2 / half for half in halves if half > 0]
        return math.sqrt(min(roots)) if roots else math.inf
