"""The scene's motion through the camera, measured on frames of a satellite that has moved, against geometry."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from sat_emulator.scene.earth.background import Background, shared_fields
from services.scenario.model import Background as Ground
from services.scenario.model import Cloud, Sensor
from tests.sat_emulator import naive
from tests.sat_emulator.scene.earth import seeing

SIDE = 96
CLOUD_M = 10_000.0


def _background(cloudy: bool) -> Background:
    """Return structured land under a clear sky, or cloud that hides all of it; by night."""
    run = seeing.scenario(
        atmosphere=seeing.CLEAR_AIR,
        background=Ground(land_fraction=1.0, land_sigma_k=10.0, sun=False),
        cloud=Cloud(cover=1.0 if cloudy else 0.0, top_m=CLOUD_M, sigma_k=10.0),
    )
    # Elements of three pixels, so that drawing and resampling lose nothing.
    return Background(run, Sensor(), shared_fields(run, 3000.0))


def _left_over(eyes: list[seeing.Eye], images: list[np.ndarray], height_m: float) -> np.ndarray:
    """Return by how much the second image is shifted, (rows, columns), from where a layer at a height should fall."""
    first, second = eyes
    row, column = (axis.astype(float) for axis in np.mgrid[28:68, 28:68])
    points = [
        naive.meet_shell(first.position_itrs_m, los, height_m) for los in first.los_itrs(row.ravel(), column.ravel())
    ]
    there = np.array(second.pixel_of(np.array(points)))
    expected = images[0][28:68, 28:68]
    found = map_coordinates(images[1], there, order=3).reshape(row.shape)
    # Where the second image has been shifted by d, it shows I(x - d): least squares over the image's slopes, with
    # a factor and an offset for the other way through which it is seen.
    slopes = np.gradient(expected)
    design = np.stack([-slopes[0].ravel(), -slopes[1].ravel(), expected.ravel(), np.ones(row.size)], axis=1)
    solved, *_ = np.linalg.lstsq(design, found.ravel(), rcond=None)
    shift: np.ndarray = solved[:2] / solved[2]
    return shift


@pytest.mark.parametrize("cloudy", [False, True])
@pytest.mark.parametrize("moved_deg", [0.05, 0.5, 2.0])
def test_scene_moves_as_geometry_says(cloudy: bool, moved_deg: float) -> None:
    background = _background(cloudy)
    # Past the area, and looking at it from a slant; the camera turns with its target.
    eyes = [seeing.eye(latitude_deg=-29.0 + moved, longitude_deg=134.0) for moved in (0.0, moved_deg)]
    images = [(eye.draw(background) / eye.weight()).astype(float) for eye in eyes]
    assert images[0].std() > 0.01 * images[0].mean()
    assert np.abs(_left_over(eyes, images, CLOUD_M if cloudy else 0.0)).max() < 0.05


def test_satellite_that_stares_away_sees_the_ground_run_through() -> None:
    # Two seconds of flight at 7.35 km/s over the ground's 6.35 km/s, the camera held: 12 pixels.
    background = _background(False)
    first = seeing.eye()
    moved = seeing.eye(latitude_deg=-30.9 + 0.11)
    second = seeing.Eye(first.camera, moved.position_itrs_m, first.rotation, SIDE, SIDE)
    images = [(eye.draw(background) / eye.weight()).astype(float) for eye in (first, second)]
    row, _ = second.pixel_of(naive.meet_shell(first.position_itrs_m, first.los_itrs([47.5], [47.5])[0]))
    assert 10 < abs(row[0] - 47.5) < 16
    assert np.abs(_left_over([first, second], images, 0.0)).max() < 0.05


def test_cloud_is_displaced_against_the_ground_by_its_parallax() -> None:
    background = _background(True)
    eyes = [seeing.eye(latitude_deg=-29.0 + moved, longitude_deg=134.0) for moved in (0.0, 2.0)]
    images = [(eye.draw(background) / eye.weight()).astype(float) for eye in eyes]
    # Taken for ground, the cloud runs ahead: a point at its height falls beside the ground on its first line of sight.
    los = eyes[0].los_itrs([47.5], [47.5])[0]
    on_ground, on_cloud = (
        np.array(eyes[1].pixel_of(naive.meet_shell(eyes[0].position_itrs_m, los, height_m)))[:, 0]
        for height_m in (0.0, CLOUD_M)
    )
    parallax = on_cloud - on_ground
    assert np.linalg.norm(parallax) > 1.0
    assert _left_over(eyes, images, 0.0) == pytest.approx(parallax, abs=0.15)
