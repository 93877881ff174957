"""The ellipsoid and ways over it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skyfield.api import wgs84

from services.geometry.ellipsoid import (
    SEMI_MAJOR_M,
    SEMI_MINOR_M,
    east_north_up,
    elevation_rad,
    geodetic_to_itrs,
    itrs_to_geodetic,
    limb_crossing,
    line_clears_earth,
)
from services.geometry.geodesic import geodesic_azimuth_deg, geodesic_destination, geodesic_distance_m

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 179.999999)
heights = st.floats(-1e4, 4e7)


@given(latitudes, longitudes, heights)
def test_geodetic_round_trip(latitude: float, longitude: float, height: float) -> None:
    position = geodetic_to_itrs(latitude, longitude, height)
    back = geodetic_to_itrs(*itrs_to_geodetic(position))
    ten_micrometres = 1e-5
    assert np.linalg.norm(back - position) < ten_micrometres
    assert float(itrs_to_geodetic(position)[2]) == pytest.approx(height, abs=ten_micrometres)


@pytest.mark.parametrize(("latitude", "longitude", "height"), [(-30.9, 136.5, 120.0), (78.2, 15.4, 4.5e5), (90, 0, 0)])
def test_positions_match_skyfield(latitude: float, longitude: float, height: float) -> None:
    expected = wgs84.latlon(latitude, longitude, height).itrs_xyz.m
    assert np.linalg.norm(geodetic_to_itrs(latitude, longitude, height) - expected) < 1e-3


def test_longitude_lies_below_180() -> None:
    assert float(itrs_to_geodetic(np.array([-7e6, 0.0, 0.0]))[1]) == -180.0


def test_arrays_keep_their_shape() -> None:
    positions = geodetic_to_itrs(np.zeros((2, 3)), np.zeros(3), 5.0)
    assert positions.shape == (2, 3, 3)
    assert itrs_to_geodetic(positions)[2].shape == (2, 3)


def test_local_axes_are_east_north_up() -> None:
    axes = east_north_up(30, 40)
    here = geodetic_to_itrs(30, 40, 0)
    assert np.allclose(axes @ (geodetic_to_itrs(30, 40, 100.0) - here), [0, 0, 100])
    north = axes @ (geodetic_to_itrs(30.001, 40, 0.0) - here)
    assert north[1] == pytest.approx(110.85, abs=0.05)
    assert abs(north[0]) < 1e-6
    assert np.allclose(axes @ axes.T, np.eye(3))


def test_ray_straight_down_meets_the_ground_below() -> None:
    position = geodetic_to_itrs(-33, 151, 1e6)
    down = -east_north_up(-33, 151)[2]
    assert np.linalg.norm(limb_crossing(position, down) - geodetic_to_itrs(-33, 151, 0)) < 1e-6
    # A ray meets the grown ellipsoid earlier.
    assert np.linalg.norm(limb_crossing(position, down, 1e4) - geodetic_to_itrs(-33, 151, 1e4)) < 100


def test_ray_above_limb_misses_earth() -> None:
    position = np.array([SEMI_MAJOR_M + 1e6, 0.0, 0.0])
    limb = math.asin(SEMI_MAJOR_M / (SEMI_MAJOR_M + 1e6))
    rays = np.array(
        [
            [-math.cos(limb - 1e-6), math.sin(limb - 1e-6), 0],
            [-math.cos(limb + 1e-6), math.sin(limb + 1e-6), 0],
            [1, 0, 0],
        ]
    )
    crossing = limb_crossing(position, rays)
    assert np.isfinite(crossing[0]).all()
    assert np.isnan(crossing[1:]).all()


def test_crossing_lies_on_the_ellipsoid_at_the_nearer_side() -> None:
    rng = np.random.default_rng(1)
    position = geodetic_to_itrs(50, 10, 8e5)
    targets = geodetic_to_itrs(50 + rng.uniform(-15, 15, 200), 10 + rng.uniform(-15, 15, 200), 0.0)
    los = targets - position
    los /= np.linalg.norm(los, axis=1)[:, None]
    crossing = limb_crossing(position, los)
    assert np.linalg.norm(crossing - targets, axis=1).max() < 1e-5


def test_elevation_is_measured_from_the_geodetic_horizon() -> None:
    site = geodetic_to_itrs(45, 7, 0)
    axes = east_north_up(45, 7)
    targets = site + np.array([axes[2] * 1e5, axes[1] * 1e5, (axes[0] + axes[2]) * 1e5, -axes[2]])
    assert np.degrees(elevation_rad(site, targets)) == pytest.approx([90, 0, 45, -90], abs=1e-7)


def test_line_through_the_earth_is_blocked() -> None:
    high = SEMI_MAJOR_M + 5.5e5
    a = np.array([high, 0, 0])
    # At 550 km two satellites lose sight of each other at 80 km grazing height when 43 degrees apart.
    grazing = 2 * math.degrees(math.acos((SEMI_MAJOR_M + 8e4) / high))
    for apart, clear in ((grazing - 0.01, True), (grazing + 0.01, False), (180, False), (0, True)):
        b = high * np.array([math.cos(math.radians(apart)), math.sin(math.radians(apart)), 0])
        assert bool(line_clears_earth(a, b, 8e4)) is clear
    # Both ends on one side, and the line's continuation is what meets the Earth.
    assert bool(line_clears_earth(a, 2 * a, 0))
    assert not bool(line_clears_earth(a, np.full(3, np.nan), 0))
    before_pole, after_pole = (np.array([0.0, sign * high, SEMI_MINOR_M + 9e4]) for sign in (-1, 1))
    assert bool(line_clears_earth(before_pole, after_pole, 8e4))


def test_distances_match_published_geodesics() -> None:
    one_millimetre = 1e-3
    # T. Vincenty (1975) as Geoscience Australia prints it, Flinders Peak to Buninyong (GRS 80; the same here).
    flinders = (-(37 + 57 / 60 + 3.72030 / 3600), 144 + 25 / 60 + 29.52440 / 3600)
    buninyong = (-(37 + 39 / 60 + 10.15610 / 3600), 143 + 55 / 60 + 35.38390 / 3600)
    assert geodesic_distance_m(*flinders, *buninyong) == pytest.approx(54_972.271, abs=one_millimetre)
    assert geodesic_azimuth_deg(*flinders, *buninyong) == pytest.approx(306 + 52 / 60 + 5.37 / 3600, abs=1e-5)
    # GeographicLib's example of JFK to LHR.
    assert geodesic_distance_m(40.6, -73.8, 51.6, -0.5) == pytest.approx(5_551_759.400, abs=one_millimetre)
    # A quarter of the equator, and a meridian from pole to pole's half (GeographicLib: 10,001,965.729 m).
    assert geodesic_distance_m(0, 0, 0, 90) == pytest.approx(SEMI_MAJOR_M * math.pi / 2, abs=one_millimetre)
    assert geodesic_distance_m(0, 20, 90, 20) == pytest.approx(10_001_965.729, abs=one_millimetre)


def test_points_opposite_each_other_have_a_distance() -> None:
    assert geodesic_distance_m(0, 0, 0.3, 179.9) == pytest.approx(2.0e7, rel=0.01)
    assert geodesic_distance_m(10, 20, 10, 20) == 0


@given(st.floats(-89, 89), longitudes, st.floats(0, 360), st.floats(1, 1.5e7))
def test_destination_is_as_far_as_asked(latitude: float, longitude: float, azimuth: float, distance: float) -> None:
    found = geodesic_destination(latitude, longitude, azimuth, distance)
    assert geodesic_distance_m(latitude, longitude, *found) == pytest.approx(distance, abs=0.01)
