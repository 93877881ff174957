"""The Earth's edge and the air above it."""

import dataclasses
import math

import numpy as np
import pytest

from sat_emulator.scene.atmosphere import air_temperature_k
from sat_emulator.scene.earth.background import Background, shared_fields
from sat_emulator.scene.earth.light import LIMB_TOP_M, EarthLight
from sat_emulator.scene.radiance import band_radiance_w_per_m2_sr
from services.geometry.camera import Camera
from services.geometry.ellipsoid import SEMI_MAJOR_M
from services.scenario.model import Absorber, Atmosphere, Cloud, Place, Sensor
from services.scenario.model import Background as Ground
from services.scenario.references import band_absorbers, reference_sensor
from tests.sat_emulator import naive
from tests.sat_emulator.scene.earth import seeing

RUN = seeing.scenario()
LIGHT = EarthLight(RUN, Sensor())
BACKGROUND = Background(RUN, Sensor(), shared_fields(RUN, 1000.0))
# At the horizon, 24 degrees of arc north of a satellite 1,000 km up.
TOWARDS_LIMB = Place(-30.9 + 30.2, 136.5)


def _along_the_ray(absorbers: tuple[Absorber, ...], sensor: Sensor, lowest_m: float) -> float:
    """Return the air's radiance along a ray through its lowest point, by integration in steps of 200 m."""
    along = np.arange(-2.0e6, 2.0e6, 200.0)
    heights = np.hypot(SEMI_MAJOR_M + lowest_m, along) - SEMI_MAJOR_M
    temperatures = np.array([air_temperature_k(float(height)) for height in heights])
    planck = band_radiance_w_per_m2_sr(temperatures, sensor.band_lower_m, sensor.band_upper_m)
    total = 0.0
    for part in absorbers:
        absorbed = part.optical_depth / part.scale_height_m * np.exp(-heights / part.scale_height_m) * 200.0
        # From the satellite's end of the ray.
        before = np.cumsum(absorbed) - absorbed
        total += part.share * float((planck * np.exp(-before) * -np.expm1(-absorbed)).sum())
    return total


@pytest.mark.parametrize("band", ["2.7um", "3.8um", "4.3um"])
@pytest.mark.parametrize("lowest_m", [0.0, 10_000.0, 25_000.0, 50_000.0, 80_000.0])
def test_limb_is_that_of_integration_along_the_ray(band: str, lowest_m: float) -> None:
    sensor = reference_sensor(band=band)
    light = EarthLight(RUN, sensor)
    expected = _along_the_ray(band_absorbers(band), sensor, lowest_m)
    # The homogeneous shells make paths near the horizon up to 13 % too long.
    assert light.limb_w_per_m2_sr(lowest_m) == pytest.approx(expected, rel=0.14)


def test_thin_limb_grows_with_depth() -> None:
    thin = [
        EarthLight(seeing.scenario(atmosphere=Atmosphere((Absorber(1.0, depth, 8000.0),))), Sensor()).limb_w_per_m2_sr(
            30_000.0
        )
        for depth in (1e-3, 2e-3)
    ]
    assert thin[1] / thin[0] == pytest.approx(2.0, rel=1e-3)


def _towards_limb(rows: int = 128, columns: int = 64, row: float = 63.5) -> seeing.Eye:
    eye = seeing.eye(target=Place(TOWARDS_LIMB.latitude_deg, TOWARDS_LIMB.longitude_deg), rows=rows, columns=columns)
    return dataclasses.replace(eye, camera=Camera("equidistant", 1000.0, row, (columns - 1) / 2))


def test_air_above_the_limb_is_the_tables_at_the_rays_lowest_height() -> None:
    eye = _towards_limb()
    image = eye.draw(BACKGROUND) / eye.weight()
    checked = 0
    for row in range(0, 128, 3):
        for column in range(0, 64, 7):
            los = eye.los_itrs([row], [column])[0]
            lowest_m = naive.lowest_height_m(eye.position_itrs_m, los)
            if lowest_m > LIMB_TOP_M + 500:
                assert image[row, column] == 0
            elif 1000 < lowest_m < LIMB_TOP_M - 500:
                # A hundredth of a pixel is 30 m here, and the limb halves in 6 km.
                assert image[row, column] == pytest.approx(LIGHT.limb_w_per_m2_sr(lowest_m), rel=0.02, abs=1e-9)
                checked += 1
            elif lowest_m < -3000:
                assert image[row, column] > 0
    assert checked > 100


def test_edge_of_the_earth_is_where_geometry_says() -> None:
    # Air that takes and gives nothing: the edge is sharp.
    run = seeing.scenario(
        atmosphere=seeing.CLEAR_AIR, cloud=Cloud(cover=0.0), background=Ground(land_fraction=1.0, sun=False)
    )
    background = Background(run, Sensor(), shared_fields(run, 1000.0))
    for shift in (0.0, 0.3, 5.7):
        eye = _towards_limb(row=63.5 + shift)
        image = eye.draw(background)
        row, column = eye.pixels()
        meets = [naive.meet_shell(eye.position_itrs_m, los) is not None for los in eye.los_itrs(row, column)[::5]]
        seen = (image.ravel() > 0)[::5]
        # Rays within a thousandth of a pixel of the limb may fall on either side.
        assert (seen != np.array(meets)).mean() < 1e-3
        assert 0.3 < seen.mean() < 0.8


def test_patches_of_every_size_draw_the_same_limb() -> None:
    # Borders of patches elsewhere, by shifts of the same view by whole pixels.
    eye = _towards_limb(rows=160)
    whole = eye.draw(BACKGROUND).astype(float)
    edge = np.abs(np.diff(whole, axis=0)).max()
    for down, right in ((1, 0), (5, 3), (13, 22), (31, 9)):
        camera = dataclasses.replace(
            eye.camera,
            principal_row=eye.camera.principal_row - down,
            principal_column=eye.camera.principal_column - right,
        )
        part = dataclasses.replace(eye, camera=camera, rows=160 - down, columns=64 - right).draw(BACKGROUND)
        off = np.abs(part - whole[down:, right:])
        # Within the last 13 pixels a patch may lie half a pixel beside another, at a coast or an edge of cloud, too.
        assert off.max() < 0.6 * edge
        assert off.mean() < 0.01 * whole.mean()


def test_earth_is_small_from_far_away_and_as_large_as_it_should() -> None:
    # The whole disc from the geostationary ring: 0.304 rad across.
    eye = seeing.eye(
        height_m=3.6e7, rows=100, columns=100, camera=Camera("equidistant", 250.0, 49.5, 49.5), target=seeing.AREA
    )
    image = eye.draw(BACKGROUND)
    ground = image > 0
    radius_px = 250.0 * math.asin((6.37e6 + 5e4) / (3.6e7 + 6.37e6))
    assert ground.sum() == pytest.approx(math.pi * radius_px**2, rel=0.03)
    assert image[0].max() == 0
    assert image[:, 0].max() == 0
    assert np.isfinite(image).all()
    assert image[40:60, 40:60].min() > 0


def test_space_is_nothing_at_all() -> None:
    eye = seeing.eye(target=Place(-30.9, 136.5, 3e6), rows=77, columns=99)
    assert (eye.draw(BACKGROUND) == 0).all()
