"""The Earth's picture against its slow twin, and from several satellites."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sat_emulator.scene.background import Background
from sat_emulator.scene.radiance import band_radiance_w_per_m2_sr
from services.geometry.attitude import look_at
from services.geometry.camera import Camera
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.scenario.model import Background as BackgroundModel
from services.scenario.model import Place, Scenario, Train
from tests.sat_emulator import naive

SIDE = 96
# As wide as the default camera, on fewer pixels, so that all of it from nadir to space is in a small frame.
CAMERA = Camera("equidistant", 80.0, (SIDE - 1) / 2, (SIDE - 1) / 2)
AREA = Place(-30.9, 136.5)
SCENARIO = Scenario("a", seed=3, area=AREA, train=Train())
LOS = CAMERA.lines_of_sight(*(axis.ravel() for axis in np.mgrid[0:SIDE, 0:SIDE])).reshape(SIDE, SIDE, 3)


def _pose(latitude_deg: float, longitude_deg: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a camera's position and camera-to-ITRS rotation, 1,000 km above a place, looking at the area."""
    position = geodetic_to_itrs(latitude_deg, longitude_deg, 1e6)
    target = geodetic_to_itrs(AREA.latitude_deg, AREA.longitude_deg)
    return position, look_at(position, target, np.array([0.0, 0.0, 1.0]))


def _draw(background: Background, position: NDArray[np.float64], rotation: NDArray[np.float64]) -> NDArray[np.float32]:
    out = np.empty((SIDE, SIDE), np.float32)
    background.draw(LOS.astype(np.float32), rotation, position, CAMERA.ifov_rad, out)
    return out


@pytest.fixture(scope="module")
def background() -> Background:
    return Background(SCENARIO, 12_500.0)


@pytest.fixture(scope="module")
def fine_background() -> Background:
    return Background(SCENARIO, 1000.0)


@pytest.mark.parametrize(
    ("latitude_deg", "row", "column"),
    # Parts of the default camera's field: straight down, at 45 and at 70 degrees of slant, at the limb, in space.
    [(-30.0, 10, 10), (-24.0, 400, -300), (-24.0, -250, 250), (-24.0, -400, 20), (-20.0, -400, 20)],
)
def test_picture_is_its_slow_twins(fine_background: Background, latitude_deg: float, row: int, column: int) -> None:
    side = 40
    part = Camera("equidistant", 1000.0, row, column)
    los = part.lines_of_sight(*(axis.ravel() for axis in np.mgrid[0:side, 0:side])).reshape(side, side, 3)
    position, rotation = _pose(latitude_deg, 137.0)
    fast = np.empty((side, side), np.float32)
    fine_background.draw(los.astype(np.float32), rotation, position, part.ifov_rad, fast)
    slow = naive.draw_earth(fine_background, los.reshape(-1, 3), rotation, position, part.ifov_rad)
    slow = slow.reshape(side, side)
    assert np.array_equal(fast == 0, slow == 0)
    # Blocks are straight inside and of one level: little beside what changes from pixel to pixel.
    from_pixel_to_pixel = np.abs(np.diff(slow, axis=1)).mean()
    assert np.abs(fast - slow).mean() <= 0.25 * from_pixel_to_pixel
    assert np.abs(fast - slow).max() <= 0.01 * slow.max()


def test_radiance_is_plancks_of_the_mean_temperature() -> None:
    flat = dataclasses.replace(SCENARIO, background=BackgroundModel(temperature_sigma_k=0.0))
    position = geodetic_to_itrs(AREA.latitude_deg, AREA.longitude_deg, 1e6)
    rotation = look_at(position, geodetic_to_itrs(AREA.latitude_deg, AREA.longitude_deg), np.array([0.0, 0.0, 1.0]))
    background = Background(flat, 12_500.0)
    picture = _draw(background, position, rotation)
    sensor = SCENARIO.sensor
    radiance = float(band_radiance_w_per_m2_sr(265.0, sensor.band_lower_m, sensor.band_upper_m))
    assert picture[SIDE // 2, SIDE // 2] == pytest.approx(radiance, rel=1e-3)
    # Darker towards the limb, down the same to all sides.
    line = picture[SIDE // 2, SIDE // 2 :]
    assert (np.diff(line) <= 1e-9).all()
    assert picture == pytest.approx(picture[::-1], rel=0.03, abs=1e-6)
    assert background.temperature_k(1.0) == pytest.approx(265.0, abs=1e-3)
    assert background.temperature_k(0.5) < 260.0


def test_two_satellites_see_the_same_ground() -> None:
    scenario = dataclasses.replace(SCENARIO, atmosphere=dataclasses.replace(SCENARIO.atmosphere, optical_depth=1e-9))
    background = Background(scenario, 50_000.0)
    places = geodetic_to_itrs(
        AREA.latitude_deg + np.random.default_rng(1).uniform(-5, 5, 300),
        AREA.longitude_deg + np.random.default_rng(2).uniform(-5, 5, 300),
    )
    seen = []
    for latitude in (-36.0, -25.0):
        position, rotation = _pose(latitude, 137.0)
        sight = places - position
        sight /= np.linalg.norm(sight, axis=1)[:, None]
        los = np.ascontiguousarray((sight @ rotation)[None].astype(np.float32))
        out = np.empty((1, 300), np.float32)
        # One element for all pixels, so that both see the same level.
        for k in range(300):
            background.draw(los[:, k : k + 1].copy(), rotation, position, 1e-4, out[:, k : k + 1])
        seen.append(out[0].copy())
    assert seen[0].std() > 0.03 * seen[0].mean()
    assert seen[0] == pytest.approx(seen[1], rel=2e-3)


def test_seed_changes_and_reproduces_the_clouds() -> None:
    position, rotation = _pose(-30.0, 137.0)
    first = _draw(Background(SCENARIO, 12_500.0), position, rotation)
    again = _draw(Background(SCENARIO, 12_500.0), position, rotation)
    other = _draw(Background(dataclasses.replace(SCENARIO, seed=4), 12_500.0), position, rotation)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_bright_element_of_a_picture_lies_where_it_is_draped(tmp_path: Path) -> None:
    picture = np.zeros((64, 64), np.float32)
    # Ten elements of 40 km north and five east of the middle, which lies between two elements.
    picture[31 - 10, 32 + 5] = 1.0
    np.save(tmp_path / "p.npy", picture)
    model = BackgroundModel("picture", temperature_sigma_k=10.0, picture=tmp_path / "p.npy", picture_pixel_m=40_000.0)
    background = Background(dataclasses.replace(SCENARIO, background=model), 12_500.0)
    position = geodetic_to_itrs(AREA.latitude_deg, AREA.longitude_deg, 1e6)
    rotation = look_at(position, geodetic_to_itrs(AREA.latitude_deg, AREA.longitude_deg), np.array([0.0, 0.0, 1.0]))
    seen = _draw(background, position, rotation).astype(float)
    weight = seen - np.median(seen)
    weight[weight < 0.3 * weight.max()] = 0.0
    row, column = (float((axis * weight).sum() / weight.sum()) for axis in np.mgrid[0:SIDE, 0:SIDE])
    local = np.array([5.0 * 40_000.0, 10.0 * 40_000.0, 0.0])
    place = geodetic_to_itrs(AREA.latitude_deg, AREA.longitude_deg)
    place = place + east_north_up(AREA.latitude_deg, AREA.longitude_deg).T @ local
    place *= np.linalg.norm(geodetic_to_itrs(AREA.latitude_deg, AREA.longitude_deg)) / np.linalg.norm(place)
    expected = CAMERA.project(rotation.T @ (place - position))
    # Element centres lie half an element off the middle: 20 km, 1.6 pixels at most.
    assert (row, column) == pytest.approx((float(expected[0][0]), float(expected[1][0])), abs=1.7)


def test_camera_under_ground_and_wrong_shapes_are_refused(background: Background) -> None:
    position, rotation = _pose(-30.0, 137.0)
    with pytest.raises(ValueError, match="not above the Earth"):
        _draw(background, position * 0.5, rotation)
    with pytest.raises(ValueError, match="do not fit"):
        background.draw(LOS.astype(np.float32), rotation, position, 1e-3, np.empty((2, 2), np.float32))
