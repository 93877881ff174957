"""The drawn Earth against formulae for one line of sight, and against itself from other patches."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sat_emulator.scene.earth.background import Background, shared_fields
from sat_emulator.scene.earth.point import meet_ground
from services.geometry.camera import Camera
from services.geometry.ellipsoid import east_north_up, geodetic_to_itrs
from services.scenario.model import Background as Ground
from services.scenario.model import Cloud, Place, Scenario
from services.scenario.references import reference_sensor
from tests.sat_emulator.scene.earth import seeing

Float64 = seeing.Float64

# Sides of the drawing's patches are whole multiples of this: there it looks as exactly as the formulae do.
NODE_PX = 16
# With fields a few times coarser than a pixel at the nadir, the first level of the textures is in use at a slant, too.
COARSE_PIXEL_M = 4000.0


def _sun(zenith_deg: float, azimuth_deg: float = 60.0) -> Float64:
    """Return where the sun stands over the area."""
    zenith, azimuth = np.radians([zenith_deg, azimuth_deg])
    local = [np.sin(zenith) * np.sin(azimuth), np.sin(zenith) * np.cos(azimuth), np.cos(zenith)]
    sun: Float64 = east_north_up(seeing.AREA.latitude_deg, seeing.AREA.longitude_deg).T @ local
    return sun


SEEN: dict[str, tuple[str, dict[str, Any], seeing.Eye, Float64]] = {
    "night": ("2.7um", {}, seeing.eye(), _sun(150.0)),
    "night at a slant": ("3.8um", {}, seeing.eye(latitude_deg=-25.0, longitude_deg=130.0), _sun(150.0)),
    "day": ("3.8um", {"cloud": Cloud(cover=0.0)}, seeing.eye(), _sun(40.0)),
    "day under cloud": ("3.8um", {"cloud": Cloud(cover=0.7, top_m=12_000.0)}, seeing.eye(-26.0, 133.0), _sun(40.0)),
    "low sun": ("3.8um", {}, seeing.eye(-26.0, 133.0), _sun(85.0)),
    "terminator": ("3.8um", {}, seeing.eye(-26.0, 133.0), _sun(90.0)),
    "carbon dioxide": ("4.3um", {}, seeing.eye(-26.0, 133.0), _sun(40.0)),
    "no sun": ("3.8um", {"background": Ground(sun=False)}, seeing.eye(), _sun(40.0)),
    # The sun behind the area as seen from the satellite, as high as the satellite is: its mirror image.
    "glint": (
        "3.8um",
        {"background": Ground(land_fraction=0.0), "cloud": Cloud(cover=0.0)},
        seeing.eye(latitude_deg=-25.0),
        _sun(40.0, 180.0),
    ),
}


def _background(run: Scenario, band: str) -> Background:
    return Background(run, reference_sensor(band=band), shared_fields(run, COARSE_PIXEL_M))


def _formulae(background: Background, eye: seeing.Eye, places: Any, sun: Float64) -> Float64:
    row, column = np.transpose(places).astype(float)
    radiances = []
    for los in eye.los_itrs(row, column):
        ground = meet_ground(background, eye.position_itrs_m, los, sun)
        radiances.append(0.0 if ground is None else ground.radiance_w_per_m2_sr)
    weight = eye.weight()
    weighted: Float64 = np.array(radiances) * [weight[place] for place in places]
    return weighted


@pytest.mark.parametrize("name", list(SEEN))
def test_drawing_is_the_formulaes(name: str) -> None:
    band, keys, eye, sun = SEEN[name]
    background = _background(seeing.scenario(**keys), band)
    image = eye.draw(background, sun).astype(float)
    nodes = [(row, column) for row in range(0, 96, NODE_PX) for column in range(0, 96, NODE_PX)]
    at_nodes = np.array([image[place] for place in nodes])
    # Tables of light in steps of a 128th and a 32nd of the cosine; single precision of textures' places.
    assert at_nodes == pytest.approx(_formulae(background, eye, nodes, sun), rel=4e-3, abs=1e-3 * image.max())
    between = [(row, column) for row in range(3, 96, 11) for column in range(5, 96, 13)]
    expected = _formulae(background, eye, between, sun)
    off = np.array([image[place] for place in between]) - expected
    # Between nodes the coarse fields, straight between elements 64 pixels apart, are quadratics with bends cut off.
    assert np.abs(off).mean() < 0.02 * max(expected.std(), 0.02 * expected.mean())
    assert image.min() > 0


def test_glint_is_seen_on_the_sea_and_not_beside_it() -> None:
    _, keys, eye, sun = SEEN["glint"]
    background = _background(seeing.scenario(**keys), "3.8um")
    with_sun, at_night = eye.draw(background, sun), eye.draw(background)
    elsewhere = eye.draw(background, _sun(40.0, 0.0))
    assert with_sun.mean() > 2 * elsewhere.mean() > 2 * 0.99 * at_night.mean()


def test_day_is_brighter_than_night_with_the_terminator_between() -> None:
    run = seeing.scenario(cloud=Cloud(cover=0.0), background=Ground(land_fraction=1.0))
    background = _background(run, "3.8um")
    eye = seeing.eye()
    levels = [eye.draw(background, _sun(zenith)).mean() for zenith in (180, 100, 92, 88, 80, 60, 30, 0)]
    assert levels == sorted(levels)
    assert levels[0] == pytest.approx(levels[1])
    assert levels[-1] > 1.5 * levels[0]
    # From 36,000 km the day's side and the night's are in one picture.
    far = seeing.eye(height_m=3.6e7, camera=Camera("equidistant", 250.0, 47.5, 47.5))
    image = far.draw(background, _sun(90.0, 90.0))
    assert image[48, 70:80].mean() > 1.2 * image[48, 20:30].mean()


@pytest.mark.parametrize("band", ["2.7um", "3.8um"])
def test_patches_elsewhere_draw_the_same_ground(band: str) -> None:
    # The same view shifted by whole pixels, so that borders of patches lie elsewhere; sides that are no multiple.
    run = seeing.scenario()
    background = Background(run, reference_sensor(band=band), shared_fields(run, 1000.0))
    eye = seeing.eye(latitude_deg=-27.0, longitude_deg=133.0, rows=150, columns=130)
    sun = _sun(40.0)
    whole = eye.draw(background, sun).astype(float)
    texture = np.abs(np.diff(whole, axis=1)).mean()
    for down, right in ((1, 0), (0, 1), (5, 7), (16, 16), (31, 9)):
        camera = dataclasses.replace(
            eye.camera,
            principal_row=eye.camera.principal_row - down,
            principal_column=eye.camera.principal_column - right,
        )
        part = dataclasses.replace(eye, camera=camera, rows=150 - down, columns=130 - right)
        off = np.abs(part.draw(background, sun) - whole[down:, right:])
        # Coarse fields are straight between elements 16 pixels apart, and quadratics over patches of 32: where these
        # begin shows by a hundredth of the scene's structure, and at some coasts by more.
        assert off.mean() < 0.02 * whole.std()
        assert np.quantile(off, 0.99) < 4 * texture
        if down + right == 1:
            assert off.mean() < 0.003 * whole.std()


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (65, 97), (71, 64), (96, 127), (40, 33)])
def test_detectors_of_any_size_see_the_same_from_their_first_pixel_on(rows: int, columns: int) -> None:
    background = _background(seeing.scenario(), "3.8um")
    camera = Camera("equidistant", 1000.0, 20.0, 30.0)
    whole = seeing.eye(camera=camera, rows=128, columns=128).draw(background)
    part = seeing.eye(camera=camera, rows=rows, columns=columns).draw(background)
    # To the last digit of single precision, which other instructions for a last, narrower patch may round otherwise.
    assert part == pytest.approx(whole[:rows, :columns], rel=3e-7)


def test_seed_changes_and_reproduces_the_ground() -> None:
    eye = seeing.eye()
    first, again = (eye.draw(_background(seeing.scenario(seed=5), "3.8um")) for _ in range(2))
    other = eye.draw(_background(seeing.scenario(seed=6), "3.8um"))
    assert np.array_equal(first, again)
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.9
    assert not np.array_equal(first, other)


def test_satellites_and_bands_see_one_earth() -> None:
    run = seeing.scenario(cloud=Cloud(cover=0.0), background=Ground(sun=False))
    warm = _background(run, "3.8um")
    # From two sides, the same places: what differs is the way through the air, a little everywhere.
    eyes = [seeing.eye(latitude_deg=-33.0), seeing.eye(latitude_deg=-29.0)]
    offsets = np.random.default_rng(1).uniform(-3.0, 3.0, (60, 2))
    places = [geodetic_to_itrs(-30.9 + north, 136.5 + east) for north, east in offsets]
    seen = []
    for eye in eyes:
        row, column = eye.pixel_of(places)
        radiances = []
        for k in range(len(places)):
            # Each place in the middle of a first pixel, which is a node.
            camera = dataclasses.replace(eye.camera, principal_row=47.5 - row[k], principal_column=47.5 - column[k])
            one = dataclasses.replace(eye, camera=camera, rows=1, columns=1)
            radiances.append(float(one.draw(warm)[0, 0] / one.weight()[0, 0]))
        seen.append(radiances)
    assert np.std(seen[0]) > 0.03 * np.mean(seen[0])
    assert np.corrcoef(seen[0], seen[1])[0, 1] > 0.99


def _picture(tmp_path: Path) -> Scenario:
    np.save(tmp_path / "p.npy", np.random.default_rng(1).uniform(size=(64, 64)).astype(np.float32))
    ground = Ground("picture", picture=tmp_path / "p.npy", picture_pixel_m=8000.0)
    return seeing.scenario(background=ground)


def test_picture_is_drawn_as_the_formulae_say(tmp_path: Path) -> None:
    background = _background(_picture(tmp_path), "3.8um")
    eye = seeing.eye(latitude_deg=-27.0)
    places = [(row, column) for row in range(2, 96, 9) for column in range(1, 96, 9)]
    for sun in (_sun(150.0), _sun(30.0)):
        image = eye.draw(background, sun)
        drawn = np.array([image[place] for place in places])
        assert drawn == pytest.approx(_formulae(background, eye, places, sun), rel=5e-3)
    # Between its coldest and its warmest there is nothing else: no cloud, no sun, no air.
    bounds = [background.light.radiance_w_per_m2_sr(kelvin) for kelvin in (220.0, 300.0)]
    assert bounds[0] * 0.99 < image.min() < image.max() < bounds[1] * 1.01


def test_bright_element_of_a_picture_lies_where_it_is_draped(tmp_path: Path) -> None:
    picture = np.zeros((64, 64), np.float32)
    # Ten elements of 4 km north and five east of the middle, which lies between two elements.
    picture[31 - 10, 32 + 5] = 1.0
    np.save(tmp_path / "p.npy", picture)
    ground = Ground("picture", picture=tmp_path / "p.npy", picture_pixel_m=4000.0)
    background = _background(seeing.scenario(background=ground), "3.8um")
    eye = seeing.eye()
    image = eye.draw(background).astype(float)
    light = image - np.median(image)
    light[light < 0.1 * light.max()] = 0.0
    row, column = (float((axis * light).sum() / light.sum()) for axis in np.mgrid[0:96, 0:96])
    up = east_north_up(seeing.AREA.latitude_deg, seeing.AREA.longitude_deg)
    # Centres of elements lie half of one off the middle.
    (expected,) = [eye.pixel_of(seeing.AREA_ITRS_M + up.T @ np.array([5.5 * 4000.0, 10.5 * 4000.0, 0.0]))]
    assert (row, column) == pytest.approx((float(expected[0][0]), float(expected[1][0])), abs=2.2)


def test_camera_under_the_clouds_and_images_of_another_shape_are_refused() -> None:
    background = _background(seeing.scenario(cloud=Cloud(top_m=6000.0)), "3.8um")
    low = seeing.eye(height_m=5000.0, target=Place(-30.9, 136.5, -1000.0))
    with pytest.raises(ValueError, match=r"camera at \[.*\] \(ITRS, m\) is not above the Earth and its clouds"):
        low.draw(background)
    with pytest.raises(ValueError, match="not above the Earth"):
        dataclasses.replace(low, position_itrs_m=low.position_itrs_m * np.nan).draw(background)
    from sat_emulator.scene.earth.background import node_sights

    eye = seeing.eye()
    with pytest.raises(ValueError, match=r"96 x 96 pixels.* image of shape \(2, 2\)"):
        background.draw(
            node_sights(eye.camera, 96, 96), eye.rotation, eye.position_itrs_m, _sun(1.0), np.empty((2, 2), np.float32)
        )
