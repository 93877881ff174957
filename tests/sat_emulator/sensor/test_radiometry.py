"""Electrons and counts of known light, computed by hand."""

import dataclasses
import math

import numpy as np
import pytest

from sat_emulator.sensor.radiometry import Radiometer
from services.scenario.model import Sensor
from services.scenario.references import reference_sensor

# Round numbers for a hand's computation: photons of 3 um.
SENSOR = Sensor(
    aperture_diameter_m=0.1, optics_transmission=0.5, quantum_efficiency=0.8, integration_s=0.01, readout_s=0.01,
    band_lower_m=2.5e-6, band_upper_m=3.5e-6, ifov_rad=1e-3, dark_current_e_per_s=1e5, read_noise_e=30.0,
    full_well_e=1e6, bit_depth=14, offset_counts=383.0,
)  # fmt: skip


def test_point_gives_the_electrons_of_a_hands_computation() -> None:
    # 1e-9 W/m^2 on pi/4 * 0.01 m^2 are 7.854e-12 W; half of it through the lens, 3.927e-12 W; in 0.01 s 3.927e-14 J;
    # a photon of 3 um has 6.62607e-34 * 2.99792e8 / 3e-6 = 6.6215e-20 J: 593,070 photons, of which 0.8 give electrons.
    assert 1e-9 * Radiometer.of(SENSOR).electrons_per_w_per_m2 == pytest.approx(474_456, rel=1e-4)


def test_extended_scene_gives_the_electrons_of_a_hands_computation() -> None:
    # 0.002 W/m^2/sr over the 1e-6 sr of a pixel are 2e-9 W/m^2: twice the above.
    assert 0.002 * Radiometer.of(SENSOR).electrons_per_w_per_m2_sr == pytest.approx(948_912, rel=1e-4)


def test_noise_is_the_root_of_all_variances() -> None:
    radiometer = Radiometer.of(SENSOR)
    assert radiometer.dark_e == pytest.approx(1000.0)
    # The full well over 16383 - 383 counts.
    assert radiometer.electrons_per_count == pytest.approx(62.5)
    assert radiometer.noise_e(5000.0) == pytest.approx(math.sqrt(5000 + 1000 + 900 + 62.5**2 / 12))
    assert Radiometer.of(dataclasses.replace(SENSOR, gain_e_per_count=7.0)).electrons_per_count == 7.0


@pytest.mark.parametrize("bit_depth", [8, 12, 14, 16])
def test_full_well_fills_the_digitiser(bit_depth: int) -> None:
    radiometer = Radiometer.of(dataclasses.replace(SENSOR, bit_depth=bit_depth, offset_counts=10.0))
    full = radiometer.offset_counts + radiometer.full_well_e / radiometer.electrons_per_count
    assert full == pytest.approx(2**bit_depth - 1)
    assert radiometer.full_scale_counts == 2**bit_depth - 1


def test_calibration_says_what_a_count_is() -> None:
    radiometer = Radiometer.of(SENSOR)
    camera = radiometer.calibrate(SENSOR)
    assert camera.psf_sigma_px == SENSOR.psf_sigma_px
    assert camera.irradiance_w_per_m2_per_count * radiometer.electrons_per_w_per_m2 == pytest.approx(62.5)
    ratio = camera.irradiance_w_per_m2_per_count / camera.radiance_w_per_m2_sr_per_count
    assert ratio == pytest.approx(SENSOR.ifov_rad**2)


def test_focal_length_and_pitch_stand_for_the_angle() -> None:
    # 30 um behind 0.1 m are 300 urad.
    sensor = dataclasses.replace(SENSOR, focal_length_m=0.1, pixel_pitch_m=3e-5)
    assert sensor.ifov_rad == pytest.approx(3e-4)
    radiometer = Radiometer.of(sensor)
    assert radiometer.electrons_per_w_per_m2_sr == pytest.approx(radiometer.electrons_per_w_per_m2 * 9e-8)
    assert radiometer.calibrate(sensor).focal_length_px == pytest.approx(0.1 / 3e-5)


def test_reference_sensors_are_those_that_are_promised() -> None:
    wide, medium = reference_sensor(), reference_sensor(reference="medium")
    assert (wide.ifov_rad, wide.rows, wide.columns) == (1e-3, 1024, 1024)
    assert np.degrees(wide.ifov_rad * wide.columns) == pytest.approx(59, abs=0.5)
    assert medium.ifov_rad == 3e-4
    # Of one source at one distance the medium field takes more light, on less ground.
    more = [Radiometer.of(sensor).electrons_per_w_per_m2 for sensor in (wide, medium)]
    assert more[1] / more[0] == pytest.approx(9 * 1.5)
