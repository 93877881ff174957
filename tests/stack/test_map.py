"""The map: projection, what a camera sees of the Earth, day and night, and what is drawn where."""

import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.geometry.attitude import look_at
from services.geometry.camera import Camera
from services.geometry.ellipsoid import SEMI_MAJOR_M, elevation_rad, geodetic_to_itrs
from services.geometry.geodesic import MEAN_RADIUS_M
from services.geometry.time import NS_PER_S, parse_rfc3339
from services.stack.pictures.map_ground import degrees_text, ground, pieces, round_length_m
from services.stack.pictures.map_picture import MapPainter
from services.stack.pictures.map_scene import GroundTrack, MapObject, MapScene, degrees_of
from services.stack.pictures.projection import DISC_M, EqualArea, Window
from services.stack.pictures.sight import Sight, footprint_itrs_m
from services.stack.pictures.style import DAY, NIGHT, SATELLITES, SPACE, THREATS

NOON = parse_rfc3339("2026-06-21T12:00:00Z")


def test_projection_gives_snyders_example() -> None:
    # J. P. Snyder, USGS Professional Paper 1395, p. 332: radius 3, centre 40 N 100 W, point 20 S 100 E.
    seven_digits = 1e-6
    xy = EqualArea(40.0, -100.0).forward(-20.0, 100.0) / MEAN_RADIUS_M * 3.0
    assert xy == pytest.approx([-4.2339303, 4.0257775], abs=seven_digits)


def test_projection_and_its_inverse_return_to_the_same_place() -> None:
    rng = np.random.default_rng(1)
    latitude, longitude = np.degrees(np.arcsin(rng.uniform(-1, 1, 500))), rng.uniform(-180, 180, 500)
    for centre in (EqualArea(0, 0), EqualArea(-30.9, 136.5), EqualArea(90, 0), EqualArea(-90, 20)):
        back = centre.inverse(centre.forward(latitude, longitude))
        expected = geodetic_to_itrs(latitude, longitude)
        assert np.linalg.norm(geodetic_to_itrs(*back) - expected, axis=1).max() < 1.0


def test_areas_are_equal_everywhere_on_the_map() -> None:
    # A small square of the sphere, its sides along meridian and parallel.
    projection, side = EqualArea(20.0, 10.0), 1e-4
    for latitude, longitude in ((20, 10), (-60, 100), (85, -170), (0, -100)):
        corner = projection.forward(latitude, longitude)
        north = projection.forward(latitude + side, longitude) - corner
        east = projection.forward(latitude, longitude + side / math.cos(math.radians(latitude))) - corner
        area = abs(east[0] * north[1] - east[1] * north[0])
        assert area == pytest.approx((MEAN_RADIUS_M * math.radians(side)) ** 2, rel=1e-4)


def test_point_opposite_the_centre_and_points_beyond_the_rim_are_nowhere() -> None:
    assert np.isnan(EqualArea(10, 20).forward(-10, -160)).all()
    assert np.isnan(EqualArea(10, 20).inverse([DISC_M * 1.01, 0])).all()


def test_window_shows_all_places_and_no_more_than_the_earth() -> None:
    projection = EqualArea(0, 0)
    window = Window.around(projection, [[-20, -10], [25, 30]], 800, 600)
    for place in ([-20, -10], [25, 30]):
        x, y = window.to_px(*place)
        assert 0 < x < 800
        assert 0 < y < 600
        assert window.to_place([x, y]) == pytest.approx(place)
    # North is up, east to the right.
    assert window.to_px(25, 30)[0] > window.to_px(-20, -10)[0]
    assert window.to_px(25, 30)[1] < window.to_px(-20, -10)[1]
    whole = Window.around(projection, [[0, 179], [0, -179], [80, 0], [-80, 0]], 600, 800)
    assert whole.pixel_m * 600 == pytest.approx(2.04 * DISC_M)


def _sight(latitude: float, longitude: float, height_m: float, target: Any, ifov_rad: float, side: int = 512) -> Sight:
    position = geodetic_to_itrs(latitude, longitude, height_m)
    rotation = look_at(position, np.asarray(target, dtype=np.float64), [0, 0, 1])
    return Sight(position, rotation, Camera("equidistant", 1 / ifov_rad, (side - 1) / 2, (side - 1) / 2), side, side)


def test_geostationary_satellite_sees_to_81_3_degrees() -> None:
    # arccos(6378.137 / 42164): M. J. Sidi, "Spacecraft Dynamics and Control" (1997), section 2.8, rounds to 81.3.
    hundredth_deg = 0.01
    sight = _sight(0, 0, 42_164_000 - SEMI_MAJOR_M, [0, 0, 0], 1e-3)
    outline = degrees_of(footprint_itrs_m(sight))
    on_equator = outline[np.abs(outline[:, 0]) < 0.2]
    assert len(on_equator) >= 2
    assert np.abs(on_equator[:, 1]) == pytest.approx(81.30, abs=hundredth_deg)


def test_camera_that_looks_down_sees_a_square() -> None:
    # 512 pixels of 0.1 mrad from 1,000 km: 51.2 km.
    outline = footprint_itrs_m(_sight(0, 30, 1e6, geodetic_to_itrs(0, 30), 1e-4))
    extent = np.ptp(degrees_of(outline), axis=0) * math.radians(1) * SEMI_MAJOR_M
    assert extent == pytest.approx([51_200, 51_200], rel=0.01)


def test_camera_that_looks_into_space_sees_nothing() -> None:
    position = geodetic_to_itrs(0, 0, 1e6)
    assert footprint_itrs_m(_sight(0, 0, 1e6, position * 2, 1e-3)).shape == (0, 3)


@pytest.mark.parametrize("away_deg", [0, 10, 20, 27, 35])
def test_outline_holds_exactly_the_places_that_fall_on_the_detector(away_deg: float) -> None:
    # From straight down to across the limb; the twin asks each place of a cloud of them by itself.
    sight = _sight(0, 0, 1e6, geodetic_to_itrs(away_deg, away_deg / 3), 2e-3)
    rng = np.random.default_rng(2)
    latitude, longitude = rng.uniform(-40, 60, 4000), rng.uniform(-50, 60, 4000)
    places = geodetic_to_itrs(latitude, longitude)
    row, column = sight.camera.project((places - sight.position_itrs_m) @ sight.rotation_camera_to_itrs)
    above = elevation_rad(places, sight.position_itrs_m)
    seen = (above > 0) & (np.abs(row - 255.5) < 256) & (np.abs(column - 255.5) < 256)
    projection = EqualArea(0, 0)
    outline = degrees_of(footprint_itrs_m(sight))
    inside = _inside(projection.forward(outline[:, 0], outline[:, 1]), projection.forward(latitude, longitude))
    # Chords between the outline's points cut off a little.
    assert (seen != inside).mean() < 0.002
    assert seen.sum() > 20


def _inside(polygon: Any, points: Any) -> Any:
    """Return which points lie inside, by the sum of angles under which they see the sides."""
    total = np.zeros(len(points))
    for begin, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        a, b = begin - points, end - points
        total += np.arctan2(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], np.sum(a * b, axis=1))
    return np.abs(total) > math.pi


def test_it_is_day_under_the_sun_and_night_opposite() -> None:
    # The June solstice: the sun stands over 23.4 N near the meridian of noon.
    window = Window(EqualArea(0, 90), 0.0, 0.0, 2.1 * DISC_M / 400, 400, 400)
    picture = ground(window, NOON)

    def colour(latitude: float, longitude: float) -> Any:
        x, y = window.to_px(latitude, longitude)
        return picture.getpixel((int(x), int(y)))

    assert colour(23, 2) == DAY
    assert colour(-23, 179) == NIGHT
    # Half past nine in the evening in June: dark at 31 S, and light on the other side of the equator.
    assert colour(-31, 136) == NIGHT
    assert colour(75, 136) == DAY
    assert picture.getpixel((2, 2)) == SPACE


@pytest.mark.parametrize(
    ("value", "letters", "text"),
    [(30, "NS", "30°N"), (-2.5, "NS", "2.5°S"), (0, "NS", "0°"), (-120, "EW", "120°W"), (180, "EW", "180°")],
)
def test_degrees_are_written_as_on_maps(value: float, letters: str, text: str) -> None:
    assert degrees_text(value, letters) == text


def test_scale_bar_has_a_round_length() -> None:
    assert [round_length_m(x) for x in (999, 1000, 2400, 7e5)] == [500, 1000, 2000, 5e5]


def test_line_is_broken_where_the_map_jumps() -> None:
    window = Window(EqualArea(0, 0), 0.0, 0.0, DISC_M / 100, 200, 200)
    line = np.array([[0.0, 0], [1, 0], [math.nan, 0], [5, 0], [6, 0], [190, 0], [191, 0]])
    assert pieces(line, window) == [[(0, 0), (1, 0)], [(5, 0), (6, 0)], [(190, 0), (191, 0)]]


def _scene() -> MapScene:
    times = NOON + np.arange(5, dtype=np.int64) * 100 * NS_PER_S
    path = np.array([[0.0, 0], [2, 0], [4, 0], [6, 0], [8, 0]])
    rocket = MapObject("r", "ballistic", times, path, np.array([True, True, False, False]), (0.0, 0.0))
    track = GroundTrack("sat-1", np.array([[-10.0, 5], [10, 5]]))
    return MapScene((0.0, 0.0), (track,), (rocket,), {"g": (5.0, -5.0)})


def _near(picture: Image.Image, colour: Any) -> Any:
    """Return which pixels have nearly a colour."""
    return np.abs(np.asarray(picture).astype(int) - colour).max(axis=2) < 40


def test_threats_footprints_and_satellites_are_on_the_map() -> None:
    places = np.array([[-12.0, -12], [12, 12]])
    painter = MapPainter(_scene(), places, 400, 400, with_gateways=True)
    sight = _sight(-5, 5, 1e6, geodetic_to_itrs(-5, 5), 5e-4)
    picture = painter.paint({"sat-1": sight}, NOON + 100 * NS_PER_S, title="t")
    assert picture.size == (400, 400)
    assert _near(picture, SATELLITES[0]).sum() > 100
    red = _near(picture, THREATS["ballistic"])[:, 190:210]
    rows = np.flatnonzero(red.any(axis=1))
    # Solid while it burns, to the middle of its way; dotted after.
    assert red.any(axis=1)[rows[0] : 130].mean() < 0.8
    # All but the white rim of the dot where it is.
    assert red.any(axis=1)[150:190].mean() > 0.9
    so_far = painter.paint({}, NOON + 100 * NS_PER_S, so_far=True)
    assert _near(so_far, THREATS["ballistic"])[:120, 190:210].sum() == 0


def test_short_ways_are_shown_in_a_close_up() -> None:
    far = np.array([[-50.0, -50], [50, 50]])
    picture = MapPainter(_scene(), far, 600, 600).paint({}, NOON)
    red = _near(picture, THREATS["ballistic"])
    assert red[400:, :200].sum() > 60
