"""Sensors that cannot be: the error names the key, its value and what helps."""

import re

import numpy as np
import pytest

from services.scenario.model import Sensor
from services.scenario.view import lens


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"rows": 32}, "rows is 32, not within 64 to 4096"),
        ({"columns": 5000}, "columns is 5000, not within 64 to 4096"),
        ({"ifov_rad": 0.0}, "ifov_rad is 0 and must be above 0"),
        ({"ifov_rad": -1e-3}, "ifov_rad is -0.001 and must be above 0"),
        ({"focal_length_m": 0.1}, "focal_length_m and pixel_pitch_m must be set together"),
        ({"pixel_pitch_m": 3e-5}, "focal_length_m and pixel_pitch_m must be set together"),
        ({"focal_length_m": 0.1, "pixel_pitch_m": 0.0}, "pixel_pitch_m is 0 and must be above 0"),
        ({"aperture_diameter_m": 0.0}, "aperture_diameter_m is 0 and must be above 0"),
        ({"integration_s": 0.0}, "integration_s is 0 and must be above 0"),
        ({"frame_rate_hz": -2.0}, "frame_rate_hz is -2 and must be above 0"),
        ({"full_well_e": 0.0}, "full_well_e is 0 and must be above 0"),
        ({"gain_e_per_count": 0.0}, "gain_e_per_count is 0 and must be above 0"),
        ({"optics_transmission": 1.2}, "optics_transmission is 1.2, not within 0 to 1"),
        ({"quantum_efficiency": -0.1}, "quantum_efficiency is -0.1, not within 0 to 1"),
        ({"blooming": 2.0}, "blooming is 2, not within 0 to 1"),
        ({"dead_fraction": 0.5}, "dead_fraction is 0.5, not within 0 to 0.2"),
        ({"hot_fraction": -0.1}, "hot_fraction is -0.1, not within 0 to 0.2"),
        ({"read_noise_e": -1.0}, "read_noise_e is -1, not within 0 to 1e+09"),
        ({"dark_current_e_per_s": float("nan")}, "dark_current_e_per_s is nan, not within 0 to 1e+09"),
        ({"psf_sigma_px": 0.1}, "psf_sigma_px is 0.1, not within 0.2 to 5"),
        ({"bit_depth": 17}, "bit_depth is 17, not within 8 to 16"),
        (
            {"integration_s": 0.5, "readout_s": 0.05},
            "integration_s + readout_s is 0.55 s, longer than a frame at frame_rate_hz = 2; shorten them or lower",
        ),
        ({"band_lower_m": 3e-6, "band_upper_m": 2.9e-6}, "band_lower_m = 3e-06 and band_upper_m = 2.9e-06 must be"),
        ({"band_lower_m": 2.7, "band_upper_m": 2.95}, "1e-6 < lower < upper < 15e-6 (metres)"),
        ({"bit_depth": 8, "offset_counts": 300.0}, "offset_counts is 300, beyond the 8 bits of the range"),
        ({"ifov_rad": 3e-3}, "reach 124 degrees off the boresight, beyond 90; lower ifov_rad, rows or columns"),
        (
            {"distortion_k1": -1.0},
            "with distortion_k1 = -1 and distortion_k2 = 0 light falls no further out than 385; bring them nearer to 0",
        ),
        ({"projection": "gnomonic", "distortion_k1": 0.3, "distortion_k2": -1.0}, "no further out than 640;"),
        ({"ifov_rad": 2.1e-3, "distortion_k1": -0.02}, "degrees off the boresight, beyond 90"),
    ],
)
def test_impossible_sensor_is_named(keys: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        Sensor(**keys)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "keys",
    [
        {"rows": 64, "columns": 4096, "ifov_rad": 5e-4},
        {"readout_s": 0.0, "integration_s": 0.5},
        {"dead_fraction": 0.0, "hot_fraction": 0.0, "gain_residue": 0.0, "offset_residue_e": 0.0, "read_noise_e": 0.0},
        {"projection": "gnomonic", "ifov_rad": 3e-3},
        {"distortion_k1": -0.27},
        {"distortion_k1": -1.0, "distortion_k2": 1.0},
        {"ifov_rad": 2.3e-3, "distortion_k1": 0.1},
    ],
)
def test_odd_but_possible_sensors_are_taken(keys: dict[str, float]) -> None:
    sensor = Sensor(**keys)  # type: ignore[arg-type]
    # Even the corners have a direction.
    assert np.isfinite(lens(sensor).lines_of_sight([-0.5, sensor.rows - 0.5], [-0.5, sensor.columns - 0.5])).all()
