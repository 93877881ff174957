"""Where pixels meet the ground and the cloud: read off a painted Earth, against slow geometry apart from the kernel."""

import dataclasses
import math

import numpy as np
import pytest

from services.geometry.camera import Camera
from services.scenario.model import Background, Cloud, Place
from tests.sat_emulator import naive
from tests.sat_emulator.scene.earth import seeing

# Steep slopes of radiance over the paint, and air that takes nothing.
RUN = seeing.scenario(
    atmosphere=seeing.CLEAR_AIR,
    background=Background(land_sigma_k=50.0, sun=False),
    cloud=Cloud(cover=1.0, top_m=12_000.0, sigma_k=30.0),
)
WIDE = Camera("equidistant", 1000.0, 47.5, 47.5)


def _eyes() -> dict[str, seeing.Eye]:
    bent = dataclasses.replace(WIDE, distortion_k1=-0.3, distortion_k2=0.2, principal_row=300.0)
    return {
        "straight down": seeing.eye(),
        "at a slant": seeing.eye(latitude_deg=-24.0, longitude_deg=131.0),
        "far off the boresight": seeing.eye(camera=dataclasses.replace(WIDE, principal_row=400.0)),
        "distorted": seeing.eye(camera=bent),
        "gnomonic": seeing.eye(camera=dataclasses.replace(WIDE, projection="gnomonic", principal_column=350.0)),
        "odd sides": seeing.eye(rows=61, columns=101),
        "from afar": seeing.eye(height_m=3.6e7, camera=dataclasses.replace(WIDE, focal_length_px=4e4)),
    }


@pytest.mark.parametrize("name", list(_eyes()))
@pytest.mark.parametrize("layer", ["", "cloud "])
def test_pixels_look_where_slow_geometry_says(name: str, layer: str) -> None:
    eye = _eyes()[name]
    height_m = RUN.cloud.top_m if layer else 0.0
    places = [(row, column) for row in range(0, eye.rows, 7) for column in range(0, eye.columns, 9)]
    los = eye.los_itrs(*np.array(places, float).T)
    points = [naive.meet_shell(eye.position_itrs_m, ray, height_m) for ray in los]
    expected = np.array([naive.on_map(seeing.AREA_ITRS_M, point) for point in points])
    found = []
    # Numbers near 0 where the camera looks: what a patch makes of solid angles, 4 parts in 10,000, is another question.
    for what, from_m in zip(("north", "east"), expected.mean(axis=0).tolist(), strict=True):
        background = seeing.painted(RUN, layer + what, from_m)
        metres = seeing.read_off_m(background, eye, eye.draw(background), layer + what, from_m)
        found.append([metres[place] for place in places])
    # A pixel on the ground, across the line of sight.
    pixel_m = float(np.linalg.norm(np.array(points) - eye.position_itrs_m, axis=1).mean()) * eye.camera.ifov_rad
    assert np.abs(np.transpose(found) - expected).max() < 0.05 * pixel_m


def test_ground_of_the_map_is_that_of_the_ellipsoid() -> None:
    # 1 degree of latitude at 31 degrees south is 110.86 km on WGS 84; the map is drawn on a sphere of 111.19 km, and
    # to it the ellipsoid is scaled, so that they agree to a few parts in a thousand and points exactly.
    from services.geometry.ellipsoid import geodetic_to_itrs

    north, east = naive.on_map(seeing.AREA_ITRS_M, geodetic_to_itrs(-29.9, 136.5))
    assert north == pytest.approx(110_860.0, rel=8e-3)
    assert abs(east) < 1.0


def test_cloud_moves_against_the_ground_by_its_parallax() -> None:
    # Seen under 45 degrees from the south, a cloud 12 km high hides the ground 12 km further north.
    eye = seeing.eye(latitude_deg=-30.9 - 7.6)
    los = eye.los_itrs([47.5], [47.5])[0]
    zenith = math.acos(-float(los @ (seeing.AREA_ITRS_M / np.linalg.norm(seeing.AREA_ITRS_M))))
    middle = []
    for what in ("north", "cloud north"):
        background = seeing.painted(RUN, what)
        metres = seeing.read_off_m(background, eye, eye.draw(background), what)
        middle.append(metres[47:49, 47:49].mean())
    assert 0.6 < zenith < 1.0
    # In units of the sphere the cloud's place is drawn at its foot, a 500th nearer than at its height.
    assert middle[0] - middle[1] == pytest.approx(12_000.0 * math.tan(zenith), rel=0.01)


def test_opposite_side_of_the_earth_is_drawn_without_a_fault() -> None:
    eye = seeing.eye(latitude_deg=30.9, longitude_deg=-43.5, target=Place(30.9, -43.5))
    image = eye.draw(seeing.painted(RUN, "north"))
    assert np.isfinite(image).all()


def test_pixels_without_direction_and_those_off_the_earth_are_nothing() -> None:
    # A lens that turns back 272 pixels off the boresight: beyond it pixels have no direction.
    blind = dataclasses.replace(WIDE, distortion_k1=-2.0, principal_row=-230.0)
    eye = seeing.eye(camera=blind)
    los = blind.lines_of_sight(*eye.pixels()).reshape(96, 96, 3)
    nothing = np.isnan(los[..., 0])
    assert 500 < nothing.sum() < 9000
    image = eye.draw(seeing.painted(RUN, "north"))
    assert np.isfinite(image).all()
    # Within 8 pixels of where directions end lies the edge of what is drawn.
    inside = np.zeros_like(nothing)
    inside[8:-8, 8:-8] = True
    assert (image[nothing & inside] == 0).mean() > 0.9
    away = seeing.eye(target=Place(-30.9, 136.5, 2e6))
    assert (away.draw(seeing.painted(RUN, "north")) == 0).all()
